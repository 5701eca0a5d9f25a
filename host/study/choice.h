// host/study/choice.h - which setting a study chooses in each outer part, by inner figures alone.
#pragma once

#include <map>
#include <vector>

#include "host/config/config.h"
#include "host/study/member_result.h"
#include "host/study/study_plan.h"

namespace equipoise {

/// The figure of the validation rows that settings are compared by, as it is told.
struct InnerFigure {
  std::string_view name;  ///< auc, loss or deviance
  bool larger_is_better;
};
inline InnerFigure inner_figure(const TrainConfig& train) {
  if (train.monitor == "auc") return {"auc", true};
  return {train.monitor == "deviance" ? "deviance" : "loss", false};
}

/// What was chosen where the rows of one fold of one repeat are held out (of a sweep: once).
struct OuterChoice {
  StudySplit split;                  ///< its repeat and fold
  std::vector<std::size_t> members;  ///< places in the plan of the chosen setting's members that can be relied on
  std::size_t setting = 0;
  double inner = kUndefined;  ///< their mean inner figure, which chose them: optimistic
};

/// Mean inner figure of a setting in each outer part, [settings][parts]; NaN where a member has none or failed.
std::vector<std::vector<double>> inner_figures(const StudyPlan& plan, const std::map<int, MemberResult>& results);

/// In each outer part the setting with the fewest failed members, among these the one with the largest mean inner
/// figure (a NaN is below all numbers), among these the first. `results` holds every member (logic_error).
std::vector<OuterChoice> choose(const StudyPlan& plan, const std::map<int, MemberResult>& results);

}  // namespace equipoise
