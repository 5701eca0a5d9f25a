// host/data/keyed_table.cpp - ids by name, by place, or by number.
#include "host/data/keyed_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "host/data/table/date.h"
#include "host/text/first_names.h"
#include "host/text/lower_case.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr std::array<std::string_view, 10> kIdNames = {"id",     "patientid", "patient_id", "patient",   "case",
                                                       "caseid", "case_id",   "subject_id", "subjectid", "subject"};

/// What stands in rows, and seldom in a header.
bool is_value(const std::string& name) {
  const std::string lower = lower_case(name);
  return parse_number(name).kind != NumberKind::text || is_date(name) || lower == "true" || lower == "false";
}

void number_rows(KeyedTable& keyed, std::vector<std::string>& notices) {
  const int rows = keyed.table.rows();
  const size_t digits = std::to_string(rows).size();
  for (int row = 0; row < rows; ++row) {
    keyed.ids.push_back(fmt::format("{:0{}}", row + 1, digits));
    keyed.rows.push_back(row);
  }
  notices.push_back(
      fmt::format("{}: no column holds ids, so rows are numbered {} to {} in the order of the file; name "
                  "one by data.id if there is one",
                  keyed.table.file, keyed.ids.front(), keyed.ids.back()));
}

}  // namespace

bool is_id_name(std::string_view name) {
  return std::find(kIdNames.begin(), kIdNames.end(), lower_case(name)) != kIdNames.end();
}

int find_id_column(const Table& table, const IdRules& rules, std::vector<std::string>& notices) {
  const std::string& wanted = rules.wanted;
  const auto chosen = [&](int column) {
    if (table.row_names)
      notices.push_back(fmt::format("{}: the first column, which has no name, is left out", table.file));
    return column;
  };
  if (const int exact = table.find(wanted); exact >= 0) return chosen(exact);
  const bool usual_wanted = wanted.empty() || is_id_name(wanted);
  if (usual_wanted) {
    for (const std::string_view usual : kIdNames) {
      for (size_t column = 0; column < table.columns.size(); ++column) {
        if (lower_case(table.columns[column]) != usual) continue;
        notices.push_back(fmt::format("{}: ids are read from the column '{}'", table.file, table.columns[column]));
        return chosen(static_cast<int>(column));
      }
    }
    if (table.row_names) {
      notices.push_back(fmt::format("{}: ids are read from the first column, which has no name", table.file));
      return 0;
    }
    const auto values = std::count_if(table.columns.begin(), table.columns.end(), is_value);
    if (static_cast<size_t>(values) * 2 >= table.columns.size())
      throw NoIds(
          ExitCode::data,
          fmt::format("{}:1:1: there is no id column, and the columns are called as if the first line were data "
                      "({}); put a line above it that names them, such as id,a,b,label",
                      table.file, first_names(table.columns)));
    if (rules.may_be_numbered && (wanted.empty() || wanted == "id")) return -1;
  }
  throw NoIds(ExitCode::data, fmt::format("{}:1:1: there is no id column '{}'; set data.id, {}", table.file, wanted,
                                          did_you_mean(wanted, table.columns)));
}

int KeyedTable::row_of(const std::string& id) const {
  const auto found = std::lower_bound(ids.begin(), ids.end(), id);
  return found == ids.end() || *found != id ? -1 : rows[static_cast<size_t>(found - ids.begin())];
}

std::vector<int> KeyedTable::rows_of(std::span<const std::string> wanted) const {
  std::vector<int> found;
  found.reserve(wanted.size());
  for (const std::string& id : wanted) found.push_back(row_of(id));
  return found;
}

KeyedTable keyed(Table read, int id_column, std::vector<std::string>& notices) {
  KeyedTable keyed{std::move(read), id_column, {}, {}};
  const Table& table = keyed.table;
  if (table.rows() == 0) throw Error(ExitCode::data, table.file + ":1:1: the table has a header but no rows; add some");
  if (keyed.id_column < 0) {
    number_rows(keyed, notices);
    return keyed;
  }
  const auto id = [&](int row) { return table.at(row, keyed.id_column); };
  keyed.rows.resize(static_cast<size_t>(table.rows()));
  std::iota(keyed.rows.begin(), keyed.rows.end(), 0);
  std::stable_sort(keyed.rows.begin(), keyed.rows.end(), [&](int a, int b) { return id(a) < id(b); });
  std::vector<std::pair<int, int>> doubled;  // row, the first of the same id
  for (size_t i = 1, first = 0; i < keyed.rows.size(); ++i) {
    if (id(keyed.rows[i]) != id(keyed.rows[first])) first = i;
    else if (!is_missing(id(keyed.rows[i]))) doubled.emplace_back(keyed.rows[i], keyed.rows[first]);
  }
  std::sort(doubled.begin(), doubled.end());
  Offenders offenders;
  size_t next = 0;
  const auto doubled_at = [&](int row) -> size_t {
    const bool here = next < doubled.size() && doubled[next].first == row;
    next += here ? 1 : 0;
    return here ? 1 : 0;
  };
  for (int row = 0; row < table.rows(); ++row) {
    if (offenders.full()) {  // the sentences of millions would take long
      offenders.count_further((is_missing(id(row)) ? 1 : 0) + doubled_at(row));
      continue;
    }
    if (is_missing(id(row)))
      offenders.add(table.where(row, keyed.id_column) + ": the row has no id; give every patient one");
    if (next < doubled.size() && doubled[next].first == row)
      offenders.add(fmt::format("{}: the id {} is already at {}; keep one row per patient",
                                table.where(row, keyed.id_column), id(row),
                                table.where(doubled[next++].second, keyed.id_column)));
  }
  offenders.refuse(ExitCode::data);
  keyed.ids.reserve(keyed.rows.size());
  for (const int row : keyed.rows) keyed.ids.emplace_back(id(row));
  return keyed;
}

bool ids_in_header(const Table& table, std::span<const std::string> ids) {
  const auto called = std::count_if(table.columns.begin(), table.columns.end(), [&](const std::string& name) {
    return std::binary_search(ids.begin(), ids.end(), name);
  });
  return called >= 2 && static_cast<size_t>(called) * 2 >= table.columns.size();
}

void refuse_transposed(const Table& table, std::span<const std::string> ids) {
  const auto first = std::find_if(table.columns.begin(), table.columns.end(), [&](const std::string& name) {
    return std::binary_search(ids.begin(), ids.end(), name);
  });
  throw Error(ExitCode::data,
              fmt::format("{}:1:1: patients ({}) stand in the header, as columns: the table is transposed; turn it so "
                          "that each patient is a row (in R: t(x); in pandas: df.T)",
                          table.file, *first));
}

}  // namespace equipoise
