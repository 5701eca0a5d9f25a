// host/data/positive_class.cpp - a column and a class are told apart by the names of the columns, as both may hold '='.
#include "host/data/positive_class.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/error.h"
#include "host/text/nearest_name.h"
#include "host/text/trimmed.h"

namespace equipoise {

std::map<std::string, std::string> positive_classes(const std::vector<std::string>& entries,
                                                    const std::vector<std::string>& columns) {
  std::map<std::string, std::string> positive;
  for (const std::string& entry : entries) {
    if (columns.empty())
      throw Error(ExitCode::usage,
                  fmt::format("data.positive: '{}' has no column of two classes to belong to; remove it", entry));
    std::string column, name;
    for (size_t at = entry.find('='); at != entry.npos && column.empty(); at = entry.find('=', at + 1)) {
      const std::string before(trimmed(std::string_view(entry).substr(0, at)));
      if (std::find(columns.begin(), columns.end(), before) == columns.end()) continue;
      column = before;
      name = trimmed(std::string_view(entry).substr(at + 1));
    }
    if (column.empty() && columns.size() == 1) {
      column = columns.front();
      name = entry;
    }
    if (column.empty()) {
      const size_t equals = entry.find('=');
      if (equals == entry.npos)
        throw Error(ExitCode::usage, fmt::format("data.positive: '{}' may be a class of {}; write \"column={}\"", entry,
                                                 fmt::join(columns, " or "), entry));
      const std::string before(trimmed(std::string_view(entry).substr(0, equals)));
      throw Error(ExitCode::usage, fmt::format("data.positive: '{}' is no column of two classes; {}", before,
                                               did_you_mean(before, columns)));
    }
    if (!positive.emplace(column, name).second)
      throw Error(ExitCode::usage, fmt::format("data.positive: the column '{}' is named twice; keep one", column));
  }
  return positive;
}

}  // namespace equipoise
