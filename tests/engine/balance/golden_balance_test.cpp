// tests/engine/balance/golden_balance_test.cpp - whole steps on the problems that were solved with PyTorch in float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "engine/balance/balance_problem.h"
#include "engine/balance/methods.h"
#include "kernels/balance/chain.h"
#include "tests/kernels/balance/golden.h"

namespace equipoise::test {
namespace {

/// Entries are float32, and so is the step; the reference stopped its own solvers at about 1e-6.
constexpr double kEntries = 1e-5;

struct Case {
  Golden golden;
  BalanceProblem problem;

  BalanceResult run(const std::string& spec) const {
    const std::vector<std::string> specs{spec};
    return balance(problem, make_chain(parse_methods(specs, "golden").methods, problem.tasks), Settings{});
  }
  std::size_t tasks() const { return static_cast<std::size_t>(problem.tasks); }
  bool has_zero_gradient() const { return golden.name.find("zero") != std::string::npos; }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (Golden& golden : golden_problems()) {
    const StoredTensor& grads = golden.file.at("grads");
    Case c{golden, {}};
    c.problem.tasks = static_cast<int>(grads.shape[0]);
    c.problem.columns = grads.shape[1];
    c.problem.gradients = finite_floats(grads, golden.name);
    all.push_back(std::move(c));
  }
  EXPECT_EQ(all.size(), 13u);
  return all;
}

/// Each entry within `tolerance` of the largest.
void expect_entries(const std::vector<float>& got, const std::vector<double>& expected, const std::string& name,
                    double tolerance = kEntries) {
  ASSERT_EQ(got.size(), expected.size()) << name;
  double size = 0;
  for (const double x : expected) size = std::max(size, std::abs(x));
  for (std::size_t e = 0; e < got.size(); ++e)
    ASSERT_NEAR(double{got[e]}, expected[e], tolerance * size) << name << ", entry " << e;
}

/// sum_ij w_i M_ij w_j.
template <class Entry>
double form(const std::vector<double>& w, const std::vector<double>& gram, Entry&& entry) {
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i)
    for (std::size_t j = 0; j < w.size(); ++j) sum += w[i] * entry(gram[i * w.size() + j]) * w[j];
  return sum;
}
double value(double x) { return x; }

TEST(GoldenBalance, GramMatricesAgree) {
  for (const Case& c : cases()) {
    const BalanceResult r = c.run("identity");
    const std::vector<double> expected = c.golden.values("gram");
    for (std::size_t i = 0; i < c.tasks(); ++i)
      for (std::size_t j = 0; j < c.tasks(); ++j)  // rows hold float32 values, so that both sum the same products
        EXPECT_NEAR(r.geometry.gram[i * c.tasks() + j], expected[i * c.tasks() + j], 1e-12 * r.norms[i] * r.norms[j])
            << c.golden.name << " " << i << " " << j;
  }
}

TEST(GoldenBalance, MinNormValuesAgreeAndAreProved) {
  int proved = 0;
  for (const Case& c : cases()) {
    if (c.has_zero_gradient()) continue;  // the reference puts all weight on the zero gradient; ours keeps it out
    const BalanceResult r = c.run("mgda");
    const double expected = c.golden.values("minnorm.norm2")[0];
    const double size = form(r.weights, r.geometry.gram, [](double x) { return std::abs(x); });
    // The reference's own stopping error; near a hull that holds the origin the terms cancel, and the sum of their
    // sizes is what rounding is relative to.
    EXPECT_NEAR(form(r.weights, r.geometry.gram, value), expected, 1e-9 * std::max(expected, size)) << c.golden.name;
    if (c.tasks() == 1) continue;
    EXPECT_LE(r.certificate, 1e-12) << c.golden.name;
    EXPECT_NE(r.certificate, -1) << c.golden.name;
    ++proved;
  }
  EXPECT_EQ(proved, 11);
}

TEST(GoldenBalance, PcgradAgreesInRisingOrder) {
  int compared = 0;
  for (const Case& c : cases()) {
    if (!c.golden.has("pcgrad.identity_order")) continue;
    expect_entries(c.run("pcgrad:order=identity").balanced, c.golden.values("pcgrad.identity_order"), c.golden.name);
    ++compared;
  }
  EXPECT_EQ(compared, 12);
}

TEST(GoldenBalance, CagradsObjectivesAndDirectionsAgree) {
  int objectives = 0, directions = 0;
  for (const Case& c : cases()) {
    if (c.has_zero_gradient() || c.tasks() == 1) continue;
    const double tasks = c.problem.tasks;
    for (const std::string radius : {"0.4", "0.9"}) {
      const BalanceResult r = c.run("cagrad:c=" + radius);
      const std::string prefix = "cagrad." + radius + ".", where = c.golden.name + " " + radius;
      const double expected = c.golden.values(prefix + "objective")[0];
      // The step is g_0 + lambda g_w, and its coefficients 1/K + lambda w_i.
      const std::vector<double> mean(c.tasks(), 1 / tasks);
      std::vector<double> w = r.weights;
      double lambda = 0;
      for (double& x : w) lambda += x -= 1 / tasks;
      const double mean_square = form(mean, r.geometry.gram, value), size = *std::max_element(r.norms.begin(), r.norms.end());
      double objective = 0;  // lambda = 0: g_w vanishes, and with it the objective
      if (lambda > 0) {
        for (double& x : w) x /= lambda;
        double dot = 0;
        for (std::size_t i = 0; i < w.size(); ++i)
          for (std::size_t j = 0; j < w.size(); ++j) dot += w[i] * r.geometry.gram[i * w.size() + j] / tasks;
        objective = dot + std::stod(radius) * std::sqrt(mean_square) * std::sqrt(std::max(0.0, form(w, r.geometry.gram, value)));
      }
      EXPECT_NEAR(objective, expected, kEntries * std::sqrt(mean_square) * size) << where;
      EXPECT_LE(objective, expected + 1e-9 * std::sqrt(mean_square) * size) << where << ": the reference found less";
      for (std::size_t i = 0; i < c.tasks() && lambda > 0; ++i)  // the dual problem: the worst gain is the objective
        EXPECT_GE(r.gains[i], objective - 1e-9 * r.step_norm * r.norms[i]) << where << " task " << i;
      ++objectives;
      if (!c.golden.has(prefix + "direction")) continue;
      // On gradients eight decades apart the reference stopped early: its direction loses a task 156, where the
      // objective promises each a gain of 3.5. Ours keeps that promise (below, and cagrad's own tests).
      const bool scales = c.golden.name.starts_with("balance_scales");
      expect_entries(r.step, c.golden.values(prefix + "direction"), where, scales ? 3e-4 : kEntries);
      ++directions;
    }
  }
  EXPECT_EQ(objectives, 22);
  EXPECT_EQ(directions, 18);
}

TEST(GoldenBalance, ImtlGAgrees) {
  int compared = 0;
  for (const Case& c : cases()) {
    if (!c.golden.has("imtlg.scaled")) continue;
    expect_entries(c.run("imtl_g").balanced, c.golden.values("imtlg.scaled"), c.golden.name);
    ++compared;
  }
  EXPECT_EQ(compared, 10);
}

TEST(GoldenBalance, GradDropAgreesWithDrawsAndInputGiven) {
  for (Case& c : cases()) {
    c.problem.draws = finite_floats(c.golden.file.at("graddrop.uniform"), c.golden.name);
    c.problem.input = finite_floats(c.golden.file.at("graddrop.input"), c.golden.name);
    expect_entries(c.run("graddrop:leak=0.2").balanced, c.golden.values("graddrop.leak0.2"), c.golden.name);
  }
}

}  // namespace
}  // namespace equipoise::test
