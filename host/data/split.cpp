// host/data/split.cpp - stratified splits and their CSV form.
#include "host/data/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "engine/files/atomic_file.h"
#include "host/data/table/table.h"
#include "host/text/csv_field.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"
#include "kernels/base/philox.h"

namespace equipoise {
namespace {

struct PartSizes {
  int validation, test;
};

int share_of(int rows, double fraction) { return static_cast<int>(std::floor(rows * fraction + 0.5)); }

PartSizes part_sizes(int rows, double validation, double test) {
  const auto part = [&](double fraction) { return fraction > 0 ? std::max(1, share_of(rows, fraction)) : 0; };
  PartSizes sizes{part(validation), part(test)};
  while (sizes.validation + sizes.test >= rows) --(sizes.validation >= sizes.test ? sizes.validation : sizes.test);
  return sizes;
}

/// What the rest gives of its rows, so that the parts have their shares of all rows, as far as it goes.
PartSizes sizes_of_rest(int rows, int all, double validation, double test, const Split& so_far) {
  PartSizes sizes{};
  sizes.test = std::clamp(share_of(all, test) - static_cast<int>(so_far.test.size()), 0, rows);
  sizes.validation =
      std::clamp(share_of(all, validation) - static_cast<int>(so_far.validation.size()), 0, rows - sizes.test);
  return sizes;
}

int column_of(const Table& table, const char* name) {
  const int column = table.find(name);
  if (column < 0) {
    throw Error(
        ExitCode::data,
        fmt::format("{}:1:1: there is no column '{}'; a split has the columns id, repeat and fold", table.file, name));
  }
  return column;
}

}  // namespace

void expect_shares(double validation, double test) {
  for (const double fraction : {validation, test}) {
    if (!(fraction >= 0 && fraction < 1)) {
      throw Error(ExitCode::data,
                  fmt::format("data.validation and data.test must be at least 0 and below 1, not {}", fraction));
    }
  }
  if (validation + test >= 1) {
    throw Error(
        ExitCode::data,
        fmt::format("data.validation {} and data.test {} leave no row to train; make them smaller", validation, test));
  }
}

uint64_t split_key(uint64_t seed, int row) {
  const DrawKey key{seed, 0, 0, static_cast<uint32_t>(Purpose::split)};
  const PhiloxBlock block = draw(key, static_cast<uint32_t>(row));
  return uint64_t{block.v[1]} << 32 | block.v[0];
}

Split stratified_split(const std::vector<int>& label, double validation, double test, uint64_t seed) {
  return stratified_split(Strata{label}, validation, test, seed);
}

Split stratified_split(const Strata& strata, double validation, double test, uint64_t seed) {
  expect_shares(validation, test);
  expect_rows_for_parts(strata, validation, test);
  Split split;
  std::map<int, std::vector<std::pair<uint64_t, int>>> classes;  // by class: key and number of each row
  for (int row = 0; row < static_cast<int>(strata.of_row.size()); ++row) {
    const int k = strata.of_row[static_cast<size_t>(row)];
    if (k < 0) {
      split.train.push_back(row);
    } else {
      classes[k].emplace_back(split_key(seed, row), row);
    }
  }
  int all = 0;
  for (auto& [k, rows] : classes) {  // the rest is the last
    std::sort(rows.begin(), rows.end());
    const int count = static_cast<int>(rows.size());
    all += count;
    const PartSizes sizes =
        k == strata.rest ? sizes_of_rest(count, all, validation, test, split) : part_sizes(count, validation, test);
    for (int i = 0; i < count; ++i) {
      auto& part = i < sizes.test ? split.test : i < sizes.test + sizes.validation ? split.validation : split.train;
      part.push_back(rows[static_cast<size_t>(i)].second);
    }
  }
  for (auto* part : {&split.train, &split.validation, &split.test}) std::sort(part->begin(), part->end());
  return split;
}

void write_split_csv(const std::filesystem::path& path, const Split& split, const std::vector<std::string>& ids,
                     int repeat) {
  std::vector<const char*> fold(ids.size(), "train");
  for (const int row : split.validation) fold[static_cast<size_t>(row)] = "validation";
  for (const int row : split.test) fold[static_cast<size_t>(row)] = "test";
  std::string text = "id,repeat,fold\n";
  for (size_t row = 0; row < ids.size(); ++row)
    text += fmt::format("{},{},{}\n", csv_field(ids[row]), repeat, fold[row]);
  write_file_atomically(path, std::string_view(text));
}

Split read_split_csv(const std::filesystem::path& path, const std::vector<std::string>& ids, int repeat) {
  return split_of_table(read_table(path), ids, repeat);
}

std::vector<std::string> ids_of_split(const std::filesystem::path& path) {
  const Table table = read_table(path);
  const int column = column_of(table, "id");
  std::set<std::string> ids;
  for (int line = 0; line < table.rows(); ++line) ids.emplace(table.at(line, column));
  return {ids.begin(), ids.end()};
}

Split split_of_table(const Table& table, const std::vector<std::string>& ids, int repeat,
                     const std::vector<std::string>& left_out) {
  const int id_column = column_of(table, "id"), fold_column = column_of(table, "fold"),
            repeat_column = table.find("repeat");
  std::unordered_map<std::string, int> row_of;
  for (size_t row = 0; row < ids.size(); ++row) row_of.emplace(ids[row], static_cast<int>(row));
  std::vector<int> line_of(ids.size(), -1);  // the table's row of each patient
  Split split;
  std::map<std::string, std::vector<int>*, std::less<>> parts{
      {"train", &split.train}, {"validation", &split.validation}, {"test", &split.test}};
  Offenders offenders;
  for (int line = 0; line < table.rows(); ++line) {
    if (repeat_column >= 0) {
      const Number number = parse_number(table.at(line, repeat_column));
      if (number.kind != NumberKind::number) {
        offenders.add(fmt::format("{}: the repeat {} is not a number; number the repeats from 1",
                                  table.where(line, repeat_column), excerpt(table.at(line, repeat_column))));
      }
      if (number.value != repeat) continue;
    }
    const std::string id(table.at(line, id_column));
    const auto found = row_of.find(id);
    const auto part = parts.find(table.at(line, fold_column));
    if (part == parts.end()) {
      offenders.add(fmt::format("{}: the fold {} is none of train, validation and test; use one of them",
                                table.where(line, fold_column), excerpt(table.at(line, fold_column))));
    } else if (found == row_of.end() && std::binary_search(left_out.begin(), left_out.end(), id)) {
      continue;
    } else if (found == row_of.end()) {
      offenders.add(fmt::format("{}: the patient '{}' is not in the data; remove the row, {}",
                                table.where(line, id_column), id, offenders.full() ? "" : did_you_mean(id, ids)));
    } else if (int& seen = line_of[static_cast<size_t>(found->second)]; seen >= 0) {
      offenders.add(fmt::format("{}: the patient '{}' is already at {}; keep one row per repeat",
                                table.where(line, id_column), id, table.where(seen, id_column)));
    } else {
      seen = line;
      part->second->push_back(found->second);
    }
  }
  offenders.refuse(ExitCode::data);
  for (size_t row = 0; row < ids.size(); ++row) {
    if (line_of[row] < 0) {
      offenders.add(
          fmt::format("{}: repeat {} gives no fold to the patient '{}'; add a row", table.file, repeat, ids[row]));
    }
  }
  offenders.refuse(ExitCode::data);
  if (split.train.empty()) {
    throw Error(ExitCode::data,
                fmt::format("{}: repeat {} has no training row; put patients in the fold train", table.file, repeat));
  }
  for (const auto& [name, part] : parts) std::sort(part->begin(), part->end());
  return split;
}

}  // namespace equipoise
