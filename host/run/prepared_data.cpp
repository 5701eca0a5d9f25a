// host/run/prepared_data.cpp - the stages of reading data, one after another.
#include "host/run/prepared_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/sha256.h"
#include "host/data/categories.h"
#include "host/data/cohort.h"
#include "host/data/empty_views.h"
#include "host/data/generators.h"
#include "host/data/group_split.h"
#include "host/data/imputed.h"
#include "host/data/known_columns.h"
#include "host/data/leaks.h"
#include "host/data/outliers.h"
#include "host/data/selection.h"
#include "host/data/split.h"
#include "host/data/split_table.h"
#include "host/data/table/table.h"
#include "host/data/targets.h"
#include "host/run/run_files.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestTable = std::size_t{2} << 30;

std::string hash_file(const fs::path& path) {
  Sha256 sha;
  sha.update(read_text(path, kLargestTable));
  return sha.hex();
}

/// In the order of files_of. Pipes are told.
std::vector<DataFile> files_read(const RawCohort& cohort, const std::optional<DataFile>& split,
                                 std::vector<std::string>& notices) {
  std::vector<DataFile> files;
  for (const ReadFile& file : cohort.files) {
    files.push_back({file.path.string(), file.sha256});
    if (!file.seekable)
      notices.push_back(
          fmt::format("{}: is a pipe, which can be read once: the run cannot be resumed, nor evaluated "
                      "on these rows",
                      file.path.string()));
  }
  if (split) files.push_back(*split);
  return files;
}

std::string hash_arrays(const Dataset& data, const Split& split) {
  Sha256 sha;
  const auto add = [&](const auto& values) { sha.update(values.data(), values.size() * sizeof values[0]); };
  for (const std::string& id : data.ids) sha.update(id + '\n');
  add(data.features);
  for (const auto& view : data.views) add(view);
  add(data.label);
  for (const Target& task : data.tasks)
    sha.update(fmt::format("{}:{}:{}:{}\n", task.likelihood->name(), task.name, task.cols, task.classes));
  add(data.targets);
  for (const auto* part : {&split.train, &split.validation, &split.test}) {
    sha.update(fmt::format("{}\n", part->size()));
    add(*part);
  }
  return sha.hex();
}

Split split_of(const DataConfig& config, const RawCohort& cohort, const std::optional<Table>& table,
               std::vector<std::string>& notices) {
  const Strata strata = strata_of(config, cohort);
  if (table)
    return read_split_table(*table, cohort.ids, strata, cohort.groups,
                            {config.repeat, config.fold, config.validation, config.seed, cohort.left_out,
                             config.inner_fold ? inner_fold_of(*config.inner_fold) : std::nullopt},
                            notices);
  if (cohort.groups.empty()) return stratified_split(strata, config.validation, config.test, config.seed);
  return grouped_split(strata, cohort.groups, config.validation, config.test, config.seed, notices);
}

/// Patients of `kept` stay whatever they lack.
RawCohort cohort_of(const Config& config, std::vector<std::string> kept = {}) {
  const DataConfig& data = config.data;
  if (data.generated()) return generate_cohort(data);
  const SystemTraits traits = config.model.system->traits();
  const auto list = [](const auto& words) { return words.value_or(std::vector<std::string>{}); };
  CohortSpec spec{data.views, data.outcome, data.id, traits.labels && !traits.targets ? data.label : "", {}};
  if (traits.targets) spec.targets = parse_targets(data.tasks, "data.tasks");
  spec.missing = list(data.missing);
  spec.columns = list(data.columns);
  spec.leave_out = list(data.leave_out);
  spec.categorical = list(data.categorical);
  spec.unlabelled = data.unlabelled;
  spec.positive = list(data.positive);
  spec.group = data.group.value_or("");
  spec.impute_empty = data.imputes_empty();
  spec.kept = std::move(kept);
  return read_cohort(spec);
}

LeakRules leak_rules(const DataConfig& data, const RawCohort& cohort) {
  LeakRules rules{{data.label, data.id}, data.allow.value_or(std::vector<std::string>{})};
  for (const RawTarget& target : cohort.targets)
    rules.names.insert(rules.names.end(), target.columns.begin(), target.columns.end());
  return rules;
}

/// Of generated rows nothing is in doubt.
Outliers clean(const DataConfig& data, std::span<const int> train_rows, RawCohort& cohort,
               std::vector<std::string>& notices) {
  if (data.generated()) return {};
  return treat_outliers(cohort, train_rows, data.outliers.value_or("tell"), data.transform, notices);
}

PreparedData finish(const RawCohort& cohort, const std::optional<DataFile>& split_file, Split split,
                    Preprocess preprocess, std::vector<std::string> notices) {
  PreparedData prepared;
  notices.insert(notices.begin(), cohort.notices.begin(), cohort.notices.end());
  prepared.notices = std::move(notices);
  prepared.data = apply(cohort, preprocess, &prepared.notices);
  for (std::size_t v = 0; v < cohort.views.size(); ++v)
    if (std::string told = tell_imputed(cohort.views[v].file, preprocess.views[v], preprocess.train_rows);
        !told.empty())
      prepared.notices.push_back(std::move(told));
  prepared.split = std::move(split);
  prepared.preprocess = std::move(preprocess);
  prepared.files = files_read(cohort, split_file, prepared.notices);
  prepared.sha256 = hash_arrays(prepared.data, prepared.split);
  return prepared;
}

}  // namespace

std::vector<fs::path> files_of(const DataConfig& data) {
  std::vector<fs::path> paths;
  for (const ViewSource& view : data.views)
    if (std::find(paths.begin(), paths.end(), view.file) == paths.end()) paths.push_back(view.file);
  if (data.outcome) paths.push_back(*data.outcome);
  if (data.split) paths.push_back(*data.split);
  return paths;
}

Strata strata_of(const DataConfig& config, const RawCohort& cohort) {
  if (!cohort.targets.empty()) return strata(cohort.targets, cohort.ids.size());
  if (cohort.label_names.empty()) return {std::vector<int>(cohort.label.size(), 0)};  // all patients are one class
  return {cohort.label, cohort.label_names, config.label};
}

RawData read_raw_data(const Config& config) {
  RawData raw{cohort_of(config), std::nullopt};
  if (config.data.split) raw.split = read_table(*config.data.split);
  return raw;
}

PreparedData prepare_data(const Config& config) { return prepare_data(config, read_raw_data(config)); }

PreparedData prepare_data(const Config& config, RawData raw) {
  RawCohort& cohort = raw.cohort;
  const std::optional<Table>& table = raw.split;
  std::vector<std::string> notices;
  std::optional<DataFile> split_file;
  if (table) split_file = DataFile{config.data.split->string(), table->sha256};
  Split split;
  with_left_out_told(cohort.left_out, [&] { split = split_of(config.data, cohort, table, notices); });
  std::vector<std::vector<FittedCategory>> categories(cohort.views.size());
  if (!config.data.generated()) {
    expect_no_leaks(cohort, split.train, leak_rules(config.data, cohort), notices);
    categories = fit_categories(cohort, split.train);
    tell_categories(cohort, categories, notices);
    encode(cohort, categories, notices);
    leave_out_unknown(cohort, split.train, notices);
  }
  Outliers outliers = clean(config.data, split.train, cohort, notices);
  Preprocess preprocess = fit_preprocess(cohort, split.train, &notices, config.data.transform);
  for (std::size_t v = 0; v < outliers.views.size(); ++v) {
    preprocess.views[v].low = std::move(outliers.views[v].low);
    preprocess.views[v].high = std::move(outliers.views[v].high);
    preprocess.views[v].far = std::move(outliers.views[v].far);
  }
  for (std::size_t v = 0; v < categories.size(); ++v) preprocess.views[v].categories = std::move(categories[v]);
  preprocess.far_targets = std::move(outliers.targets);
  select_features(cohort, split.train, config.select, config.data.seed, preprocess, &notices);
  return finish(cohort, split_file, std::move(split), std::move(preprocess), std::move(notices));
}

PreparedData prepare_data_as(const Config& config, const fs::path& folder) {
  const fs::path stored = folder / run_file::kSplit;
  RawCohort cohort = cohort_of(config, ids_of_split(stored));
  Split split = read_split_csv(stored, cohort.ids);
  const fs::path fitted = folder / run_file::kPreprocess;
  Preprocess preprocess = preprocess_from_json(read_text(fitted, kLargestPreprocess), fitted.string());
  std::vector<std::string> notices;
  encode(cohort, preprocess, notices);
  expect_transforms(cohort, preprocess, config.data.transform);
  clean(config.data, split.train, cohort, notices);
  std::optional<DataFile> split_file;
  if (config.data.split) split_file = DataFile{config.data.split->string(), hash_file(*config.data.split)};
  return finish(cohort, split_file, std::move(split), std::move(preprocess), std::move(notices));
}

}  // namespace equipoise
