// tests/reference/linear.h - the affine map y = x Wᵀ + b and its derivatives.
#pragma once

#include "tests/reference/matrix.h"

namespace equipoise::reference {

/// x [batch, in], weight [out, in], bias [1, out] -> [batch, out].
inline Matrix linear(const Matrix& x, const Matrix& weight, const Matrix& bias) {
  if (x.cols != weight.cols || bias.rows != 1 || bias.cols != weight.rows) {
    throw std::invalid_argument("linear: the shapes of x, weight and bias do not fit together");
  }
  Matrix y(x.rows, weight.rows);
  for (int b = 0; b < x.rows; ++b) {
    for (int o = 0; o < weight.rows; ++o) {
      double sum = bias.at(0, o);
      for (int i = 0; i < x.cols; ++i) sum += x.at(b, i) * weight.at(o, i);
      y.at(b, o) = sum;
    }
  }
  return y;
}

struct LinearGradient {
  Matrix x;       // [batch, in]
  Matrix weight;  // [out, in]
  Matrix bias;    // [1, out]
};

/// The derivatives of a scalar by x, weight and bias, from dy [batch, out], its derivative by y.
inline LinearGradient linear_backward(const Matrix& x, const Matrix& weight, const Matrix& dy) {
  LinearGradient d{Matrix(x.rows, x.cols), Matrix(weight.rows, weight.cols), Matrix(1, weight.rows)};
  for (int b = 0; b < x.rows; ++b) {
    for (int o = 0; o < weight.rows; ++o) {
      d.bias.at(0, o) += dy.at(b, o);
      for (int i = 0; i < x.cols; ++i) {
        d.x.at(b, i) += dy.at(b, o) * weight.at(o, i);
        d.weight.at(o, i) += dy.at(b, o) * x.at(b, i);
      }
    }
  }
  return d;
}

}  // namespace equipoise::reference
