// engine/record.cpp - recording the first steps of a training.
#include "engine/record.h"

#include <fmt/format.h>

#include <climits>

#include "engine/error.h"
#include "engine/mldrl_probe.h"
#include "engine/parameters.h"

namespace equipoise {

namespace {

constexpr const char* kNotes =
    "Made by equipoise record. trace.losses: raw task losses; trace.terms: reconstruction, kl, inherent, variational, "
    "cross entropy; trace.weights: used in that step; trace.norms: norm of weight times gradient. Weights are "
    "[out, in]; out, grad and gram belong to the first step.";

/// Inputs of all steps, one after another.
struct Inputs {
  std::vector<float> view1, view2, noise1, noise2;
  std::vector<int64_t> label;

  void add(const MldrlStepper::Batch& b) {
    view1.insert(view1.end(), b.view1.begin(), b.view1.end());
    view2.insert(view2.end(), b.view2.begin(), b.view2.end());
    noise1.insert(noise1.end(), b.noise1.begin(), b.noise1.end());
    noise2.insert(noise2.end(), b.noise2.begin(), b.noise2.end());
    label.insert(label.end(), b.label.begin(), b.label.end());
  }
};

void put_inputs(TensorFile& record, const Inputs& inputs, const MldrlModel& model, int64_t steps, int64_t batch) {
  const auto put = [&](const char* name, const std::vector<float>& values, int cols) {
    record.tensors[name] = StoredTensor::from_floats({steps, batch, cols}, values);
  };
  put("batch.view1", inputs.view1, model.features1);
  put("batch.view2", inputs.view2, model.features2);
  put("noise.view1", inputs.noise1, model.shared + model.specific);
  put("noise.view2", inputs.noise2, model.shared + model.specific);
  record.tensors["batch.label"] = StoredTensor::from_int64({steps, batch}, inputs.label);
}

}  // namespace

int most_recordable_steps(const Split& split, int batch) {
  const auto rows = static_cast<int>(split.train.size());
  return rows > 0 && rows % batch == 0 ? INT_MAX : rows / batch;
}

TensorFile record_training(const Dataset& data, const Split& split, const TrainingPlan& plan, int steps,
                           Executor& executor) {
  if (const int most = most_recordable_steps(split, plan.batch); steps > most)
    throw Error(ExitCode::usage, fmt::format("--steps: {} steps are asked for, but {} training rows make {} full "
                                             "batches of {}; record fewer steps or lower train.batch",
                                             steps, split.train.size(), most, plan.batch));
  MldrlSetup setup = plan.setup;
  setup.settings.first_row = 0;
  setup.settings.rows = static_cast<int32_t>(split.train.size());
  MldrlStepper stepper(setup, plan.batch, LatentNoise::drawn, true, executor);
  const Program& program = stepper.program();
  executor.load_tables(tables_of(data, split, plan.class_weights));
  std::vector<float> state(static_cast<std::size_t>(program.state_floats));
  initialise(program, state, setup.settings.seed, setup.settings.replica);
  executor.load_state(state, program.state_floats);

  TensorFile record;
  record.metadata = to_metadata(setup);
  record.metadata["notes"] = kNotes;
  for (const ParameterInfo& p : program.parameters)
    record.tensors["init." + p.name] =
        StoredTensor::from_floats(p.shape, read_parameter(program, p, StatePart::parameter, state));
  record.tensors["class_weights"] = StoredTensor::from_floats({setup.model.classes}, plan.class_weights);

  stepper.probe(record);
  Inputs inputs;
  for (int step = 0; step < steps; ++step) {
    inputs.add(stepper.batch());
    stepper.step();
    if (stepper.control().bad_kind != BadKind::none)
      throw Error(ExitCode::numerics, fmt::format("step {} met a non-finite value in {}; lower optimizer.lr or record "
                                                  "fewer steps",
                                                  step, stepper.describe_bad()));
  }
  stepper.finish(record);
  put_inputs(record, inputs, setup.model, steps, plan.batch);
  return record;
}

}  // namespace equipoise
