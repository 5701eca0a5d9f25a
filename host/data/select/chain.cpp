// host/data/select/chain.cpp - methods one after another, each on what those before it left.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/base/error.h"
#include "host/data/select/select.h"

namespace equipoise {
namespace {

/// Rows whose outcome is known; what cannot be compared with is refused.
std::vector<std::size_t> known_rows(const SelectOutcome& outcome, const SelectStep& step) {
  const SelectMethod& method = *step.method;
  if (outcome.values.empty())
    throw Error(ExitCode::usage, fmt::format("select.methods: '{}' compares columns with what is learned, and there is "
                                             "no label; select by variance or correlation",
                                             method.name));
  if (outcome.classes == 0 && !method.numbers)
    throw Error(ExitCode::usage, fmt::format("select.methods: '{}' tells classes apart, and the first task has "
                                             "numbers; select by anova or forest",
                                             method.name));
  std::vector<std::size_t> known;
  std::vector<bool> seen(static_cast<std::size_t>(outcome.classes));
  for (std::size_t row = 0; row < outcome.values.size(); ++row) {
    if (std::isnan(outcome.values[row])) continue;
    known.push_back(row);
    if (outcome.classes > 0) seen[static_cast<std::size_t>(outcome.values[row])] = true;
  }
  const std::ptrdiff_t classes = std::count(seen.begin(), seen.end(), true);
  if (outcome.classes > 0 && (classes < 2 || static_cast<std::ptrdiff_t>(known.size()) <= classes))
    throw Error(ExitCode::data,
                fmt::format("select.methods: '{}' has {} training rows of {} class{} to compare, which tells nothing; "
                            "label more rows, or make data.validation and data.test smaller",
                            method.name, known.size(), classes, classes == 1 ? "" : "es"));
  if (outcome.classes == 0 && known.size() < 3)
    throw Error(ExitCode::data, fmt::format("select.methods: '{}' has {} training rows with a target, which tells "
                                            "nothing; fill in more",
                                            method.name, known.size()));
  return known;
}

struct Candidate {
  std::size_t column;
  double score;
};

/// The best of each view, then the best of all, `keep` in all; `ranked` is the best first.
std::vector<Candidate> cut(const std::vector<Candidate>& ranked, std::size_t keep, const SelectColumns& columns) {
  if (ranked.size() <= keep) return ranked;
  if (keep < columns.view_names.size())
    throw Error(ExitCode::usage, fmt::format("select.keep: {} columns are kept of {} views together; keep one of each "
                                             "view at least",
                                             keep, columns.view_names.size()));
  std::vector<bool> has(columns.view_names.size());
  std::vector<bool> chosen(ranked.size());
  std::size_t count = 0;
  for (std::size_t r = 0; r < ranked.size(); ++r) {
    const std::size_t view = columns.view[ranked[r].column];
    if (has[view]) continue;
    has[view] = chosen[r] = true;
    ++count;
  }
  for (std::size_t r = 0; r < ranked.size() && count < keep; ++r) {
    if (chosen[r]) continue;
    chosen[r] = true;
    ++count;
  }
  std::vector<Candidate> left;
  for (std::size_t r = 0; r < ranked.size(); ++r)
    if (chosen[r]) left.push_back(ranked[r]);
  return left;
}

void expect_every_view(const std::vector<Candidate>& passing, const SelectColumns& columns, const SelectStep& step) {
  for (std::size_t view = 0; view < columns.view_names.size(); ++view)
    if (std::none_of(passing.begin(), passing.end(),
                     [&](const Candidate& c) { return columns.view[c.column] == view; }))
      throw Error(ExitCode::data, fmt::format("{}: '{}' in select.methods leaves no column of it; move the bound, or "
                                              "drop the view",
                                              columns.view_names[view], step.text));
}

bool better(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.column < b.column;
}

}  // namespace

Selection select_columns(const SelectColumns& columns, const SelectOutcome& outcome, std::span<const SelectStep> steps,
                         uint64_t seed) {
  Selection selection;
  std::vector<std::size_t> order(columns.count());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<std::vector<double>> score_of;  // [steps][columns]
  for (const SelectStep& step : steps) {
    const SelectMethod& method = *step.method;
    const std::vector<std::size_t> known = method.supervised ? known_rows(outcome, step) : std::vector<std::size_t>{};
    const std::vector<double> scores = method.scores({columns, outcome, known, order, step.setting, seed});
    std::vector<Candidate> ranked;
    score_of.emplace_back(columns.count(), 0.0);
    for (std::size_t c = 0; c < order.size(); ++c) {
      score_of.back()[order[c]] = scores[c];
      if (method.passes(scores[c], step.setting)) ranked.push_back({order[c], scores[c]});
    }
    expect_every_view(ranked, columns, step);
    if (method.ranks) std::sort(ranked.begin(), ranked.end(), better);
    if (step.keep > 0) ranked = cut(ranked, static_cast<std::size_t>(step.keep), columns);
    std::vector<bool> left(columns.count());
    for (const Candidate& candidate : ranked) left[candidate.column] = true;
    if (method.supervised)  // the order of those that follow
      std::transform(ranked.begin(), ranked.end(), order.begin(), [](const Candidate& c) { return c.column; });
    else std::erase_if(order, [&](std::size_t column) { return !left[column]; });
    order.resize(ranked.size());
    selection.left.push_back(ranked.size());
  }
  selection.kept = order;
  std::sort(selection.kept.begin(), selection.kept.end());
  for (const std::vector<double>& scores : score_of) {
    selection.scores.emplace_back();
    for (const std::size_t column : selection.kept) selection.scores.back().push_back(scores[column]);
  }
  return selection;
}

}  // namespace equipoise
