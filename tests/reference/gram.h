// tests/reference/gram.h - norms and inner products of task gradients laid end to end.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/reference/matrix.h"

namespace equipoise::reference {

using GradientByName = std::map<std::string, Matrix>;

/// The named tensors end to end, in the order given.
inline std::vector<double> concatenated(const GradientByName& gradient, const std::vector<std::string>& names) {
  std::vector<double> all;
  for (const std::string& name : names) {
    const std::vector<double>& part = gradient.at(name).values;
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// The mean of the named tensors, which must have one shape.
inline std::vector<double> averaged(const GradientByName& gradient, const std::vector<std::string>& names) {
  Matrix mean(gradient.at(names.front()).rows, gradient.at(names.front()).cols);
  for (const std::string& name : names) accumulate(mean, gradient.at(name), 1.0 / static_cast<double>(names.size()));
  return mean.values;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) throw std::invalid_argument("dot: lengths differ");
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline double norm(const std::vector<double>& a) { return std::sqrt(dot(a, a)); }

/// J Jᵀ, [K, K], of the rows J [K, D].
inline Matrix gram(const std::vector<std::vector<double>>& rows) {
  const int count = static_cast<int>(rows.size());
  Matrix g(count, count);
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < count; ++j) {
      g.at(i, j) = dot(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(j)]);
    }
  }
  return g;
}

}  // namespace equipoise::reference
