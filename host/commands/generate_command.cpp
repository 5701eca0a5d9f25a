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

std::string header_of(const FittedView& view) {
  std::string text = "id";
  for (const std::string& column : view.columns) text += ',' + csv_field(column);
  return text + '\n';
}

/// Lines of rows [rows, columns of the view], the first of which is number `first`. Throws Error(numerics) for what is
/// no number.
std::string lines_of(std::span<const float> values, int first, const FittedView& view, const std::string& model) {
  std::string text;
  const std::size_t columns = view.columns.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t c = i % columns;
    if (!std::isfinite(values[i]))
      throw Error(ExitCode::numerics, fmt::format("{}: the model decodes to values that are not finite; train it again "
                                                  "with a lower optimizer.lr",
                                                  model));
    const double value = view.in_units(double{values[i]}, c);
    if (!std::isfinite(value))
      throw Error(ExitCode::numerics, fmt::format("a generated value of the column '{}' is beyond all numbers in the "
                                                  "data's units; train the model for longer, or choose another "
                                                  "transform",
                                                  view.columns[c]));
    if (c == 0) text += fmt::format("generated{}", first + static_cast<int>(i / columns));
    text += fmt::format(",{}", value);
    if (c + 1 == columns) text += '\n';
  }
  return text;
}

}  // namespace

ExitCode generate_command(const GenerateOptions& o) {
  Log log(LogFormat::text, o.quiet);
  const StoredRun run = run_to_ask(o.run, o.out, o.force, log);
  const auto executor = make_executor(o.device, log);
  const FittedView& view = run.preprocess.views.front();
  const auto table = [&](const TextSink& sink) {
    int told = 0;
    generate_rows(run.model, o.rows, o.seed, *executor, [&](int rows, std::span<const float> values) {
      if (values.size() != static_cast<std::size_t>(rows) * view.columns.size())
        throw Error(ExitCode::checkpoint,
                    fmt::format("{}: a model of {} columns does not fit {} of {}; take both from one run",
                                run.model.path, values.size() / static_cast<std::size_t>(rows),
                                (o.run / run_file::kPreprocess).string(), view.columns.size()));
      // Made before anything is told of them: what is refused at once leaves nothing behind, on a pipe too.
      const std::string lines = lines_of(values, told + 1, view, run.model.path);
      if (told == 0) sink(header_of(view));
      sink(lines);
      told += rows;
    });
  };
  give_result(o.out, o.force, table, log, fmt::format("generated {} rows of {} columns", o.rows, view.columns.size()));
  return ExitCode::done;
}

}  // namespace equipoise
