// kernels/base/philox.h - counter-based random numbers: Philox 4x32-10, uniform and normal draws.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/base/fn.h"
#include "kernels/base/strict_math.h"

// Floor: 20 wide multiplications per block of four words, no memory; four normals add two logarithms, two square roots
// and two sine-cosine pairs.
//
// A draw is a pure function of (seed, replica, step, purpose, element): nothing is carried from draw to draw, so any
// team, wave or resumed run sees the same numbers. Element i of a draw is word i % 4 of block i / 4.
//
// Philox: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).

namespace equipoise {

struct PhiloxCounter {
  uint32_t v[4];
};

struct PhiloxKey {
  uint32_t v[2];
};

/// Four random words.
struct PhiloxBlock {
  uint32_t v[4];
};

/// What a draw is for; draws of different purposes are independent.
enum class Purpose : uint32_t {
  init = 1,
  noise = 2,
  shuffle = 3,
  dropout = 4,
  split = 5,
  bootstrap = 6,
  order = 7,
  random_weights = 8,
  graddrop = 9,
  setting = 10
};

/// A purpose that several draws of a step share, told apart by a number below 2^24.
EQ_FN uint32_t purpose_of(Purpose purpose, int stream) {
  return static_cast<uint32_t>(purpose) | static_cast<uint32_t>(stream) << 8;
}

/// Names one draw of up to 2^34 elements; `replica` is the logical number, `purpose` a Purpose.
struct DrawKey {
  uint64_t seed;
  uint32_t replica;
  uint32_t step;
  uint32_t purpose;
};

/// Philox 4x32 with ten rounds.
EQ_FN PhiloxBlock philox(PhiloxCounter counter, PhiloxKey key) {
  uint32_t c0 = counter.v[0], c1 = counter.v[1], c2 = counter.v[2], c3 = counter.v[3];
  uint32_t k0 = key.v[0], k1 = key.v[1];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c0;
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// Block `block` of a draw: elements 4 block .. 4 block + 3.
EQ_FN PhiloxBlock draw(const DrawKey& key, uint32_t block) {
  return philox({{block, key.step, key.replica, key.purpose}},
                {{static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)}});
}

/// Uniform on the multiples of 2^-24 in [0, 1).
EQ_FN float uniform01(uint32_t word) { return static_cast<float>(static_cast<int32_t>(word >> 8)) * 0x1p-24f; }

/// Uniform on the odd multiples of 2^-24 in (0, 1): symmetric about 1/2, never 0 or 1.
EQ_FN float uniform_open(uint32_t word) {
  return (static_cast<float>(static_cast<int32_t>(word >> 9)) + 0.5f) * 0x1p-23f;
}

struct NormalPair {
  float v[2];
};

/// Two independent standard normals from two words (Box and Muller 1958), at most 6.66 in size.
EQ_FN NormalPair box_muller(uint32_t radius_word, uint32_t angle_word) {
  // 31 bits for the radius carry the tail to sqrt(2 * 32 ln 2), where 24 would end it at 5.77; through int32, since
  // the conversion of unsigned words is no single instruction before AVX-512.
  const float u = fmaf(static_cast<float>(static_cast<int32_t>(radius_word >> 1)), 0x1p-31f, 0x1p-32f);
  const float radius = sqrtf(-2.0f * strict_log(u));
  const float turns = uniform01(angle_word);
  return {{radius * strict_cos_2pi(turns), radius * strict_sin_2pi(turns)}};
}

/// Four independent standard normals from one block.
EQ_FN void normals(PhiloxBlock block, float out[4]) {  // out: [4], overwritten
  const NormalPair first = box_muller(block.v[0], block.v[1]);
  const NormalPair second = box_muller(block.v[2], block.v[3]);
  out[0] = first.v[0];
  out[1] = first.v[1];
  out[2] = second.v[0];
  out[3] = second.v[1];
}

}  // namespace equipoise
