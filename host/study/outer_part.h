// host/study/outer_part.h - what the chosen members say of the rows that were held out.
#pragma once

#include <map>
#include <vector>

#include "engine/run/executor.h"
#include "engine/systems/ensemble.h"
#include "engine/systems/evaluation.h"
#include "host/study/choice.h"
#include "host/study/study_data.h"

namespace equipoise {

/// One fold of one repeat, or the test rows of a sweep.
struct OuterPart {
  OuterChoice choice;
  std::vector<int> rows;                 ///< held out, rising; empty where a sweep holds none out
  int trained = 0;                       ///< labelled rows that a member was trained on, the mean over members
  std::vector<Evaluation> of_members{};  ///< of each chosen member
  Evaluation ensemble{};                 ///< of their mean answers
  EnsembleAnswers answers{};             ///< [rows, columns], in the data's units
  std::vector<double> scaled{};          ///< their mean, as the first member would have said it
  std::vector<std::vector<double>> member_thresholds{};  ///< of each chosen member's decisions; {}: 1/2
  std::vector<double> thresholds{};                      ///< of the ensemble's, their mean; {}: 1/2
};

/// Asks the chosen members, and no others, about their outer part's rows.
std::vector<OuterPart> judge_outer(const StudyPlan& plan, const std::vector<OuterChoice>& choices,
                                   const std::map<int, MemberResult>& results, StudyData& data, Executor& executor,
                                   std::vector<std::string>& notices);

}  // namespace equipoise
