// tests/reference/balance_methods.h - balancing methods as their papers write them, on the long gradients themselves.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace equipoise::reference {

/// K rows of D numbers.
using Rows = std::vector<std::vector<double>>;

inline double inner(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t d = 0; d < a.size(); ++d) sum += a[d] * b[d];
  return sum;
}

inline double length(const std::vector<double>& a) { return std::sqrt(inner(a, a)); }

/// a += factor b.
inline void add_scaled(std::vector<double>& a, double factor, const std::vector<double>& b) {
  for (std::size_t d = 0; d < a.size(); ++d) a[d] += factor * b[d];
}

/// sum of w_i g_i.
inline std::vector<double> combined(const Rows& gradients, const std::vector<double>& weights) {
  std::vector<double> sum(gradients[0].size(), 0.0);
  for (std::size_t i = 0; i < gradients.size(); ++i) add_scaled(sum, weights[i], gradients[i]);
  return sum;
}

/// Gradients with entries in [-1, 1), plus `pull` times one direction that odd tasks have reversed: the larger the
/// pull, the more they conflict; a negative one pulls all the same way. Equal on every machine for equal seeds.
inline Rows random_gradients(std::uint64_t seed, std::size_t tasks, std::size_t size, double pull) {
  std::mt19937_64 engine(seed);
  const auto uniform = [&] { return static_cast<double>(engine() >> 11) * 0x1p-52 - 1.0; };
  std::vector<double> common(size);
  for (double& v : common) v = uniform();
  Rows gradients(tasks, std::vector<double>(size));
  for (std::size_t i = 0; i < tasks; ++i)
    for (std::size_t d = 0; d < size; ++d)
      gradients[i][d] = uniform() + (i % 2 == 1 && pull > 0.0 ? -pull : std::fabs(pull)) * common[d];
  return gradients;
}

/// Largest difference of entries over the largest entry of `right`; infinite where one is not finite.
inline double relative_difference(const Rows& left, const Rows& right) {
  double difference = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < right.size(); ++i)
    for (std::size_t d = 0; d < right[i].size(); ++d) {
      const double apart = std::fabs(left[i][d] - right[i][d]);
      if (!std::isfinite(apart)) return INFINITY;
      difference = std::max(difference, apart);
      largest = std::max(largest, std::fabs(right[i][d]));
    }
  return largest > 0.0 ? difference / largest : difference;
}

/// In which order task i meets the others; rising unless given.
using Orders = std::vector<std::vector<int>>;

inline Orders rising_orders(std::size_t tasks) {
  Orders orders(tasks);
  for (std::vector<int>& order : orders)
    for (std::size_t j = 0; j < tasks; ++j) order.push_back(static_cast<int>(j));
  return orders;
}

/// PCGrad (Yu et al. 2020): each gradient loses its projections on the others that it conflicts with.
inline Rows pcgrad(const Rows& gradients, const Orders& orders) {
  Rows changed = gradients;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    for (const int place : orders[i]) {
      const auto j = static_cast<std::size_t>(place);
      if (j == i) continue;
      const double product = inner(changed[i], gradients[j]);
      if (product < 0.0) add_scaled(changed[i], -product / inner(gradients[j], gradients[j]), gradients[j]);
    }
  return changed;
}

/// GradVac (Wang et al. 2021). averages [K][K] of the cosines, updated; for gradients in general position.
inline Rows gradvac(const Rows& gradients, const Orders& orders, double beta, Rows& averages) {
  Rows changed = gradients;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    for (const int place : orders[i]) {
      const auto j = static_cast<std::size_t>(place);
      if (j == i) continue;
      const double own = length(changed[i]), other = length(gradients[j]);
      const double cosine = inner(changed[i], gradients[j]) / (own * other), target = averages[i][j];
      if (cosine < target) {
        // Angles in place of the paper's roots: the gradient turns until its angle to the other is acos(target).
        const double turn = std::sin(std::acos(cosine) - std::acos(target)) / std::sin(std::acos(target));
        add_scaled(changed[i], own / other * turn, gradients[j]);
      }
      averages[i][j] = (1.0 - beta) * target + beta * cosine;
    }
  return changed;
}

/// Norm-based scaling: first [K] are the norms that count as one.
inline Rows nsgd(const Rows& gradients, const std::vector<double>& first) {
  double ratios = 0.0, weighted = 0.0;
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const double ratio = length(gradients[i]) / first[i];
    ratios += ratio;
    weighted += ratio * length(gradients[i]);
  }
  Rows changed(gradients.size(), std::vector<double>(gradients[0].size(), 0.0));
  for (std::size_t i = 0; i < gradients.size(); ++i)
    add_scaled(changed[i], weighted / ratios / length(gradients[i]), gradients[i]);
  return changed;
}

/// CAGrad's objective (Liu et al. 2021, section 3): g_w . g_0 + c |g_0| |g_w|, g_0 the mean.
inline double cagrad_objective(const Rows& gradients, const std::vector<double>& weights, double c) {
  const std::vector<double> equal(gradients.size(), 1.0 / static_cast<double>(gradients.size()));
  const std::vector<double> mean = combined(gradients, equal), mixed = combined(gradients, weights);
  return inner(mixed, mean) + c * length(mean) * length(mixed);
}

/// CAGrad's step g_0 + c |g_0| / |g_w| g_w.
inline std::vector<double> cagrad_step(const Rows& gradients, const std::vector<double>& weights, double c) {
  const std::vector<double> equal(gradients.size(), 1.0 / static_cast<double>(gradients.size()));
  std::vector<double> step = combined(gradients, equal);
  const std::vector<double> mixed = combined(gradients, weights);
  add_scaled(step, c * length(step) / length(mixed), mixed);
  return step;
}

/// A lower bound of the objective over the simplex, close to it where `weights` are nearly optimal: the objective is
/// convex, so it is nowhere below its tangent at `weights`. For |g_w| > 0.
inline double cagrad_bound(const Rows& gradients, const std::vector<double>& weights, double c) {
  const std::vector<double> step = cagrad_step(gradients, weights, c);  // the tangent's slope by w_i is g_i . step
  double least = inner(gradients[0], step);
  for (const std::vector<double>& gradient : gradients) least = std::min(least, inner(gradient, step));
  return least;
}

/// The objective's least value over the simplex of two or three tasks, by ternary search: it is convex in the first
/// weight, the others at their best, and in the share that the second has of the rest.
inline double cagrad_least_objective(const Rows& gradients, double c) {
  const auto least = [](auto&& function) {
    double low = 0.0, high = 1.0;
    for (int i = 0; i < 90; ++i) {
      const double third = (high - low) / 3.0;
      if (function(low + third) < function(high - third)) high -= third;
      else low += third;
    }
    return std::min({function(0.0), function((low + high) / 2.0), function(1.0)});
  };
  return least([&](double first) {
    if (gradients.size() == 2) return cagrad_objective(gradients, {first, 1.0 - first}, c);
    return least([&](double share) {
      return cagrad_objective(gradients, {first, (1.0 - first) * share, (1.0 - first) * (1.0 - share)}, c);
    });
  });
}

}  // namespace equipoise::reference
