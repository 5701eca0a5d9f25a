// tests/kernels/ops/graddrop_combine_test.cpp - the combine pass with GradDrop in it, against plain loops over its
// formula.
#include "kernels/ops/graddrop_combine.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr double kLeak = 0.25;
constexpr Tolerance kOneFloat{.rel = 1.01 * kRounding, .why = "float64 sums rounded to float once"};

/// What is left of one element's balanced gradients; `signs` are those that are weighed against each other.
double combined(const std::vector<double>& mixing, const std::vector<double>& gradient, double sign, double uniform) {
  const std::size_t k = gradient.size();
  std::vector<double> balanced(k, 0.0);
  double sum = 0, magnitude = 0, out = 0;
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) balanced[i] += mixing[i * k + j] * gradient[j];
    sum += sign * balanced[i];
    magnitude += std::fabs(sign * balanced[i]);
  }
  const double share = magnitude > 0 ? 0.5 * (1.0 + sum / magnitude) : 0.5;
  for (const double b : balanced) {
    const double s = sign * b;
    out += ((s > 0 && share > uniform) || (s < 0 && share < uniform) ? 1.0 : kLeak) * b;
  }
  return out;
}

struct Problem {
  explicit Problem(int number) : rig(5), draws(17), balancer(number) {
    rig.chains[number].tasks = 3;
    rig.settings.seed = 9;
    rig.settings.replica = 2;
    rig.control().step = 11;
    place = rig.doubles(9);
    for (int e = 0; e < 9; ++e) {
      mixing.push_back(draws.uniform(-1.0, 1.0));
      rig.set_double(place, e, mixing.back());
    }
  }
  double uniform(uint64_t element) const { return graddrop_uniform({9, 2, 11, balancer}, element); }
  Rig rig;
  reference::Draws draws;
  int balancer;
  Place place{};
  std::vector<double> mixing;
};

TEST(GradDropCombine, OfParametersKeepsOneSignOfEveryElement) {
  for (const auto& [count, balancer] : {std::pair{4, 0}, {256, 0}, {300, 0}, {300, 2}}) {
    Problem p(balancer);
    const int stride = count + 8;
    const Place gradient = p.rig.floats(2 * stride), to = p.rig.floats(count);
    p.rig.fill(gradient, 2 * stride, p.draws);
    GradDropParameters op{gradient, stride, {1, -1, 0}, count, 1000, p.place, balancer, kLeak, to};
    p.rig.run(op, {Rig::written_floats(to, count)});
    int dropped = 0;
    for (int e = 0; e < count; ++e) {
      const std::vector<double> g{p.rig.at(gradient)[stride + e], 0.0, p.rig.at(gradient)[e]};  // task 1 has no lane
      const double expected = combined(p.mixing, g, 1.0, p.uniform(1000 + static_cast<uint64_t>(e)));
      const double kept = combined(p.mixing, g, 0.0, 0.5) / kLeak;  // a sign of zero leaks everything
      dropped += std::fabs(expected - kept) > 1e-6;
      expect_close(p.rig.at(to)[e], expected, std::fabs(expected), kOneFloat, "element " + std::to_string(e));
    }
    EXPECT_GT(dropped, count / 4);
  }
}

TEST(GradDropCombine, OfTwoBalancersDropsElementsApart) {
  Problem first(0), second(2);
  int differ = 0;
  for (uint64_t e = 0; e < 100; ++e) differ += first.uniform(e) != second.uniform(e);
  EXPECT_EQ(differ, 100);
}

TEST(GradDropCombine, OfARepresentationWeighsSignsTimesItsOwn) {
  Problem p(0);
  const View gradient = p.rig.matrix(6, 7), input = p.rig.matrix(2, 7), to = p.rig.matrix(2, 7);
  p.rig.fill(gradient, p.draws);
  p.rig.fill(input, p.draws);
  p.rig.row(input, 3)[2] = 0.0f;
  p.rig.run(GradDropRows{gradient, input, p.place, 0, kLeak, to}, {p.rig.written(to)});
  const int rows = p.rig.rows(to);
  for (int r = 0; r < rows; ++r)
    for (int c = 0; c < 7; ++c) {
      std::vector<double> g;
      for (int task = 0; task < 3; ++task) g.push_back(p.rig.row(gradient, task * rows + r)[c]);
      const float x = p.rig.row(input, r)[c];
      const double expected = combined(p.mixing, g,
                                       x > 0   ? 1.0
                                       : x < 0 ? -1.0
                                               : 0.0,
                                       p.uniform(static_cast<uint64_t>(r) * 7 + c));
      expect_close(p.rig.row(to, r)[c], expected, std::fabs(expected), kOneFloat, coordinate("to", r, c));
    }
}

}  // namespace
}  // namespace equipoise::test
