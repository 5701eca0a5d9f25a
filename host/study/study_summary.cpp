// host/study/study_summary.cpp - sums up what members and held-out folds gave.
#include "host/study/study_summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "engine/statistics/mean_sd.h"
#include "host/study/choice.h"
#include "host/study/flat_figures.h"

namespace equipoise {

namespace {

std::vector<double> defined(const std::vector<double>& values) {
  std::vector<double> kept;
  for (const double value : values)
    if (std::isfinite(value)) kept.push_back(value);
  return kept;
}

double mean_of(const std::vector<double>& values) { return mean_sd(defined(values)).mean; }

/// Figures in the order of the first part that has them.
std::vector<std::string> names_of(const std::vector<OuterPart>& outer) {
  std::vector<std::string> names;
  const auto add = [&](const Evaluation& e) {
    for (const auto& [name, value] : flat_figures(e))
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const OuterPart& part : outer) {
    add(part.ensemble);
    for (const Evaluation& e : part.of_members) add(e);
  }
  return names;
}

double mean_of_members(const OuterPart& part, const std::string& name) {
  std::vector<double> values;
  for (const Evaluation& e : part.of_members) values.push_back(flat_figure(e, name));
  return mean_of(values);
}

/// Values that a figure can have: an interval by Student's t does not know them.
std::pair<double, double> possible(const std::string& name) {
  for (const char* share : {"auc", "accuracy", "sensitivity", "specificity"})
    if (name == share || name.ends_with(std::string(".") + share)) return {0, 1};
  constexpr double kAny = std::numeric_limits<double>::infinity();
  if (name.find("error") != name.npos) return {0, kAny};
  for (const char* distance : {".mse", ".rmse", ".mae", ".deviance"})
    if (name.ends_with(distance)) return {0, kAny};
  return {-kAny, name.ends_with(".r2") || name.ends_with(".d2") ? 1.0 : kAny};
}

OuterFigure outer_figure(const std::string& name, const std::vector<OuterPart>& outer) {
  OuterFigure figure{name, {}};
  for (const OuterPart& part : outer)
    for (const auto& [known, value] : flat_figures(part.ensemble))
      figure.of_ensemble = figure.of_ensemble || known == name;
  std::vector<double> all, members;
  std::vector<int> repeats;
  std::map<int, std::vector<double>> by_repeat;
  double test = 0, train = 0;
  for (const OuterPart& part : outer) {
    if (part.rows.empty()) continue;
    members.push_back(mean_of_members(part, name));
    const double value = figure.of_ensemble ? flat_figure(part.ensemble, name) : members.back();
    all.push_back(value);
    by_repeat[part.choice.split.repeat].push_back(value);
    figure.undefined += std::isfinite(value) ? 0 : 1;
    test += static_cast<double>(part.rows.size());
    train += part.trained;
  }
  for (const auto& [repeat, values] : by_repeat) figure.of_repeats.push_back(mean_of(values));
  const std::vector<double> means = defined(figure.of_repeats);
  figure.mean = mean_sd(means).mean;
  figure.sd = figure.of_repeats.size() > 1 ? mean_sd(means).sd : mean_sd(defined(all)).sd;
  if (!means.empty()) {
    const auto [smallest, largest] = std::minmax_element(means.begin(), means.end());
    figure.smallest = *smallest;
    figure.largest = *largest;
  }
  figure.of_members = mean_of(members);
  if (const std::vector<double> values = defined(all); values.size() > 1 && train > 0) {
    const ResampledTTest test_of_mean =
        resampled_t_test(values, {test / static_cast<double>(all.size()), train / static_cast<double>(all.size())});
    const auto [lowest, highest] = possible(name);
    figure.low = std::max(test_of_mean.low, lowest);
    figure.high = std::min(test_of_mean.high, highest);
  }
  return figure;
}

/// Settings compared by their inner figures in the outer parts in which both have one.
ResampledTTest compared(const std::vector<double>& a, const std::vector<double>& b, FoldRows rows) {
  std::vector<double> differences;
  for (std::size_t part = 0; part < a.size(); ++part)
    if (std::isfinite(a[part]) && std::isfinite(b[part])) differences.push_back(a[part] - b[part]);
  return resampled_t_test(differences, rows);
}

/// Mean rows that inner figures are of, and labelled ones that members are trained on.
FoldRows inner_rows(const StudyPlan& plan, StudyData& data) {
  double validation = 0, train = 0;
  std::set<std::size_t> seen;
  for (const StudyMember& member : plan.members) {
    if (!seen.insert(member.split).second) continue;
    validation += static_cast<double>(data.of(member).split.validation.size());
    train += data.labelled_training_rows(member);
  }
  const auto count = static_cast<double>(seen.size());
  return {validation / count, train / count};
}

/// Counted once for each split and preparation of chosen members.
void count_columns(const StudyPlan& plan, const std::vector<OuterPart>& outer, StudyData& data, StudySummary& summary) {
  std::set<const PreparedData*> seen;
  std::vector<std::map<std::string, int>> times;
  bool selects = false;
  for (const OuterPart& part : outer)
    for (const std::size_t m : part.choice.members) {
      const PreparedData& prepared = data.of(plan.members[m]);
      if (!seen.insert(&prepared).second) continue;
      times.resize(prepared.preprocess.views.size());
      for (std::size_t v = 0; v < times.size(); ++v) {
        const FittedView& view = prepared.preprocess.views[v];
        selects = selects || !view.selected.empty();
        for (const std::string& column : view.columns) ++times[v][column];
        for (const std::string& column : view.dropped) times[v].try_emplace(column, 0);
      }
    }
  for (const RawView& view : data.cohort().views)
    summary.views.push_back(std::filesystem::path(view.file).filename().string());
  summary.training_parts = static_cast<int>(seen.size());
  if (!selects) return;
  for (const std::map<std::string, int>& of_view : times) {
    std::vector<SelectedColumn>& columns = summary.selected.emplace_back();
    for (const auto& [column, count] : of_view) columns.push_back({column, count});
    std::stable_sort(columns.begin(), columns.end(),
                     [](const SelectedColumn& a, const SelectedColumn& b) { return a.times > b.times; });
  }
}

}  // namespace

StudySummary summarise(const StudyPlan& plan, const std::map<int, MemberResult>& results,
                       const std::vector<OuterPart>& outer, StudyData& data) {
  StudySummary summary;
  summary.kind = plan.kind;
  summary.rows = static_cast<int>(data.cohort().ids.size());
  std::set<int> held_out, repeats;
  std::set<std::string> folds;
  for (const OuterPart& part : outer) {
    held_out.insert(part.rows.begin(), part.rows.end());
    repeats.insert(part.choice.split.repeat);
    folds.insert(part.choice.split.fold);
    summary.of_ensemble = std::max(summary.of_ensemble, static_cast<int>(part.choice.members.size()));
  }
  summary.held_out = static_cast<int>(held_out.size());
  summary.repeats = static_cast<int>(repeats.size());
  summary.folds = static_cast<int>(folds.size());
  summary.members = static_cast<int>(plan.members.size());
  for (const auto& [number, result] : results) summary.failed += result.failure.empty() ? 0 : 1;
  const InnerFigure of_inner = inner_figure(data.config_of(plan.members.front()).train);
  summary.larger_is_better = of_inner.larger_is_better;
  summary.chooses_epochs = data.config_of(plan.members.front()).train.monitor != "none";
  summary.inner_name = of_inner.name;
  for (const std::string& name : names_of(outer))
    if (OuterFigure figure = outer_figure(name, outer); std::isfinite(figure.mean))
      summary.figures.push_back(std::move(figure));

  const std::vector<std::vector<double>> inner = inner_figures(plan, results);
  for (std::size_t s = 0; s < plan.settings.size(); ++s) {
    SettingSummary& setting = summary.settings.emplace_back();
    setting.overrides = plan.settings[s].overrides;
    setting.inner = mean_of(inner[s]);
    for (const OuterPart& part : outer) setting.chosen += part.choice.setting == s ? 1 : 0;
    for (const StudyMember& member : plan.members)
      setting.failed += member.setting == s && !results.at(member.number).failure.empty() ? 1 : 0;
    const double best = summary.settings[summary.best_setting].inner;
    if (std::isfinite(setting.inner) && !(setting.inner <= best)) summary.best_setting = s;
  }
  if (const FoldRows rows = inner_rows(plan, data); plan.settings.size() > 1 && rows.test > 0)
    for (std::size_t s = 0; s < plan.settings.size(); ++s)
      if (s != summary.best_setting)
        summary.settings[s].against_best = compared(inner[s], inner[summary.best_setting], rows);
  count_columns(plan, outer, data, summary);
  return summary;
}

}  // namespace equipoise
