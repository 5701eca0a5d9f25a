// tests/reference/matrix.h - a row-major matrix of doubles and the few plain loops the reference needs on it.
#pragma once

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

namespace equipoise::reference {

/// Row-major [rows, cols]; a bias or any other vector is one row, [1, n].
struct Matrix {
  int rows = 0;
  int cols = 0;
  std::vector<double> values;  // [rows, cols]

  Matrix() = default;
  Matrix(int row_count, int col_count, double fill = 0.0)
      : rows(row_count),
        cols(col_count),
        values(static_cast<std::size_t>(row_count) * static_cast<std::size_t>(col_count), fill) {}
  Matrix(int row_count, int col_count, std::vector<double> entries)
      : rows(row_count), cols(col_count), values(std::move(entries)) {
    if (values.size() != static_cast<std::size_t>(rows) * static_cast<std::size_t>(cols)) {
      throw std::invalid_argument("Matrix: the number of entries is not rows * cols");
    }
  }

  double& at(int r, int c) { return values[index(r, c)]; }
  double at(int r, int c) const { return values[index(r, c)]; }

 private:
  std::size_t index(int r, int c) const {
    return static_cast<std::size_t>(r) * static_cast<std::size_t>(cols) + static_cast<std::size_t>(c);
  }
};

inline void require_same_shape(const Matrix& a, const Matrix& b) {
  if (a.rows != b.rows || a.cols != b.cols) throw std::invalid_argument("Matrix: shapes differ");
}

/// Columns begin .. begin + count - 1 of every row.
inline Matrix columns(const Matrix& m, int begin, int count) {
  Matrix part(m.rows, count);
  for (int r = 0; r < m.rows; ++r) {
    for (int c = 0; c < count; ++c) part.at(r, c) = m.at(r, begin + c);
  }
  return part;
}

/// [a, b]: the columns of a, then those of b.
inline Matrix beside(const Matrix& a, const Matrix& b) {
  if (a.rows != b.rows) throw std::invalid_argument("Matrix: row counts differ");
  Matrix both(a.rows, a.cols + b.cols);
  for (int r = 0; r < a.rows; ++r) {
    for (int c = 0; c < a.cols; ++c) both.at(r, c) = a.at(r, c);
    for (int c = 0; c < b.cols; ++c) both.at(r, a.cols + c) = b.at(r, c);
  }
  return both;
}

/// target += scale * m.
inline void accumulate(Matrix& target, const Matrix& m, double scale = 1.0) {
  require_same_shape(target, m);
  for (std::size_t i = 0; i < m.values.size(); ++i) target.values[i] += scale * m.values[i];
}

/// Columns begin .. begin + m.cols - 1 of target += scale * m.
inline void accumulate_columns(Matrix& target, int begin, const Matrix& m, double scale = 1.0) {
  for (int r = 0; r < m.rows; ++r) {
    for (int c = 0; c < m.cols; ++c) target.at(r, begin + c) += scale * m.at(r, c);
  }
}

inline double max_abs(const Matrix& m) {
  double largest = 0.0;
  for (double v : m.values) largest = std::max(largest, std::fabs(v));
  return largest;
}

inline bool all_finite(const Matrix& m) {
  return std::all_of(m.values.begin(), m.values.end(), [](double v) { return std::isfinite(v); });
}

}  // namespace equipoise::reference
