// engine/train/record.cpp - recording the first steps of a training.
#include "engine/train/record.h"

#include <fmt/format.h>

#include <climits>

#include "engine/base/error.h"
#include "engine/record/record_form.h"
#include "engine/run/parameters.h"
#include "engine/systems/metadata.h"
#include "engine/systems/stepping.h"
#include "engine/train/evaluator.h"

namespace equipoise {

namespace {

constexpr const char* kNotes =
    "Made by equipoise record. trace.losses: raw task losses; trace.weights: used in that step; trace.norms: norm of "
    "weight times gradient. Weights are [out, in]; out, grad and gram belong to the first step.";

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
  for (const BalanceSetup& b : plan.setup.balance)
    for (const Method& method : b.methods)
      if (const int most = static_cast<int>(split.train.size()) / plan.batch;
          method.kind == MethodKind::dwa && steps > most)
        throw Error(
            ExitCode::usage,
            fmt::format("--steps: a record is one long epoch and dwa counts epochs; record at most {} steps", most));
  Setup setup = plan.setup;
  setup.settings.first_row = 0;
  setup.settings.rows = static_cast<int32_t>(split.train.size());
  Stepper stepper = stepper_of(setup, plan.batch, Pass::train, true, executor);
  const Program& program = stepper.program();
  executor.load_tables(tables_of(*setup.system, data, split, plan.class_weights));
  std::vector<float> state(static_cast<std::size_t>(program.state_floats));
  initialise(program, state, setup.settings.seed, setup.settings.replica);
  executor.load_state(state, program.state_floats);

  TensorFile record;
  record.metadata = to_metadata(setup);
  record.metadata["notes"] = kNotes;
  for (const ParameterInfo& p : program.parameters)
    record.tensors["init." + p.name] =
        StoredTensor::from_floats(p.shape, read_parameter(program, p, StatePart::parameter, state));

  const std::unique_ptr<RecordForm> form = setup.system->record_form(setup);
  Traces traces;
  for (int step = 0; step < steps; ++step) {
    stepper.probe();
    if (step == 0) form->put_outcome(stepper, record);
    form->add_inputs(stepper);
    const std::vector<float> before = stepper.state();
    stepper.step();
    if (stepper.control().bad_kind != BadKind::none)
      throw Error(ExitCode::numerics, fmt::format("step {} met a non-finite value in {}; lower optimizer.lr or record "
                                                  "fewer steps",
                                                  step, stepper.describe_bad()));
    form->add_trace(stepper, before, traces);
  }
  traces.put(record);
  put_final(stepper, *form, record);
  form->put_inputs(record, {steps, plan.batch}, plan.class_weights);
  return record;
}

}  // namespace equipoise
