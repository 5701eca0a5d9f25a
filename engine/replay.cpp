// engine/replay.cpp - replaying a record of MLDRL steps.
#include "engine/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "engine/mldrl_probe.h"
#include "engine/mldrl_setup.h"
#include "engine/parameters.h"

namespace equipoise {

namespace {

[[noreturn]] void refuse(const TensorFile& record, const std::string& why) {
  throw Error(ExitCode::checkpoint, fmt::format("{}: {}; re-create the record", record.path, why));
}

/// Dimension `axis` of a tensor that must have `rank` dimensions.
int dimension(const TensorFile& record, const std::string& name, std::size_t rank, std::size_t axis) {
  const StoredTensor& t = record.at(name);
  if (t.shape.size() != rank)
    refuse(record, fmt::format("tensor '{}' has {} dimensions where {} are needed", name, t.shape.size(), rank));
  if (t.shape[axis] < 1 || t.shape[axis] > (1 << 24))
    refuse(record, fmt::format("tensor '{}' has an impossible shape", name));
  return static_cast<int>(t.shape[axis]);
}

void expect_shape(const TensorFile& record, const std::string& name, const std::vector<int64_t>& shape) {
  if (record.at(name).shape != shape)
    refuse(record, fmt::format("tensor '{}' has shape [{}] where [{}] is needed", name,
                               fmt::join(record.at(name).shape, ", "), fmt::join(shape, ", ")));
}

struct Sizes {
  int steps, batch;
};

Sizes read_sizes(const TensorFile& record, MldrlSetup& setup) {
  MldrlModel& m = setup.model;
  const Sizes sizes{dimension(record, "batch.view1", 3, 0), dimension(record, "batch.view1", 3, 1)};
  m.features1 = dimension(record, "batch.view1", 3, 2);
  m.features2 = dimension(record, "batch.view2", 3, 2);
  m.hidden = dimension(record, "init.encoder1.linear1.weight", 2, 0);
  m.specific = dimension(record, "init._enc_mu.weight", 2, 0) - m.shared;
  m.classes = dimension(record, "init.fc1.weight", 2, 0);
  if (m.specific < 1) refuse(record, "metadata key 'shared' leaves no specific latents");
  const int latent = m.shared + m.specific;
  expect_shape(record, "batch.view2", {sizes.steps, sizes.batch, m.features2});
  expect_shape(record, "batch.label", {sizes.steps, sizes.batch});
  for (const char* noise : {"noise.view1", "noise.view2"})
    expect_shape(record, noise, {sizes.steps, sizes.batch, latent});
  return sizes;
}

RunTables read_tables(const TensorFile& record, const MldrlModel& m, const Sizes& sizes) {
  RunTables tables;
  const int latent = m.shared + m.specific;
  tables.sources = {{record.at("batch.view1").to_floats(), m.features1},
                    {record.at("batch.view2").to_floats(), m.features2},
                    {record.at("noise.view1").to_floats(), latent},
                    {record.at("noise.view2").to_floats(), latent}};
  for (int64_t label : record.at("batch.label").to_int64s()) {
    if (label < -1 || label >= m.classes)
      refuse(record, fmt::format("tensor 'batch.label' holds {}, outside -1 .. {}", label, m.classes - 1));
    tables.labels.push_back(static_cast<int32_t>(label));
  }
  for (int r = 0; r < sizes.steps * sizes.batch; ++r) tables.row_list.push_back(r);
  tables.class_weights.assign(static_cast<std::size_t>(m.classes), 1.0f);
  if (const auto weights = record.tensors.find("class_weights"); weights != record.tensors.end()) {
    expect_shape(record, "class_weights", {m.classes});
    tables.class_weights = weights->second.to_floats();
  }
  return tables;
}

}  // namespace

TensorFile replay_record(const TensorFile& record, Executor& executor) {
  if (const std::string& system = record.metadata_at("system"); system != "mldrl")
    refuse(record, fmt::format("system '{}' is not known to this version, which replays 'mldrl'", system));
  MldrlSetup setup = setup_from_metadata(record.metadata, record.path);
  const Sizes sizes = read_sizes(record, setup);
  setup.settings.rows = sizes.steps * sizes.batch;

  MldrlStepper stepper(setup, sizes.batch, LatentNoise::given, false, executor);
  executor.load_tables(read_tables(record, setup.model, sizes));
  std::vector<float> state(static_cast<std::size_t>(stepper.program().state_floats), 0.0f);
  for (const ParameterInfo& p : stepper.program().parameters) {
    expect_shape(record, "init." + p.name, p.shape);
    write_parameter(stepper.program(), p, StatePart::parameter, state, record.at("init." + p.name).to_floats());
  }
  executor.load_state(state, stepper.program().state_floats);

  TensorFile outcome;
  outcome.metadata = record.metadata;
  outcome.path = record.path;
  for (int step = 0; step < sizes.steps; ++step) {
    if (step == 0) stepper.probe(outcome);
    stepper.step();
    if (stepper.control().skipped > 0)
      throw Error(ExitCode::numerics,
                  fmt::format("{}: step {} met a non-finite value in {}", record.path, step, stepper.describe_bad()));
  }
  stepper.finish(outcome);
  std::erase_if(outcome.tensors, [&](const auto& entry) { return !record.tensors.contains(entry.first); });
  for (const auto& [name, tensor] : record.tensors) {
    const bool wanted = name.starts_with("out.") || name.starts_with("grad.") || name.starts_with("gram.") ||
                        name.starts_with("trace.") || name.starts_with("final.");
    if (wanted && !outcome.tensors.contains(name))
      refuse(record, fmt::format("outcome '{}' is not known to this version", name));
  }
  return outcome;
}

std::vector<Deviation> compare_record(const TensorFile& record, const TensorFile& replayed) {
  std::vector<Deviation> deviations;
  for (const auto& [name, tensor] : replayed.tensors) {
    const std::vector<double> expected = record.at(name).to_doubles(), got = tensor.to_doubles();
    if (record.at(name).shape != tensor.shape)
      refuse(record, fmt::format("tensor '{}' has shape [{}] where the model has [{}]", name,
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
