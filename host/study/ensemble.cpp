// host/study/ensemble.cpp - members one after another, and their mean.
#include "host/study/ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "host/data/table/table.h"
#include "host/run/output_file.h"
#include "host/study/comparable_columns.h"
#include "host/study/mean_thresholds.h"

namespace equipoise {

namespace {

/// One member's answers of all patients, NaN of those it cannot answer.
struct OfMember {
  std::vector<AnswerColumn> columns;
  std::vector<double> answers;  // [ids, cols]
  int cols = 0;
};

/// Whether two members read and prepare tables alike, so that rows need not be read again.
bool read_alike(const StoredRun& a, const StoredRun& b) {
  return a.preprocess == b.preprocess && a.config.data == b.config.data;
}

OfMember ask(const StoredRun& run, const NewRows& rows, Executor& executor) {
  ModelRunner runner(run.model, rows.data, rows.split, executor);
  OfMember of{comparable_columns(runner.system(), {run.preprocess.label_names, run.preprocess.targets}), {}, 0};
  Evaluation said;
  if (rows.data.rows > 0) said = runner.evaluate(Part::train);
  if (!all_finite(said.answers))
    throw Error(ExitCode::numerics, fmt::format("{}: an answer of the model of seed {} is not finite; look at the "
                                                "values in the tables, or train the study again with a lower "
                                                "optimizer.lr",
                                                run.folder.string(), run.config.train.seed));
  for (const AnswerColumn& column : of.columns) of.cols = std::max(of.cols, static_cast<int>(column.at) + 1);
  if (rows.data.rows > 0) of.cols = said.answer_cols;
  const auto width = static_cast<std::size_t>(of.cols);
  of.answers.assign(rows.ids.size() * width, kUndefined);
  for (std::size_t r = 0; r < rows.answerable.size(); ++r)
    std::copy_n(said.answers.begin() + static_cast<std::ptrdiff_t>(r * width), width,
                of.answers.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(rows.answerable[r]) * width));
  return of;
}

/// Figures of the patients that every member answered, with the outcome as the first member's data have it.
Evaluation judged(const StoredRun& run, const NewRows& rows, const EnsembleSaid& said,
                  const std::vector<double>& thresholds, Executor& executor) {
  const ModelRunner runner(run.model, rows.data, rows.split, executor);
  std::vector<int> numbers;
  std::vector<double> answers;
  for (std::size_t r = 0; r < rows.answerable.size(); ++r) {
    const auto row = static_cast<std::size_t>(rows.answerable[r]);
    if (!said.answered[row]) continue;
    numbers.push_back(static_cast<int>(r));
    const auto first = said.scaled.begin() + static_cast<std::ptrdiff_t>(row * said.answer_cols);
    answers.insert(answers.end(), first, first + static_cast<std::ptrdiff_t>(said.answer_cols));
  }
  Evaluation evaluation;
  runner.system().judge_answers({rows.data, numbers, std::move(answers), thresholds}, evaluation);
  return evaluation;
}

}  // namespace

void expect_readable_again(const std::vector<std::filesystem::path>& views) {
  for (const std::filesystem::path& view : views)
    if (view == kStandardInput)
      throw Error(ExitCode::usage,
                  "--views -: standard input can be read once, and the members of a study prepare their tables each by "
                  "itself; save it as a file");
}

void expect_may_answer(const std::filesystem::path& study, const std::filesystem::path& out, bool force,
                       const std::vector<std::filesystem::path>& views) {
  std::error_code absent;
  if (std::filesystem::equivalent(std::filesystem::absolute(out).parent_path(), study, absent))
    throw Error(ExitCode::usage, fmt::format("--out {}: is in the study's own folder; choose another", out.string()));
  expect_may_write(out, force);
  expect_not_table(out, views);
}

std::size_t EnsembleSaid::count() const {
  return static_cast<std::size_t>(std::count(answered.begin(), answered.end(), true));
}

EnsembleSaid ask_ensemble(const std::vector<ChosenRun>& runs, const std::vector<std::filesystem::path>& views,
                          bool outcome_wanted, const std::optional<std::filesystem::path>& outcome,
                          Executor& executor) {
  expect_readable_again(views);
  std::vector<OfMember> members;
  std::optional<NewRows> first, rows;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (r == 0 || !read_alike(runs[r].run, runs[r - 1].run))
      rows = read_new_rows(runs[r].run, views, outcome_wanted, outcome);
    if (!first) first = rows;
    members.push_back(ask(runs[r].run, *rows, executor));
  }
  const ModelRunner runner(runs[0].run.model, first->data, first->split, executor);
  std::vector<std::vector<double>> of_members;
  for (const ChosenRun& chosen : runs) of_members.push_back(chosen.run.thresholds);
  const std::vector<double> thresholds = mean_thresholds(of_members);
  EnsembleSaid said{first->ids, {}, AnswerColumns(runner.system(), runs[0].run.preprocess, thresholds)};
  said.columns.leave_out(runner.system().latent_names());
  said.notices = first->notices;
  said.answer_cols = static_cast<std::size_t>(members[0].cols);
  std::vector<MemberAnswers> answers;
  for (const OfMember& member : members) answers.push_back({member.columns, member.answers, member.cols});
  said.answers = ensemble_answers(answers);
  said.scaled = answers_in_scale(said.answers.mean, members[0].columns, members[0].cols);
  const std::size_t columns = said.answers.names.size();
  for (std::size_t row = 0; row < said.ids.size(); ++row)
    said.answered.push_back(all_finite(std::span(said.answers.mean).subspan(row * columns, columns)));
  if (outcome_wanted) said.evaluation = judged(runs[0].run, *first, said, thresholds, executor);
  return said;
}

}  // namespace equipoise
