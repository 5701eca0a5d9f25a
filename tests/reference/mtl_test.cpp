// tests/reference/mtl_test.cpp - every gradient of the multi-task network against central differences, and dropout.
#include "tests/reference/mtl.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/reference/finite_difference.h"
#include "tests/reference/mtl_problem.h"

namespace equipoise::reference {
namespace {

void expect_gradients_agree(const MtlProblem& p, const std::string& what) {
  const MtlForward f = mtl_forward(p.network, p.parameters, p.batch);
  const std::vector<GradientByName> gradients = mtl_task_gradients(p.network, p.parameters, f);
  for (std::size_t k = 0; k < gradients.size(); ++k) {
    for (const auto& [name, value] : p.parameters.by_name) {
      const auto loss = [&, parameter = name](const Matrix& perturbed) {
        MtlParameters changed = p.parameters;
        changed.by_name.at(parameter) = perturbed;
        return mtl_forward(p.network, changed, p.batch).tasks[k].loss;
      };
      EXPECT_EQ(mismatch(gradients[k].at(name), central_difference(value, loss), f.tasks[k].loss), "")
          << what << ": " << p.network.tasks[k].name << " by " << name;
    }
  }
}

TEST(MtlGradients, AgreeWithCentralDifferencesAtRandomShapesWithAndWithoutDropout) {
  std::set<std::size_t> trunk_layers;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    Draws draws(seed);
    const MtlProblem p = random_mtl_problem(seed % 2 == 0 ? 0.3 : 0.0, draws);
    trunk_layers.insert(p.network.trunk.size());
    expect_gradients_agree(p, "seed " + std::to_string(seed));
  }
  EXPECT_EQ(trunk_layers.size(), 4U) << "networks without a trunk and with one to three layers";
}

TEST(MtlGradients, AgreeWithCentralDifferencesForEveryActivation) {
  for (Activation kind : {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid}) {
    Draws draws(31);
    MtlProblem p = random_mtl_problem(0.5, draws);
    p.network.hidden_activation = kind;
    expect_gradients_agree(p, "activation " + std::to_string(static_cast<int>(kind)));
  }
}

/// One hidden unit of weight 1 and one output that passes it on.
MtlProblem single_unit() {
  MtlProblem p;
  p.network = {{"trunk"}, {{"task", TargetKind::regression, {"head"}}}, Activation::relu, 0.75};
  for (const char* layer : {"trunk", "head"}) {
    p.parameters.by_name[std::string(layer) + ".weight"] = Matrix(1, 1, 1.0);
    p.parameters.by_name[std::string(layer) + ".bias"] = Matrix(1, 1, 0.0);
  }
  p.batch = {Matrix(3, 1, {1.0, 2.0, -1.0}), {Matrix(3, 1)}, {}};
  return p;
}

TEST(MtlForward, DropsAndScalesHiddenUnitsAndLeavesTheOutputAlone) {
  MtlProblem p = single_unit();
  p.batch.kept["trunk"] = Matrix(3, 1, {1.0, 0.0, 1.0});
  EXPECT_EQ(mtl_forward(p.network, p.parameters, p.batch).prediction(0).values, (std::vector<double>{4.0, 0.0, 0.0}));
}

TEST(MtlForward, WithoutMasksPassesEverythingUnscaled) {
  const MtlProblem p = single_unit();
  EXPECT_EQ(mtl_forward(p.network, p.parameters, p.batch).prediction(0).values, (std::vector<double>{1.0, 2.0, 0.0}));
}

}  // namespace
}  // namespace equipoise::reference
