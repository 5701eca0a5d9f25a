// engine/systems/ensemble.h - what several models say of the same rows: their mean in the data's units, and how far
// they are apart.
//
// Members trained on different rows standardise their targets by different means, so that their answers are added in
// the data's units. Probabilities have no units and stay probabilities.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/likelihood/likelihood.h"

namespace equipoise {

/// One model's answers, as its Evaluation holds them, and what they are: System::answer_columns.
struct MemberAnswers {
  std::vector<AnswerColumn> columns;
  std::span<const double> answers;  ///< [rows, answer_cols]
  int answer_cols = 0;
};

struct EnsembleAnswers {
  std::vector<std::string> names;  ///< of the columns
  std::vector<double> mean;        ///< [rows, columns] between members, in the data's units
  std::vector<double> sd;          ///< the same, with divisor members - 1; NaN of a single member
};

/// Where a member's answer is not finite, mean and deviation are NaN. No members, or members of other columns or rows
/// than the first, are a caller's mistake (invalid_argument).
EnsembleAnswers ensemble_answers(std::span<const MemberAnswers> members);

/// Values in the data's units, [rows, columns], as a model with these columns would have said them: what
/// System::judge_answers takes beside that model's Dataset. Answers that no column tells are NaN.
std::vector<double> answers_in_scale(std::span<const double> in_units, std::span<const AnswerColumn> columns,
                                     int answer_cols);

}  // namespace equipoise
