// host/data/new_rows.cpp - looks at new rows beside the fit.
#include "host/data/new_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "host/data/empty_views.h"
#include "host/data/transform.h"

namespace equipoise {
namespace {

constexpr std::size_t kValuesListed = 5;

/// Deviations from the training rows' mean.
double distance(const FittedView& fitted, std::size_t column, double value) {
  const std::string name = fitted.transform.empty() ? "" : fitted.transform[column];
  const Transform* transform = name.empty() ? nullptr : find_transform(name);
  if (transform && !transform->defined(value)) return 0;  // refused where it is applied
  return std::fabs(((transform ? transform->forward(value) : value) - fitted.mean[column]) / fitted.scale[column]);
}

}  // namespace

std::vector<int> answerable_rows(const RawCohort& cohort, bool impute_empty) {
  std::vector<int> rows;
  for (std::size_t row = 0; row < cohort.ids.size(); ++row) {
    const auto known = std::count_if(cohort.views.begin(), cohort.views.end(),
                                     [&](const RawView& view) { return has_value(view, row); });
    if (known == static_cast<std::ptrdiff_t>(cohort.views.size()) || (impute_empty && known > 0))
      rows.push_back(static_cast<int>(row));
  }
  return rows;
}

std::vector<std::string> told_of(const RawCohort& cohort, const Preprocess& preprocess) {
  std::vector<std::string> told;
  for (std::size_t v = 0; v < cohort.views.size(); ++v) {
    const RawView& view = cohort.views[v];
    const FittedView& fitted = preprocess.views[v];
    const std::size_t columns = view.columns.size();
    std::size_t missing = 0, far = 0;
    std::string listed;
    for (std::size_t i = 0; i < view.values.size(); ++i) {
      const double value = view.values[i];
      missing += std::isnan(value) ? 1 : 0;
      const double away = std::isnan(value) ? 0 : distance(fitted, i % columns, value);
      if (!(away > kFar)) continue;
      if (++far <= kValuesListed)
        listed += fmt::format("{}{} of {} in '{}' ({:.3g} deviations)", far > 1 ? ", " : "", value,
                              cohort.ids[i / columns], view.columns[i % columns], away);
    }
    if (missing > 0)
      told.push_back(fmt::format("{}: {} of {} values are missing and take the training rows' median", view.file,
                                 missing, view.values.size()));
    if (far > 0)
      told.push_back(fmt::format("{}: {} value{} far from the training rows: {}{}", view.file, far,
                                 far == 1 ? " lies" : "s lie", listed,
                                 far > kValuesListed ? fmt::format(", and {} more", far - kValuesListed) : ""));
  }
  return told;
}

}  // namespace equipoise
