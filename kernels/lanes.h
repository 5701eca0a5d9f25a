// kernels/lanes.h - eight floats as one value: AVX2 where the compiler has it, a plain array elsewhere. Host only.
#pragma once

#include <cmath>

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

namespace equipoise {

#if defined(__AVX2__) && defined(__FMA__)

struct Lanes {
  __m256 v;
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Lanes broadcast(float x) { return {_mm256_set1_ps(x)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
};
/// a * b + c, rounded once per lane.
inline Lanes fused(Lanes a, Lanes b, Lanes c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }

#else

struct Lanes {
  float v[8];
  static Lanes load(const float* p) {
    Lanes r;
    for (int i = 0; i < 8; ++i) r.v[i] = p[i];
    return r;
  }
  static Lanes broadcast(float x) {
    Lanes r;
    for (float& lane : r.v) lane = x;
    return r;
  }
  void store(float* p) const {
    for (int i = 0; i < 8; ++i) p[i] = v[i];
  }
};
inline Lanes fused(Lanes a, Lanes b, Lanes c) {
  for (int i = 0; i < 8; ++i) c.v[i] = std::fma(a.v[i], b.v[i], c.v[i]);
  return c;
}

#endif

}  // namespace equipoise
