// engine/train/generate.cpp - decodes draws of the prior.
#include "engine/train/generate.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/train/checkpoint.h"
#include "engine/train/evaluation.h"

namespace equipoise {

std::vector<float> generate_rows(const TensorFile& model, int rows, uint64_t seed, Executor& executor) {
  const Setup setup = read_model_setup(model);
  if (!std::holds_alternative<VaeganModel>(setup.model))
    throw Error(ExitCode::checkpoint, fmt::format("{}: a model of kind {} generates no rows; take one of kind vaegan",
                                                  model.path, system_name(setup.model)));
  const Program program = lower(model_graph(setup.model, Pass::generate),
                                evaluation_options(setup, std::min(rows, kEvaluationBatch), executor.plan_limits()));

  // The prior needs no data; a batch still has row numbers.
  RunTables tables;
  tables.labels = {-1};
  tables.row_list.assign(static_cast<std::size_t>(rows), 0);
  tables.class_weights = {1.0f};
  executor.load_tables(tables);
  executor.load_state(read_model(program, model), program.state_floats);
  Settings settings = setup.settings;
  settings.seed = seed;
  settings.first_row = 0;
  settings.rows = rows;
  Control control = fresh_control(settings, 0);
  Emitted emitted;
  emitted.rows = rows;
  executor.run(program, {&settings, 1}, {&control, 1}, {(rows + program.batch - 1) / program.batch, true}, &emitted);
  return emitted.values[0];
}

}  // namespace equipoise
