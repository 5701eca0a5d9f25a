// tests/engine/train/dead_layers_test.cpp - which layers are dead: planted ones, one that lives by a single unit on a
// single row, many layers, several replicas; and that vanished gradients are seen in an epoch's metrics.
#include "engine/train/dead_layers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

using Names = std::vector<std::string>;

/// A model whose replicas are as they begin, but for what a test plants.
class Model {
 public:
  explicit Model(const SyntheticSystem& s, std::size_t replicas = 1)
      : s_(s), executor_(make_cpu_executor(1)), settings_(replicas, replica_settings(s.plan.setup)) {
    program_ = lower(s.plan.setup.system->graph(Pass::train),
                     training_options(s.plan.setup, s.plan.batch, executor_->plan_limits()));
    floats_ = static_cast<std::size_t>(program_.state_floats);
    state_.resize(replicas * floats_);
    for (std::size_t r = 0; r < replicas; ++r)
      initialise(program_, std::span(state_).subspan(r * floats_, floats_), 3, static_cast<uint32_t>(r));
  }

  /// Sets all weights and biases of a layer.
  void fill(const std::string& layer, float weight, float bias, std::size_t replica = 0) {
    for (const ParameterInfo& p : program_.parameters)
      for (int i = 0; i < p.rows; ++i)
        for (int j = 0; j < p.cols; ++j)
          if (p.name == layer + ".weight" || p.name == layer + ".bias")
            at(p, i, j, replica) = p.name.ends_with("bias") ? bias : weight;
  }
  void set(const std::string& parameter, int row, int col, float value) {
    for (const ParameterInfo& p : program_.parameters)
      if (p.name == parameter) at(p, row, col, 0) = value;
  }

  std::vector<Names> dead() {
    executor_->load_tables(tables_of(*s_.plan.setup.system, s_.data, s_.split, s_.plan.class_weights));
    executor_->load_state(state_, program_.state_floats);
    return dead_layers(s_.plan.setup, settings_, *executor_);
  }

 private:
  float& at(const ParameterInfo& p, int row, int col, std::size_t replica) {
    return state_[replica * floats_ + static_cast<std::size_t>(p.offset + int64_t{row} * p.stride + col)];
  }

  const SyntheticSystem& s_;
  std::unique_ptr<Executor> executor_;
  Program program_;
  std::vector<Settings> settings_;
  std::size_t floats_ = 0;
  std::vector<float> state_;
};

TEST(DeadLayers, AreNoneInAFreshModelOfAnySystem) {
  // Six views emit as many outputs as there may be, before any layer is shown.
  for (const auto& setup : {synthetic_towers(), synthetic_trunk(), synthetic_vaegan(), synthetic_views(6)}) {
    const SyntheticSystem s = synthetic_system(setup);
    EXPECT_EQ(Model(s).dead(), std::vector<Names>{Names{}});
  }
}

TEST(DeadLayers, AreThoseWithoutAPositiveUnitAndWhatComesAfterLivesByItsBias) {
  const SyntheticSystem s = synthetic_system(synthetic_trunk());
  Model model(s);
  model.fill("fc1", 0.0f, -1.0f);
  model.fill("fc2", 1.0f, 0.5f);
  EXPECT_EQ(model.dead().front(), Names{"fc1"});
  model.fill("fc2", 1.0f, 0.0f);  // zero is not positive
  EXPECT_EQ(model.dead().front(), (Names{"fc1", "fc2"}));
  model.set("fc1.bias", 0, 12, 0.25f);  // its last unit wakes, and fc2 with it
  EXPECT_EQ(model.dead().front(), Names{});
}

TEST(DeadLayers, AreFoundAmongMoreLayersThanAProgramShows) {
  const SyntheticSystem s = synthetic_system(synthetic_towers(10));  // 21 hidden layers
  Model model(s);
  for (const char* layer : {"tower2.3", "tower9.0", "tower10.3"}) model.fill(layer, 0.0f, -1.0f);
  EXPECT_EQ(model.dead().front(), (Names{"tower2.3", "tower9.0", "tower10.3"}));
}

TEST(DeadLayers, AreTheReplicasOwn) {
  const SyntheticSystem s = synthetic_system(synthetic_trunk());
  Model model(s, 3);
  model.fill("fc2", 0.0f, -1.0f, 1);
  EXPECT_EQ(model.dead(), (std::vector<Names>{{}, {"fc2"}, {}}));
}

TEST(DeadLayers, LiveByOneUnitOnTheLastOfManyRows) {
  SyntheticSystem s = synthetic_system(synthetic_trunk(), kSystemBatch, 4501);
  const auto first_feature = [&](int row) { return s.data.views[0][static_cast<std::size_t>(row) * 14]; };
  std::vector<int>& rows = s.split.train;
  std::iota(rows.begin(), rows.end(), 0);
  std::sort(rows.begin(), rows.end(), [&](int a, int b) { return first_feature(a) < first_feature(b); });
  ASSERT_LT(first_feature(rows[4499]), first_feature(rows[4500]));
  Model model(s);
  model.fill("fc1", 0.0f, -1.0f);
  model.set("fc1.weight", 4, 0, 1.0f);
  model.set("fc1.bias", 0, 4, -first_feature(rows[4499]));
  model.fill("fc2", 1.0f, 1.0f);
  EXPECT_EQ(model.dead().front(), Names{});
  rows.pop_back();
  EXPECT_EQ(model.dead().front(), Names{"fc1"});
}

TEST(VanishedGradients, AreTheTasksWithoutAnyInAllStepsOfAnEpoch) {
  Program program;
  program.task_names = {"a", "b", "c"};
  program.chains.resize(1);
  program.measured = {true};
  Control c{};
  c.sum_steps = 4;
  for (const int k : {0, 1, 2}) c.sum_task_rows[k] = 10;
  c.sum_gram[4] = 1e-80;  // of b
  EXPECT_EQ(epoch_metrics(program, c).balancers[0].vanished, (std::vector<std::size_t>{0, 2}));
  const auto line = nlohmann::json::parse(to_json_line(program, epoch_metrics(program, c), false));
  EXPECT_EQ(line["vanished_gradients"], (nlohmann::json{"a", "c"}));

  c.sum_task_rows[2] = 0;  // a task without rows has no gradient to lose
  EXPECT_EQ(epoch_metrics(program, c).balancers[0].vanished, std::vector<std::size_t>{0});
  c.sum_gram[0] = 1;
  EXPECT_FALSE(nlohmann::json::parse(to_json_line(program, epoch_metrics(program, c), false))
                   .contains("vanished_gradients"));
  c.sum_gram[0] = 0;
  program.measured = {false};
  EXPECT_TRUE(epoch_metrics(program, c).balancers[0].vanished.empty());
}

}  // namespace
}  // namespace equipoise::test
