// host/data/imputed.cpp - counts as shares.
#include "host/data/imputed.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace equipoise {
namespace {

/// In per cent, with two digits that tell something.
std::string share(double part, double all) {
  const double percent = 100 * part / all;
  return percent >= 9.95 ? fmt::format("{:.0f} %", percent) : fmt::format("{:.2g} %", percent);
}

}  // namespace

std::string tell_imputed(const std::string& file, const FittedView& view, int train_rows) {
  const auto missing = std::accumulate(view.missing.begin(), view.missing.end(), int64_t{0});
  if (missing == 0 || train_rows <= 0) return "";
  const auto most = std::max_element(view.missing.begin(), view.missing.end());
  const auto lacking = std::count_if(view.missing.begin(), view.missing.end(), [](int n) { return n > 0; });
  const int64_t values = int64_t{train_rows} * static_cast<int64_t>(view.columns.size());
  return fmt::format(
      "{}: {} of {} values in the training rows are missing and take the median, in {} of {} column{}; "
      "{} in '{}' ({})",
      file, share(static_cast<double>(missing), static_cast<double>(values)), values, lacking, view.columns.size(),
      view.columns.size() == 1 ? "" : "s", lacking == 1 ? "all" : "most",
      view.columns[static_cast<std::size_t>(most - view.missing.begin())], share(*most, train_rows));
}

}  // namespace equipoise
