// kernels/base/fours.h - how a GPU's thread walks a flat array whose elements have nothing to do with each other: by
// four neighbours, one 128-bit access each, so that all loads of a unit are under way before its first store.
//
// A unit has the 16 elements of a row of 256 that would be one lane's, but other ones: unit `lane` takes elements
// 4 lane .. 4 lane + 3 and those 64, 128 and 192 further. Neighbouring threads then read neighbouring 16 bytes.
#pragma once

#include "kernels/base/slots.h"

namespace equipoise {

inline constexpr int kFour = 4;   ///< floats of a 128-bit access
inline constexpr int kFours = 4;  ///< of them a unit
inline constexpr int kFoursApart = kRowLanes * kFour;

/// Of a place in floats from somewhere that 16 divides.
EQ_FN constexpr bool aligned_for_fours(int place) { return place % kFour == 0; }

/// Four neighbours from `from` on, which is aligned.
EQ_FN void load_four(const float* from, float* to) {
  __builtin_memcpy(to, __builtin_assume_aligned(from, 16), kFour * sizeof(float));
}
EQ_FN void store_four(float* to, const float* from) {
  float* const aligned = static_cast<float*>(__builtin_assume_aligned(to, 16));
  __builtin_memcpy(aligned, from, kFour * sizeof(float));
}

/// f(four, element of it) for all 16 elements of a unit.
template <class F>
EQ_FN void each_of_fours(F&& f) {
  EQ_UNROLL
  for (int four = 0; four < kFours; ++four) {
    EQ_UNROLL
    for (int i = 0; i < kFour; ++i) f(four, i);
  }
}

/// First element of a unit's first four.
EQ_FN constexpr int first_four(int row, int lane) { return row * kFlatRow + lane * kFour; }

/// x[f] = the unit's four number f of `from`, where the array has it; its end is a multiple of four.
EQ_FN void load_fours(const float* from, int first, int end, float (&x)[kFours][kFour]) {
  EQ_UNROLL
  for (int f = 0; f < kFours; ++f) {
    EQ_UNROLL
    for (int i = 0; i < kFour; ++i) x[f][i] = 0.0f;
    if (first + f * kFoursApart < end) load_four(from + first + f * kFoursApart, x[f]);
  }
}
EQ_FN void store_fours(float* to, int first, int end, const float (&x)[kFours][kFour]) {
  EQ_UNROLL
  for (int f = 0; f < kFours; ++f)
    if (first + f * kFoursApart < end) store_four(to + first + f * kFoursApart, x[f]);
}

}  // namespace equipoise
