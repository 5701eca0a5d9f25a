// tests/engine/systems/latent_balance_test.cpp - balancing at a representation: the gradients by it are the right ones,
// and what they are merged to reaches the parameters before it.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/systems/latent_gradients.h"
#include "tests/reference/gram.h"
#include "tests/reference/min_norm.h"

namespace equipoise::test {
namespace {

constexpr int kSteps = 20;

/// All parameters, by name, after some steps.
std::map<std::string, std::vector<float>> parameters_after(const Setup& setup, int steps) {
  SteppedSystem s(setup, kSystemBatch);
  for (int i = 0; i < steps; ++i) s.stepper.step();
  EXPECT_EQ(s.stepper.control().skipped, 0);
  std::map<std::string, std::vector<float>> values;
  for (const ParameterInfo& p : s.stepper.program().parameters) values[p.name] = s.value(p);
  return values;
}

TEST(LatentBalance, OfOneTaskIsBalancingAtParameters) {
  for (const std::string method : {"identity", "gradnorm", "mgda", "pcgrad", "cagrad", "nash_mtl", "graddrop"})
    for (const bool sum_rows : {false, true})
      for (const auto& setup : {synthetic_towers(1), synthetic_trunk(1)})
        EXPECT_EQ(parameters_after(with_balancer(setup, {method}, "latent", sum_rows), kSteps),
                  parameters_after(with_balancer(setup, {method}, "parameters"), kSteps))
            << method;
}

// At parameters each task's gradient is a product of its own and the products are added; at the latent what the tasks
// send is added first. The two orders differ by a few roundings of a gradient's largest entry in each step, and a step
// of SGD hands on no more than that.
TEST(LatentBalance, OfAPlainSumIsBalancingAtParametersUpToRounding) {
  for (const auto& setup :
       {by_sgd(synthetic_towers(), 0.05), by_sgd(synthetic_trunk(), 0.05), by_sgd(synthetic_mldrl(), 0.02)}) {
    const bool two_views = setup.system->traits().most_views == 2;
    const auto expected = parameters_after(with_balancer(setup, {"identity"}, "parameters"), kSteps);
    const auto start = parameters_after(setup, 0);
    for (const auto& [name, got] : parameters_after(with_balancer(setup, {"identity"}, "latent"), kSteps)) {
      EXPECT_EQ(off_by(got, matrix_of(expected.at(name), 1), 2e-6, 0), "") << name;
      EXPECT_NE(got, start.at(name)) << name;
    }
    if (!two_views) continue;
    auto both = with_balancer(setup, {"identity"}, "latent1");
    both.balance.push_back(both.balance[0]);
    both.balance[1].at = "latent2";
    EXPECT_EQ(parameters_after(both, kSteps), parameters_after(with_balancer(setup, {"identity"}, "latent"), kSteps));
  }
}

std::vector<double> gram_of(const LatentGradients& gradients, bool sum_rows) {
  std::vector<std::vector<double>> rows;
  for (const Matrix& g : gradients) {
    rows.push_back(g.values);
    if (!sum_rows) continue;
    rows.back().assign(static_cast<std::size_t>(g.cols), 0.0);
    for (int r = 0; r < g.rows; ++r)
      for (int c = 0; c < g.cols; ++c) rows.back()[static_cast<std::size_t>(c)] += g.at(r, c);
  }
  return reference::gram(rows).values;
}

/// Expects the balancer's Gram matrix, of float32 gradients whose entries carry some ten roundings, and coefficients
/// that are those of the shortest combination of normalised gradients.
void expect_mgda(const Control& control, std::vector<double> gram) {
  const std::size_t tasks = static_cast<std::size_t>(std::sqrt(static_cast<double>(gram.size())));
  std::vector<double> norm;
  for (std::size_t k = 0; k < tasks; ++k) norm.push_back(std::sqrt(gram[k * tasks + k]));
  for (std::size_t i = 0; i < tasks; ++i)
    for (std::size_t j = 0; j < tasks; ++j)
      EXPECT_NEAR(control.gram[i * tasks + j], gram[i * tasks + j], 2e-6 * norm[i] * norm[j]) << i << ", " << j;
  for (std::size_t i = 0; i < tasks; ++i)
    for (std::size_t j = 0; j < tasks; ++j) gram[i * tasks + j] /= norm[i] * norm[j];
  const reference::QuadNorm solution = reference::min_norm(tasks, gram);
  // Weights of well-conditioned problems of a few tasks move by at most some hundred times what the entries move by.
  for (std::size_t k = 0; k < tasks; ++k)
    EXPECT_NEAR(control.shared_weights[k] * norm[k], static_cast<double>(solution.weights[k]), 2e-5) << k;
}

TEST(LatentBalance, OfMultiTaskNetworksIsMgdaOfTheReferencesGradients) {
  for (const bool sum_rows : {false, true})
    for (auto setup : {synthetic_towers(), synthetic_trunk(5)}) {
      setup.settings.seed = 3;
      SteppedSystem s(with_balancer(setup, {"mgda:normalise=l2"}, "latent", sum_rows), kSystemBatch);
      for (int step = 0; step < 4; ++step) {  // the last batch is short
        SCOPED_TRACE("sum_rows " + std::to_string(sum_rows) + ", step " + std::to_string(step));
        s.stepper.probe();
        const std::vector<double> gram = gram_of(mtl_latent_gradients(s), sum_rows);
        s.stepper.step();
        expect_mgda(s.stepper.control(), gram);
      }
    }
}

TEST(LatentBalance, OfMldrlIsMgdaOfDifferences) {
  for (const bool sum_rows : {false, true})
    for (const std::string at : {"latent", "latent1", "latent2"}) {
      SteppedSystem s(with_balancer(synthetic_mldrl(), {"mgda:normalise=l2"}, at, sum_rows), kSystemBatch);
      for (int step = 0; step < 4; ++step) {
        SCOPED_TRACE(at + ", sum_rows " + std::to_string(sum_rows) + ", step " + std::to_string(step));
        s.stepper.probe();
        const std::vector<double> gram = gram_of(
            at == "latent" ? mldrl_latent_gradients(s) : MldrlProbe(s).by_view(at == "latent1" ? 0 : 1), sum_rows);
        s.stepper.step();
        expect_mgda(s.stepper.control(), gram);
      }
    }
}

TEST(LatentBalance, OfOneViewMergesTheOtherWithTheSameCoefficients) {
  for (const char* at : {"latent", "latent1", "latent2"}) {
    const auto s = stepped_once(with_balancer(synthetic_mldrl(), kFirst, at));
    const double* weights = s.stepper.control().shared_weights;
    expect_encoder_gradients(s, merged_by_view(s, {weights, weights}));
  }
}

TEST(LatentBalance, DropsSignsOnlyWhereGradDropStands) {
  for (const std::string at : {"latent", "latent1", "latent2"}) {
    auto setup = with_balancer(synthetic_mldrl(), {"identity"}, at);
    std::fill_n(setup.settings.initial_weights, reference::kTasks, 1.0);  // graddrop alone weighs nothing
    const auto plain = stepped_once(setup), dropped = stepped_once(with_balancer(setup, {"graddrop"}, at));
    for (const ParameterInfo& p : plain.stepper.program().parameters) {
      const bool view1 = p.name.starts_with("encoder1"), view2 = p.name.starts_with("encoder2");
      if (!view1 && !view2) continue;
      const bool stands = at == "latent" || at == (view1 ? "latent1" : "latent2");
      EXPECT_EQ(dropped.value(p, StatePart::moment1) != plain.value(p, StatePart::moment1), stands)
          << at << ", " << p.name;
    }
  }
}

TEST(LatentBalance, DropsSignsInMultiTaskNetworksWithDropoutAndWithout) {
  for (const double dropout : {0.0, 0.5}) {
    auto setup = synthetic_towers();
    mtl(setup).dropout = dropout;
    EXPECT_NE(parameters_after(with_balancer(setup, {"graddrop"}, "latent"), 2),
              parameters_after(with_balancer(setup, {"identity"}, "latent"), 2))
        << dropout;
  }
}

}  // namespace
}  // namespace equipoise::test
