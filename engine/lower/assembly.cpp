// engine/lower/assembly.cpp - buffers and accesses.
#include "engine/lower/assembly.h"

#include <algorithm>
#include <utility>

namespace equipoise {

namespace {
constexpr int kAny = 1 << 30;  // a buffer that is no matrix is cut into parts by numbers of its owner's choosing
}

bool overlap(const Access& a, const Access& b) {
  return a.buffer == b.buffer && a.block_begin < b.block_end && b.block_begin < a.block_end &&
         a.col_begin < b.col_end && b.col_begin < a.col_end;
}

int Assembly::push(Buffer buffer) {
  buffers_.push_back(std::move(buffer));
  return static_cast<int>(buffers_.size()) - 1;
}

int Assembly::matrix(std::string name, int blocks, int cols) {
  const int stride = row_stride(cols);
  return push({std::move(name), int64_t{blocks} * batch_ * stride, blocks, cols, stride, -1});
}
int Assembly::doubles(std::string name, int64_t count) { return push({std::move(name), 2 * count, 1, kAny, 1, -1}); }
int Assembly::ints(std::string name, int64_t count) { return push({std::move(name), count, 1, kAny, 1, -1}); }
int Assembly::floats(std::string name, int64_t count) { return push({std::move(name), count, 1, kAny, 1, -1}); }
int Assembly::token(std::string name) { return push({std::move(name), 0, 1, kAny, 1, -1}); }
int Assembly::state(std::string name, int64_t count, int64_t offset) {
  return push({std::move(name), count, 1, kAny, 1, offset});
}

bool conflict(const PendingOperation& early, const PendingOperation& late) {
  const auto any = [](const std::vector<Access>& a, const std::vector<Access>& b) {
    for (const Access& x : a)
      for (const Access& y : b)
        if (overlap(x, y)) return true;
    return false;
  };
  return late.last || any(early.writes, late.reads) || any(early.writes, late.writes) || any(early.reads, late.writes);
}

Access Assembly::whole(int buffer) const { return {buffer, 0, buffers_[buffer].blocks, 0, buffers_[buffer].cols}; }
Access Assembly::part(int buffer, int block, int blocks, int col, int cols) const {
  return {buffer, block, block + blocks, col, col + cols};
}

View Assembly::view(const Locator& at, const Access& a) const {
  Place place = at.place(a.buffer);
  place.offset += a.col_begin;
  return {place, buffers_[a.buffer].stride, a.col_end - a.col_begin, a.block_begin, a.block_end - a.block_begin};
}

void Assembly::allow_replacing(int buffer, int with) {
  const Buffer &a = buffers_[static_cast<std::size_t>(buffer)], &b = buffers_[static_cast<std::size_t>(with)];
  if (a.blocks != b.blocks || a.cols != b.cols || a.stride != b.stride || a.state_offset >= 0) return;
  operations_.back().replaced = buffer;
  operations_.back().replacing = with;
}

void Assembly::add_last(std::function<Operation(const Locator&)> make) {
  operations_.push_back({{}, {}, std::move(make), true});
}

std::vector<PendingOperation> Assembly::take_dependents(const std::vector<int>& buffers) {
  std::vector<PendingOperation> kept, taken;
  for (PendingOperation& o : operations_) {
    bool waits = false;
    for (const Access& r : o.reads)
      waits = waits || std::find(buffers.begin(), buffers.end(), r.buffer) != buffers.end();
    for (const PendingOperation& t : taken) waits = waits || conflict(t, o);
    (waits ? taken : kept).push_back(std::move(o));
  }
  operations_ = std::move(kept);
  return taken;
}

void Assembly::append(std::vector<PendingOperation> operations) {
  for (PendingOperation& o : operations) operations_.push_back(std::move(o));
}

void Assembly::add(std::vector<Access> reads, std::vector<Access> writes,
                   std::function<Operation(const Locator&)> make) {
  operations_.push_back({std::move(reads), std::move(writes), std::move(make), false});
}

}  // namespace equipoise
