// host/study/study_data.cpp - prepares data once for all members that share them.
#include "host/study/study_data.h"

#include "host/config/model_config.h"

namespace equipoise {

StudyData::StudyData(const Config& config, const StudyPlan& plan, RawData raw, const std::filesystem::path& folds,
                     const std::string& told)
    : plan_(plan),
      folds_(folds),
      raw_(std::move(raw)),
      preparation_(preparations(plan.configs)),
      base_weights_(config.balance.front().initial_weights) {
  base_weights_.resize(kMaxTasks);
  if (plan.kind == StudyKind::cross_validation) raw_.split = parse_table(plan.folds, told);
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
