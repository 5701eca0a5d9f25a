// host/study/study_plan.cpp - lays out a study's members.
#include "host/study/study_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "host/data/folds.h"
#include "host/data/table/table.h"

namespace equipoise {

namespace {

constexpr std::size_t kMostMembers = 1'000'000;

/// Folds by the config's own seed, for every repeat.
std::string dealt_folds(const Config& config, const StudyConfig& study, const RawCohort& cohort,
                        std::vector<std::string>& notices) {
  const Strata strata = strata_of(config.data, cohort);
  std::vector<std::vector<int>> of_repeat;
  for (int repeat = 1; repeat <= study.repeats; ++repeat)
    of_repeat.push_back(cohort.groups.empty()
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
                     const Resolve& resolve, const RawData& raw, std::vector<std::string>& notices) {
  const StudyConfig study = config.study.value_or(StudyConfig{});
  StudyPlan plan;
  plan.kind = kind;
  plan.settings = settings;
  for (const StudySetting& setting : settings) plan.configs.push_back(without_study(resolve(setting.overrides)));
  if (kind == StudyKind::cross_validation) {
    if (config.data.generated())
      throw Error(
          ExitCode::usage,
          "cross-validate: data.source generates rows, of which every data.seed makes new ones; name tables, or "
          "use equipoise sweep");
    for (const char* key : {config.data.fold ? "data.fold" : nullptr, config.data.repeat ? "data.repeat" : nullptr})
      if (key)
        throw Error(
            ExitCode::usage,
            fmt::format("{}: chooses one of a table's folds for one model; a study takes all, drop the key", key));
    plan.inner_folds = study.inner_folds;
    plan.folds = raw.split ? read_text(*config.data.split) : dealt_folds(config, study, raw.cohort, notices);
    const FoldTable table = folds_of_table(parse_table(plan.folds, raw.split ? config.data.split->string() : "folds"));
    plan.splits = splits_of(table, study.inner_folds);
    if (raw.split)
      notices.push_back(fmt::format("{}: gives {} folds and {} repeat{}, whatever study.folds and study.repeats say",
                                    config.data.split->string(), table.folds.size(), table.repeats.size(),
                                    table.repeats.size() == 1 ? "" : "s"));
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

Config member_config(const StudyPlan& plan, const StudyMember& member, const std::filesystem::path& folds) {
  Config config = plan.configs[member.setting];
  config.train.seed = member.seed;
  if (plan.kind == StudyKind::sweep) return config;
  const StudySplit& split = plan.splits[member.split];
  config.data.split = folds;
  config.data.repeat = split.repeat;
  config.data.fold = split.fold;
  if (split.inner > 0) config.data.inner_fold = fmt::format("{}/{}", split.inner, plan.inner_folds);
  return config;
}

std::vector<std::size_t> preparations(const std::vector<Config>& settings) {
  std::vector<std::size_t> first;
  for (std::size_t s = 0; s < settings.size(); ++s) {
    const auto alike = [&](const Config& a) { return a.data == settings[s].data && a.select == settings[s].select; };
    first.push_back(static_cast<std::size_t>(std::find_if(settings.begin(), settings.end(), alike) - settings.begin()));
  }
  return first;
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
