// engine/train/replay.cpp - replaying a record's steps.
#include "engine/train/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/record/record_form.h"
#include "engine/run/parameters.h"
#include "engine/systems/metadata.h"
#include "engine/systems/stepping.h"

namespace equipoise {

TensorFile replay_record(const TensorFile& record, Executor& executor) {
  Setup setup = read_setup(record, "init.");
  const std::unique_ptr<RecordForm> form = setup.system->record_form(setup);
  const RecordSizes sizes = form->sizes(record);
  try {
    balancers_of(setup, Pass::given);
  } catch (const Error& e) {
    refuse_record(record, fmt::format("its metadata do not fit its model: {}", e.what()));
  }
  if (int64_t{sizes.steps} * sizes.batch > INT32_MAX) refuse_record(record, "it has too many rows");
  setup.settings.rows = sizes.steps * sizes.batch;

  Stepper stepper = stepper_of(setup, sizes.batch, Pass::given, false, executor);
  executor.load_tables(form->tables(record, sizes));
  std::vector<float> state(static_cast<std::size_t>(stepper.program().state_floats), 0.0f);
  for (const ParameterInfo& p : stepper.program().parameters) {
    expect_record_shape(record, "init." + p.name, p.shape);
    write_parameter(stepper.program(), p, StatePart::parameter, state, record.at("init." + p.name).to_floats());
  }
  executor.load_state(state, stepper.program().state_floats);

  TensorFile outcome;
  outcome.metadata = record.metadata;
  outcome.path = record.path;
  Traces traces;
  for (int step = 0; step < sizes.steps; ++step) {
    if (step == 0) {
      stepper.probe();
      form->put_outcome(stepper, outcome);
    }
    const std::vector<float> before = stepper.state();
    stepper.step();
    if (stepper.control().skipped > 0)
      throw Error(ExitCode::numerics,
                  fmt::format("{}: step {} met a non-finite value in {}", record.path, step, stepper.describe_bad()));
    form->add_trace(stepper, before, traces);
  }
  traces.put(outcome);
  put_final(stepper, *form, outcome);
  std::erase_if(outcome.tensors, [&](const auto& entry) { return !record.tensors.contains(entry.first); });
  for (const auto& [name, tensor] : record.tensors) {
    const bool wanted = name.starts_with("out.") || name.starts_with("grad.") || name.starts_with("gram.") ||
                        name.starts_with("trace.") || name.starts_with("final.");
    if (wanted && !outcome.tensors.contains(name))
      refuse_record(record, fmt::format("outcome '{}' is not known to this version", name));
  }
  return outcome;
}

std::vector<Deviation> compare_record(const TensorFile& record, const TensorFile& replayed) {
  std::vector<Deviation> deviations;
  for (const auto& [name, tensor] : replayed.tensors) {
    const std::vector<double> expected = record.at(name).to_doubles(), got = tensor.to_doubles();
    if (record.at(name).shape != tensor.shape)
      refuse_record(record, fmt::format("tensor '{}' has shape [{}] where the model has [{}]", name,
                                        fmt::join(record.at(name).shape, ", "), fmt::join(tensor.shape, ", ")));
    double largest = 0;
    for (double e : expected) largest = std::max(largest, std::fabs(e));
    Deviation d{name, 0, 0, 0, 0};
    for (std::size_t i = 0; i < expected.size(); ++i) {
      double off = std::fabs(got[i] - expected[i]) / (largest > 0 ? largest : 1.0);
      if (std::isnan(off)) off = HUGE_VAL;
      if (i == 0 || off > d.worst) d = {name, off, static_cast<int64_t>(i), expected[i], got[i]};
    }
    deviations.push_back(d);
  }
  return deviations;
}

}  // namespace equipoise
