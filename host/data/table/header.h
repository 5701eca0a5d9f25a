// host/data/table/header.h - the first record of a table: what its columns are called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/data/table/table.h"

namespace equipoise {

struct TableHeader {
  char separator = ',';
  std::vector<std::string> columns;
  std::vector<TextPlace> places;  ///< [columns]
  bool row_names = false;         ///< the first column has none of the names
};

/// `record` is the first that is not blank, at `place`; `next` are up to two records after it. Throws as parse_table
/// does.
TableHeader parse_header(std::string_view record, TextPlace place, const std::vector<std::string_view>& next,
                         const std::string& file, const TableLimits& limits);

}  // namespace equipoise
