// host/commands/evaluate_command.cpp - evaluate: figures of a run's model on a part of its data.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/statistics/auc.h"
#include "host/commands/commands.h"
#include "host/commands/study_commands.h"
#include "host/run/column_figures.h"
#include "host/run/device_choice.h"
#include "host/run/figure_parts.h"
#include "host/run/stored_run.h"
#include "host/study/study_folder.h"
#include "host/text/printable.h"

namespace equipoise {

namespace {

std::string figure(double x) { return x == x ? fmt::format("{:.4f}", x) : "undefined"; }

/// What was judged.
struct JudgedRows {
  std::string part;
  std::vector<std::string> tasks;
  std::vector<Decision> decisions;
  Evaluation evaluation;
  std::vector<std::pair<std::string, int>> known = {};  ///< by task with a target: cells that its figures rest on
};

/// Cells of a task's columns that are known among these rows.
int known_cells(const Target& task, const Dataset& data, const std::vector<int>& rows) {
  int known = 0;
  for (const int row : rows)
    for (int c = task.first_col; c < task.first_col + task.cols; ++c)
      known += !std::isnan(data.targets[static_cast<std::size_t>(row) * static_cast<std::size_t>(data.target_cols) +
                                        static_cast<std::size_t>(c)]);
  return known;
}

JudgedRows judged_by(const StoredRun& run, ModelRunner& runner, const std::string& name, Part part, const Dataset& data,
                     const std::vector<int>& rows) {
  JudgedRows judged{name, runner.program().task_names,
                    runner.system().decisions({run.preprocess.label_names, run.preprocess.targets}),
                    runner.evaluate(part, run.thresholds)};
  for (Figure& f : column_figures(judged.evaluation, runner.system(), run.preprocess, data, rows))
    judged.evaluation.figures.push_back(std::move(f));
  for (const Target& task : data.tasks) judged.known.emplace_back(task.name, known_cells(task, data, rows));
  return judged;
}

double threshold_of(const StoredRun& run, std::size_t decision) {
  return decision < run.thresholds.size() ? run.thresholds[decision] : kHalf;
}

std::string as_text(const StoredRun& run, const JudgedRows& judged) {
  const Evaluation& e = judged.evaluation;
  std::vector<std::pair<std::string, std::string>> rows = {
      {"split", judged.part}, {"epoch", run.epoch()}, {"rows", fmt::format("{}, {} labelled", e.rows, e.labelled)}};
  for (const auto& [task, cells] : judged.known) rows.emplace_back("known of " + task, std::to_string(cells));
  for (std::size_t d = 0; d < judged.decisions.size(); ++d)
    if (const Decision& decision = judged.decisions[d]; decision.classes.size() == 2) {
      const std::string of = judged.decisions.size() > 1 ? " of " + decision.name : "";
      rows.emplace_back("positive class" + of,
                        fmt::format("{}, from a probability of {} on", decision.classes[1], threshold_of(run, d)));
    }
  for (const Figure& f : e.figures) {
    std::string values;
    const std::vector<std::string> parts = figure_parts(e, f, run.config.data.views);
    for (std::size_t i = 0; i < f.values.size(); ++i)
      values += (i > 0 ? "  " : "") + (parts.empty() ? "" : parts[i] + " ") + figure(f.values[i]);
    values += unit_in_words(f.name);
    std::string name = f.name == "auc" ? "AUC" : f.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    rows.emplace_back(name, values);
  }
  for (std::size_t k = 0; k < judged.tasks.size(); ++k)
    rows.emplace_back("loss of " + judged.tasks[k], figure(e.losses[k]));
  std::string text;
  for (const auto& [name, value] : rows) text += fmt::format("{:<30}{}\n", printable(name), printable(value));
  return text;
}

JudgedRows judge_own(const StoredRun& run, const EvaluateOptions& o, Log& log) {
  const Part part = o.part.value_or(Part::validation);
  const PreparedData prepared = data_of_run(run, o.data_root);
  if (rows_of(prepared.split, part).empty())
    throw Error(ExitCode::data, fmt::format("{}: no row is in the part '{}' of this run; choose another --split",
                                            o.run.string(), part_name(part)));
  const auto executor = make_executor(o.device, log);
  ModelRunner runner(run.model, prepared.data, prepared.split, *executor);
  return judged_by(run, runner, part_name(part), part, prepared.data, rows_of(prepared.split, part));
}

JudgedRows judge_new(const StoredRun& run, const EvaluateOptions& o, Log& log) {
  const NewRows rows = read_new_rows(run, o.views, true, o.outcome);
  for (const std::string& notice : rows.notices) log.info(notice);
  if (rows.data.rows == 0)
    throw Error(ExitCode::data,
                fmt::format("{}: no patient has a value in every view; name tables that belong together",
                            o.views.front().string()));
  const auto executor = make_executor(o.device, log);
  ModelRunner runner(run.model, rows.data, rows.split, *executor);
  return judged_by(run, runner, "external", Part::train, rows.data, rows.split.train);
}

}  // namespace

ExitCode evaluate_command(const EvaluateOptions& o) {
  if (holds_study(o.run)) return evaluate_study(o);
  const bool external = !o.views.empty();
  if (external && o.part)
    throw Error(ExitCode::usage,
                "evaluate: --split names a part of the run's own data, --views other patients; drop one");
  if (!external && o.outcome)
    throw Error(ExitCode::usage, "evaluate: --outcome belongs to other patients; name their tables by --views");
  Log log(LogFormat::text, o.quiet);
  const StoredRun run = run_to_ask(o.run, std::nullopt, false, log);
  const JudgedRows judged = external ? judge_new(run, o, log) : judge_own(run, o, log);
  if (!o.json) {
    print_result(as_text(run, judged));
    return ExitCode::done;
  }
  auto json = nlohmann::ordered_json::parse(evaluation_json(judged.evaluation, judged.tasks, -1));
  for (const auto& [task, cells] : judged.known) json["known"][task] = cells;
  for (std::size_t d = 0; d < judged.decisions.size(); ++d)
    if (const Decision& decision = judged.decisions[d]; decision.classes.size() == 2) {
      json["positive_class"][decision.name] = decision.classes[1];
      json["threshold"][decision.name] = threshold_of(run, d);
    }
  for (const Figure& f : judged.evaluation.figures)
    if (const auto parts = figure_parts(judged.evaluation, f, run.config.data.views); !parts.empty())
      json["parts"][f.name] = parts;
  json["split"] = judged.part;
  json["epoch"] = std::strtol(run.epoch().c_str(), nullptr, 10);
  print_result(json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  return ExitCode::done;
}

}  // namespace equipoise
