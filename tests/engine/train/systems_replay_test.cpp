// tests/engine/train/systems_replay_test.cpp - records of multi-task networks and VAE-GANs: PyTorch's are reproduced,
// our own replay to the same bits, and broken ones are refused with the reason.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "engine/train/record.h"
#include "engine/train/replay.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

TensorFile load(const std::string& name) {
  return read_safetensors(EQUIPOISE_SOURCE_DIR "/tests/data/" + name + ".safetensors");
}

TensorFile record_of(const Setup& setup, int steps = 3) {
  const SyntheticSystem s = synthetic_system(setup);
  return record_training(s.data, s.split, s.plan, steps, *make_cpu_executor(1));
}

/// A record of PyTorch, the number of its outcomes, and the deviation that they may have.
struct Golden {
  std::string name;
  std::size_t outcomes;
  double tolerance;
};
void PrintTo(const Golden& g, std::ostream* to) { *to << g.name; }

class SystemReplay : public testing::TestWithParam<Golden> {};

// float32 against float64, in units of each tensor's largest entry. 1e-4 is the record format's promise; the tolerance
// is four times what a CPU reaches (the same on every machine), so that a lost digit shows.
TEST_P(SystemReplay, ReproducesEveryTensorOfThePyTorchRecord) {
  const TensorFile record = load(GetParam().name);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  const std::vector<Deviation> deviations = compare_record(record, replay_record(record, *executor));
  EXPECT_EQ(deviations.size(), GetParam().outcomes);
  double worst = 0;
  for (const Deviation& d : deviations) {
    EXPECT_LE(d.worst, 1e-4) << d.name << " element " << d.at << ": expected " << d.expected << ", got " << d.got;
    worst = std::max(worst, d.worst);
  }
  EXPECT_LE(worst, GetParam().tolerance);
}

TEST_P(SystemReplay, NoticesAChangedInput) {
  TensorFile record = load(GetParam().name);
  std::vector<double> x = record.at("batch.x").to_doubles();
  x[1] += 0.01;
  record.tensors["batch.x"] = StoredTensor::from_doubles(record.at("batch.x").shape, x);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  double worst = 0;
  for (const Deviation& d : compare_record(record, replay_record(record, *executor))) worst = std::max(worst, d.worst);
  EXPECT_GT(worst, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Records, SystemReplay,
                         testing::Values(Golden{"towers_B10", 51, 1.2e-6}, Golden{"trunk_T4", 87, 1.2e-6},
                                         Golden{"vaegan_B6", 45, 9e-7}),
                         [](const auto& golden) { return golden.param.name; });

/// Settings that a record's metadata must carry, each unlike its default.
void use_other_settings(Setup& setup) {
  setup.loss_scale = 0.3;
  setup.settings.weight_decay = 0.02;
  setup.settings.clip_norm = 0.7;
  setup.settings.eps = 1e-5;
  setup.settings.beta1 = 0.8;
  setup.settings.smoothing = 0.9;
  setup.settings.momentum = 0.4;
}

std::vector<Setup> recorded_setups() {
  std::vector<Setup> setups = {synthetic_towers(), synthetic_trunk(),   synthetic_towers(1),
                               synthetic_trunk(3), synthetic_counts(),  synthetic_weighed(),
                               synthetic_vaegan(), synthetic_vaegan(0), synthetic_vaegan(2, {11, 7}, 2)};
  setups.push_back(synthetic_towers());
  mtl(setups.back()).tower = {};
  mtl(setups.back()).trunk = {9, 7};
  mtl(setups.back()).dropout = 0.25;
  mtl(setups.back()).activation = Activation::tanh;
  setups.push_back(synthetic_trunk());
  mtl(setups.back()).tower = {5};
  setups.back().balance[0].methods = parse_methods(std::vector<std::string>{"uw", "cagrad"}, "test").methods;
  setups.back().balance[0].over = "shared";
  setups.back().balance[0].private_weights = setups.back().balance[0].rescale = true;
  setups.push_back(synthetic_towers());
  balance_by(setups.back(), {"mgda:normalise=l2"}, "latent");
  setups.back().balance[0].sum_rows = true;
  // Two tasks of three outputs each, of which one has three target columns and the other classes; then both columns.
  for (const Likelihood* kind : {&multiclass(), &regression()}) {
    setups.push_back(synthetic_trunk());
    const bool columns = kind == &regression();
    mtl(setups.back()).tasks = {{"three scores", &regression(), 0, 3, 0},
                                {"of three", kind, 3, columns ? 3 : 1, columns ? 0 : 3}};
  }
  for (const OptimizerKind kind : {OptimizerKind::sgd, OptimizerKind::rmsprop, OptimizerKind::adam}) {
    setups.push_back(synthetic_towers());
    setups.back().optimizer = kind;
    use_other_settings(setups.back());
  }
  for (const int views : {1, 3, 4, 6}) setups.push_back(synthetic_views(views));
  setups.push_back(synthetic_vaegan(1, {11}, 1));
  VaeganModel& m = vaegan(setups.back());
  m.gamma = 0.4;
  m.lambda = 0.9;
  m.output_activation = Activation::tanh;
  m.activation = Activation::sigmoid;
  return setups;
}

TEST(SystemRecord, ReplaysToTheSameBitsWhateverItWasMadeOf) {
  int number = 0;
  for (const auto& setup : recorded_setups()) {
    SCOPED_TRACE("setup " + std::to_string(number++));
    const TensorFile record = record_of(setup);
    const std::vector<Deviation> deviations = compare_record(record, replay_record(record, *make_cpu_executor(1)));
    EXPECT_GT(deviations.size(), 20u);
    for (const Deviation& d : deviations) EXPECT_EQ(d.worst, 0.0) << d.name << " at " << d.at;
    // Replay must not be comparing a model with itself standing still.
    int moved = 0;
    for (const auto& [name, tensor] : record.tensors)
      if (name.starts_with("init.")) moved += !(tensor == record.at("final." + name.substr(5)));
    EXPECT_GT(moved, 5);
  }
}

TEST(SystemRecord, OfAMethodThatDrawsReplaysToTheSameBits) {
  for (const auto* method : {"pcgrad", "rlw"}) {
    auto setup = synthetic_trunk();
    balance_by(setup, {method});
    setup.settings.seed = 21;
    setup.settings.replica = 3;
    const TensorFile record = record_of(setup);
    for (const Deviation& d : compare_record(record, replay_record(record, *make_cpu_executor(1))))
      EXPECT_EQ(d.worst, 0.0) << method << ", " << d.name << " at " << d.at;
  }
}

TEST(SystemRecord, OfTwoBalancersReplaysToTheSameBits) {
  auto setup = mldrl_setup("paper");
  train_fast(setup);
  mldrl(setup).features = {12, 7};
  mldrl(setup).hidden = 9;
  balance_by(setup, {"mgda"}, "latent1");
  setup.balance.push_back(setup.balance[0]);
  setup.balance[1].methods = parse_methods(std::vector<std::string>{"gradnorm", "cagrad:c=0.6"}, "test").methods;
  setup.balance[1].at = "latent2";
  setup.balance[1].sum_rows = true;
  const TensorFile record = record_of(setup);
  for (const Deviation& d : compare_record(record, replay_record(record, *make_cpu_executor(1))))
    EXPECT_EQ(d.worst, 0.0) << d.name << " at " << d.at;
}

TEST(SystemRecord, HoldsTheTrainingsOwnSteps) {
  for (const auto& setup : {synthetic_towers(), synthetic_trunk(), synthetic_vaegan()}) {
    const SyntheticSystem s = synthetic_system(setup);
    const TensorFile record = record_of(setup);
    const std::unique_ptr<Executor> executor = make_cpu_executor(1);
    Trainer trainer(s.data, s.split, s.plan, *executor);
    trainer.advance(3);
    for (const auto& [name, tensor] : trainer.model().tensors) EXPECT_EQ(record.at("final." + name), tensor) << name;
  }
}

/// Expects the spoilt record to be refused with a sentence that has the word.
void expect_refused(TensorFile record, const std::function<void(TensorFile&)>& spoil, const std::string& word) {
  spoil(record);
  try {
    replay_record(record, *make_cpu_executor(1));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::checkpoint) << e.what();
    EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    return;
  }
  ADD_FAILURE() << "accepted a record spoilt for: " << word;
}

std::function<void(TensorFile&)> set(const std::string& key, const std::string& value) {
  return [=](TensorFile& f) { f.metadata[key] = value; };
}
std::function<void(TensorFile&)> without(const std::string& tensor) {
  return [=](TensorFile& f) { f.tensors.erase(tensor); };
}
std::function<void(TensorFile&)> swapped(const std::string& tensor, const std::string& with) {
  return [=](TensorFile& f) { f.tensors[tensor] = f.at(with); };
}
/// With one entry of a float32 tensor changed.
std::function<void(TensorFile&)> entry(const std::string& tensor, std::size_t at, float value) {
  return [=](TensorFile& f) {
    std::vector<float> values = f.at(tensor).to_floats();
    values.at(at) = value;
    f.tensors[tensor] = StoredTensor::from_floats(f.at(tensor).shape, values);
  };
}

TEST(SystemReplayRefuses, BrokenRecordsOfMultiTaskNetworks) {
  const TensorFile good = record_of(synthetic_towers());
  expect_refused(good, set("system", "towers"), "towers");
  expect_refused(good, set("variant", "tower"), "variant");
  expect_refused(good, set("dropout", "1"), "dropout");
  expect_refused(good, set("dropout", "half"), "dropout");
  expect_refused(good, set("activation", "swish"), "activation");
  expect_refused(good, set("optimizer", "adagrad"), "optimizer");
  expect_refused(good, set("task.0", "ranking task0"), "task.0");
  expect_refused(good, set("task.1", "regression"), "task.1");
  expect_refused(good, set("initial_task_weights", "1 1 1"), "initial_task_weights");
  expect_refused(good, set("methods", "gradnorm:renormalise=often"), "renormalise");
  expect_refused(good, set("balancers", "7"), "balancers");
  expect_refused(
      good, [](TensorFile& f) { f.metadata.erase("task.0"); }, "tasks");
  for (const char* name : {"batch.x", "batch.y", "mask.shared", "mask.tower2.h1", "init.tower1.3.bias"})
    expect_refused(good, without(name), name);
  expect_refused(good, without("init.sharedlayer.0.weight"), "sharedlayer.0");
  expect_refused(good, swapped("batch.x", "batch.y"), "batch.x");
  expect_refused(good, swapped("batch.y", "batch.x"), "batch.y");
  expect_refused(good, swapped("mask.tower1.h2", "mask.tower1.h1"), "mask.tower1.h2");
  expect_refused(good, swapped("init.tower1.0.bias", "init.sharedlayer.0.bias"), "init.tower1.0.bias");
  expect_refused(good, swapped("out.task9", "out.task0"), "out.task9");
  // Columns of the targets: one, three, the binary one, and the classes 0, 1 and 2.
  for (const float label : {3.0f, -1.0f, 1e20f}) expect_refused(good, entry("batch.y", 5, label), "task3");
}

TEST(SystemReplayRefuses, RecordsOfWeighedClassesWithoutTheWeightsOrWithWhatIsNoClass) {
  const TensorFile good = record_of(synthetic_weighed());
  expect_refused(good, without("class_weights"), "class_weights");
  expect_refused(good, swapped("class_weights", "init.sharedlayer.0.bias"), "class_weights");
  expect_refused(good, set("weighs_classes", "perhaps"), "weighs_classes");
  expect_refused(good, entry("batch.y", 4, 2.0f), "task2");  // the binary one
}

TEST(SystemReplay, NoticesOtherClassWeights) {
  const TensorFile good = record_of(synthetic_weighed());
  EXPECT_EQ(good.at("class_weights").shape, std::vector<int64_t>{5}) << "two of the binary task, three of the other";
  EXPECT_FALSE(record_of(synthetic_towers()).tensors.contains("class_weights"));
  for (std::size_t k = 0; k < 5; ++k) {
    TensorFile other = good;
    entry("class_weights", k, 3.0f)(other);
    double worst = 0;
    for (const Deviation& d : compare_record(good, replay_record(other, *make_cpu_executor(1))))
      worst = std::max(worst, d.worst);
    EXPECT_GT(worst, 1e-4) << "class " << k;
  }
}

TEST(SystemReplayRefuses, BrokenRecordsOfVaegans) {
  const TensorFile good = record_of(synthetic_vaegan(1, {11, 7}, 2));
  expect_refused(good, set("variant", "joint"), "variant");
  expect_refused(good, set("feature_layer", "3"), "feature_layer");
  expect_refused(good, set("feature_layer", "0"), "feature_layer");
  expect_refused(good, set("feature_layer", "1.5"), "feature_layer");
  expect_refused(good, set("gamma", "most"), "gamma");
  expect_refused(good, set("output_activation", "swish"), "output_activation");
  for (const char* name : {"batch.x", "batch.aux", "noise.view", "noise.prior", "init.decoder.hidden2.bias"})
    expect_refused(good, without(name), name);
  expect_refused(good, without("init.encoder.hidden.weight"), "encoder.hidden");
  expect_refused(good, swapped("noise.prior", "batch.x"), "noise.prior");
  expect_refused(good, swapped("batch.aux", "noise.view"), "batch.aux");
  expect_refused(good, swapped("init.decoder.out.bias", "init.encoder.mu.bias"), "init.decoder.out.bias");
  expect_refused(good, swapped("out.secret", "out.mu"), "out.secret");
}

TEST(SystemReplayRefuses, PlacesThatAModelDoesNotHave) {
  for (const auto& [setup, at] : {std::pair{synthetic_towers(), "latent1"}, {synthetic_vaegan(), "latent"}}) {
    TensorFile record = record_of(setup);
    record.metadata["balance_at"] = at;
    try {
      replay_record(record, *make_cpu_executor(1));
      ADD_FAILURE() << "accepted " << at;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("balance.at"), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace equipoise::test
