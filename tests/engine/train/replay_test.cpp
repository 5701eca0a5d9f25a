// tests/engine/train/replay_test.cpp - records made by PyTorch are reproduced, and broken ones are refused with the
// reason.
#include "engine/train/replay.h"

#include <gtest/gtest.h>

#include <functional>

#include "engine/base/error.h"

namespace equipoise {
namespace {

TensorFile load(const std::string& name) {
  return read_safetensors(std::string(EQUIPOISE_SOURCE_DIR "/tests/data/") + name);
}

class Replay : public testing::TestWithParam<const char*> {};

// float32 against float64: five Adam steps on activations of order 1 leave about 20 roundings in the last tensors, and
// the largest entry of every tensor is far above what cancels; 1e-4 is the record format's promise, 5e-6 what holds.
TEST_P(Replay, ReproducesEveryTensorOfThePyTorchRecord) {
  const TensorFile record = load(GetParam());
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  const std::vector<Deviation> deviations = compare_record(record, replay_record(record, *executor));
  EXPECT_EQ(deviations.size(), 90u) << "10 out, 54 grad, 1 gram, 6 trace, 19 final";
  for (const Deviation& d : deviations)
    EXPECT_LE(d.worst, 5e-6) << d.name << " element " << d.at << ": expected " << d.expected << ", got " << d.got;
}

TEST_P(Replay, NoticesAChangedOutcome) {
  TensorFile record = load(GetParam());
  std::vector<double> changed = record.at("final.fc1.weight").to_doubles();
  changed[3] += 1e-3;
  record.tensors["final.fc1.weight"] = StoredTensor::from_doubles({2, 14}, changed);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  double worst = 0;
  for (const Deviation& d : compare_record(record, replay_record(record, *executor)))
    if (d.name == "final.fc1.weight") {
      worst = d.worst;
      EXPECT_EQ(d.at, 3);
    }
  EXPECT_GT(worst, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Records, Replay,
                         testing::Values("mldrl_paper_small.safetensors", "mldrl_code_small.safetensors"),
                         [](const auto& file) {
                           return std::string(file.param).substr(6, 5) == "paper" ? "Paper" : "Code";
                         });

TEST(ReplayRefuses, WhatItCannotUnderstand) {
  const TensorFile good = load("mldrl_paper_small.safetensors");
  const auto refused = [&](const std::function<void(TensorFile&)>& spoil, const std::string& word) {
    TensorFile bad = good;
    spoil(bad);
    const std::unique_ptr<Executor> executor = make_cpu_executor(1);
    try {
      replay_record(bad, *executor);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::checkpoint) << e.what();
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
      return;
    }
    ADD_FAILURE() << "accepted a record spoilt for: " << word;
  };
  refused([](TensorFile& f) { f.metadata["system"] = "towers"; }, "towers");
  refused([](TensorFile& f) { f.metadata.erase("system"); }, "system");
  refused([](TensorFile& f) { f.metadata["variant"] = "draft"; }, "variant");
  refused([](TensorFile& f) { f.metadata["lr"] = "fast"; }, "lr");
  refused([](TensorFile& f) { f.metadata["lr"] = "nan"; }, "lr");
  refused([](TensorFile& f) { f.metadata["shared"] = "10"; }, "shared");
  refused([](TensorFile& f) { f.metadata["loss_ratio"] = "cooked"; }, "loss_ratio");
  refused([](TensorFile& f) { f.metadata["initial_task_weights"] = "1 2"; }, "initial_task_weights");
  refused([](TensorFile& f) { f.tensors.erase("batch.view2"); }, "batch.view2");
  refused([](TensorFile& f) { f.tensors.erase("init.decoder1.linear2.bias"); }, "init.decoder1.linear2.bias");
  refused([](TensorFile& f) { f.tensors["init.fc1.bias"] = f.at("init._enc_mu.bias"); }, "init.fc1.bias");
  refused([](TensorFile& f) { f.tensors["noise.view1"] = f.at("batch.view1"); }, "noise.view1");
  refused([](TensorFile& f) { f.tensors["out.secret"] = f.at("out.mu1"); }, "out.secret");
  refused(
      [](TensorFile& f) {
        std::vector<int64_t> labels = f.at("batch.label").to_int64s();
        labels[0] = 2;
        f.tensors["batch.label"] = StoredTensor::from_int64({5, 6}, labels);
      },
      "batch.label");
}

TEST(ReplayRefuses, ARecordWhoseStepsAreNotFinite) {
  TensorFile record = load("mldrl_paper_small.safetensors");
  std::vector<double> x = record.at("batch.view1").to_doubles();
  x[0] = 1e30;
  record.tensors["batch.view1"] = StoredTensor::from_doubles({5, 6, 7}, x);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  try {
    replay_record(record, *executor);
    FAIL() << "squares of 1e30 do not fit float32 gradients";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::numerics);
    EXPECT_NE(std::string(e.what()).find("step 0"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace equipoise
