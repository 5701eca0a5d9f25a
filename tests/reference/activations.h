// tests/reference/activations.h - elementwise activations and the row-wise softmax, with their derivatives.
#pragma once

#include <string>

#include "tests/reference/matrix.h"

namespace equipoise::reference {

enum class Activation { identity, relu, tanh, sigmoid };

/// Throws std::invalid_argument for a name that is none of the four.
inline Activation activation_named(const std::string& name) {
  if (name == "identity") return Activation::identity;
  if (name == "relu") return Activation::relu;
  if (name == "tanh") return Activation::tanh;
  if (name == "sigmoid") return Activation::sigmoid;
  throw std::invalid_argument("no activation is called '" + name + "'");
}

inline double activate(Activation kind, double x) {
  switch (kind) {
    case Activation::relu:
      return x > 0.0 ? x : 0.0;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case Activation::identity:
      break;
  }
  return x;
}

/// The derivative at x; relu's at 0 is 0, as in PyTorch.
inline double activation_slope(Activation kind, double x) {
  const double y = activate(kind, x);
  switch (kind) {
    case Activation::relu:
      return x > 0.0 ? 1.0 : 0.0;
    case Activation::tanh:
      return 1.0 - y * y;
    case Activation::sigmoid:
      return y * (1.0 - y);
    case Activation::identity:
      break;
  }
  return 1.0;
}

inline Matrix activate(Activation kind, const Matrix& x) {
  Matrix y = x;
  for (double& v : y.values) v = activate(kind, v);
  return y;
}

/// dx from the input x of the activation and dy, both [rows, cols].
inline Matrix activation_backward(Activation kind, const Matrix& x, const Matrix& dy) {
  require_same_shape(x, dy);
  Matrix dx = dy;
  for (std::size_t i = 0; i < dx.values.size(); ++i) dx.values[i] *= activation_slope(kind, x.values[i]);
  return dx;
}

/// exp(x) / sum exp(x) along each row; the row's largest entry is subtracted first so that nothing overflows.
inline Matrix softmax(const Matrix& x) {
  Matrix y = x;
  for (int r = 0; r < x.rows; ++r) {
    double largest = x.at(r, 0);
    for (int c = 1; c < x.cols; ++c) largest = std::max(largest, x.at(r, c));
    double sum = 0.0;
    for (int c = 0; c < x.cols; ++c) sum += y.at(r, c) = std::exp(x.at(r, c) - largest);
    for (int c = 0; c < x.cols; ++c) y.at(r, c) /= sum;
  }
  return y;
}

/// dx_c = y_c (dy_c - sum_k y_k dy_k), from y = softmax(x) and dy.
inline Matrix softmax_backward(const Matrix& y, const Matrix& dy) {
  require_same_shape(y, dy);
  Matrix dx(y.rows, y.cols);
  for (int r = 0; r < y.rows; ++r) {
    double mean = 0.0;
    for (int c = 0; c < y.cols; ++c) mean += y.at(r, c) * dy.at(r, c);
    for (int c = 0; c < y.cols; ++c) dx.at(r, c) = y.at(r, c) * (dy.at(r, c) - mean);
  }
  return dx;
}

}  // namespace equipoise::reference
