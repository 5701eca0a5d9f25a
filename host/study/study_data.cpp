// host/study/study_data.cpp - prepares data once for all members that share them.
#include "host/study/study_data.h"

#include <algorithm>

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

int StudyData::labelled_training_rows(const StudyMember& member) {
  const PreparedData& prepared = of(member);
  const Dataset& data = prepared.data;
  const auto cols = static_cast<std::size_t>(data.target_cols);
  if (data.classes == 0 && cols == 0) return static_cast<int>(prepared.split.train.size());
  return static_cast<int>(std::count_if(prepared.split.train.begin(), prepared.split.train.end(), [&](int row) {
    const auto at = static_cast<std::size_t>(row);
    if (data.label[at] >= 0) return true;
    const auto first = data.targets.begin() + static_cast<std::ptrdiff_t>(at * cols);
    return std::any_of(first, first + static_cast<std::ptrdiff_t>(cols), [](float target) { return target == target; });
  }));
}

Member StudyData::engine_member(const StudyMember& member) {
  const PreparedData& prepared = of(member);
  return {&prepared.data, &prepared.split, training_plan(config_of(member), prepared.data, prepared.split)};
}

}  // namespace equipoise
