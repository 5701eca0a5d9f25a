// host/study/study_data.cpp - prepares data once for all members that share them.
#include "host/study/study_data.h"

#include <fmt/format.h>

#include "host/config/model_config.h"

namespace equipoise {

namespace {

bool prepare_alike(const Config& a, const Config& b) { return a.data == b.data && a.select == b.select; }

}  // namespace

std::vector<Config> setting_configs(const Config& config, const StudyPlan& plan) {
  const Config base = without_study(config);
  std::vector<Config> configs;
  for (const StudySetting& setting : plan.settings)
    configs.push_back(changed_config(base, "config.toml", setting.overrides));
  return configs;
}

std::vector<std::size_t> preparations(const std::vector<Config>& settings) {
  std::vector<std::size_t> first;
  for (std::size_t s = 0; s < settings.size(); ++s) {
    first.push_back(0);
    while (!prepare_alike(settings[first.back()], settings[s])) ++first.back();
  }
  return first;
}

StudyData::StudyData(const Config& config, const StudyPlan& plan, RawData raw, const std::filesystem::path& folds)
    : plan_(plan),
      folds_(folds),
      raw_(std::move(raw)),
      settings_(setting_configs(config, plan)),
      preparation_(preparations(settings_)),
      base_weights_(config.balance.front().initial_weights) {
  base_weights_.resize(kMaxTasks);
  if (config.study) inner_folds_ = config.study->inner_folds;
  if (plan.kind == StudyKind::cross_validation) raw_.split = parse_table(plan.folds, folds.string());
}

Config StudyData::config_of(const StudyMember& member) const {
  Config config = settings_[member.setting];
  config.train.seed = member.seed;
  if (plan_.kind == StudyKind::sweep) return config;
  const StudySplit& split = plan_.splits[member.split];
  config.data.split = folds_;
  config.data.repeat = split.repeat;
  config.data.fold = split.fold;
  if (split.inner > 0) config.data.inner_fold = fmt::format("{}/{}", split.inner, inner_folds_);
  return config;
}

const PreparedData& StudyData::of(const StudyMember& member) {
  std::unique_ptr<PreparedData>& prepared = prepared_[{preparation_of(member.setting), member.split}];
  if (!prepared) prepared = std::make_unique<PreparedData>(prepare_data(config_of(member), raw_));
  return *prepared;
}

Member StudyData::engine_member(const StudyMember& member) {
  const PreparedData& prepared = of(member);
  return {&prepared.data, &prepared.split, training_plan(config_of(member), prepared.data, prepared.split)};
}

}  // namespace equipoise
