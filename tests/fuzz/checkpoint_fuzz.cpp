// tests/fuzz/checkpoint_fuzz.cpp - libFuzzer target: a checkpoint and a model that were changed with their hash made
// anew are refused with Error(checkpoint), or go on and answer. An input is a list of changes.
#include <cstdint>
#include <memory>

#include "engine/base/error.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/train/checkpoint.h"
#include "engine/train/trainer.h"
#include "host/run/model_runner.h"
#include "tests/fuzz/changed_tensors.h"

namespace {

using namespace equipoise;
using fuzz::require;

/// A small training in the middle of its second epoch, and its files.
struct Training {
  Dataset data;
  Split split;
  TrainingPlan plan;
  std::unique_ptr<Executor> executor = make_cpu_executor(1);
  TensorFile checkpoint, model;

  Training() {
    data.rows = 12;
    data.classes = 2;
    data.features = {2, 3};
    for (const int features : data.features) {
      std::vector<float>& view = data.views.emplace_back();
      for (int i = 0; i < data.rows * features; ++i) view.push_back(static_cast<float>(i * 7 % 11) / 5.0f - 1);
    }
    for (int row = 0; row < data.rows; ++row) {
      data.ids.push_back("p" + std::to_string(row));
      data.label.push_back(row % 2);
      (row < 3 ? split.validation : split.train).push_back(row);
    }
    plan.setup = mldrl_setup("paper");
    mldrl(plan.setup).features = data.features;
    mldrl(plan.setup).hidden = 2;
    mldrl(plan.setup).shared = 1;
    mldrl(plan.setup).specific = 1;
    plan.batch = 4;
    plan.epochs = 3;
    plan.class_weights = {1.0f, 1.0f};
    Trainer trainer(data, split, plan, *executor);
    trainer.advance(100);
    trainer.advance(1);
    checkpoint = trainer.checkpoint();
    model = trainer.model();
    checkpoint.path = model.path = "fuzz";
  }
};

}  // namespace

EQUIPOISE_FUZZ_TARGET(checkpoint) {
  static Training t;
  fuzz::Input input(bytes, size);
  const bool of_checkpoint = input.choice(1) == 0;
  TensorFile file = fuzz::changed(of_checkpoint ? t.checkpoint : t.model, input);
  sign(file);
  try {
    if (of_checkpoint) {
      Trainer trainer(t.data, t.split, t.plan, *t.executor);
      trainer.restore(file);
      for (int step = 0; step < 4 && !trainer.finished(); ++step) trainer.advance(1);
      require(!trainer.finish_reason().empty() || !trainer.finished());
      model_of_checkpoint(file);
    } else {
      ModelRunner runner(file, t.data, t.split, *t.executor);
      require(runner.evaluate(Part::validation).rows == 3);
      thresholds_of(file);
    }
  } catch (const Error& error) {
    require(error.code() == ExitCode::checkpoint || (of_checkpoint && error.code() == ExitCode::numerics));
  }
}
