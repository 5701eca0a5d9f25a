// kernels/base/permutation.h - a keyed permutation of 0..n-1, computed element by element.
#pragma once

#include <cstdint>

#include "kernels/base/fn.h"
#include "kernels/base/philox.h"

// Floor: arithmetic only. Four Philox blocks make a key; an element takes 15 rounds of two 32-bit multiplications,
// walked on average 4^h / n < 4 times.
//
// A shuffle needs no memory and no order of computation: the row at any position of any epoch is a pure function of
// (position, n, seed, replica, epoch). A balanced Feistel network (Luby and Rackoff 1988) permutes the smallest domain
// 4^h >= n; a value outside 0..n-1 is permuted again until it falls inside (cycle walking: Black and Rogaway 2002),
// which keeps the map a bijection of 0..n-1.
//
// The round function is cheap: a key word from Philox is added, two multiply-xorshift steps mix, and the top h bits
// are taken (multipliers: two of the odd ones of xxHash). Four rounds would do for large halves, but halves of one
// to three bits, which small n gives, forget their start only by a factor per round: with a million epochs a test
// of all orders of n = 5 by chi-square rejects 8 and 10 rounds and no longer 11; 15 leave a margin. Rounds on halves
// of two bits or more are even permutations, so that half of all orders of, say, 16 rows could never occur; a key
// bit that exchanges the domain's elements 0 and 1 first mends that.

namespace equipoise {

/// One epoch's permutation of 0..n-1. Make it by make_permutation, then call it with positions.
struct Permutation {
  static constexpr int kRounds = 15;

  uint32_t n;
  uint32_t half_bits;          // h: the network permutes 0..4^h - 1
  uint32_t keys[kRounds + 1];  // one a round; the top bit of the last: exchange the domain's elements 0 and 1 first

  /// The element at `position` < n.
  EQ_FN uint32_t operator()(uint32_t position) const {
    uint32_t value[1] = {position};
    walk(value);
    return value[0];
  }
  /// Positions < n become their elements. They walk in step until the last is inside, so that they fill vectors.
  template <int Count>
  EQ_FN void walk(uint32_t (&value)[Count]) const {
    bool outside = true;
    for (bool first = true; outside; first = false) {
      uint32_t next[Count];
      network(value, next);
      outside = false;
      for (int i = 0; i < Count; ++i) {
        value[i] = first || value[i] >= n ? next[i] : value[i];
        outside |= value[i] >= n;
      }
    }
  }
  /// Once through the network, which permutes the domain.
  template <int Count>
  EQ_FN void network(const uint32_t (&from)[Count], uint32_t (&to)[Count]) const {
    const uint32_t mask = (uint32_t{1} << half_bits) - 1u;
    const uint32_t exchange = keys[kRounds] >> 31;
    uint32_t left[Count], right[Count];
    for (int i = 0; i < Count; ++i) {
      const uint32_t value = from[i] ^ (from[i] < 2u ? exchange : 0u);
      left[i] = value >> half_bits;
      right[i] = value & mask;
    }
    EQ_UNROLL
    for (int round = 0; round < kRounds; ++round) {
      EQ_VECTOR
      for (int i = 0; i < Count; ++i) {
        uint32_t x = right[i] + keys[round];
        x = (x ^ (x >> 16)) * 0x9E3779B1u;
        x = (x ^ (x >> 15)) * 0x85EBCA77u;
        const uint32_t mixed = left[i] ^ (x >> (32u - half_bits));
        left[i] = right[i];
        right[i] = mixed;
      }
    }
    for (int i = 0; i < Count; ++i) to[i] = (left[i] << half_bits) | right[i];
  }
};

/// The permutation of 0..n-1 (1 <= n < 2^31) of an epoch: a pure function of its arguments.
EQ_FN Permutation make_permutation(uint32_t n, uint64_t seed, uint32_t replica, uint32_t epoch) {
  Permutation p;
  p.n = n;
  p.half_bits = 1;
  while ((uint64_t{1} << (2u * p.half_bits)) < n) ++p.half_bits;
  const DrawKey key{seed, replica, epoch, static_cast<uint32_t>(Purpose::shuffle)};
  for (uint32_t block = 0; block < (Permutation::kRounds + 1) / 4; ++block) {
    const PhiloxBlock words = draw(key, block);
    for (uint32_t lane = 0; lane < 4; ++lane) p.keys[4 * block + lane] = words.v[lane];
  }
  return p;
}

}  // namespace equipoise
