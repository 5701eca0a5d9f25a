// host/data/selection.cpp - from tables to columns of the training rows, and from chosen columns back to the fit.
#include "host/data/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "host/data/cohort_rows.h"

namespace equipoise {
namespace {

SelectOutcome outcome_of(const Dataset& data) {
  SelectOutcome outcome;
  if (data.tasks.empty()) {
    outcome.classes = data.classes;
    if (data.classes == 0) return outcome;
    for (const int label : data.label)
      outcome.values.push_back(label < 0 ? std::numeric_limits<double>::quiet_NaN() : label);
    return outcome;
  }
  const Target& task = data.tasks.front();
  for (int row = 0; row < data.rows; ++row)
    outcome.values.push_back(data.targets[static_cast<std::size_t>(row * data.target_cols + task.first_col)]);
  if (task.likelihood->cells() == Cells::classes)
    for (const double k : outcome.values)
      if (k >= outcome.classes) outcome.classes = static_cast<int>(k) + 1;
  return outcome;
}

/// Adds the columns of a view, whose numbers are [rows, columns], to those that are there.
void add_view(const std::vector<float>& values, const FittedView& fitted, const std::string& file, SelectColumns& to) {
  const std::size_t columns = fitted.columns.size();
  for (std::size_t c = 0; c < columns; ++c) {
    const std::size_t first = to.values.size();
    for (std::size_t row = 0; row < to.rows; ++row) to.values.push_back(values[row * columns + c]);
    const auto [least, most] =
        std::minmax_element(to.values.begin() + static_cast<std::ptrdiff_t>(first), to.values.end());
    to.variance.push_back(*least == *most ? 0 : std::min(fitted.scale[c] * fitted.scale[c], range::kMost));
    to.view.push_back(to.view_names.size());
  }
  to.view_names.push_back(file);
}

/// Leaves the columns `kept` of a view, which are the selection's entries from `first` on.
void narrow(FittedView& view, std::span<const std::size_t> kept, const Selection& selection, std::size_t first,
            std::span<const SelectStep> steps) {
  FittedView left;
  left.categories = view.categories;
  std::vector<bool> stays(view.columns.size());
  for (const std::size_t c : kept) {
    stays[c] = true;
    left.columns.push_back(view.columns[c]);
    left.median.push_back(view.median[c]);
    left.mean.push_back(view.mean[c]);
    left.scale.push_back(view.scale[c]);
    if (!view.low.empty()) left.low.push_back(view.low[c]);
    if (!view.high.empty()) left.high.push_back(view.high[c]);
    if (!view.transform.empty()) left.transform.push_back(view.transform[c]);
    if (!view.missing.empty()) left.missing.push_back(view.missing[c]);
    if (!view.far.empty()) left.far.push_back(view.far[c]);
  }
  for (std::size_t c = 0; c < view.columns.size(); ++c)
    if (!stays[c]) left.dropped.push_back(view.columns[c]);
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const auto begin = selection.scores[s].begin() + static_cast<std::ptrdiff_t>(first);
    left.selected.push_back({steps[s].text, {begin, begin + static_cast<std::ptrdiff_t>(kept.size())}});
  }
  view = std::move(left);
}

std::string told(const Preprocess& preprocess, const RawCohort& cohort, std::size_t rows) {
  std::string text;
  std::size_t dropped = 0;
  for (std::size_t v = 0; v < preprocess.views.size(); ++v) {
    const FittedView& view = preprocess.views[v];
    text += fmt::format("{}{} of {} columns of {}", text.empty() ? "" : ", ", view.columns.size(),
                        view.columns.size() + view.dropped.size(), cohort.views[v].file);
    dropped += view.dropped.size();
  }
  return fmt::format("selected by the {} training rows: {}; {} left out; preprocess.json tells scores and names", rows,
                     text, dropped);
}

}  // namespace

void select_features(const RawCohort& cohort, std::span<const int> train_rows, const SelectConfig& wanted,
                     uint64_t seed, Preprocess& preprocess, std::vector<std::string>* notices) {
  const std::vector<SelectStep> steps = parse_select(wanted, "select.methods");
  if (steps.empty()) return;
  const Dataset data = apply(rows_alone(cohort, train_rows), preprocess);
  const SelectOutcome outcome = outcome_of(data);
  const std::size_t views = preprocess.views.size(), together = wanted.per == "all" ? views : 1;
  for (std::size_t first = 0; first < views; first += together) {
    SelectColumns columns;
    columns.rows = static_cast<std::size_t>(data.rows);
    for (std::size_t v = first; v < first + together; ++v)
      add_view(data.views[v], preprocess.views[v], cohort.views[v].file, columns);
    const Selection selection = select_columns(columns, outcome, steps, seed);
    std::size_t next = 0, offset = 0;
    for (std::size_t v = first; v < first + together; ++v) {
      const std::size_t count = preprocess.views[v].columns.size(), begin = next;
      std::vector<std::size_t> kept;
      for (; next < selection.kept.size() && selection.kept[next] < offset + count; ++next)
        kept.push_back(selection.kept[next] - offset);
      narrow(preprocess.views[v], kept, selection, begin, steps);
      offset += count;
    }
  }
  if (notices) notices->push_back(told(preprocess, cohort, train_rows.size()));
}

}  // namespace equipoise
