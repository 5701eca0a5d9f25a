// tests/engine/systems/network_gradient_test.cpp - where GradNorm's loss is the network's loss too (network=on), a
// step's gradient is that of the weighted losses and of sum |u n - t|: central differences over every parameter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/systems/network_cases.h"
#include "tests/engine/systems/system_reference.h"
#include "tests/reference/finite_difference.h"

namespace equipoise::test {
namespace {

using reference::GradientByName;
using reference::Matrix;

/// Steps that move task weights but no parameter; plain SGD keeps the whole gradient as its velocity.
Setup still(Setup setup) {
  setup.optimizer = OptimizerKind::sgd;
  setup.settings.lr = setup.settings.momentum = setup.settings.clip_norm = setup.settings.weight_decay = 0;
  return setup;
}

/// What a step minimises by the network, its task weights and targets being constants.
class Objective {
 public:
  Objective(const SteppedSystem& s)
      : model_(mtl(s.system.plan.setup)),
        network_(reference_network(model_, s.system.plan.class_weights)),
        batch_(reference_mtl_batch(s, network_)),
        measured_(network_.trunk.back() + ".weight"),
        scale_(s.system.plan.setup.loss_scale) {}

  void hold(const Control& k) {
    weights_.assign(k.shared_weights, k.shared_weights + model_.tasks.size());
    targets_.assign(k.targets, k.targets + model_.tasks.size());
  }
  double operator()(const reference::MldrlParameters& p) const {
    const reference::MtlForward f = mtl_forward(network_, p, batch_);
    const std::vector<double> off = distances(p, f);
    double sum = 0;
    for (std::size_t k = 0; k < off.size(); ++k) sum += scale_ * weights_[k] * f.tasks[k].loss + std::fabs(off[k]);
    return sum;
  }
  /// How far the nearest relu, and the nearest distance from a target, are from zero.
  double from_kinks(const reference::MldrlParameters& p) const {
    const reference::MtlForward f = mtl_forward(network_, p, batch_);
    double least = std::numeric_limits<double>::infinity();
    const auto look = [&](const reference::MtlStackPass& stack) {
      for (const reference::MtlLayerPass& pass : stack)
        for (const double x : pass.before.values)
          if (pass.hidden && model_.activation == Activation::relu) least = std::min(least, std::fabs(x));
    };
    look(f.trunk);
    for (const reference::MtlStackPass& tower : f.towers) look(tower);
    const std::vector<double> off = distances(p, f);
    for (std::size_t k = 0; k < off.size(); ++k)
      if (f.tasks[k].labelled) least = std::min(least, std::fabs(off[k]));
    return least;
  }
  /// The weighted losses alone, by formula.
  GradientByName of_losses(const reference::MldrlParameters& p) const {
    const std::vector<GradientByName> tasks = mtl_task_gradients(network_, p, mtl_forward(network_, p, batch_));
    GradientByName total;
    for (const auto& [name, value] : p.by_name) {
      total.emplace(name, Matrix(value.rows, value.cols));
      for (std::size_t k = 0; k < tasks.size(); ++k)
        accumulate(total.at(name), tasks[k].at(name), scale_ * weights_[k]);
    }
    return total;
  }

 private:
  std::vector<double> distances(const reference::MldrlParameters& p, const reference::MtlForward& f) const {
    const std::vector<GradientByName> gradients = mtl_task_gradients(network_, p, f);
    std::vector<double> off;
    for (std::size_t k = 0; k < gradients.size(); ++k)
      off.push_back(weights_[k] * reference::norm(concatenated(gradients[k], {measured_})) - targets_[k]);
    return off;
  }

  const MtlModel& model_;
  reference::MtlNetwork network_;
  reference::MtlBatch batch_;
  std::string measured_;
  double scale_;
  std::vector<double> weights_, targets_;
};

GradientByName differences(const Objective& objective, reference::MldrlParameters p) {
  GradientByName gradient;
  for (auto& [name, value] : p.by_name) {
    const Matrix middle = value;
    gradient.emplace(name, reference::central_difference(middle, [&, &entry = value](const Matrix& at) {
                       entry = at;
                       return objective(p);
                     }));
    value = middle;
  }
  return gradient;
}

double largest_entry(const GradientByName& gradient) {
  double largest = 0;
  for (const auto& [name, g] : gradient) largest = std::max(largest, reference::max_abs(g));
  return largest;
}

// Float32 sums of up to 60 products through seven layers and twice as many again for tangents and their adjoints: some
// ten roundings of 6e-8 in what does not cancel, and the differences' own 1e-9. Entries that cancel are held to the
// network's largest derivative.
constexpr double kRelative = 1e-6, kAbsolute = 2e-7;

void expect_velocity(const SteppedSystem& s, const GradientByName& expected) {
  for (const ParameterInfo& p : s.stepper.program().parameters)
    EXPECT_EQ(
        off_by(s.value(p, StatePart::moment1), expected.at(p.name), kRelative, kAbsolute * largest_entry(expected)), "")
        << p.name;
}

/// One still step with its objective; false where a kink lies so near that differences would step across it.
bool expect_gradient_of_step(SteppedSystem& s) {
  s.stepper.probe();
  Objective objective(s);
  s.stepper.step();
  objective.hold(s.stepper.control());
  const reference::MldrlParameters parameters = reference_parameters(s);
  // A parameter moves by 1e-5, and what it feeds by a few times that: features reach 4.75.
  if (objective.from_kinks(parameters) < 1e-4) return false;
  const GradientByName expected = differences(objective, parameters), losses = objective.of_losses(parameters);
  expect_velocity(s, expected);
  double second = 0;
  for (const auto& [name, g] : expected)
    for (std::size_t i = 0; i < g.values.size(); ++i)
      second = std::max(second, std::fabs(g.values[i] - losses.at(name).values[i]));
  EXPECT_GT(second, 0.05 * largest_entry(losses)) << "the GradNorm loss hardly counts";
  return true;
}

/// One still step whose gradient is that of the weighted losses alone.
void expect_gradient_of_losses(SteppedSystem& s) {
  s.stepper.probe();
  Objective objective(s);
  s.stepper.step();
  objective.hold(s.stepper.control());
  expect_velocity(s, objective.of_losses(reference_parameters(s)));
}

class NetworkGradient : public ::testing::TestWithParam<NetworkCase> {};

TEST_P(NetworkGradient, IsThatOfTheWeightedLossesAndOfTheGradNormLoss) {
  SteppedSystem s(still(setup_of(GetParam())), 9);
  int compared = 0;
  for (int step = 0; step < 8 && compared < 3; ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    compared += expect_gradient_of_step(s);
  }
  EXPECT_EQ(compared, 3);
}

TEST_P(NetworkGradient, OfABatchWithoutAnyTargetOfATaskLeavesThatTaskOut) {
  SteppedSystem s(still(setup_of(GetParam())), 9);
  Dataset& data = s.system.data;
  const auto cols = static_cast<std::size_t>(data.target_cols);
  for (std::size_t i = 0; i < data.targets.size(); i += cols) data.targets[i] = std::nanf("");
  s.executor->load_tables(tables_of(*s.system.plan.setup.system, data, s.system.split, s.system.plan.class_weights));
  if (GetParam().tasks == 2) {  // the other one's norm is the mean: it stands at its target, and is left alone
    expect_gradient_of_losses(s);
  } else {
    int compared = 0;
    for (int step = 0; step < 8 && compared < 1; ++step) compared += expect_gradient_of_step(s);
    EXPECT_EQ(compared, 1);
  }
  EXPECT_EQ(s.stepper.control().present[0], 0);
}

TEST_P(NetworkGradient, OfTheWeightsAloneIsThatOfTheWeightedLosses) {
  SteppedSystem s(still(setup_of(GetParam(), "")), 9), off(still(setup_of(GetParam(), ",network=off")), 9);
  for (int step = 0; step < 3; ++step) {
    expect_gradient_of_losses(s);
    off.stepper.step();
    EXPECT_EQ(s.stepper.state(), off.stepper.state());
  }
}

TEST_P(NetworkGradient, LeavesTheStepsOfTheTaskWeightsAsTheyAre) {
  SteppedSystem on(still(setup_of(GetParam())), 9), off(still(setup_of(GetParam(), "")), 9);
  for (int step = 0; step < 6; ++step) {
    on.stepper.step();
    off.stepper.step();
    for (int k = 0; k < GetParam().tasks; ++k) {
      EXPECT_EQ(on.stepper.control().weights[k], off.stepper.control().weights[k]) << "task " << k;
      EXPECT_EQ(on.stepper.control().targets[k], off.stepper.control().targets[k]) << "task " << k;
    }
  }
}

TEST(NetworkGradientOfWeighedClasses, IsThatOfTheWeightedLossesAndOfTheGradNormLoss) {
  for (const NetworkCase& c : kNetworkCases) {
    if (c.tasks < 3) continue;  // no task has classes
    SCOPED_TRACE(c.name);
    auto setup = still(setup_of(c));
    setup.system->weigh_classes();
    SteppedSystem s(setup, 9);
    int compared = 0;
    for (int step = 0; step < 8 && compared < 3; ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      compared += expect_gradient_of_step(s);
    }
    EXPECT_EQ(compared, 3);
  }
}

INSTANTIATE_TEST_SUITE_P(All, NetworkGradient, ::testing::ValuesIn(kNetworkCases),
                         [](const auto& c) { return c.param.name; });

}  // namespace
}  // namespace equipoise::test
