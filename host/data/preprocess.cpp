// host/data/preprocess.cpp - fits on training rows, applies to any rows.
#include "host/data/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <unordered_map>

#include "host/data/gathered_columns.h"
#include "host/data/spare_memory.h"
#include "host/data/transform.h"
#include "host/text/first_names.h"
#include "host/text/glob.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

struct FittedColumn {
  double median, mean, scale;
  bool constant;
};

/// `values` are a column's training rows, NaN where missing, at least one of them not; they are imputed.
FittedColumn fit_column(std::vector<double>& values) {
  std::vector<double> known;
  known.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(known), [](double x) { return !std::isnan(x); });
  const auto half = known.begin() + static_cast<ptrdiff_t>(known.size() / 2);
  std::nth_element(known.begin(), half, known.end());
  const double below = half == known.begin() ? *half : *std::max_element(known.begin(), half);
  const double median = known.size() % 2 ? *half : std::midpoint(below, *half);
  const auto [least, most] = std::minmax_element(known.begin(), known.end());
  // Exactly constant is decided on the values: a rounded mean would leave a tiny scale that blows up any other value.
  if (*least == *most) return {median, *least, 1, true};

  for (double& x : values) x = std::isnan(x) ? median : x;
  const double rows = static_cast<double>(values.size());
  double sum = 0;
  for (const double x : values) sum += x;
  const double mean = sum / rows;
  // Deviations are brought near 1 by a power of two, which costs no bits, lest their squares overflow or vanish.
  int exponent = 0;
  std::frexp(std::max(*most - mean, mean - *least), &exponent);
  const double unit = std::ldexp(1.0, -exponent);
  const bool representable = std::isnormal(unit);  // a product with it has the bits of ldexp
  double squares = 0;
  for (const double x : values) {
    const double deviation = representable ? (x - mean) * unit : std::ldexp(x - mean, -exponent);
    squares += deviation * deviation;
  }
  return {median, mean, std::ldexp(std::sqrt(squares / rows), exponent), false};
}

const std::string& transform_of(const FittedView& fitted, size_t column) {
  static const std::string none;
  return fitted.transform.empty() ? none : fitted.transform[column];
}

/// The transform of each column of every view, by the patterns; {} for a view where none has one.
std::vector<std::vector<std::string>> assign_transforms(const RawCohort& cohort,
                                                        const std::map<std::string, std::string>& patterns) {
  std::vector<std::vector<std::string>> of_views;
  std::set<std::string> used;
  std::vector<std::string> all;
  Offenders offenders;
  for (const RawView& view : cohort.views) {
    std::vector<std::string> names(view.columns.size());
    for (size_t c = 0; c < view.columns.size(); ++c) {
      all.push_back(view.columns[c]);
      std::string chosen_by;
      for (const auto& [pattern, name] : patterns) {
        if (!matches(pattern, view.columns[c])) continue;
        used.insert(pattern);
        if (!chosen_by.empty())
          offenders.add(
              fmt::format("data.transform: the column '{}' of {} fits both '{}' and '{}'; make them exclude "
                          "each other",
                          view.columns[c], view.file, chosen_by, pattern));
        chosen_by = pattern;
        names[c] = name;
      }
    }
    const bool any = std::any_of(names.begin(), names.end(), [](const std::string& name) { return !name.empty(); });
    of_views.push_back(any ? names : std::vector<std::string>{});
  }
  for (const auto& [pattern, name] : patterns)
    if (!used.contains(pattern))
      offenders.add(fmt::format("data.transform: no feature fits '{}'; {}", pattern, did_you_mean(pattern, all)));
  offenders.refuse(ExitCode::data);
  return of_views;
}

bool scalable(const FittedColumn& column) {
  return std::isfinite(column.mean) && std::isfinite(column.scale) && column.scale != 0;
}

/// A value after its transform; what is not defined goes to `offenders`.
double transformed(const RawView& view, const std::string& name, double value, const std::string& id, size_t column,
                   Offenders& offenders) {
  if (name.empty() || std::isnan(value)) return value;
  const Transform& transform = *find_transform(name);
  if (transform.defined(value)) return transform.forward(value);
  offenders.add(
      fmt::format("{}: {} of {} in the column '{}' has no {}, which is for {}; correct it, or leave the column "
                  "out of data.transform",
                  view.file, value, id, view.columns[column], name, transform.defined_for));
  return value;
}

FittedView fit_view(const RawView& view, std::span<const int> train_rows, std::vector<std::string>* notices,
                    const std::vector<std::string>& ids, std::vector<std::string> transform) {
  FittedView fitted;
  fitted.columns = view.columns;
  fitted.transform = std::move(transform);
  const size_t columns = view.columns.size();
  Offenders offenders;
  std::vector<std::string> constant;
  GatheredColumns gathered(view.values, columns, train_rows);
  std::vector<double> values;
  for (size_t c = 0; c < columns; ++c) {
    const std::span<const double> raw = gathered.column(c);
    values.assign(raw.begin(), raw.end());
    if (const std::string& name = transform_of(fitted, c); !name.empty())
      for (size_t i = 0; i < values.size(); ++i)
        values[i] = transformed(view, name, values[i], ids[static_cast<size_t>(train_rows[i])], c, offenders);
    const auto missing = std::count_if(values.begin(), values.end(), [](double x) { return std::isnan(x); });
    if (static_cast<size_t>(missing) == values.size()) {
      offenders.add(fmt::format("{}: the column '{}' has no value in any training row; remove the column", view.file,
                                view.columns[c]));
      continue;
    }
    fitted.missing.push_back(static_cast<int>(missing));
    const FittedColumn column = fit_column(values);
    if (!scalable(column)) {
      offenders.add(
          fmt::format("{}: the values of the column '{}' are too large or too small to be scaled; choose another unit",
                      view.file, view.columns[c]));
    }
    if (column.constant) constant.push_back(view.columns[c]);
    fitted.median.push_back(column.median);
    fitted.mean.push_back(column.mean);
    fitted.scale.push_back(column.scale);
  }
  offenders.refuse(ExitCode::data);
  if (notices && !constant.empty())
    notices->push_back(
        fmt::format("{}: {} constant in the training rows and tell{} nothing: {}", view.file,
                    constant.size() == 1 ? "1 column is" : fmt::format("{} columns are", constant.size()),
                    constant.size() == 1 ? "s" : "", first_names(constant)));
  return fitted;
}

/// Where each fitted column is in `view`.
std::vector<size_t> match_columns(const RawView& view, const FittedView& fitted, std::vector<std::string>* notices) {
  std::unordered_map<std::string_view, size_t> place_of;
  for (size_t c = 0; c < view.columns.size(); ++c) place_of.emplace(view.columns[c], c);
  std::vector<size_t> places;
  Offenders offenders;
  for (const std::string& name : fitted.columns) {
    const auto found = place_of.find(name);
    if (found == place_of.end()) {
      offenders.add(fmt::format("{}: the column '{}' of the training data is missing; add it, {}", view.file, name,
                                offenders.full() ? "" : did_you_mean(name, view.columns)));
    } else {
      places.push_back(found->second);
    }
  }
  offenders.refuse(ExitCode::data);
  if (!notices) return places;
  for (const size_t used : places) place_of.erase(view.columns[used]);
  for (const std::string& name : fitted.dropped) place_of.erase(name);  // told once, when they were
  std::vector<std::string> unknown;
  for (const std::string& name : view.columns)
    if (place_of.contains(name)) unknown.push_back(name);
  if (!unknown.empty())
    notices->push_back(fmt::format("{}: {} not in the training data left out: {}", view.file,
                                   unknown.size() == 1 ? "1 column" : fmt::format("{} columns", unknown.size()),
                                   first_names(unknown)));
  return places;
}

/// NaN stays what it is.
double clipped(const FittedView& fitted, size_t column, double value) {
  if (fitted.low.empty()) return value;
  return value < fitted.low[column] ? fitted.low[column] : value > fitted.high[column] ? fitted.high[column] : value;
}

std::vector<float> apply_view(const RawView& view, const FittedView& fitted, const std::vector<std::string>& ids,
                              std::vector<std::string>* notices) {
  const std::vector<size_t> places = match_columns(view, fitted, notices);
  std::vector<float> result;
  result.reserve(ids.size() * places.size());
  Offenders offenders;
  for (size_t row = 0; row < ids.size(); ++row) {
    for (size_t c = 0; c < places.size(); ++c) {
      const double value = clipped(fitted, c, view.values[row * view.columns.size() + places[c]]);
      const double raw = transformed(view, transform_of(fitted, c), value, ids[row], places[c], offenders);
      const double scaled = ((std::isnan(raw) ? fitted.median[c] : raw) - fitted.mean[c]) / fitted.scale[c];
      if (!(std::fabs(scaled) <= double{std::numeric_limits<float>::max()})) {
        offenders.add(fmt::format("{}: {} of {} in the column '{}' is too far from the training rows; correct it",
                                  view.file, raw, ids[row], fitted.columns[c]));
        continue;
      }
      result.push_back(static_cast<float>(scaled));
    }
  }
  offenders.refuse(ExitCode::data);
  return result;
}

/// Numbers of the cohort's classes in the fit.
std::vector<int> match_classes(const std::vector<std::string>& of_cohort, const std::vector<std::string>& names) {
  std::vector<int> number;
  for (const std::string& name : of_cohort) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw Error(ExitCode::data, fmt::format("the class '{}' was not in the training data; write labels as there, {}",
                                              name, did_you_mean(name, names)));
    }
    number.push_back(static_cast<int>(found - names.begin()));
  }
  return number;
}

std::vector<int> match_labels(const RawCohort& cohort, const std::vector<std::string>& names) {
  const std::vector<int> number = match_classes(cohort.label_names, names);
  std::vector<int> label;
  for (const int k : cohort.label) label.push_back(k < 0 ? -1 : number[static_cast<size_t>(k)]);
  return label;
}

/// Its values in the training rows that are known.
std::vector<double> known_values(const RawTarget& target, size_t column, std::span<const int> rows) {
  std::vector<double> values;
  for (const int row : rows) {
    const double value = target.values[static_cast<size_t>(row) * target.columns.size() + column];
    if (!std::isnan(value)) values.push_back(value);
  }
  return values;
}

FittedTarget fit_target(const RawTarget& target, std::span<const int> train_rows, bool standardised,
                        std::vector<std::string>* notices) {
  FittedTarget fitted{target.likelihood, target.columns, {}, {}, target.class_names};
  for (size_t c = 0; c < target.columns.size(); ++c) {
    std::vector<double> values = known_values(target, c, train_rows);
    if (values.empty())
      throw Error(ExitCode::data,
                  fmt::format("{}: the target '{}' has no value in any training row; fill it in or drop "
                              "the task",
                              target.file, target.columns[c]));
    if (target.likelihood->cells() == Cells::classes) continue;
    const bool scaled = standardised && target.likelihood->standardised();
    const FittedColumn column = scaled ? fit_column(values) : FittedColumn{0, 0, 1, false};
    if (!scalable(column))
      throw Error(ExitCode::data, fmt::format("{}: the values of the target '{}' are too large or too small to be "
                                              "scaled; choose another unit",
                                              target.file, target.columns[c]));
    if (column.constant && notices)
      notices->push_back(fmt::format("{}: the target '{}' is constant in the training rows and teaches nothing",
                                     target.file, target.columns[c]));
    fitted.mean.push_back(column.mean);
    fitted.scale.push_back(column.scale);
  }
  return fitted;
}

/// Views whose numbers are used as they are.
FittedView unscaled(const RawView& view) {
  const std::vector<double> zeros(view.columns.size(), 0.0), ones(view.columns.size(), 1.0);
  return {view.columns, zeros, zeros, ones};
}

/// A value of the column `c` as the network sees it.
float scaled_target(const RawTarget& raw, const FittedTarget& fitted, const std::vector<int>& number, double value,
                    size_t c, const std::string& id) {
  if (std::isnan(value)) return std::numeric_limits<float>::quiet_NaN();
  if (raw.likelihood->cells() == Cells::classes) return static_cast<float>(number[static_cast<size_t>(value)]);
  const double scaled = (value - fitted.mean[c]) / fitted.scale[c];
  if (!(std::fabs(scaled) <= double{std::numeric_limits<float>::max()}))
    throw Error(ExitCode::data,
                fmt::format("{}: {} of {} in the target '{}' is too far from the training rows; correct "
                            "it",
                            raw.file, value, id, raw.columns[c]));
  return static_cast<float>(scaled);
}

void apply_targets(const RawCohort& cohort, const std::vector<FittedTarget>& fitted, Dataset& data) {
  data.tasks = tasks_of(fitted);
  for (const FittedTarget& target : fitted) data.target_cols += static_cast<int>(target.columns.size());
  const auto width = static_cast<size_t>(data.target_cols);
  data.targets.resize(cohort.ids.size() * width);
  if (cohort.targets.empty()) {
    std::fill(data.targets.begin(), data.targets.end(), std::numeric_limits<float>::quiet_NaN());
    return;
  }
  for (size_t t = 0; t < fitted.size(); ++t) {
    const RawTarget& raw = cohort.targets[t];
    if (raw.likelihood != fitted[t].likelihood || raw.columns != fitted[t].columns)
      throw Error(ExitCode::data, fmt::format("data.tasks names {}:{} where the model was trained on {}:{}; name the "
                                              "same tasks",
                                              raw.likelihood->name(), raw.name(), fitted[t].likelihood->name(),
                                              fitted[t].columns.front()));
    const std::vector<int> number = match_classes(raw.class_names, fitted[t].class_names);
    const size_t columns = raw.columns.size(), first = static_cast<size_t>(data.tasks[t].first_col);
    for (size_t row = 0; row < cohort.ids.size(); ++row)
      for (size_t c = 0; c < columns; ++c)
        data.targets[row * width + first + c] =
            scaled_target(raw, fitted[t], number, raw.values[row * columns + c], c, cohort.ids[row]);
  }
}

}  // namespace

double FittedView::in_units(double scaled, std::size_t column) const {
  const double value = scaled * scale[column] + mean[column];
  const std::string& name = transform_of(*this, column);
  return name.empty() ? value : find_transform(name)->inverse(value);
}

Preprocess fit_preprocess(const RawCohort& cohort, std::span<const int> train_rows, std::vector<std::string>* notices,
                          const std::map<std::string, std::string>& transforms) {
  if (train_rows.empty()) {
    throw Error(ExitCode::data, "no training row is left; make data.validation and data.test smaller");
  }
  Preprocess preprocess;
  preprocess.label_names = cohort.label_names;
  preprocess.train_rows = static_cast<int>(train_rows.size());
  preprocess.left_out = cohort.left_out;
  const std::vector<std::vector<std::string>> transform = assign_transforms(cohort, transforms);
  for (size_t v = 0; v < cohort.views.size(); ++v)
    preprocess.views.push_back(cohort.standardised
                                   ? fit_view(cohort.views[v], train_rows, notices, cohort.ids, transform[v])
                                   : unscaled(cohort.views[v]));
  for (const RawTarget& target : cohort.targets)
    preprocess.targets.push_back(fit_target(target, train_rows, cohort.standardised, notices));
  give_back_memory();
  return preprocess;
}

void expect_transforms(const RawCohort& cohort, const Preprocess& preprocess,
                       const std::map<std::string, std::string>& transforms) {
  const std::vector<std::vector<std::string>> assigned = assign_transforms(cohort, transforms);
  for (size_t v = 0; v < cohort.views.size() && v < preprocess.views.size(); ++v)
    for (size_t c = 0; c < cohort.views[v].columns.size(); ++c) {
      const std::vector<std::string>& fitted = preprocess.views[v].columns;
      const auto at = std::find(fitted.begin(), fitted.end(), cohort.views[v].columns[c]) - fitted.begin();
      if (at == static_cast<ptrdiff_t>(fitted.size())) continue;  // a column that the fit does not know
      const std::string now = assigned[v].empty() ? "" : assigned[v][c];
      const std::string& then = transform_of(preprocess.views[v], static_cast<size_t>(at));
      if (now != then)
        throw Error(ExitCode::usage,
                    fmt::format("data.transform: the column '{}' was fitted with {} and is now to have {}; restore the "
                                "run's own config",
                                cohort.views[v].columns[c], then.empty() ? "none" : then, now.empty() ? "none" : now));
    }
}

Dataset apply(const RawCohort& cohort, const Preprocess& preprocess, std::vector<std::string>* notices) {
  if (cohort.views.size() != preprocess.views.size()) {
    throw Error(ExitCode::data,
                fmt::format("data.views names {} tables but the model was trained on {}; name one per view",
                            cohort.views.size(), preprocess.views.size()));
  }
  if (!cohort.targets.empty() && cohort.targets.size() != preprocess.targets.size()) {
    throw Error(ExitCode::data, fmt::format("data.tasks names {} tasks but the model was trained on {}; name the same",
                                            cohort.targets.size(), preprocess.targets.size()));
  }
  Dataset data;
  data.rows = static_cast<int>(cohort.ids.size());
  data.classes = static_cast<int>(preprocess.label_names.size());
  data.ids = cohort.ids;
  data.label = match_labels(cohort, preprocess.label_names);
  for (size_t v = 0; v < cohort.views.size(); ++v) {
    data.features.push_back(static_cast<int>(preprocess.views[v].columns.size()));
    data.views.push_back(apply_view(cohort.views[v], preprocess.views[v], cohort.ids, notices));
  }
  apply_targets(cohort, preprocess.targets, data);
  return data;
}

}  // namespace equipoise
