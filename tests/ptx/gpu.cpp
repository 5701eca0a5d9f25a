// tests/ptx/gpu.cpp - the machine as a device: memory that the host copies to and from, and the modules.
#include "tests/ptx/gpu.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "kernels/run/device.h"

namespace equipoise::ptx {

namespace {

Order order_named(const std::string& name) {
  if (name == "forward") return {};
  if (name == "reversed") return {Order::Kind::reversed, 0};
  if (name.starts_with("random:")) return {Order::Kind::random, std::stoull(name.substr(7))};
  throw std::invalid_argument("EQUIPOISE_PTX_ORDER is forward, reversed or random:SEED, not '" + name + "'");
}

}  // namespace

Machine& gpu() {
  static Machine machine;
  static const bool ordered = [] {
    if (const char* order = std::getenv("EQUIPOISE_PTX_ORDER")) machine.order = order_named(order);
    return true;
  }();
  static_cast<void>(ordered);
  return machine;
}

std::function<void(const Launch&, LaunchShape&)>& planted() {
  static std::function<void(const Launch&, LaunchShape&)> now;
  return now;
}

const Module*& made_module() {
  static const Module* last = nullptr;
  return last;
}

std::string& interpreter_module() {
  const char* const other = std::getenv("EQUIPOISE_PTX_INTERPRETER");
  static std::string name = other ? other : "interpreter";
  return name;
}

std::recursive_mutex& gpu_busy() {
  static std::recursive_mutex busy;
  return busy;
}

Module read_module_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  try {
    return read_module(text.str());
  } catch (const std::runtime_error& e) {
    throw std::runtime_error(path + ": " + e.what());
  }
}

Module& gpu_module(const std::string& name) {
  static std::map<std::string, Module> modules;
  const auto known = modules.find(name);
  if (known != modules.end()) return known->second;
  const char* folder = std::getenv("EQUIPOISE_PTX");
  if (!folder) throw std::runtime_error("EQUIPOISE_PTX names no folder of PTX modules");
  Module& module = modules[name] = read_module_file(std::string(folder) + "/" + name + ".ptx");
  gpu().load(module);
  return module;
}

}  // namespace equipoise::ptx

namespace equipoise {

namespace {

/// Throughout, a device's address as the host's pointers are: never followed by the host.
uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

}  // namespace

DeviceReport device_report(bool) {
  DeviceReport report;
  DeviceInfo info;
  info.name = "PTX machine";
  info.compute_major = 9;
  info.multiprocessors = 2;
  info.memory = info.free_memory = device_free_memory(0);
  info.shared_per_block_optin = 227 * 1024;
  report.devices.push_back(info);
  report.architectures = "PTX";
  return report;
}

size_t device_free_memory(int) { return size_t{1} << 30; }

DeviceMemory::DeviceMemory(int device, size_t bytes) : bytes_(bytes), device_(device) {
  const std::lock_guard alone(ptx::gpu_busy());
  if (bytes > 0) data_ = reinterpret_cast<void*>(ptx::gpu().memory.allocate("a buffer", bytes));
}
DeviceMemory::~DeviceMemory() { release(); }
void DeviceMemory::release() noexcept {
  const std::lock_guard alone(ptx::gpu_busy());
  if (data_) ptx::gpu().memory.release(address_of(data_));
  data_ = nullptr;
  bytes_ = 0;
}
void DeviceMemory::upload(const void* from, size_t bytes, size_t offset) {
  if (offset > bytes_ || bytes > bytes_ - offset) throw std::out_of_range("upload past the end of device memory");
  const std::lock_guard alone(ptx::gpu_busy());
  ptx::gpu().memory.write(address_of(data_) + offset, from, bytes);
}
void DeviceMemory::download(void* to, size_t bytes, size_t offset) const {
  if (offset > bytes_ || bytes > bytes_ - offset) throw std::out_of_range("download past the end of device memory");
  const std::lock_guard alone(ptx::gpu_busy());
  ptx::gpu().memory.read(address_of(data_) + offset, to, bytes);
}
void DeviceMemory::clear(size_t bytes) {
  if (bytes > bytes_) throw std::out_of_range("clearing past the end of device memory");
  const std::vector<std::byte> zeros(bytes);
  const std::lock_guard alone(ptx::gpu_busy());
  ptx::gpu().memory.write(address_of(data_), zeros.data(), bytes);
}

PinnedMemory::PinnedMemory(int, size_t bytes) : data_(std::malloc(bytes), std::free), bytes_(bytes) {}

}  // namespace equipoise
