// host/commands/predict_command.cpp - predict: what a run's model says of patients it has not seen.
#include <fmt/format.h>

#include <cmath>

#include "host/commands/commands.h"
#include "host/commands/study_commands.h"
#include "host/run/answers.h"
#include "host/run/device_choice.h"
#include "host/run/output_file.h"
#include "host/run/stored_run.h"
#include "host/study/study_folder.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

void expect_finite(const StoredRun& run, const std::string& id, std::span<const double> answers) {
  if (!all_finite(answers))
    throw Error(
        ExitCode::numerics,
        fmt::format("{}: the answer for {} is not finite; look at its values in the tables, or train again with "
                    "a lower optimizer.lr",
                    run.folder.string(), id));
}

/// Lines of the patients that can be answered. Throws Error(numerics) if an answer is not finite, before any is told.
class AnsweredRows {
 public:
  AnsweredRows(const StoredRun& run, const NewRows& rows, bool latent, Executor& executor)
      : runner_(run.model, rows.data, rows.split, executor),
        columns_(runner_.system(), run.preprocess, run.thresholds),
        latent_names_(latent ? runner_.system().latent_names() : std::vector<std::string>{}) {
    if (rows.data.rows == 0) return;
    said_ = runner_.evaluate(Part::train);
    if (latent) latents_ = runner_.latents(Part::train);
    for (std::size_t row = 0; row < rows.data.ids.size(); ++row)
      expect_finite(run, rows.data.ids[row], answers_of(said_, row));
  }

  std::string header() const {
    std::string text = "id" + columns_.header();
    for (const std::string& name : latent_names_) text += ',' + name;
    return text + '\n';
  }
  std::string line(std::size_t row) const {
    std::string text = columns_.row(answers_of(said_, row));
    for (std::size_t i = 0; i < latent_names_.size(); ++i)
      text += ',' + number_text(latents_[row * latent_names_.size() + i]);
    return text;
  }
  std::string empty_line() const { return columns_.empty_row() + std::string(latent_names_.size(), ','); }

 private:
  ModelRunner runner_;
  AnswerColumns columns_;
  std::vector<std::string> latent_names_;
  Evaluation said_;
  std::vector<double> latents_;
};

}  // namespace

ExitCode predict_command(const PredictOptions& o) {
  if (holds_study(o.run)) return predict_study(o);
  Log log(LogFormat::text, o.quiet);
  const StoredRun run = run_to_ask(o.run, o.out, o.force, log);
  if (o.out) expect_not_table(*o.out, o.views);
  const NewRows rows = read_new_rows(run, o.views, false, std::nullopt);
  for (const std::string& notice : rows.notices) log.info(notice);
  const auto executor = make_executor(o.device, log);
  const AnsweredRows answered(run, rows, o.latent, *executor);
  const auto lines = [&](const TextSink& sink) {
    sink(answered.header());
    std::size_t next = 0;
    for (std::size_t row = 0; row < rows.ids.size(); ++row) {
      const bool known = next < rows.answerable.size() && rows.answerable[next] == static_cast<int>(row);
      sink(csv_field(rows.ids[row]) + (known ? answered.line(next) : answered.empty_line()) + '\n');
      next += known ? 1 : 0;
    }
  };
  give_result(o.out, o.force, lines, log, fmt::format("answered {} of {} patients", rows.data.rows, rows.ids.size()));
  return ExitCode::done;
}

}  // namespace equipoise
