// tests/ptx/lanes.h - registers of a warp's lanes, and loops over them that a compiler turns into vectors.
#pragma once

#include <cstring>
#include <type_traits>

#include "kernels/base/fn.h"
#include "tests/ptx/warp.h"

namespace equipoise::ptx {

/// How a register holds a T: 4 bytes a lane, or 8; smaller numbers in the low bytes of 4.
template <class T>
struct Lane {
  using Held = std::conditional_t<sizeof(T) == 4 || sizeof(T) == 8, T, uint32_t>;
  typedef Held __attribute__((may_alias)) Type;
};
template <class T>
using LaneOf = typename Lane<T>::Type;

template <class T>
const LaneOf<T>* lanes_in(const Warp& w, Operand o) {
  return reinterpret_cast<const LaneOf<T>*>((o.constant ? w.constants : w.registers) +
                                            static_cast<std::size_t>(o.slot) * kSlotBytes);
}
template <class T>
LaneOf<T>* lanes_out(Warp& w, Operand o) {
  return reinterpret_cast<LaneOf<T>*>(w.registers + static_cast<std::size_t>(o.slot) * kSlotBytes);
}
/// A predicate is a mask in its first word.
inline Mask predicate(const Warp& w, Operand o) {
  Mask mask;
  std::memcpy(&mask, (o.constant ? w.constants : w.registers) + static_cast<std::size_t>(o.slot) * kSlotBytes,
              sizeof mask);
  return mask;
}
inline void set_predicate(Warp& w, Operand o, Mask mask) {
  std::byte* const at = w.registers + static_cast<std::size_t>(o.slot) * kSlotBytes;
  Mask before;
  std::memcpy(&before, at, sizeof before);
  before = (before & ~w.mask) | (mask & w.mask);
  std::memcpy(at, &before, sizeof before);
}

/// to[lane] = f(lane) in the lanes that run.
template <class T, class F>
inline void each_lane(Warp& w, Operand to, F&& f) {
  LaneOf<T>* const out = lanes_out<T>(w, to);
  if (w.mask == kAllLanes) {
    EQ_IVDEP
    for (int l = 0; l < kLanes; ++l) out[l] = static_cast<LaneOf<T>>(f(l));
  } else {
    for (int l = 0; l < kLanes; ++l) {
      const LaneOf<T> value = static_cast<LaneOf<T>>(f(l));
      out[l] = w.active[l] ? value : out[l];
    }
  }
}

/// The mask of the lanes for which f holds.
template <class F>
inline Mask mask_of(F&& f) {
  alignas(kLanes) uint8_t holds[kLanes];
  EQ_IVDEP
  for (int l = 0; l < kLanes; ++l) holds[l] = f(l) ? 1 : 0;
  Mask mask = 0;
  for (int l = 0; l < kLanes; l += 8) {
    uint64_t eight;
    std::memcpy(&eight, holds + l, sizeof eight);
    mask |= static_cast<Mask>(eight * 0x0102040810204080u >> 56) << l;  // gathers the low bits of eight bytes
  }
  return mask;
}

/// Calls f(lane) for each lane of a mask, rising.
template <class F>
inline void for_lanes(Mask mask, F&& f) {
  for (; mask; mask &= mask - 1) f(__builtin_ctz(mask));
}

}  // namespace equipoise::ptx
