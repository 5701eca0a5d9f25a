// tests/engine/run/optimizer_test.cpp - RMSProp, SGD and Adam train a multi-task network as the double references do,
// and their state goes on from a checkpoint.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/systems/system_reference.h"
#include "tests/reference/adam.h"
#include "tests/reference/rmsprop.h"
#include "tests/reference/sgd.h"

namespace equipoise::test {
namespace {

using reference::GradientByName;
using reference::Matrix;

constexpr int kSteps = 9;  // two epochs of four steps, and one more

std::string name_of(OptimizerKind kind) {
  const char* const names[] = {"adam", "rmsprop", "sgd"};
  return names[static_cast<int>(kind)];
}

Setup small_network(OptimizerKind kind) {
  Setup setup = synthetic_towers();
  balance_by(setup, {"identity"});
  setup.optimizer = kind;
  setup.loss_scale = 0.5;
  Settings& s = setup.settings;
  s.lr = kind == OptimizerKind::sgd ? 0.05 : 3e-3;
  // A gradient that cancels to nothing has a sign that rounding decides; eps keeps it from becoming a whole step.
  s.eps = 1e-3;
  s.smoothing = 0.9;
  s.momentum = 0.8;
  s.beta1 = 0.8;
  s.weight_decay = 0.05;
  s.clip_norm = 0.3;
  for (int k = 0; k < 4; ++k) s.initial_weights[k] = 0.5 + k;
  return setup;
}

/// Steps parameters by the references, in double.
class Reference {
 public:
  explicit Reference(const SteppedSystem& s)
      : setup_(s.system.plan.setup), network_(reference_network(mtl(setup_))), parameters_(reference_parameters(s)) {}

  /// On the rows and masks of the engine's coming step.
  void step(const SteppedSystem& s) {
    const reference::MtlForward f = mtl_forward(network_, parameters_, reference_mtl_batch(s, network_));
    const std::vector<GradientByName> gradients = mtl_task_gradients(network_, parameters_, f);
    GradientByName total;
    for (const auto& [name, value] : parameters_.by_name) {
      total.emplace(name, Matrix(value.rows, value.cols));
      for (std::size_t k = 0; k < gradients.size(); ++k)
        accumulate(total.at(name), gradients[k].at(name), setup_.loss_scale * setup_.settings.initial_weights[k]);
    }
    const double norm = reference::clip_global_norm(total, setup_.settings.clip_norm);
    clipped_ += norm > setup_.settings.clip_norm;
    for (auto& [name, value] : parameters_.by_name) update(name, value, total.at(name));
  }

  const reference::MldrlParameters& parameters() const { return parameters_; }
  int clipped() const { return clipped_; }

 private:
  void update(const std::string& name, Matrix& value, const Matrix& gradient) {
    const Settings& s = setup_.settings;
    switch (setup_.optimizer) {
      case OptimizerKind::rmsprop:
        return rmsprop_step(value, gradient, rmsprop_[name], {s.lr, s.smoothing, s.eps, s.momentum, s.weight_decay});
      case OptimizerKind::sgd:
        return sgd_step(value, gradient, velocity_[name], {s.lr, s.momentum, s.weight_decay});
      case OptimizerKind::adam:
        return adam_step(value, gradient, adam_[name], {s.lr, s.beta1, s.beta2, s.eps, s.weight_decay});
    }
  }

  Setup setup_;
  reference::MtlNetwork network_;
  reference::MldrlParameters parameters_;
  int clipped_ = 0;
  std::map<std::string, std::vector<reference::RmsPropMoments>> rmsprop_;
  std::map<std::string, std::vector<double>> velocity_;
  std::map<std::string, std::vector<reference::AdamMoments>> adam_;
};

class Optimizer : public ::testing::TestWithParam<OptimizerKind> {};

// A step carries the rounding of its gradient, some 1e-6 of the tensor's largest entry. SGD hands it on as it is;
// RMSProp and Adam divide it by what may be a hundredth of that entry. Times lr and momentum, over nine steps, little
// more is left than the parameters' own rounding.
TEST_P(Optimizer, TrainsAsTheReferenceDoes) {
  SteppedSystem s(small_network(GetParam()), kSystemBatch);
  Reference reference(s);
  const reference::MldrlParameters start = reference_parameters(s);
  for (int step = 0; step < kSteps; ++step) {
    s.stepper.probe();
    reference.step(s);
    s.stepper.step();
  }
  EXPECT_EQ(s.stepper.control().skipped, 0);
  EXPECT_GT(reference.clipped(), 0);
  for (const ParameterInfo& p : s.stepper.program().parameters) {
    const Matrix& expected = reference.parameters().at(p.name);
    EXPECT_EQ(off_by(s.value(p), expected, 3e-6, 0), "") << p.name;
    EXPECT_NE(off_by(s.value(p), start.at(p.name), 1e-3, 0), "") << p.name << " has not moved";
  }
}

TEST_P(Optimizer, GoesOnWithItsMomentumFromACheckpoint) {
  const SyntheticSystem s = synthetic_system(small_network(GetParam()));
  const std::unique_ptr<Executor> executor = make_cpu_executor(1), other = make_cpu_executor(1);
  Trainer whole(s.data, s.split, s.plan, *executor);
  for (int i = 0; i < 5; ++i) whole.advance(1);
  const TensorFile checkpoint = whole.checkpoint();
  Trainer resumed(s.data, s.split, s.plan, *other);
  const auto go_on = [](Trainer& trainer) {
    for (int i = 0; i < 4; ++i) trainer.advance(1);
    return trainer.checkpoint().tensors;
  };
  const auto expected = go_on(whole);
  const std::vector<float> momentum = expected.at("moment1.sharedlayer.0.bias").to_floats();
  EXPECT_NE(momentum, std::vector<float>(momentum.size(), 0.0f));
  resumed.restore(checkpoint);
  EXPECT_TRUE(go_on(resumed) == expected);
}

TEST_P(Optimizer, IsNotChangedByARestore) {
  const SyntheticSystem s = synthetic_system(small_network(GetParam()));
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  const TensorFile checkpoint = Trainer(s.data, s.split, s.plan, *executor).checkpoint();
  const auto refused = [&](auto change, const std::string& word) {
    TrainingPlan plan = s.plan;
    change(plan.setup);
    Trainer other(s.data, s.split, plan, *executor);
    try {
      other.restore(checkpoint);
      ADD_FAILURE() << "went on with another " << word;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  };
  refused(
      [](auto& setup) { setup.optimizer = static_cast<OptimizerKind>((static_cast<int>(setup.optimizer) + 1) % 3); },
      "optimizer");
  refused([](auto& setup) { setup.settings.momentum = 0.7; }, "momentum");
  refused([](auto& setup) { setup.settings.smoothing = 0.99; }, "smoothing");
}

INSTANTIATE_TEST_SUITE_P(All, Optimizer,
                         ::testing::Values(OptimizerKind::adam, OptimizerKind::rmsprop, OptimizerKind::sgd),
                         [](const auto& kind) { return name_of(kind.param); });

}  // namespace
}  // namespace equipoise::test
