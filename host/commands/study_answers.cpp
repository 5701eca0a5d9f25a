// host/commands/study_answers.cpp - predict and evaluate of a study.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/files/atomic_file.h"
#include "host/commands/study_commands.h"
#include "host/run/device_choice.h"
#include "host/study/ensemble.h"
#include "host/study/stored_study.h"
#include "host/study/study_files.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

constexpr std::size_t kLargestSummary = std::size_t{64} << 20;

std::string cell(double x) { return std::isfinite(x) ? fmt::format("{}", x) : ""; }

std::string told_members(std::size_t members) {
  return fmt::format("{} chosen member{}", members, members == 1 ? "" : "s");
}

}  // namespace

ExitCode predict_study(const PredictOptions& o) {
  if (o.latent)
    throw Error(ExitCode::usage,
                "predict --latent: the members of a study have latents of their own each; use equipoise embed");
  Log log(LogFormat::text, o.quiet);
  if (o.out) expect_may_answer(o.run, *o.out, o.force, o.views);
  const std::vector<ChosenRun> runs = chosen_runs(read_finished_study(o.run));
  const auto executor = make_executor(o.device, log);
  const EnsembleSaid said = ask_ensemble(runs, o.views, false, std::nullopt, *executor);
  for (const std::string& notice : said.notices) log.info(notice);
  const std::size_t told = said.answers.names.size();
  const auto lines = [&](const TextSink& sink) {
    std::string head = "id" + said.columns.header();
    for (const std::string& name : said.answers.names) head += "," + csv_field(name + "_sd");
    sink(head + "\n");
    for (std::size_t row = 0; row < said.ids.size(); ++row) {
      std::string line = csv_field(said.ids[row]);
      line += said.answered[row]
                  ? said.columns.row(std::span(said.scaled).subspan(row * said.answer_cols, said.answer_cols))
                  : said.columns.empty_row();
      for (std::size_t c = 0; c < told; ++c) line += "," + cell(said.answers.sd[row * told + c]);
      sink(line + "\n");
    }
  };
  give_result(o.out, o.force, lines, log,
              fmt::format("answered {} of {} patients by the mean of {}", said.count(), said.ids.size(),
                          told_members(runs.size())));
  return ExitCode::done;
}

ExitCode evaluate_study(const EvaluateOptions& o) {
  if (o.part)
    throw Error(ExitCode::usage,
                "evaluate --split: a study's figures are those of its held-out folds; drop the option, or name other "
                "patients by --views");
  Log log(LogFormat::text, o.quiet);
  if (o.views.empty()) {
    if (o.outcome)
      throw Error(ExitCode::usage, "evaluate: --outcome belongs to other patients; name their tables by --views");
    const StoredStudy study = read_finished_study(o.run);
    print_result(read_text(study.folder / (o.json ? study_file::kSummary : study_file::kText), kLargestSummary));
    return ExitCode::done;
  }
  const std::vector<ChosenRun> runs = chosen_runs(read_finished_study(o.run));
  const auto executor = make_executor(o.device, log);
  const EnsembleSaid said = ask_ensemble(runs, o.views, true, o.outcome, *executor);
  for (const std::string& notice : said.notices) log.info(notice);
  if (said.count() == 0)
    throw Error(ExitCode::data,
                fmt::format("{}: no patient has a value in every view; name tables that belong together",
                            o.views.front().string()));
  const Evaluation& e = *said.evaluation;
  if (o.json) {
    nlohmann::ordered_json json{{"n", e.rows}, {"labelled", e.labelled}, {"members", runs.size()}};
    for (const Figure& figure : e.figures)
      if (figure.values.size() == 1 && std::isfinite(figure.values[0])) json[figure.name] = figure.values[0];
      else
        json[figure.name] =
            figure.values.size() == 1 ? nlohmann::ordered_json() : nlohmann::ordered_json(figure.values);
    print_result(json.dump(1) + "\n");
    return ExitCode::done;
  }
  std::string text = fmt::format("{:<30}{}\n{:<30}{}, {} labelled\n", "ensemble of", told_members(runs.size()), "rows",
                                 e.rows, e.labelled);
  for (const Figure& figure : e.figures) {
    std::string values;
    for (const double value : figure.values)
      values += fmt::format("{}{}", values.empty() ? "" : "  ",
                            std::isfinite(value) ? fmt::format("{:.4f}", value) : "undefined");
    text += fmt::format("{:<30}{}\n", figure.name == "auc" ? "AUC" : figure.name, values);
  }
  print_result(text);
  return ExitCode::done;
}

}  // namespace equipoise
