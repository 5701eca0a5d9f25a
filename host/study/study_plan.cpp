// host/study/study_plan.cpp - lays out a study's members.
#include "host/study/study_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "host/config/config_value.h"
#include "host/data/folds.h"
#include "host/data/table/table.h"

namespace equipoise {

namespace {

constexpr std::size_t kMostMembers = 1'000'000;
constexpr std::size_t kLargestFolds = std::size_t{1} << 30;

/// Folds by the config's own seed, for every repeat.
std::string dealt_folds(const Config& config, const StudyConfig& study, const RawCohort& cohort,
                        std::vector<std::string>& notices) {
  const Strata strata = strata_of(config.data, cohort);
  std::vector<std::vector<int>> of_repeat;
  for (int repeat = 1; repeat <= study.repeats; ++repeat)
    of_repeat.push_back(
        cohort.groups.empty()
            ? stratified_folds(strata, study.folds, config.data.seed, repeat)
            : grouped_folds(strata, cohort.groups, study.folds, config.data.seed, repeat, notices));
  return folds_csv(of_repeat, cohort.ids);
}

std::vector<StudySplit> splits_of(const FoldTable& table, int inner_folds) {
  std::vector<StudySplit> splits;
  for (const int repeat : table.repeats)
    for (const std::string& fold : table.folds)
      for (int inner = std::min(inner_folds, 1); inner <= inner_folds; ++inner) splits.push_back({repeat, fold, inner});
  return splits;
}

}  // namespace

StudyPlan plan_study(StudyKind kind, const Config& config, const std::vector<StudySetting>& settings,
                     const RawData& raw, std::vector<std::string>& notices) {
  const StudyConfig study = config.study.value_or(StudyConfig{});
  StudyPlan plan;
  plan.kind = kind;
  plan.settings = settings;
  if (kind == StudyKind::cross_validation) {
    if (config.data.generated())
      throw Error(ExitCode::usage,
                  "cross-validate: data.source generates rows, of which every data.seed makes new ones; name tables, or "
                  "use equipoise sweep");
    plan.folds = raw.split ? read_text(*config.data.split, kLargestFolds)
                           : dealt_folds(config, study, raw.cohort, notices);
    const std::string name = raw.split ? config.data.split->string() : "folds";
    plan.splits = splits_of(folds_of_table(parse_table(plan.folds, name)), study.inner_folds);
  } else {
    plan.splits = {StudySplit{}};
  }
  const std::size_t count = plan.splits.size() * settings.size() * static_cast<std::size_t>(study.seeds);
  if (count > kMostMembers)
    throw Error(ExitCode::usage, fmt::format("study: {} members are more than {}; ask for fewer settings or seeds",
                                             count, kMostMembers));
  for (std::size_t split = 0; split < plan.splits.size(); ++split)
    for (std::size_t setting = 0; setting < settings.size(); ++setting)
      for (int seed = 0; seed < study.seeds; ++seed)
        plan.members.push_back({static_cast<int>(plan.members.size()) + 1, setting, split,
                                config.train.seed + static_cast<uint64_t>(seed)});
  return plan;
}

std::vector<std::string> member_overrides(const Config& config, const StudyPlan& plan, const StudyMember& member,
                                          const std::filesystem::path& folds) {
  std::vector<std::string> overrides;
  if (plan.kind == StudyKind::cross_validation) {
    const StudySplit& split = plan.splits[member.split];
    overrides.push_back("data.split=" + toml_string(folds.string()));
    overrides.push_back(fmt::format("data.repeat={}", split.repeat));
    overrides.push_back("data.fold=" + toml_string(split.fold));
    if (split.inner > 0)
      overrides.push_back(fmt::format("data.inner_fold=\"{}/{}\"", split.inner, config.study->inner_folds));
  }
  const std::vector<std::string>& setting = plan.settings[member.setting].overrides;
  overrides.insert(overrides.end(), setting.begin(), setting.end());
  overrides.push_back(fmt::format("train.seed={}", member.seed));
  return overrides;
}

Config member_config(const Config& config, const StudyPlan& plan, const StudyMember& member,
                     const std::filesystem::path& folds) {
  return changed_config(without_study(config), "config.toml", member_overrides(config, plan, member, folds));
}

std::vector<std::vector<std::size_t>> outer_parts(const StudyPlan& plan) {
  std::vector<std::vector<std::size_t>> parts;
  std::map<std::pair<int, std::string>, std::size_t> known;
  for (std::size_t m = 0; m < plan.members.size(); ++m) {
    const StudySplit& split = plan.splits[plan.members[m].split];
    const auto [place, is_new] = known.emplace(std::pair(split.repeat, split.fold), parts.size());
    if (is_new) parts.emplace_back();
    parts[place->second].push_back(m);
  }
  return parts;
}

}  // namespace equipoise
