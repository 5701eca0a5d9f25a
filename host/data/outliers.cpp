// host/data/outliers.cpp - distances in robust units, column by column.
#include "host/data/outliers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/base/error.h"
#include "host/data/gathered_columns.h"
#include "host/data/transform.h"
#include "host/text/glob.h"

namespace equipoise {
namespace {

constexpr double kNormal = 1.4826;  // standard deviations of a normal value for each median absolute deviation
constexpr size_t kOutliersTold = 5;

/// What a look at a column found.
struct LookedAt {
  double low = std::numeric_limits<double>::lowest(), high = std::numeric_limits<double>::max();
  int far = 0;
};

double median_of(std::vector<double>& values) {
  const auto half = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  return values.size() % 2 ? *half : std::midpoint(*std::max_element(values.begin(), half), *half);
}

struct Outlier {
  double distance;  // in robust units
  double median;
  std::string what;  // file, patient and column
};

/// A column of `width` in an array of rows.
struct RawColumn {
  std::vector<double>& values;
  size_t width, column;
  double& at(int row) const { return values[static_cast<size_t>(row) * width + column]; }
};

/// The values as the network's scale will see them.
struct Scale {
  const Transform* transform = nullptr;
  double forward(double x) const { return transform && transform->defined(x) ? transform->forward(x) : x; }
  double inverse(double x) const { return transform ? transform->inverse(x) : x; }
};

class Looker {
 public:
  Looker(std::span<const int> train_rows, const std::vector<std::string>& ids, bool clip)
      : train_rows_(train_rows), ids_(ids), clip_(clip) {}

  /// `gathered` are the column's values in the training rows.
  LookedAt look(const RawColumn& stretch, std::span<const double> gathered, const Scale& scale, const std::string& file,
                const std::string& column) {
    std::vector<double> known;
    known.reserve(gathered.size());
    for (const double x : gathered)
      if (!std::isnan(x)) known.push_back(scale.forward(x));
    if (known.empty()) return {};
    const double median = median_of(known);
    for (double& x : known) x = std::fabs(x - median);
    const double unit = kNormal * median_of(known);
    if (!(unit > 0) || !std::isfinite(unit)) return {};
    LookedAt found{scale.inverse(median - kOutlying * unit), scale.inverse(median + kOutlying * unit)};
    for (size_t i = 0; i < gathered.size(); ++i) {
      const double value = gathered[i];
      const int row = train_rows_[i];
      if (std::isnan(value)) continue;
      const double off = scale.forward(value) - median;
      if (!(std::fabs(off) > kOutlying * unit)) continue;
      ++found.far;
      found_.push_back({std::fabs(off) / unit, scale.inverse(median),
                        fmt::format("{}: {} of {} in '{}'", file, value, ids_[static_cast<size_t>(row)], column)});
      if (clip_) stretch.at(row) = off < 0 ? found.low : found.high;
    }
    return found;
  }

  /// The farthest first; "" if there is none.
  std::string sentence() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Outlier& a, const Outlier& b) { return a.distance > b.distance; });
    std::string text;
    for (size_t i = 0; i < std::min(found_.size(), kOutliersTold); ++i)
      text += fmt::format("{}{} is {:.3g} robust deviations from the median {:.6g}", i ? "; " : "", found_[i].what,
                          found_[i].distance, found_[i].median);
    if (found_.size() > kOutliersTold)
      text += fmt::format("; and {} more values beyond {}", found_.size() - kOutliersTold, kOutlying);
    return text;
  }

 private:
  std::span<const int> train_rows_;
  const std::vector<std::string>& ids_;
  bool clip_;
  std::vector<Outlier> found_;
};

Scale scale_of(const std::string& column, const std::map<std::string, std::string>& transforms) {
  for (const auto& [pattern, name] : transforms)
    if (matches(pattern, column)) return {find_transform(name)};
  return {};
}

}  // namespace

Outliers treat_outliers(RawCohort& cohort, std::span<const int> train_rows, const std::string& mode,
                        const std::map<std::string, std::string>& transforms, std::vector<std::string>& notices) {
  const bool clips = mode == "clip";
  Looker looker(train_rows, cohort.ids, clips);
  Outliers outliers;
  for (RawTarget& target : cohort.targets) {
    const size_t width = target.columns.size();
    std::vector<int>& far = outliers.targets.emplace_back(width);
    GatheredColumns gathered(target.values, width, train_rows);
    for (size_t c = 0; c < width && target.class_names.empty(); ++c)
      far[c] = looker.look({target.values, width, c}, gathered.column(c), {}, target.file, target.columns[c]).far;
  }
  for (RawView& view : cohort.views) {
    ViewOutliers& of_view = outliers.views.emplace_back();
    const size_t width = view.columns.size();
    GatheredColumns gathered(view.values, width, train_rows);
    for (size_t c = 0; c < width; ++c) {
      const LookedAt found = looker.look({view.values, width, c}, gathered.column(c),
                                         scale_of(view.columns[c], transforms), view.file, view.columns[c]);
      of_view.far.push_back(found.far);
      if (!clips) continue;
      of_view.low.push_back(found.low);
      of_view.high.push_back(found.high);
    }
  }
  const std::string text = looker.sentence();
  if (text.empty()) return outliers;
  if (mode == "refuse")
    throw Error(ExitCode::data, text + "; correct them, or set data.outliers = \"tell\" or \"clip\"");
  notices.push_back(text + (clips ? "; clipped there (data.outliers)"
                                  : "; where these are slips, correct them, or set data.outliers = \"clip\" or "
                                    "\"refuse\""));
  return outliers;
}

}  // namespace equipoise
