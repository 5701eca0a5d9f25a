// host/preprocess.cpp - fits on training rows, applies to any rows.
#include "host/preprocess.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "host/nearest_name.h"
#include "host/offenders.h"

namespace equipoise {
namespace {

struct FittedColumn {
  double median, mean, scale;
  bool constant;
};

/// `values` are a column's training rows, NaN where missing, at least one of them not.
FittedColumn fit_column(std::vector<double> values) {
  std::vector<double> known;
  std::copy_if(values.begin(), values.end(), std::back_inserter(known), [](double x) { return !std::isnan(x); });
  std::sort(known.begin(), known.end());
  const size_t half = known.size() / 2;
  const double median = known.size() % 2 ? known[half] : std::midpoint(known[half - 1], known[half]);
  // Exactly constant is decided on the values: a rounded mean would leave a tiny scale that blows up any other value.
  if (known.front() == known.back()) return {median, known.front(), 1, true};

  for (double& x : values) x = std::isnan(x) ? median : x;
  const double rows = static_cast<double>(values.size());
  double sum = 0;
  for (const double x : values) sum += x;
  const double mean = sum / rows;
  // Deviations are brought near 1 by a power of two, which costs no bits, lest their squares overflow or vanish.
  int exponent = 0;
  std::frexp(std::max(known.back() - mean, mean - known.front()), &exponent);
  double squares = 0;
  for (const double x : values) {
    const double deviation = std::ldexp(x - mean, -exponent);
    squares += deviation * deviation;
  }
  return {median, mean, std::ldexp(std::sqrt(squares / rows), exponent), false};
}

FittedView fit_view(const RawView& view, std::span<const int> train_rows, std::vector<std::string>* notices) {
  FittedView fitted;
  fitted.columns = view.columns;
  const size_t columns = view.columns.size();
  Offenders offenders;
  std::vector<std::string> constant;
  for (size_t c = 0; c < columns; ++c) {
    std::vector<double> values;
    for (const int row : train_rows) values.push_back(view.values[static_cast<size_t>(row) * columns + c]);
    if (std::all_of(values.begin(), values.end(), [](double x) { return std::isnan(x); })) {
      offenders.add(fmt::format("{}: the column '{}' has no value in any training row; remove the column", view.file,
                                view.columns[c]));
      continue;
    }
    const FittedColumn column = fit_column(std::move(values));
    if (!std::isfinite(column.mean) || !std::isfinite(column.scale) || column.scale == 0) {
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
  if (notices) {
    for (const std::string& name : constant) {
      notices->push_back(
          fmt::format("{}: the column '{}' is constant in the training rows and tells nothing", view.file, name));
    }
  }
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
  for (const std::string& name : view.columns) {
    if (!place_of.contains(name)) continue;
    notices->push_back(
        fmt::format("{}: the column '{}' was not in the training data and is left out", view.file, name));
  }
  return places;
}

std::vector<float> apply_view(const RawView& view, const FittedView& fitted, const std::vector<std::string>& ids,
                              std::vector<std::string>* notices) {
  const std::vector<size_t> places = match_columns(view, fitted, notices);
  std::vector<float> result;
  result.reserve(ids.size() * places.size());
  Offenders offenders;
  for (size_t row = 0; row < ids.size(); ++row) {
    for (size_t c = 0; c < places.size(); ++c) {
      const double raw = view.values[row * view.columns.size() + places[c]];
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

/// Class numbers of the cohort turned into those of the fit.
std::vector<int> match_labels(const RawCohort& cohort, const std::vector<std::string>& names) {
  std::vector<int> number;
  for (const std::string& name : cohort.label_names) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      throw Error(ExitCode::data, fmt::format("the class '{}' was not in the training data; write labels as there, {}",
                                              name, did_you_mean(name, names)));
    }
    number.push_back(static_cast<int>(found - names.begin()));
  }
  std::vector<int> label;
  for (const int k : cohort.label) label.push_back(k < 0 ? -1 : number[static_cast<size_t>(k)]);
  return label;
}

}  // namespace

Preprocess fit_preprocess(const RawCohort& cohort, std::span<const int> train_rows, std::vector<std::string>* notices) {
  if (train_rows.empty()) {
    throw Error(ExitCode::data, "no training row is left; make data.validation and data.test smaller");
  }
  Preprocess preprocess;
  preprocess.label_names = cohort.label_names;
  for (const RawView& view : cohort.views) preprocess.views.push_back(fit_view(view, train_rows, notices));
  return preprocess;
}

Dataset apply(const RawCohort& cohort, const Preprocess& preprocess, std::vector<std::string>* notices) {
  if (cohort.views.size() != preprocess.views.size()) {
    throw Error(ExitCode::data,
                fmt::format("data.views names {} tables but the model was trained on {}; name one per view",
                            cohort.views.size(), preprocess.views.size()));
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
  return data;
}

}  // namespace equipoise
