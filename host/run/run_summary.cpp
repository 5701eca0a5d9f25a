// host/run/run_summary.cpp - run.json written and read.
#include "host/run/run_summary.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/format.h"
#include "engine/files/json_text.h"
#include "host/run/build_info.h"
#include "host/run/run_files.h"
#include "host/text/json_number.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLargestSummary = std::size_t{8} << 20;  // of thousands of classes

/// Bytes that are not UTF-8, as a path may have, are replaced.
std::string dump(const ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

ordered_json figures_of(const Evaluation& e, const std::vector<std::string>& task_names) {
  ordered_json losses = ordered_json::object();
  for (std::size_t k = 0; k < task_names.size(); ++k) losses[task_names[k]] = e.losses[k];
  ordered_json figures{{"n", e.rows}, {"labelled", e.labelled}};
  for (const Figure& f : e.figures)
    figures[f.name] = f.values.size() == 1 ? ordered_json(f.values[0]) : ordered_json(f.values);
  figures["losses"] = losses;
  return figures;
}

ordered_json build_of() {
  const BuildInfo& b = build_info();
  return {{"version", b.version},
          {"git", b.git},
          {"compiler", b.compiler},
          {"cuda", b.cuda},
          {"cuda_architectures", b.cuda_architectures}};
}

/// Null of a run that no GPU did.
ordered_json kernel_of(const KernelUse& use) {
  if (use.interpreted_steps + use.generated_steps == 0) return nullptr;
  ordered_json kernel{{"interpreter_steps", use.interpreted_steps}, {"generated_steps", use.generated_steps}};
  if (!use.problem.empty()) kernel["problem"] = use.problem;
  return kernel;
}

/// Of the other files of the run, also those that have no room to say it themselves.
ordered_json formats_of_files() {
  ordered_json formats;
  for (const auto& [name, format] : {std::pair{run_file::kConfig, file_format::kConfig},
                                     {run_file::kPreprocess, file_format::kPreprocess},
                                     {run_file::kSplit, file_format::kSplit},
                                     {run_file::kMetrics, file_format::kMetrics},
                                     {run_file::kModel, file_format::kModel},
                                     {run_file::kLast, file_format::kCheckpoint}})
    formats[name] = format.number;
  return formats;
}

/// Of each view, over its columns; null where that is not known.
ordered_json counts_of(const Preprocess& preprocess, std::vector<int> FittedView::*counts) {
  ordered_json all = ordered_json::array();
  for (const FittedView& view : preprocess.views) {
    const std::vector<int>& of_view = view.*counts;
    if (of_view.empty()) return nullptr;
    all.push_back(std::accumulate(of_view.begin(), of_view.end(), int64_t{0}));
  }
  return all;
}

ordered_json data_of(const PreparedData& p, const std::vector<std::string>& notices, const std::filesystem::path& run) {
  ordered_json files = ordered_json::array();
  for (const DataFile& file : p.files) {
    const std::filesystem::path relative = std::filesystem::path(file.path).lexically_relative(run);
    files.push_back({{"path", file.path}, {"relative", relative.string()}, {"sha256", file.sha256}});
  }
  int labelled = 0;
  for (const int label : p.data.label) labelled += label >= 0;
  const auto targets = static_cast<std::size_t>(p.data.target_cols);
  for (std::size_t row = 0; row < p.data.targets.size(); row += std::max<std::size_t>(targets, 1))
    labelled += std::any_of(p.data.targets.begin() + static_cast<std::ptrdiff_t>(row),
                            p.data.targets.begin() + static_cast<std::ptrdiff_t>(row + targets),
                            [](float t) { return t == t; });
  return {{"files", files},
          {"sha256", p.sha256},
          {"rows",
           {{"all", p.data.rows},
            {"left_out", p.preprocess.left_out.size()},
            {"labelled", labelled},
            {"train", p.split.train.size()},
            {"validation", p.split.validation.size()},
            {"test", p.split.test.size()}}},
          {"features", p.data.features},
          {"imputed", counts_of(p.preprocess, &FittedView::missing)},
          {"outliers", counts_of(p.preprocess, &FittedView::far)},
          {"classes", p.preprocess.label_names},
          {"notices", notices}};
}

}  // namespace

std::string time_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::string evaluation_json(const Evaluation& evaluation, const std::vector<std::string>& task_names, int indent) {
  return dump(figures_of(evaluation, task_names), indent);
}

std::string to_json(const RunSummary& s, const PreparedData& prepared, const std::vector<std::string>& task_names) {
  ordered_json json;
  json["format"] = mark(file_format::kSummary);
  json["formats"] = formats_of_files();
  json["status"] = s.status;
  json["finish_reason"] = s.finish_reason;
  json["started"] = s.started;
  json["ended"] = s.ended;
  json["resumed"] = s.resumed;
  json["build"] = build_of();
  json["device"] = s.device;
  if (const ordered_json kernel = kernel_of(s.kernel); !kernel.is_null()) json["kernel"] = kernel;
  json["data"] = data_of(prepared, s.notices, std::filesystem::absolute(s.folder).lexically_normal());
  json["epochs"] = s.epochs;
  json["steps"] = s.steps;
  json["skipped_steps"] = s.skipped;
  json["best_epoch"] = s.best_epoch;
  json["chosen_by"] = s.selects ? "validation" : "last epoch";
  json["best_validation"] = s.best ? figures_of(*s.best, task_names) : ordered_json();
  json["dead_layers"] = s.dead_layers;
  json["warnings"] = s.warnings;
  json["hash"] = s.hash;
  return dump(json, 1) + "\n";
}

namespace {

int count_in(const ordered_json& json, const char* key, const std::filesystem::path& file) {
  const std::optional<int> number = json_count(json.at(key));
  if (!number)
    throw Error(ExitCode::checkpoint, fmt::format("{}: '{}' is no count; restore the file", file.string(), key));
  return *number;
}

}  // namespace

EarlierRun read_earlier_run(const std::filesystem::path& run_json) {
  EarlierRun run;
  try {
    const ordered_json json = parse_json(read_text(run_json, kLargestSummary), run_json.string());
    expect_format(run_json.string(), file_format::kSummary, json.value("format", ""));
    run.started = json.at("started").get<std::string>();
    run.resumed = count_in(json, "resumed", run_json);
    run.status = json.at("status").get<std::string>();
    run.finish_reason = json.at("finish_reason").get<std::string>();
    run.epochs = count_in(json, "epochs", run_json);
    if (const auto kernel = json.find("kernel"); kernel != json.end() && kernel->is_object()) {
      run.interpreted_steps = kernel->value("interpreter_steps", int64_t{0});
      run.generated_steps = kernel->value("generated_steps", int64_t{0});
    }
    const ordered_json& data = json.at("data");
    run.data_sha256 = data.at("sha256").get<std::string>();
    run.notices = data.value("notices", run.notices);
    for (const ordered_json& file : data.at("files"))
      run.files.push_back({file.at("path").get<std::string>(), file.at("sha256").get<std::string>(),
                           file.value("relative", std::string())});
  } catch (const ordered_json::exception& problem) {
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: not the account of a run ({}); restore the file", run_json.string(), problem.what()));
  }
  return run;
}

void expect_same_data(const EarlierRun& earlier, const PreparedData& prepared) {
  if (earlier.data_sha256 == prepared.sha256) return;
  std::string changed;
  for (std::size_t f = 0; f < std::min(prepared.files.size(), earlier.files.size()); ++f)
    if (prepared.files[f].sha256 != earlier.files[f].sha256)  // in the same order, wherever they lie now
      changed += (changed.empty() ? "" : ", ") + prepared.files[f].path;
  if (changed.empty())  // the tables are as they were, and so is not what was made of them
    throw Error(ExitCode::data,
                fmt::format("{} or {} of the run was changed: with the same tables they do not give the "
                            "data that it was trained on; restore them, or start a new run",
                            run_file::kSplit, run_file::kPreprocess));
  throw Error(ExitCode::data,
              fmt::format("{}: the data are not those the run was trained on; restore the file or start "
                          "a new run",
                          changed));
}

}  // namespace equipoise
