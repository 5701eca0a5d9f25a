// tests/reference/finite_difference.h - derivatives by central differences, and how close a formula must come to them.
#pragma once

#include <sstream>
#include <string>

#include "tests/reference/matrix.h"

namespace equipoise::reference {

inline constexpr double kDifferenceStep = 1e-5;

/// The derivative of scalar(at) by every entry of `at`.
template <class Scalar>
Matrix central_difference(Matrix at, Scalar scalar) {
  Matrix derivative(at.rows, at.cols);
  for (std::size_t i = 0; i < at.values.size(); ++i) {
    const double middle = at.values[i];
    at.values[i] = middle + kDifferenceStep;
    const double above = scalar(at);
    at.values[i] = middle - kDifferenceStep;
    const double below = scalar(at);
    at.values[i] = middle;
    derivative.values[i] = (above - below) / (2.0 * kDifferenceStep);
  }
  return derivative;
}

/// Empty where each entry of the formula is within 1e-7 of the tensor's largest entry plus 1e-10 of `scale`, the size
/// of the scalar; else the first entry that is not, with both values. With the step h the truncation is about h² =
/// 1e-10 of a third derivative and rounding about eps / h = 2e-11 of the scalar.
inline std::string mismatch(const Matrix& formula, const Matrix& difference, double scale) {
  require_same_shape(formula, difference);
  const double tolerance = 1e-7 * max_abs(difference) + 1e-10 * std::fabs(scale);
  for (int r = 0; r < formula.rows; ++r) {
    for (int c = 0; c < formula.cols; ++c) {
      if (std::fabs(formula.at(r, c) - difference.at(r, c)) <= tolerance) continue;
      std::ostringstream text;
      text.precision(17);
      text << "[" << r << ", " << c << "]: formula " << formula.at(r, c) << ", difference " << difference.at(r, c)
           << ", tolerance " << tolerance;
      return text.str();
    }
  }
  return {};
}

/// sum a_ij b_ij: turns a matrix-valued function into a scalar one whose derivative by a is b.
inline double weighted_sum(const Matrix& a, const Matrix& b) {
  require_same_shape(a, b);
  double sum = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

}  // namespace equipoise::reference
