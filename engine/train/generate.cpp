// engine/train/generate.cpp - decodes draws of the prior.
#include "engine/train/generate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/train/checkpoint.h"
#include "engine/train/evaluator.h"

namespace equipoise {

std::vector<float> generate_rows(const TensorFile& model, int rows, uint64_t seed, Executor& executor) {
  const Setup setup = read_model_setup(model);
  if (!setup.system->traits().generates) {
    std::vector<std::string_view> kinds;
    for (const System* s : systems())
      if (s->traits().generates) kinds.push_back(s->kind());
    throw Error(ExitCode::checkpoint, fmt::format("{}: a model of kind {} generates no rows; take one of kind {}",
                                                  model.path, setup.system->kind(), fmt::join(kinds, " or ")));
  }
  const Program program = lower(setup.system->graph(Pass::generate),
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
