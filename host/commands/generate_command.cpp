// host/commands/generate_command.cpp - generate: new rows from a trained VAE-GAN, in the units of its data.
#include <fmt/format.h>

#include <cmath>

#include "engine/train/generate.h"
#include "host/commands/commands.h"
#include "host/data/preprocess.h"
#include "host/run/device_choice.h"
#include "host/run/run_files.h"
#include "host/run/stored_run.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

std::string table_of(const std::vector<float>& values, int rows, const FittedView& view) {
  std::string text = "id";
  for (const std::string& column : view.columns) text += ',' + csv_field(column);
  text += '\n';
  const std::size_t columns = view.columns.size();
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
    text += fmt::format("generated{}", r + 1);
    for (std::size_t c = 0; c < columns; ++c) {
      const double value = view.in_units(double{values[r * columns + c]}, c);
      if (!std::isfinite(value))
        throw Error(ExitCode::numerics, fmt::format("a generated value of the column '{}' is beyond all numbers in the "
                                                    "data's units; train the model for longer, or choose another "
                                                    "transform",
                                                    view.columns[c]));
      text += fmt::format(",{}", value);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

ExitCode generate_command(const GenerateOptions& o) {
  if (o.rows < 1 || o.rows > 10'000'000)
    throw Error(ExitCode::usage, fmt::format("--rows {}: must be from 1 to 10000000", o.rows));
  Log log(LogFormat::text, o.quiet);
  const StoredRun run = run_to_ask(o.run, o.out, o.force, log);
  const auto executor = make_executor(o.device, log);
  const TensorFile& model = run.model;
  const std::vector<float> values = generate_rows(model, o.rows, o.seed, *executor);
  const FittedView& view = run.preprocess.views.front();
  if (values.size() != static_cast<std::size_t>(o.rows) * view.columns.size())
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: a model of {} columns does not fit {} of {}; take both from one run", model.path,
                            values.size() / static_cast<std::size_t>(o.rows), (o.run / run_file::kPreprocess).string(),
                            view.columns.size()));
  for (const float value : values)
    if (!std::isfinite(value))
      throw Error(ExitCode::numerics,
                  fmt::format("{}: the model decodes to values that are not finite; train it again with a lower "
                              "optimizer.lr",
                              model.path));
  give_result(o.out, o.force, table_of(values, o.rows, view), log,
              fmt::format("generated {} rows of {} columns", o.rows, view.columns.size()));
  return ExitCode::done;
}

}  // namespace equipoise
