// engine/systems/ensemble.cpp - means over members, cell by cell, in the members' order.
#include "engine/systems/ensemble.h"

#include <stdexcept>

#include "engine/statistics/figures.h"
#include "engine/statistics/mean_sd.h"

namespace equipoise {
namespace {

/// How many rows there are; a mistake unless the values fill them.
std::size_t whole_rows(std::size_t values, std::size_t cols) {
  if (cols == 0 ? values != 0 : values % cols != 0) throw std::invalid_argument("answers that fill no whole rows");
  return cols == 0 ? 0 : values / cols;
}

void expect_answers(std::span<const AnswerColumn> columns, int answer_cols) {
  for (const AnswerColumn& column : columns)
    if (column.at >= static_cast<std::size_t>(answer_cols))
      throw std::invalid_argument("a column of answers that are not there");
}

std::vector<std::string> names_of(const MemberAnswers& member) {
  std::vector<std::string> names;
  for (const AnswerColumn& column : member.columns) names.push_back(column.name);
  return names;
}

}  // namespace

EnsembleAnswers ensemble_answers(std::span<const MemberAnswers> members) {
  if (members.empty()) throw std::invalid_argument("an ensemble without members");
  const auto rows_of = [](const MemberAnswers& member) {
    return whole_rows(member.answers.size(), static_cast<std::size_t>(member.answer_cols));
  };
  EnsembleAnswers all{names_of(members[0]), {}, {}};
  const std::size_t rows = rows_of(members[0]);
  for (const MemberAnswers& member : members) {
    expect_answers(member.columns, member.answer_cols);
    if (names_of(member) != all.names || rows_of(member) != rows)
      throw std::invalid_argument("members of one ensemble with other columns or rows");
  }
  std::vector<double> said(members.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < all.names.size(); ++c) {
      for (std::size_t m = 0; m < members.size(); ++m) {
        const AnswerColumn& column = members[m].columns[c];
        const double answer = members[m].answers[r * static_cast<std::size_t>(members[m].answer_cols) + column.at];
        said[m] = answer * column.scale + column.mean;
      }
      const auto [mean, sd] = mean_sd(said);
      all.mean.push_back(mean);
      all.sd.push_back(sd);
    }
  return all;
}

std::vector<double> answers_in_scale(std::span<const double> in_units, std::span<const AnswerColumn> columns,
                                     int answer_cols) {
  expect_answers(columns, answer_cols);
  const std::size_t rows = whole_rows(in_units.size(), columns.size());
  const auto cols = static_cast<std::size_t>(answer_cols);
  std::vector<double> answers(rows * cols, kUndefined);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns.size(); ++c)
      answers[r * cols + columns[c].at] = (in_units[r * columns.size() + c] - columns[c].mean) / columns[c].scale;
  return answers;
}

}  // namespace equipoise
