// host/run/stored_run.cpp - reads what a run left, and the rows it is asked about.
#include "host/run/stored_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/train/checkpoint.h"
#include "host/data/categories.h"
#include "host/data/cohort_rows.h"
#include "host/data/new_rows.h"
#include "host/run/data_places.h"
#include "host/run/output_file.h"
#include "host/run/run_config.h"
#include "host/run/run_files.h"
#include "host/run/run_folder.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFinished = "finished";

bool is_present(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// The model of the newest checkpoint that is whole. None where there is none, and where none can be read but the run's
/// model file is there, as in a run of an older format; else throws what is wrong with the newest.
std::optional<CheckpointModel> newest_model(const fs::path& folder) {
  std::optional<Error> refused;
  for (const char* name : {run_file::kLast, run_file::kPrevious}) {
    if (!is_present(folder / name)) continue;
    try {
      return model_of_checkpoint(read_safetensors(folder / name));
    } catch (const Error& error) {
      if (error.code() != ExitCode::checkpoint) throw;
      if (!refused) refused = error;
    }
  }
  if (refused && !is_present(folder / run_file::kModel)) throw *refused;
  return std::nullopt;
}

[[noreturn]] void refuse_without_model(const StoredRun& run, const std::string& why) {
  throw Error(ExitCode::checkpoint,
              fmt::format("{}: the run {}, so there is no model yet; go on with: equipoise train --resume --out {}",
                          run.folder.string(), why, shell_word(run.folder)));
}

/// The model of a run that has not finished.
void take_unfinished(StoredRun& run) {
  const std::string& status = run.account.status;
  const bool ended = status == "stopped" || status == "failed";
  const std::string how = ended ? (status == "failed" ? "failed" : "was stopped") : "has not ended, or was killed,";
  int epochs = run.account.epochs;
  if (std::optional<CheckpointModel> newest = newest_model(run.folder)) {
    epochs = newest->standing.epochs;
    if (epochs == 0)
      refuse_without_model(run, fmt::format("{} in its first epoch, after step {}", how, newest->standing.steps));
    run.model = std::move(newest->model);
  } else if (is_present(run.folder / run_file::kModel)) {
    run.model = read_safetensors(run.folder / run_file::kModel);
  } else {
    refuse_without_model(run, how + " before its first checkpoint");
  }
  run.unfinished = fmt::format("{}: the run {} after epoch {} of {}; this is its model of epoch {}",
                               run.folder.string(), how, epochs, run.config.train.epochs, run.epoch());
}

/// Youden's point is chosen when a run ends.
void set_thresholds_of_config(StoredRun& run) {
  const ThresholdChoice& choice = run.config.evaluate.threshold;
  if (choice.youden) {
    run.unfinished += "; Youden's point is not chosen yet, and 0.5 holds";
  } else if (choice.value != ThresholdChoice{}.value) {
    const Setup setup = read_model_setup(run.model);
    run.thresholds.assign(setup.system->decisions({run.preprocess.label_names, run.preprocess.targets}).size(),
                          choice.value);
  }
}

TensorFile finished_model(const StoredRun& run) {
  const fs::path path = run.folder / run_file::kModel;
  if (!is_present(path))
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: is missing; the run writes it anew with: equipoise train --resume --out {}",
                            path.string(), shell_word(run.folder)));
  return read_safetensors(path);
}

/// The tables of the views: one each, or one for each table that views shared.
std::vector<ViewSource> sources_of(const std::vector<ViewSource>& trained, const std::vector<fs::path>& tables) {
  std::vector<fs::path> files;
  for (const ViewSource& view : trained)
    if (std::find(files.begin(), files.end(), view.file) == files.end()) files.push_back(view.file);
  std::vector<ViewSource> sources = trained;
  if (tables.size() == trained.size()) {
    for (std::size_t v = 0; v < sources.size(); ++v) sources[v].file = tables[v];
  } else if (tables.size() == files.size()) {
    for (ViewSource& view : sources)
      view.file = tables[static_cast<std::size_t>(std::find(files.begin(), files.end(), view.file) - files.begin())];
  } else {
    throw Error(
        ExitCode::usage,
        fmt::format("--views names {} table{}, but the model reads {} view{}; name one table for each, in their "
                    "order",
                    tables.size(), tables.size() == 1 ? "" : "s", trained.size(), trained.size() == 1 ? "" : "s"));
  }
  for (const ViewSource& view : sources)
    if (view.file == kStandardInput && sources.size() > 1)
      throw Error(ExitCode::usage,
                  fmt::format("--views -: standard input holds one table, but the model reads {} views; "
                              "name files",
                              sources.size()));
  return sources;
}

CohortSpec spec_of(const StoredRun& run, const std::vector<fs::path>& views) {
  const std::size_t count = run.preprocess.views.size();
  std::vector<ViewSource> trained = run.config.data.views;
  if (trained.size() != count) trained.assign(count, ViewSource("generated"));  // of generated rows
  CohortSpec spec{sources_of(trained, views), std::nullopt, run.config.data.id, ""};
  spec.missing = run.config.data.missing.value_or(std::vector<std::string>{});
  spec.columns = run.config.data.columns.value_or(std::vector<std::string>{});
  spec.leave_out = run.config.data.leave_out.value_or(std::vector<std::string>{});
  spec.unlabelled = run.config.data.unlabelled;
  for (const FittedView& view : run.preprocess.views) {
    spec.asked.push_back(columns_of_table(view, view.columns));
    spec.dropped.push_back(columns_of_table(view, view.dropped));
    std::vector<std::string>& words = spec.asked_categorical.emplace_back();
    for (const FittedCategory& category : view.categories) words.push_back(category.column);
  }
  return spec;
}

void add_outcome(const StoredRun& run, const std::optional<fs::path>& outcome, CohortSpec& spec) {
  const DataConfig& data = run.config.data;
  if (!outcome && data.outcome)
    throw Error(
        ExitCode::usage,
        fmt::format("--outcome is missing: the run read what is to be known from a table of its own; name one "
                    "with the same columns{}",
                    data.label.empty() || run.config.model.system->traits().targets ? "" : ", '" + data.label + "'"));
  spec.outcome = outcome;
  const SystemTraits traits = run.config.model.system->traits();
  if (traits.targets) spec.targets = parse_targets(data.tasks, "data.tasks");
  else if (traits.labels) spec.label = data.label;
  // What -1 means was known from all labels of training.
  const std::vector<std::string>& classes = run.preprocess.label_names;
  if (!traits.targets && !spec.unlabelled && std::find(classes.begin(), classes.end(), "-1") == classes.end())
    spec.unlabelled = {"-1"};
}

}  // namespace

StoredRun read_stored_run(const fs::path& folder) {
  expect_no_study(folder);
  StoredRun run{folder, read_run_config(folder), {}, {}, {}, {}, ""};
  const fs::path fitted = folder / run_file::kPreprocess;
  const std::string fit = read_text(fitted, kLargestPreprocess);
  run.preprocess = preprocess_from_json(fit, fitted.string());
  run.account = read_earlier_run(folder / run_file::kSummary);
  if (run.account.status == kFinished) {
    run.model = finished_model(run);
    run.thresholds = thresholds_of(run.model);
  } else {
    take_unfinished(run);
    set_thresholds_of_config(run);
  }
  expect_same_run(run.model, fit, folder);
  return run;
}

StoredRun run_to_ask(const fs::path& folder, const std::optional<fs::path>& out, bool force, Log& log) {
  StoredRun run = read_stored_run(folder);
  if (out) {
    expect_apart(folder, *out);
    expect_may_write(*out, force);
  }
  if (!run.unfinished.empty()) log.warning(run.unfinished);
  return run;
}

PreparedData data_of_run(const StoredRun& run, const std::optional<fs::path>& root) {
  PreparedData prepared = prepare_data_as(with_tables_found(run.config, run.folder, run.account, root), run.folder);
  expect_same_data(run.account, prepared);
  return prepared;
}

NewRows read_new_rows(const StoredRun& run, const std::vector<fs::path>& views, bool with_outcome,
                      const std::optional<fs::path>& outcome) {
  CohortSpec spec = spec_of(run, views);
  if (with_outcome) add_outcome(run, outcome, spec);
  const RawCohort all = read_cohort(spec);
  NewRows rows;
  rows.ids = all.ids;
  rows.notices = all.notices;
  const bool imputes = run.config.data.imputes_empty();
  rows.answerable = answerable_rows(all, imputes);
  if (const std::size_t bare = all.ids.size() - rows.answerable.size(); bare > 0)
    rows.notices.push_back(fmt::format("{} of {} patients have no value in {} and cannot be answered", bare,
                                       all.ids.size(), imputes ? "any view" : "one view or more"));
  RawCohort known = rows_alone(all, rows.answerable);
  encode(known, run.preprocess, rows.notices);
  for (std::string& sentence : told_of(known, run.preprocess)) rows.notices.push_back(std::move(sentence));
  rows.data = apply(known, run.preprocess, &rows.notices);
  for (int row = 0; row < rows.data.rows; ++row) rows.split.train.push_back(row);
  return rows;
}

}  // namespace equipoise
