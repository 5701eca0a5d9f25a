// host/data/keyed_table.h - a table and the row of each of its patients.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "host/data/table/table.h"

namespace equipoise {

/// Whether a column of that name, in any case, usually holds ids.
bool is_id_name(std::string_view name);

struct KeyedTable {
  Table table;
  int id_column = -1;            ///< -1: rows are numbered
  std::vector<std::string> ids;  ///< rising by bytes
  std::vector<int> rows;         ///< [ids], of the table

  /// -1 where the table has no such patient.
  int row_of(const std::string& id) const;
  /// [ids]
  std::vector<int> rows_of(std::span<const std::string> ids) const;
};

/// How ids are found.
struct IdRules {
  std::string wanted = "id";     ///< the column's name; where it is missing and a usual one, a usual one serves
  bool may_be_numbered = false;  ///< no other table has to be joined: without any id column rows are numbered
};

/// A table in which no column can be one of ids.
struct NoIds : Error {
  using Error::Error;
};

/// The column of the wanted name, of a usual one, or of the names of rows that R and pandas write; -1 where rows are to
/// be numbered. What was chosen is told. Throws NoIds (Error(data)).
int find_id_column(const Table& table, const IdRules& rules, std::vector<std::string>& notices);

/// The row of each id. Throws Error(data), with the first five offenders as file:line:column, on a table without rows
/// and on an id that is missing or occurs twice.
KeyedTable keyed(Table table, int id_column, std::vector<std::string>& notices);

/// Whether at least half of a table's columns, and two, are called by ids.
bool ids_in_header(const Table& table, std::span<const std::string> ids);

/// The refusal of such a table.
[[noreturn]] void refuse_transposed(const Table& table, std::span<const std::string> ids);

}  // namespace equipoise
