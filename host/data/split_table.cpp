// host/data/split_table.cpp - reduces a table of repeats and folds to one split.
#include "host/data/split_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "host/data/folds.h"
#include "host/data/group_split.h"
#include "host/data/labels.h"
#include "host/data/split.h"
#include "host/data/table/table.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr size_t kNamesTold = 12;

/// Whether folds are the parts of one split: no other names, or one of those that k folds have no use for.
bool are_parts(const std::vector<std::string>& folds) {
  const auto has = [&](std::string_view name) { return std::find(folds.begin(), folds.end(), name) != folds.end(); };
  return folds.empty() || has("validation") || has("test") || (folds.size() == 1 && has(kAlwaysTrains));
}

std::string spelling(std::string_view cell) { return canonical_label(cell).value_or(std::string(cell)); }

/// Different spellings of a column, sorted as classes are; empty cells are left out.
std::vector<std::string> names_in(const Table& table, int column) {
  std::set<std::string> seen;
  for (int line = 0; line < table.rows(); ++line) seen.insert(spelling(table.at(line, column)));
  seen.erase("");
  std::vector<std::string> names(seen.begin(), seen.end());
  sort_class_names(names);
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  if (names.size() <= kNamesTold) return fmt::format("{}", fmt::join(names, ", "));
  return fmt::format("{}, ...", fmt::join(names.begin(), names.begin() + kNamesTold, ", "));
}

int repeat_of(const Table& table, const SplitChoice& choice) {
  const int column = table.find("repeat");
  if (column < 0) {
    if (choice.repeat.value_or(1) == 1) return 1;
    throw Error(ExitCode::data, fmt::format("{}:1:1: there is no column 'repeat' to find data.repeat = {} in; name a "
                                            "table that has one, or drop the key",
                                            table.file, *choice.repeat));
  }
  const std::vector<std::string> repeats = names_in(table, column);
  if (!choice.repeat && repeats.size() > 1)
    throw Error(ExitCode::data, fmt::format("{}: the table holds {} repeats ({}); choose one by data.repeat",
                                            table.file, repeats.size(), listed(repeats)));
  const std::string wanted = choice.repeat ? std::to_string(*choice.repeat) : repeats.empty() ? "1" : repeats.front();
  if (choice.repeat && std::find(repeats.begin(), repeats.end(), wanted) == repeats.end())
    throw Error(ExitCode::data, fmt::format("{}: there is no repeat {}; choose one of {} by data.repeat", table.file,
                                            wanted, listed(repeats)));
  const Number number = parse_number(wanted);
  return number.kind == NumberKind::number && number.value >= -1e9 && number.value <= 1e9
             ? static_cast<int>(number.value)
             : 1;  // split_of_table names the cell
}

/// The table with the folds test and train, by what is chosen.
Table with_parts(const Table& table, int column, const std::string& fold) {
  Table parts = table;
  const size_t test = parts.text.size(), train = test + 4;
  parts.text += "testtrain";
  for (int line = 0; line < table.rows(); ++line) {
    const std::string name = spelling(table.at(line, column));
    if (name.empty()) continue;  // split_of_table names the cell
    Cell& cell = parts.cells_of(column)[static_cast<size_t>(line)];
    cell.begin = name == fold ? test : train;
    cell.length = name == fold ? 4 : 5;
  }
  return parts;
}

/// The rows that train whatever fold tests.
std::vector<int> always_training(const Table& table, const std::vector<std::string>& ids, int repeat,
                                 const std::vector<std::string>& folds, const SplitChoice& choice) {
  if (std::find(folds.begin(), folds.end(), kAlwaysTrains) == folds.end()) return {};
  return split_of_table(with_parts(table, table.find("fold"), std::string(kAlwaysTrains)), ids, repeat, choice.left_out)
      .test;
}

/// Refuses groups of which some rows always train and others are to test.
void expect_training_groups(const std::vector<int>& always, const std::vector<std::string>& groups,
                            const std::string& where) {
  Split split;
  for (int row = 0; row < static_cast<int>(groups.size()); ++row)
    (std::binary_search(always.begin(), always.end(), row) ? split.train : split.test).push_back(row);
  expect_whole_groups(split, groups, where);
}

/// One of the inner folds validates. They are those of repeat 0, which no outer folds are.
Split inner_split(const Strata& strata, const std::vector<std::string>& groups, const InnerFold& inner, uint64_t seed) {
  std::vector<std::string> untold;  // of the other inner folds, in which other models validate
  std::vector<int> fold_of;
  try {
    fold_of = groups.empty() ? stratified_folds(strata, inner.of, seed, 0)
                             : grouped_folds(strata, groups, inner.of, seed, 0, untold);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("data.inner_fold: {}", error.what()));
  }
  Split split;
  for (size_t row = 0; row < fold_of.size(); ++row)
    (fold_of[row] == inner.number - 1 ? split.validation : split.train).push_back(static_cast<int>(row));
  return split;
}

/// Of the rows outside the test fold a share or an inner fold validates, but none of `always`, which rise.
Split split_the_rest(const Split& folds, const std::vector<int>& always, const Strata& strata,
                     const std::vector<std::string>& groups, const SplitChoice& choice,
                     std::vector<std::string>& notices) {
  Strata rest = strata;
  rest.of_row.clear();
  std::vector<std::string> groups_of_rest;
  for (const int row : folds.train) {
    const bool trains = std::binary_search(always.begin(), always.end(), row);
    rest.of_row.push_back(trains ? -1 : strata.of_row[static_cast<size_t>(row)]);
    if (!groups.empty()) groups_of_rest.push_back(groups[static_cast<size_t>(row)]);
  }
  const Split of_rest = choice.inner ? inner_split(rest, groups_of_rest, *choice.inner, choice.seed)
                        : groups.empty()
                            ? stratified_split(rest, choice.validation, 0, choice.seed)
                            : grouped_split(rest, groups_of_rest, choice.validation, 0, choice.seed, notices);
  Split split;
  split.test = folds.test;
  for (const int row : of_rest.train) split.train.push_back(folds.train[static_cast<size_t>(row)]);
  for (const int row : of_rest.validation) split.validation.push_back(folds.train[static_cast<size_t>(row)]);
  return split;
}

}  // namespace

Split read_split_table(const Table& table, const std::vector<std::string>& ids, const Strata& strata,
                       const std::vector<std::string>& groups, const SplitChoice& choice,
                       std::vector<std::string>& notices) {
  const int repeat = repeat_of(table, choice);
  const int column = table.find("fold");
  if (column < 0) return split_of_table(table, ids, repeat, choice.left_out);  // which names the column that lacks
  const std::vector<std::string> folds = names_in(table, column);
  if (are_parts(folds)) {
    if (choice.fold)
      throw Error(ExitCode::data, fmt::format("{}: the folds are {}, which need no data.fold; drop the key", table.file,
                                              listed(folds)));
    Split split = split_of_table(table, ids, repeat, choice.left_out);
    if (!groups.empty()) expect_whole_groups(split, groups, table.file);
    return split;
  }
  if (!choice.fold)
    throw Error(ExitCode::data,
                fmt::format("{}: the folds are {}, not train, validation and test; choose the fold that "
                            "tests by data.fold, and data.validation is the share of the others that "
                            "validates",
                            table.file, listed(folds)));
  const std::string fold = spelling(*choice.fold);
  std::vector<std::string> testing = folds;
  std::erase(testing, kAlwaysTrains);
  if (std::find(testing.begin(), testing.end(), fold) == testing.end())
    throw Error(ExitCode::data, fmt::format("{}: there is no fold {}; choose one of {} by data.fold", table.file,
                                            excerpt(*choice.fold), listed(testing)));
  const Split of_folds = split_of_table(with_parts(table, column, fold), ids, repeat, choice.left_out);
  if (of_folds.test.empty())
    throw Error(ExitCode::data, fmt::format("{}: repeat {} has no row in the fold {}; choose another by data.fold",
                                            table.file, repeat, fold));
  if (!groups.empty()) expect_whole_groups(of_folds, groups, table.file);
  const std::vector<int> always = always_training(table, ids, repeat, folds, choice);
  if (!groups.empty() && !always.empty()) expect_training_groups(always, groups, table.file);
  const Split split = split_the_rest(of_folds, always, strata, groups, choice, notices);
  notices.push_back(fmt::format("{}: of the folds {} {} tests with {} rows; of the others' {} rows {} validate{}",
                                table.file, listed(testing), fold, split.test.size(),
                                of_folds.train.size() - always.size(), split.validation.size(),
                                always.empty() ? "" : fmt::format("; {} rows always train", always.size())));
  return split;
}

}  // namespace equipoise
