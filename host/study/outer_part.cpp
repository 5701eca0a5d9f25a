// host/study/outer_part.cpp - the held-out rows, judged once.
#include "host/study/outer_part.h"

#include <algorithm>

#include "host/run/answers.h"
#include "host/run/model_runner.h"
#include "host/study/comparable_columns.h"
#include "host/study/mean_thresholds.h"

namespace equipoise {

namespace {

OuterPart judged(const StudyPlan& plan, const OuterChoice& choice, const std::map<int, MemberResult>& results,
                 StudyData& data, Executor& executor, std::vector<std::string>& notices) {
  OuterPart part{choice, {}};
  if (choice.members.empty()) return part;
  const PreparedData& first = data.of(plan.members[choice.members.front()]);
  part.rows = first.split.test;
  std::vector<MemberAnswers> answers;
  AnySystem system;
  std::size_t trained = 0;
  for (const std::size_t m : choice.members) {
    const StudyMember& member = plan.members[m];
    const PreparedData& prepared = data.of(member);
    trained += static_cast<std::size_t>(data.labelled_training_rows(member));
    ModelRunner runner(results.at(member.number).model, prepared.data, prepared.split, executor);
    const AnswerNames names{prepared.preprocess.label_names, prepared.preprocess.targets};
    part.member_thresholds.push_back(
        chosen_thresholds(data.config_of(member).evaluate.threshold, runner, prepared, notices));
    if (part.rows.empty()) continue;
    part.of_members.push_back(runner.evaluate(Part::test, part.member_thresholds.back()));
    answers.push_back({comparable_columns(runner.system(), names), {}, part.of_members.back().answer_cols});
    if (!system) system = AnySystem(runner.system().clone());
  }
  part.trained = static_cast<int>(trained / choice.members.size());
  if (part.rows.empty() || answers.front().answer_cols == 0) return part;
  for (std::size_t a = 0; a < answers.size(); ++a) answers[a].answers = part.of_members[a].answers;
  part.answers = ensemble_answers(answers);
  part.thresholds = mean_thresholds(part.member_thresholds);
  part.scaled = answers_in_scale(part.answers.mean, answers.front().columns, answers.front().answer_cols);
  system->judge_answers({first.data, part.rows, part.scaled, part.thresholds}, part.ensemble);
  return part;
}

}  // namespace

std::vector<OuterPart> judge_outer(const StudyPlan& plan, const std::vector<OuterChoice>& choices,
                                   const std::map<int, MemberResult>& results, StudyData& data, Executor& executor,
                                   std::vector<std::string>& notices) {
  std::vector<OuterPart> parts;
  for (const OuterChoice& choice : choices) parts.push_back(judged(plan, choice, results, data, executor, notices));
  return parts;
}

}  // namespace equipoise
