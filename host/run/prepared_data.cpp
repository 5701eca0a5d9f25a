// host/run/prepared_data.cpp - the stages of reading data, one after another.
#include "host/run/prepared_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/sha256.h"
#include "host/data/cohort.h"
#include "host/data/generators.h"
#include "host/data/selection.h"
#include "host/data/split.h"
#include "host/data/targets.h"
#include "host/run/run_files.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestTable = std::size_t{2} << 30;

std::vector<DataFile> hash_files(const DataConfig& data) {
  std::vector<DataFile> files;
  for (const fs::path& path : files_of(data)) {
    Sha256 sha;
    sha.update(read_text(path, kLargestTable));
    files.push_back({path.string(), sha.hex()});
  }
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

Split split_of(const DataConfig& config, const RawCohort& cohort) {
  if (config.split) return read_split_csv(*config.split, cohort.ids);
  if (!cohort.targets.empty())
    return stratified_split(strata(cohort.targets, cohort.ids.size()), config.validation, config.test, config.seed);
  if (cohort.label_names.empty())  // nothing to stratify by: all patients are one class
    return stratified_split(std::vector<int>(cohort.label.size(), 0), config.validation, config.test, config.seed);
  return stratified_split(cohort.label, config.validation, config.test, config.seed);
}

RawCohort cohort_of(const Config& config) {
  const DataConfig& data = config.data;
  if (data.generated()) return generate_cohort(data);
  const SystemTraits traits = config.model.system->traits();
  if (!traits.targets) return read_cohort({data.views, data.outcome, data.id, traits.labels ? data.label : ""});
  return read_cohort({data.views, data.outcome, data.id, "", parse_targets(data.tasks, "data.tasks")});
}

PreparedData finish(const Config& config, const RawCohort& cohort, Split split, Preprocess preprocess,
                    std::vector<std::string> notices) {
  PreparedData prepared;
  notices.insert(notices.begin(), cohort.notices.begin(), cohort.notices.end());
  prepared.notices = std::move(notices);
  prepared.data = apply(cohort, preprocess, &prepared.notices);
  prepared.split = std::move(split);
  prepared.preprocess = std::move(preprocess);
  prepared.files = hash_files(config.data);
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

PreparedData prepare_data(const Config& config) {
  const RawCohort cohort = cohort_of(config);
  Split split = split_of(config.data, cohort);
  std::vector<std::string> notices;
  Preprocess preprocess = fit_preprocess(cohort, split.train, &notices, config.data.transform);
  select_features(cohort, split.train, config.select, config.data.seed, preprocess, &notices);
  return finish(config, cohort, std::move(split), std::move(preprocess), std::move(notices));
}

PreparedData prepare_data_as(const Config& config, const fs::path& folder) {
  const RawCohort cohort = cohort_of(config);
  Split split = read_split_csv(folder / run_file::kSplit, cohort.ids);
  const fs::path fitted = folder / run_file::kPreprocess;
  Preprocess preprocess = preprocess_from_json(read_text(fitted), fitted.string());
  expect_transforms(cohort, preprocess, config.data.transform);
  return finish(config, cohort, std::move(split), std::move(preprocess), {});
}

}  // namespace equipoise
