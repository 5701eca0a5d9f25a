// host/data/feature_columns.cpp - chooses columns by their names and by what their cells are.
#include "host/data/feature_columns.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "host/data/categories.h"
#include "host/data/table/date.h"
#include "host/text/first_names.h"
#include "host/text/nearest_name.h"

namespace equipoise {
namespace {

constexpr const char* kToDates =
    "; a number may be learned from: days since a day, or the age (in R: as.numeric(d - d0); in pandas: (d - "
    "d0).dt.days)";

bool is_one_of(std::span<const std::string> names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void tell_left_out(const std::string& file, const std::vector<std::string>& names, const char* what, const char* hint,
                   std::vector<std::string>& notices) {
  if (names.empty()) return;
  notices.push_back(fmt::format("{}: {} {}{} left out: {}{}", file, names.size(), what, names.size() == 1 ? "" : "s",
                                first_names(names), hint));
}

/// Of a column of text alone.
bool holds_dates(const ColumnContent& content) {
  if (!content.levels.empty()) return std::all_of(content.levels.begin(), content.levels.end(), is_date);
  return std::all_of(content.odd.begin(), content.odd.end(), [](const OddCell& cell) { return is_date(cell.text); });
}

bool only_dates(const Table& table, int column) {
  const ColumnContent& content = table.contents[static_cast<size_t>(column)];
  return content.numbers + content.out_of_range == 0 && content.texts > 0 && holds_dates(content);
}

/// Of a column of text alone.
bool has_few_words(const Table& table, int column) {
  const ColumnContent& content = table.contents[static_cast<size_t>(column)];
  return !content.levels.empty() && content.levels.size() <= kWordsOfACategory;
}

enum class Kind { numbers, text, dates };

/// Cells that are in the way of numbers go to `offenders`. A column without any value is one of numbers.
Kind kind_of(const Table& table, int column, Offenders& offenders) {
  const ColumnContent& content = table.contents[static_cast<size_t>(column)];
  if (content.numbers + content.out_of_range == 0 && content.texts > 0) {
    const auto comma = std::find_if(content.odd.begin(), content.odd.end(), [](const OddCell& cell) {
      return parse_decimal_comma(cell.text).kind == NumberKind::number;
    });
    if (comma == content.odd.end()) return holds_dates(content) ? Kind::dates : Kind::text;
    offenders.add(odd_cell_sentence(table, column, *comma));
    return Kind::numbers;
  }
  for (const OddCell& cell : content.odd) offenders.add(odd_cell_sentence(table, column, cell));
  const int all = content.texts + content.out_of_range;
  offenders.count_further(static_cast<size_t>(all) - content.odd.size());
  return Kind::numbers;
}

std::string quoted(const std::vector<std::string>& patterns) {
  return fmt::format("'{}'", fmt::join(patterns, "', '"));
}

/// Throws on a pattern that no column fits.
void expect_fits(const Table& table, const NamePatterns& patterns) {
  if (const std::string* unfit = patterns.without_name(table.columns))
    throw Error(
        ExitCode::data,
        fmt::format("{}:1:1: no column of numbers fits the pattern '{}'; set the view's columns in data.views, {}",
                    table.file, *unfit, did_you_mean(*unfit, table.columns)));
}

[[noreturn]] void refuse_without_features(const Table& table, const FeatureRules& rules) {
  if (rules.columns.empty() && rules.columns_of_all.empty() && rules.leave_out.empty())
    throw Error(ExitCode::data,
                table.file + ":1:1: no column of numbers is left as a feature; name a table with measurements");
  if (rules.columns.empty())
    throw Error(ExitCode::data,
                fmt::format("{}:1:1: data.columns and data.leave_out leave no column of numbers; the columns are {}",
                            table.file, first_names(table.columns)));
  throw Error(ExitCode::data,
              fmt::format("{}:1:1: of the columns that fit the pattern {} none is a feature: they are "
                          "text, ids, left out or what is learned; set the view's columns in data.views",
                          table.file, quoted(rules.columns.given())));
}

}  // namespace

bool FeatureRules::admits(const std::string& name) const {
  return (columns.empty() || columns.fit(name)) && (columns_of_all.empty() || columns_of_all.fit(name)) &&
         !leave_out.fit(name);
}

std::string odd_cell_sentence(const Table& table, int column, const OddCell& cell) {
  const bool comma = cell.text.find(',') != cell.text.npos;
  const bool range = cell.kind == NumberKind::out_of_range;
  return fmt::format("{}: {} in the column '{}' is not a {}number; {}", table.where(cell.place), excerpt(cell.text),
                     table.columns[static_cast<size_t>(column)], range ? "finite " : "",
                     range   ? "leave the cell empty if the value is missing"
                     : comma ? "write a decimal point, not a comma"
                             : "correct it, or leave the cell empty if the value is missing");
}

std::vector<FeatureColumn> find_features(const KeyedTable& keyed, const FeatureRules& rules, Offenders& offenders,
                                         std::vector<std::string>& notices) {
  const Table& table = keyed.table;
  expect_fits(table, rules.columns);
  std::vector<FeatureColumn> features;
  std::vector<std::string> unwanted, diagnostics, text, words, dates, other_ids;
  const bool automatic = rules.categorical.list(kAllCategories);
  for (int column = table.row_names ? 1 : 0; column < static_cast<int>(table.columns.size()); ++column) {
    const std::string& name = table.columns[static_cast<size_t>(column)];
    if (column == keyed.id_column || is_one_of(rules.not_features, name)) continue;
    if (rules.leave_out.fit(name)) unwanted.push_back(name);
    if (!rules.admits(name)) continue;
    if (name.starts_with("diagnostics_")) {
      diagnostics.push_back(name);
    } else if (is_id_name(name)) {
      other_ids.push_back(name);
    } else if (rules.categorical.fit(name)) {
      if (only_dates(table, column))
        offenders.add(fmt::format("{}: the column '{}' holds dates, which are no words of data.categorical{}",
                                  table.where(table.column_places[static_cast<size_t>(column)]), name, kToDates));
      features.push_back({column, true});
    } else if (const Kind kind = kind_of(table, column, offenders); kind == Kind::numbers) {
      features.push_back({column, false});
    } else if (kind == Kind::dates) {
      dates.push_back(name);
    } else if (!has_few_words(table, column)) {
      text.push_back(name);
    } else if (automatic) {
      features.push_back({column, true});
    } else {
      words.push_back(name);
    }
  }
  tell_left_out(table.file, diagnostics, "diagnostics column", "", notices);
  tell_left_out(table.file, text, "text column", "", notices);
  tell_left_out(table.file, words, "text column", " (of few words: data.categorical takes such as features)", notices);
  tell_left_out(table.file, dates, "date column", kToDates, notices);
  tell_left_out(table.file, other_ids, "second id column", "", notices);
  tell_left_out(table.file, unwanted, "column", " (leave_out)", notices);
  if (features.empty()) refuse_without_features(table, rules);
  if (!rules.columns.empty() || !rules.columns_of_all.empty())
    notices.push_back(fmt::format("{}: {} column{} fit{} {}", table.file, features.size(),
                                  features.size() == 1 ? "" : "s", features.size() == 1 ? "s" : "",
                                  quoted((rules.columns.empty() ? rules.columns_of_all : rules.columns).given())));
  return features;
}

std::vector<FeatureColumn> find_asked(const KeyedTable& keyed, std::span<const std::string> names,
                                      const FeatureRules& rules, Offenders& offenders,
                                      std::vector<std::string>& notices) {
  const Table& table = keyed.table;
  std::vector<FeatureColumn> features;
  std::vector<bool> expected(table.columns.size(), false);
  std::unordered_map<std::string_view, int> column_of;
  for (int column = table.row_names ? 1 : 0; column < static_cast<int>(table.columns.size()); ++column)
    column_of.emplace(table.columns[static_cast<size_t>(column)], column);
  for (const std::string& name : names) {
    const auto known = column_of.find(name);
    const int column = known == column_of.end() ? -1 : known->second;
    const bool words = rules.categorical.list(name);
    features.push_back({column, words});
    if (column < 0) {
      offenders.add(fmt::format("{}:1:1: the column '{}' of the training data is missing; add it, {}", table.file, name,
                                offenders.full() ? "" : did_you_mean(name, table.columns)));
      continue;
    }
    expected[static_cast<size_t>(column)] = true;
    if (words) continue;
    const ColumnContent& content = table.contents[static_cast<size_t>(column)];
    for (const OddCell& cell : content.odd) offenders.add(odd_cell_sentence(table, column, cell));
    offenders.count_further(static_cast<size_t>(content.texts + content.out_of_range) - content.odd.size());
  }
  std::vector<std::string> others;
  const std::unordered_set<std::string_view> dropped(rules.dropped.begin(), rules.dropped.end());
  std::size_t dropped_here = 0;
  for (int column = table.row_names ? 1 : 0; column < static_cast<int>(table.columns.size()); ++column) {
    const std::string& name = table.columns[static_cast<size_t>(column)];
    if (column != keyed.id_column && !is_one_of(rules.not_features, name) && !name.starts_with("diagnostics_") &&
        rules.admits(name) && !expected[static_cast<size_t>(column)]) {
      if (dropped.contains(name)) ++dropped_here;
      else others.push_back(name);
    }
  }
  if (dropped_here > 0)
    notices.push_back(fmt::format("{}: {} column{} that the selection dropped left out", table.file, dropped_here,
                                  dropped_here == 1 ? "" : "s"));
  if (!others.empty())
    notices.push_back(fmt::format("{}: {} column{} that the model does not read left out: {}", table.file,
                                  others.size(), others.size() == 1 ? "" : "s", first_names(others)));
  return features;
}

std::vector<double> copy_values(const Table& table, std::span<const int> columns, std::span<const int> rows) {
  std::vector<double> values;
  values.reserve(rows.size() * columns.size());
  for (const int row : rows)
    for (const int column : columns)
      values.push_back(row < 0 ? std::numeric_limits<double>::quiet_NaN() : table.number(row, column));
  return values;
}

std::vector<double> take_values(Table& table, std::span<const int> columns, std::span<const int> rows) {
  std::vector<double> values = std::move(table.values);
  const size_t all = table.columns.size(), width = columns.size(), height = table.lines.size();
  for (size_t row = 0; row < height; ++row)
    for (size_t c = 0; c < width; ++c) values[row * width + c] = values[row * all + static_cast<size_t>(columns[c])];
  values.resize(height * width);
  // Row i of the result is row from[i]; rows that are not wanted come last.
  std::vector<int> from(rows.begin(), rows.end());
  std::vector<bool> wanted(height, false);
  for (const int row : rows) wanted[static_cast<size_t>(row)] = true;
  for (size_t row = 0; row < height; ++row)
    if (!wanted[row]) from.push_back(static_cast<int>(row));
  std::vector<bool> done(height, false);
  const auto at = [&](size_t row) { return values.begin() + static_cast<std::ptrdiff_t>(row * width); };
  std::vector<double> first(width);
  for (size_t start = 0; start < height; ++start) {
    if (done[start]) continue;
    std::copy_n(at(start), width, first.begin());
    size_t to = start;
    for (size_t next = static_cast<size_t>(from[to]); next != start; next = static_cast<size_t>(from[to])) {
      std::copy_n(at(next), width, at(to));
      done[to] = true;
      to = next;
    }
    std::copy(first.begin(), first.end(), at(to));
    done[to] = true;
  }
  values.resize(rows.size() * width);
  return values;
}

}  // namespace equipoise
