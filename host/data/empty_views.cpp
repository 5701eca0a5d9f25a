// host/data/empty_views.cpp - looks for rows without values, and closes the gaps that they leave.
#include "host/data/empty_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "host/text/first_names.h"

namespace equipoise {
namespace {

std::string patients_without(std::size_t count, const char* what) {
  return fmt::format("{} patient{} without {}", count, count == 1 ? "" : "s", what);
}

/// Ids of the rows of which the view has no value, without those of `others`; both [ids].
std::vector<std::string> names_of(const std::vector<std::string>& ids, const std::vector<bool>& empty,
                                  const std::vector<bool>& others) {
  std::vector<std::string> names;
  for (std::size_t row = 0; row < ids.size(); ++row)
    if (empty[row] && !others[row]) names.push_back(ids[row]);
  return names;
}

void tell_view(const std::string& file, const std::vector<std::string>& names, bool imputed,
               std::vector<std::string>& notices) {
  if (names.empty()) return;
  const std::string who = fmt::format("{}: {}", file, patients_without(names.size(), "any value"));
  notices.push_back(
      imputed ? fmt::format("{} {} the training rows' medians (data.empty_views): {}", who,
                            names.size() == 1 ? "gets" : "get", first_names(names))
              : fmt::format("{} left out: {} (data.empty_views = \"impute\" keeps them)", who, first_names(names)));
}

/// Keeps the rows that do not go.
void close_gaps(RawCohort& cohort, const std::vector<bool>& goes) {
  std::size_t to = 0;
  for (std::size_t row = 0; row < goes.size(); ++row) {
    if (goes[row]) continue;
    for (RawView& view : cohort.views) {
      const auto columns = static_cast<std::ptrdiff_t>(view.columns.size());
      const auto from = view.values.begin() + static_cast<std::ptrdiff_t>(row) * columns;
      std::copy(from, from + columns, view.values.begin() + static_cast<std::ptrdiff_t>(to) * columns);
    }
    if (to != row) cohort.ids[to] = std::move(cohort.ids[row]);
    ++to;
  }
  cohort.ids.resize(to);
  for (RawView& view : cohort.views) view.values.resize(to * view.columns.size());
}

}  // namespace

bool has_value(const RawView& view, std::size_t row) {
  const auto columns = static_cast<std::ptrdiff_t>(view.columns.size());
  const auto first = view.values.begin() + static_cast<std::ptrdiff_t>(row) * columns;
  return std::any_of(first, first + columns, [](double x) { return !std::isnan(x); });
}

void leave_out_empty(const CohortSpec& spec, RawCohort& cohort) {
  const std::size_t rows = cohort.ids.size();
  std::vector<bool> nowhere(rows, true), goes(rows, false);
  std::vector<std::vector<bool>> empty;
  for (const RawView& view : cohort.views) {
    std::vector<bool>& of_view = empty.emplace_back(rows);
    for (std::size_t row = 0; row < rows; ++row) {
      of_view[row] = !has_value(view, row);
      if (!of_view[row]) nowhere[row] = false;
    }
    if (std::find(of_view.begin(), of_view.end(), false) == of_view.end())
      throw Error(ExitCode::data, fmt::format("{}: no patient has a value; fill the table in, or leave the view out of "
                                              "data.views",
                                              view.file));
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const bool kept = std::binary_search(spec.kept.begin(), spec.kept.end(), cohort.ids[row]);
    const bool lacks = std::any_of(empty.begin(), empty.end(), [&](const auto& of_view) { return of_view[row]; });
    if (kept) nowhere[row] = false;
    goes[row] = nowhere[row] || (lacks && !kept && !spec.impute_empty);
  }
  const std::vector<bool> none(rows, false);
  if (const std::vector<std::string> names = names_of(cohort.ids, nowhere, none); !names.empty())
    cohort.notices.push_back(cohort.views.size() == 1
                                 ? fmt::format("{}: {} left out: {}", cohort.views[0].file,
                                               patients_without(names.size(), "any value"), first_names(names))
                                 : fmt::format("{} left out: {}", patients_without(names.size(), "a value in any view"),
                                               first_names(names)));
  for (std::size_t v = 0; v < cohort.views.size(); ++v)
    tell_view(cohort.views[v].file, names_of(cohort.ids, empty[v], nowhere), spec.impute_empty, cohort.notices);
  cohort.left_out = names_of(cohort.ids, goes, none);
  if (cohort.left_out.size() == rows)
    throw Error(ExitCode::data,
                "no patient has a value in every view; fill the tables in, or set data.empty_views = "
                "\"impute\"");
  if (!cohort.left_out.empty()) close_gaps(cohort, goes);
}

void with_left_out_told(const std::vector<std::string>& left_out, const std::function<void()>& stage) {
  try {
    stage();
  } catch (const Error& refused) {
    if (refused.code() != ExitCode::data || left_out.empty()) throw;
    throw Error(
        ExitCode::data,
        fmt::format("{}{}{} left out before: {}; data.empty_views tells who is kept", refused.what(), kNextSentence,
                    patients_without(left_out.size(), "a value in some view"), first_names(left_out)));
  }
}

}  // namespace equipoise
