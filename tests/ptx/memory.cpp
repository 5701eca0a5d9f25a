// tests/ptx/memory.cpp - buffers of the machine.
#include "tests/ptx/memory.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace equipoise::ptx {

namespace {

constexpr uint64_t kGap = uint64_t{1} << 24;  // an index gone wrong lands in it rather than in the next buffer
constexpr std::byte kFresh{0xFF};             // four of them are a NaN

}  // namespace

void Readers::restart(Mask who, Time now) {
  lanes[0] = who, time[0] = now;
  lanes[1] = lanes[2] = 0;
}
void Readers::add(Mask who, Time now) {
  if (time[0] != now && (lanes[0] & ~who) != 0) {
    if (lanes[2] == 0 || time[1] > time[2]) time[2] = time[1];
    lanes[2] |= lanes[1];
    lanes[1] = lanes[0], time[1] = time[0];
    lanes[0] = 0;
  }
  lanes[0] |= who, time[0] = now;
  lanes[1] &= ~who;
  lanes[2] &= ~who;
}

Region::Region(std::string what, uint64_t address, std::size_t size)
    : name(std::move(what)),
      base(address),
      bytes(size, kFresh),
      written(size, 0),
      pages(size / (4 * Page::kWords) + 1),
      settled(size / 4 + 4, 0) {}

uint64_t Memory::allocate(const std::string& name, std::size_t bytes) {
  const uint64_t address = next_;
  next_ += (bytes + 255) / 256 * 256 + kGap;
  regions_[address] = std::make_unique<Region>(name, address, bytes);
  return address;
}

void Memory::release(uint64_t address) { regions_.erase(address); }
void Memory::add(std::unique_ptr<Region> region) {
  const uint64_t base = region->base;
  regions_[base] = std::move(region);
}

Region* Memory::find(uint64_t address) {
  auto after = regions_.upper_bound(address);
  if (after == regions_.begin()) return nullptr;
  Region* const region = std::prev(after)->second.get();
  return address - region->base < region->size() ? region : nullptr;
}

std::string Memory::nearest(uint64_t address) const {
  auto after = regions_.upper_bound(address);
  std::string text = "in no buffer";
  if (after != regions_.begin()) {
    const Region& before = *std::prev(after)->second;
    text = std::to_string(address - before.base - before.size()) + " bytes past the end of " + before.name + " (" +
           std::to_string(before.size()) + " bytes)";
    if (after == regions_.end() || address - before.base - before.size() <= after->first - address) return text;
  }
  if (after != regions_.end()) text = std::to_string(after->first - address) + " bytes before " + after->second->name;
  return text;
}

void Memory::write(uint64_t address, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  Region* const region = find(address);
  if (!region || bytes > region->size() - (address - region->base))
    throw std::out_of_range("a copy past the end of device memory");
  std::memcpy(region->bytes.data() + (address - region->base), from, bytes);
  std::fill_n(region->written.begin() + static_cast<std::ptrdiff_t>(address - region->base), bytes, uint8_t{1});
}

void Memory::read(uint64_t address, void* to, std::size_t bytes) {
  if (bytes == 0) return;
  Region* const region = find(address);
  if (!region || bytes > region->size() - (address - region->base))
    throw std::out_of_range("a copy past the end of device memory");
  std::memcpy(to, region->bytes.data() + (address - region->base), bytes);
}

void Memory::forget(uint64_t address, std::size_t bytes) {
  if (bytes == 0) return;
  Region* const region = find(address);
  if (!region || bytes > region->size() - (address - region->base))
    throw std::out_of_range("scratch past the end of device memory");
  std::fill_n(region->written.begin() + static_cast<std::ptrdiff_t>(address - region->base), bytes, uint8_t{0});
}

void Memory::truncate(uint64_t address, std::size_t bytes) {
  Region* const region = find(address);
  if (!region || bytes > region->size()) throw std::out_of_range("a buffer is shorter than what is taken from it");
  region->bytes.resize(region->size() - bytes);
}

void Memory::name(uint64_t address, const std::string& name) {
  if (Region* const region = find(address)) region->name = name;
}

}  // namespace equipoise::ptx
