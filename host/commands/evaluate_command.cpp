// host/commands/evaluate_command.cpp - evaluate: figures of a run's model on a part of its data.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/commands/commands.h"
#include "host/config/model_config.h"
#include "host/run/device_choice.h"
#include "host/run/figure_parts.h"
#include "host/run/run_folder.h"
#include "host/run/run_summary.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

std::string figure(double x) { return x == x ? fmt::format("{:.4f}", x) : "undefined"; }

std::string as_text(const Evaluation& e, const std::vector<std::string>& task_names, const Config& config, Part part,
                    const std::string& epoch) {
  std::vector<std::pair<std::string, std::string>> rows = {
      {"split", part_name(part)}, {"epoch", epoch}, {"rows", fmt::format("{}, {} labelled", e.rows, e.labelled)}};
  for (const Figure& f : e.figures) {
    std::string values;
    const std::vector<std::string> parts = figure_parts(e, f, config.data.views);
    for (std::size_t i = 0; i < f.values.size(); ++i)
      values += (i > 0 ? "  " : "") + (parts.empty() ? "" : parts[i] + " ") + figure(f.values[i]);
    std::string name = f.name == "auc" ? "AUC" : f.name;
    std::replace(name.begin(), name.end(), '_', ' ');
    rows.emplace_back(name, values);
  }
  for (std::size_t k = 0; k < task_names.size(); ++k)
    rows.emplace_back("loss of " + task_names[k], figure(e.losses[k]));
  std::string text;
  for (const auto& [name, value] : rows) text += fmt::format("{:<30}{}\n", name, value);
  return text;
}

}  // namespace

ExitCode evaluate_command(const EvaluateOptions& o) {
  const Config config = read_run_config(o.run);
  const fs::path model_path = o.run / run_file::kModel;
  std::error_code ignored;
  if (!fs::exists(model_path, ignored))
    throw Error(
        ExitCode::checkpoint,
        fmt::format("{}: is missing: the run ended before it was first written, or it was removed; resume with: "
                    "equipoise train --resume --out {}",
                    model_path.string(), shell_word(o.run)));
  const TensorFile model = read_safetensors(model_path);
  const PreparedData prepared = prepare_data_as(config, o.run);
  expect_same_data(read_earlier_run(o.run / run_file::kSummary), prepared);
  const std::vector<int>& rows = rows_of(prepared.split, o.part);
  if (rows.empty())
    throw Error(ExitCode::data, fmt::format("{}: no row is in the part '{}' of this run; choose another --split",
                                            o.run.string(), part_name(o.part)));

  Log log(LogFormat::text, o.quiet);
  const auto executor = make_executor(o.device, log);
  const TrainingPlan plan = training_plan(config, prepared.data, prepared.split);
  ModelRunner runner(model, prepared, plan, *executor);
  const Evaluation e = runner.evaluate(o.part);
  const std::vector<std::string>& tasks = runner.program().task_names;
  const std::string& epoch = model.metadata_at("epoch");
  if (!o.json) {
    print_result(as_text(e, tasks, config, o.part, epoch));
    return ExitCode::done;
  }
  auto json = nlohmann::ordered_json::parse(evaluation_json(e, tasks, -1));
  for (const Figure& f : e.figures)
    if (const auto parts = figure_parts(e, f, config.data.views); !parts.empty()) json["parts"][f.name] = parts;
  json["split"] = part_name(o.part);
  json["epoch"] = std::strtol(epoch.c_str(), nullptr, 10);
  print_result(json.dump(1) + "\n");
  return ExitCode::done;
}

}  // namespace equipoise
