// host/data/known_columns.cpp - which rows train is a matter of the seed: a sparse column is no reason to refuse them.
#include "host/data/known_columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"

namespace equipoise {
namespace {

constexpr size_t kColumnsTold = 5;

void keep_columns(RawView& view, const std::vector<bool>& keep) {
  const size_t before = view.columns.size();
  std::vector<std::string> columns;
  std::vector<double> values;
  for (size_t c = 0; c < before; ++c)
    if (keep[c]) columns.push_back(view.columns[c]);
  for (size_t i = 0; i < view.values.size(); ++i)
    if (keep[i % before]) values.push_back(view.values[i]);
  view.columns = std::move(columns);
  view.values = std::move(values);
}

}  // namespace

void leave_out_unknown(RawCohort& cohort, std::span<const int> train_rows, std::vector<std::string>& notices) {
  for (RawView& view : cohort.views) {
    const size_t columns = view.columns.size();
    std::vector<bool> known(columns, false);
    for (const int row : train_rows)
      for (size_t c = 0; c < columns; ++c)
        if (!std::isnan(view.values[static_cast<size_t>(row) * columns + c])) known[c] = true;
    std::vector<std::string> lost;
    for (size_t c = 0; c < columns; ++c)
      if (!known[c]) lost.push_back(view.columns[c]);
    if (lost.empty()) continue;
    if (lost.size() == columns)
      throw Error(ExitCode::data, fmt::format("{}: no column has a value in any training row; fill the table in, or "
                                              "leave the view out of data.views",
                                              view.file));
    const auto told = lost.begin() + static_cast<ptrdiff_t>(std::min(lost.size(), kColumnsTold));
    notices.push_back(fmt::format("{}: {} column{} without a value in any training row left out: {}{}", view.file,
                                  lost.size(), lost.size() == 1 ? "" : "s", fmt::join(lost.begin(), told, ", "),
                                  told == lost.end() ? "" : ", ..."));
    keep_columns(view, known);
  }
}

}  // namespace equipoise
