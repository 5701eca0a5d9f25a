// bench/ops/line_aligned.h - floats that begin at a cache line, as the executor's scratch does.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace equipoise::bench {

template <class T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <class Other>
  LineAllocator(const LineAllocator<Other>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* memory, std::size_t) { ::operator delete (memory, std::align_val_t{64}); }
  friend bool operator==(LineAllocator, LineAllocator) { return true; }
};

using LineAlignedFloats = std::vector<float, LineAllocator<float>>;

}  // namespace equipoise::bench
