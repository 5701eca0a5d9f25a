// kernels/base/quads.h - four doubles made of four floats as one value: AVX2 where the compiler has it. Host only.
#pragma once

#include <cmath>

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

namespace equipoise {

#if defined(__AVX2__) && defined(__FMA__)

struct Quads {
  static constexpr int kWidth = 4;
  using Raw = __m128;
  static Raw load(const float* p) { return _mm_loadu_ps(p); }
  /// The first `count` floats, four at most, then zeros; what lies past them is not touched.
  static Raw load_first(const float* p, int count) {
    return _mm_maskload_ps(p, _mm_cmpgt_epi32(_mm_set1_epi32(count), _mm_setr_epi32(0, 1, 2, 3)));
  }
  static Quads zero() { return {_mm256_setzero_pd()}; }
  static Quads widen(Raw raw) { return {_mm256_cvtps_pd(raw)}; }
  void store(double* p) const { _mm256_storeu_pd(p, v); }

  __m256d v;
};
/// a * b + c, rounded once per lane.
inline Quads fused(Quads a, Quads b, Quads c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }

#else

struct Quads {
  static constexpr int kWidth = 4;
  struct Raw {
    float v[4];
  };
  static Raw load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
  /// The first `count` floats, four at most, then zeros; what lies past them is not touched.
  static Raw load_first(const float* p, int count) {
    Raw raw{};
    for (int i = 0; i < count && i < 4; ++i) raw.v[i] = p[i];
    return raw;
  }
  static Quads zero() { return {}; }
  static Quads widen(Raw raw) { return {{raw.v[0], raw.v[1], raw.v[2], raw.v[3]}}; }
  void store(double* p) const {
    for (int i = 0; i < 4; ++i) p[i] = v[i];
  }

  double v[4];
};
inline Quads fused(Quads a, Quads b, Quads c) {
  for (int i = 0; i < 4; ++i) c.v[i] = std::fma(a.v[i], b.v[i], c.v[i]);
  return c;
}

#endif

}  // namespace equipoise
