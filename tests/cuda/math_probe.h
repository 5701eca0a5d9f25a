// tests/cuda/math_probe.h - the functions whose bits must be the same on host and device, by number.
#pragma once

#include <vector>

#include "kernels/base/permutation.h"
#include "kernels/base/philox.h"
#include "kernels/base/strict_math.h"
#include "tests/kernels/base/strict_cosine.h"

// X(name, expression of float x and float y)
#define EQ_FLOAT_FUNCTIONS(X)   \
  X(exp, strict_exp(x))         \
  X(log, strict_log(x))         \
  X(tanh, strict_tanh(x))       \
  X(sigmoid, strict_sigmoid(x)) \
  X(sin_2pi, strict_sin_2pi(x)) \
  X(cos_2pi, strict_cos_2pi(x)) \
  X(sin, strict_sin(x))         \
  X(cos, test::strict_cos(x))   \
  X(pow, strict_pow(x, y))      \
  X(square_root, sqrtf(x))      \
  X(quotient, x / y)            \
  X(fused, fmaf(x, y, y))

// X(name, expression of double x and double y)
#define EQ_DOUBLE_FUNCTIONS(X)     \
  X(double_exp, strict_exp(x))     \
  X(double_log, strict_log(x))     \
  X(double_expm1, strict_expm1(x)) \
  X(double_log1p, strict_log1p(x)) \
  X(double_pow, strict_pow(x, y))  \
  X(double_square_root, sqrt(x))   \
  X(double_quotient, x / y)        \
  X(narrowed, double(static_cast<float>(x)))

namespace equipoise::test {

enum class FloatFunction {
#define EQ_NAME(name, expression) name,
  EQ_FLOAT_FUNCTIONS(EQ_NAME)
#undef EQ_NAME
};
enum class DoubleFunction {
#define EQ_NAME(name, expression) name,
  EQ_DOUBLE_FUNCTIONS(EQ_NAME)
#undef EQ_NAME
};

/// out[i] = f(x[i], y[i]) on device 0.
std::vector<float> on_device(FloatFunction f, const std::vector<float>& x, const std::vector<float>& y);
std::vector<double> on_device(DoubleFunction f, const std::vector<double>& x, const std::vector<double>& y);
/// Four normals of each of `blocks` Philox blocks; the shuffle of 0..n-1 by the same key.
std::vector<float> normals_on_device(const DrawKey& key, int blocks);
std::vector<uint32_t> permutation_on_device(const DrawKey& key, uint32_t n);

/// Words of the same Philox blocks, as our draw makes them on the device and as cuRAND's device library does.
struct RandomWords {
  std::vector<uint32_t> ours, curands;  ///< [4 blocks] each
};
RandomWords random_words_on_device(const DrawKey& key, int blocks);

EQ_FN float apply(FloatFunction f, float x, [[maybe_unused]] float y) {
  switch (f) {
#define EQ_CASE(name, expression) \
  case FloatFunction::name:       \
    return expression;
    EQ_FLOAT_FUNCTIONS(EQ_CASE)
#undef EQ_CASE
  }
  return 0.0f;
}
EQ_FN double apply(DoubleFunction f, double x, [[maybe_unused]] double y) {
  switch (f) {
#define EQ_CASE(name, expression) \
  case DoubleFunction::name:      \
    return expression;
    EQ_DOUBLE_FUNCTIONS(EQ_CASE)
#undef EQ_CASE
  }
  return 0.0;
}

}  // namespace equipoise::test
