// host/study/outer_part.cpp - the held-out rows, judged once.
#include "host/study/outer_part.h"

#include <algorithm>

#include "host/run/answers.h"
#include "host/run/model_runner.h"

namespace equipoise {

namespace {

/// Mean of the members' thresholds; {} where all are 1/2.
std::vector<double> mean_thresholds(const std::vector<std::vector<double>>& of_members, std::size_t decisions) {
  std::vector<double> mean(decisions, 0.0);
  bool any = false;
  for (const std::vector<double>& thresholds : of_members) {
    any = any || !thresholds.empty();
    for (std::size_t d = 0; d < decisions; ++d)
      mean[d] += (thresholds.empty() ? 0.5 : thresholds[d]) / static_cast<double>(of_members.size());
  }
  return any ? mean : std::vector<double>{};
}

OuterPart judged(const StudyPlan& plan, const Choice& choice, const std::map<int, MemberResult>& results,
                 StudyData& data, Executor& executor, std::vector<std::string>& notices) {
  OuterPart part{choice, {}};
  if (choice.members.empty()) return part;
  const PreparedData& first = data.of(plan.members[choice.members.front()]);
  part.rows = first.split.test;
  std::vector<MemberAnswers> answers;
  std::vector<std::vector<double>> thresholds;
  AnySystem system;
  std::size_t decisions = 0;
  std::size_t trained = 0;
  for (const std::size_t m : choice.members) {
    const StudyMember& member = plan.members[m];
    const PreparedData& prepared = data.of(member);
    trained += prepared.split.train.size();
    if (part.rows.empty()) continue;
    ModelRunner runner(results.at(member.number).model, prepared.data, prepared.split, executor);
    const AnswerNames names{prepared.preprocess.label_names, prepared.preprocess.targets};
    thresholds.push_back(chosen_thresholds(data.config_of(member).evaluate.threshold, runner, prepared, notices));
    part.of_members.push_back(runner.evaluate(Part::test, thresholds.back()));
    answers.push_back({runner.system().answer_columns(names), {}, part.of_members.back().answer_cols});
    if (!system) system = AnySystem(runner.system().clone());
    decisions = runner.system().decisions(names).size();
  }
  part.trained = static_cast<int>(trained / choice.members.size());
  if (part.rows.empty() || answers.front().answer_cols == 0) return part;
  for (std::size_t a = 0; a < answers.size(); ++a) answers[a].answers = part.of_members[a].answers;
  part.answers = ensemble_answers(answers);
  part.thresholds = mean_thresholds(thresholds, decisions);
  part.scaled = answers_in_scale(part.answers.mean, answers.front().columns, answers.front().answer_cols);
  system->judge_answers({first.data, part.rows, part.scaled, part.thresholds}, part.ensemble);
  return part;
}

}  // namespace

std::vector<OuterPart> judge_outer(const StudyPlan& plan, const std::vector<Choice>& choices,
                                   const std::map<int, MemberResult>& results, StudyData& data, Executor& executor,
                                   std::vector<std::string>& notices) {
  std::vector<OuterPart> parts;
  for (const Choice& choice : choices) parts.push_back(judged(plan, choice, results, data, executor, notices));
  return parts;
}

}  // namespace equipoise
