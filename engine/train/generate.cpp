// engine/train/generate.cpp - decodes draws of the prior.
#include "engine/train/generate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/machine_memory.h"
#include "engine/train/checkpoint.h"
#include "engine/train/evaluator.h"
#include "engine/train/memory_needed.h"

namespace equipoise {

namespace {

constexpr int kBatchesAtOnce = 64;

}  // namespace

void generate_rows(const TensorFile& model, int rows, uint64_t seed, Executor& executor, const RowsVisitor& visit) {
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

  expect_memory(running_bytes(program), "this model");
  const int most = program.batch * kBatchesAtOnce;
  // The prior needs no data; a batch still has row numbers.
  RunTables tables;
  tables.labels = {-1};
  tables.row_list.assign(static_cast<std::size_t>(std::min(rows, most)), 0);
  tables.class_weights = {1.0f};
  executor.load_tables(tables);
  executor.load_state(read_model(program, model), program.state_floats);
  Settings settings = setup.settings;
  settings.seed = seed;
  settings.first_row = 0;
  for (int done = 0; done < rows; done += settings.rows) {
    settings.rows = std::min(rows - done, most);
    Control control = fresh_control(settings, 0);
    control.step = done / program.batch;  // draws go by the number of the batch
    Emitted emitted;
    emitted.rows = settings.rows;
    executor.run(program, {&settings, 1}, {&control, 1}, {(settings.rows + program.batch - 1) / program.batch, true},
                 &emitted);
    visit(settings.rows, emitted.values[0]);
  }
}

}  // namespace equipoise
