// host/data/folds.cpp - deals rows and groups to folds, and reads what a table holds of them.
#include "host/data/folds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "host/data/group_dealer.h"
#include "host/data/labels.h"
#include "host/text/csv_field.h"
#include "host/text/first_names.h"
#include "host/text/offenders.h"
#include "kernels/base/philox.h"

namespace equipoise {
namespace {

/// A number as good as random for a row in a repeat; part of what a seed means. Orders of groups are streams of it.
uint64_t fold_key(uint64_t seed, int repeat, int row, int order = 0) {
  const DrawKey key{seed, 0, static_cast<uint32_t>(repeat), purpose_of(Purpose::split, order)};
  const PhiloxBlock block = draw(key, static_cast<uint32_t>(row));
  return uint64_t{block.v[1]} << 32 | block.v[0];
}

void expect_two_folds(int folds) {
  if (folds < 2)
    throw Error(ExitCode::data,
                fmt::format("{} fold{} cannot test in turn; ask for 2 folds or more", folds, folds == 1 ? "" : "s"));
}

/// All rows of the class test in one fold, and so none trains then.
bool in_one_fold(const std::vector<PartNeed>& folds, size_t k) {
  return std::count_if(folds.begin(), folds.end(), [&](const PartNeed& fold) { return fold.have[1 + k] > 0; }) < 2;
}

int column_of(const Table& table, const char* name) {
  const int column = table.find(name);
  if (column < 0)
    throw Error(ExitCode::data,
                fmt::format("{}:1:1: there is no column '{}'; a table of folds has the columns id, repeat and fold",
                            table.file, name));
  return column;
}

}  // namespace

std::vector<int> stratified_folds(const Strata& strata, int folds, uint64_t seed, int repeat) {
  expect_two_folds(folds);
  expect_rows_for_folds(strata, folds);
  std::map<int, std::vector<std::pair<uint64_t, int>>> classes;  // by class: key and number of each row
  for (int row = 0; row < static_cast<int>(strata.of_row.size()); ++row)
    if (const int k = strata.of_row[static_cast<size_t>(row)]; k >= 0)
      classes[k].emplace_back(fold_key(seed, repeat, row), row);
  std::vector<int> fold_of(strata.of_row.size(), kTrainsInAll);
  int next = 0;
  for (auto& [k, rows] : classes) {  // the rest is the last
    std::sort(rows.begin(), rows.end());
    for (const auto& [key, row] : rows) {
      fold_of[static_cast<size_t>(row)] = next;
      next = (next + 1) % folds;
    }
  }
  return fold_of;
}

std::vector<int> grouped_folds(const Strata& strata, const std::vector<std::string>& groups, int folds, uint64_t seed,
                               int repeat, std::vector<std::string>& notices) {
  expect_two_folds(folds);
  expect_rows_for_folds(strata, folds);
  GroupDealer dealer(strata, groups, std::vector<double>(static_cast<size_t>(folds), 1.0 / folds));
  if (const int usable = dealer.usable(); usable < folds)
    throw Error(ExitCode::data,
                fmt::format("data.group: {} group{} with a labelled row cannot fill {} folds; ask for fewer folds, or "
                            "name another column",
                            usable, usable == 1 ? "" : "s", folds));
  dealer.deal([&](int order, int row) { return fold_key(seed, repeat, row, order); }, in_one_fold);
  if (const std::vector<std::string> lost = dealer.lost_classes(in_one_fold); !lost.empty())
    throw Error(ExitCode::data,
                fmt::format("data.group: the class '{}' lies in so few groups that it has rows in one fold alone, and "
                            "none to train on when that one tests; join it with another class, or name another column",
                            fmt::join(lost, "', '")));
  for (int fold = 0; fold < folds; ++fold)
    notices.push_back(fmt::format("groups: repeat {}, fold {} has {}", repeat, fold + 1,
                                  dealer.told(dealer.parts()[static_cast<size_t>(fold)])));
  std::vector<int> fold_of = dealer.part_of_rows();
  std::set<std::string> labelled;
  for (size_t row = 0; row < groups.size(); ++row)
    if (strata.of_row[row] >= 0) labelled.insert(groups[row]);
  for (size_t row = 0; row < groups.size(); ++row)
    if (strata.of_row[row] < 0 && (groups[row].empty() || !labelled.contains(groups[row]))) fold_of[row] = kTrainsInAll;
  return fold_of;
}

std::string folds_csv(const std::vector<std::vector<int>>& folds_of_repeats, const std::vector<std::string>& ids) {
  std::string text = "id,repeat,fold\n";
  for (size_t r = 0; r < folds_of_repeats.size(); ++r)
    for (size_t row = 0; row < ids.size(); ++row) {
      const int fold = folds_of_repeats[r][row];
      text += fmt::format("{},{},{}\n", csv_field(ids[row]), r + 1,
                          fold == kTrainsInAll ? std::string(kAlwaysTrains) : std::to_string(fold + 1));
    }
  return text;
}

void write_folds_csv(const std::filesystem::path& path, const std::vector<std::vector<int>>& folds_of_repeats,
                     const std::vector<std::string>& ids) {
  write_file_atomically(path, folds_csv(folds_of_repeats, ids));
}

FoldTable folds_of_table(const Table& table) {
  column_of(table, "id");
  const int fold_column = column_of(table, "fold"), repeat_column = table.find("repeat");
  std::map<int, std::set<std::string>> folds_of;  // by repeat
  std::set<std::string> all;
  Offenders offenders;
  for (int line = 0; line < table.rows(); ++line) {
    int repeat = 1;
    if (repeat_column >= 0) {
      const std::string_view cell = table.at(line, repeat_column);
      const Number number = parse_number(cell);
      const bool whole = number.kind == NumberKind::number && number.value >= 0 && number.value <= 1e9 &&
                         number.value == static_cast<int>(number.value);
      if (!whole) {
        offenders.add(fmt::format("{}: the repeat {} is not a whole number; number the repeats from 1",
                                  table.where(line, repeat_column), excerpt(cell)));
        continue;
      }
      repeat = static_cast<int>(number.value);
    }
    const std::string_view cell = table.at(line, fold_column);
    const std::string fold = canonical_label(cell).value_or(std::string(cell));
    if (fold.empty())
      offenders.add(fmt::format("{}: there is no fold; name one, or '{}' for a patient who trains whatever fold tests",
                                table.where(line, fold_column), kAlwaysTrains));
    else if (fold == "validation" || fold == "test")
      offenders.add(
          fmt::format("{}: the fold '{}' is a part of one split, not one of k folds; name the folds by numbers",
                      table.where(line, fold_column), fold));
    else if (auto& folds = folds_of[repeat]; fold != kAlwaysTrains && folds.insert(fold).second) all.insert(fold);
  }
  offenders.refuse(ExitCode::data);
  FoldTable listed;
  listed.folds.assign(all.begin(), all.end());
  sort_class_names(listed.folds);
  if (listed.folds.size() < 2)
    throw Error(ExitCode::data,
                fmt::format("{}: the table names {} fold{} that can test; a cross-validation needs 2 or more",
                            table.file, listed.folds.empty() ? "no" : "1", listed.folds.size() == 1 ? "" : "s"));
  for (const auto& [repeat, folds] : folds_of) {
    listed.repeats.push_back(repeat);
    std::vector<std::string> lacking;
    for (const std::string& fold : listed.folds)
      if (!folds.contains(fold)) lacking.push_back(fold);
    if (!lacking.empty())
      offenders.add(
          fmt::format("{}: repeat {} has no row in the fold {}, which another has; use the same folds in "
                      "every repeat",
                      table.file, repeat, first_names(lacking)));
  }
  offenders.refuse(ExitCode::data);
  return listed;
}

std::optional<InnerFold> inner_fold_of(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto whole = [](std::string_view digits) {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool plain = !digits.empty() && digits.front() >= '1' && digits.front() <= '9';
    return plain && error == std::errc{} && end == digits.data() + digits.size() ? value : 0;
  };
  const InnerFold inner{whole(text.substr(0, slash)), whole(text.substr(slash + 1))};
  if (inner.of < 2 || inner.of > kMostFolds || inner.number < 1 || inner.number > inner.of) return std::nullopt;
  return inner;
}

}  // namespace equipoise
