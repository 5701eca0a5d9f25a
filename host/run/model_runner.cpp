// host/run/model_runner.cpp - evaluation of a stored model.
#include "host/run/model_runner.h"

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/systems/metadata.h"
#include "engine/train/checkpoint.h"

namespace equipoise {

namespace {

Setup setup_for(const TensorFile& model, const Dataset& data) {
  Setup setup = read_model_setup(model);
  Setup of_data = setup;
  of_data.system->take_sizes(data, of_data);
  if (setup.system->demands() != of_data.system->demands())
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: a model of {} does not fit data of {}; take the model and the data of one run",
                            model.path, setup.system->demands(), of_data.system->demands()));
  return setup;
}

/// Files of before they held class weights say nothing of them; only losses, not answers, depend on them.
std::vector<float> weights_of(const TensorFile& model, const System& system, const Dataset& data) {
  std::vector<float> weights = class_weights_of(model);
  const auto classes = static_cast<std::size_t>(system.weighed_classes(data));
  if (weights.size() != classes) weights.assign(classes, 1.0f);
  return weights;
}

}  // namespace

const char* part_name(Part part) {
  return part == Part::train ? "train" : part == Part::validation ? "validation" : "test";
}

ModelRunner::ModelRunner(const TensorFile& model, const Dataset& data, const Split& split, Executor& executor)
    : split_(split),
      setup_(setup_for(model, data)),
      evaluator_(as_of_file(model.path, [&] { return Evaluator(setup_, data, kEvaluationBatch, executor); })) {
  executor.load_tables(tables_of(*setup_.system, data, split, weights_of(model, *setup_.system, data)));
  executor.load_state(read_model(evaluator_.program(), model), evaluator_.program().state_floats);
}

Evaluation ModelRunner::evaluate(Part part, std::span<const double> thresholds) {
  return evaluator_.evaluate(first_of(split_, part), rows_of(split_, part), thresholds);
}

std::vector<double> ModelRunner::latents(Part part) {
  return evaluator_.latents(first_of(split_, part), rows_of(split_, part));
}

}  // namespace equipoise
