// host/data/survey.h - what tables look like: which column holds ids, which one classes, which table is the outcome.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace equipoise {

/// What the cells of a column are like.
struct ColumnLook {
  std::string name;
  int known = 0;                ///< cells that are not missing
  bool unique = false;          ///< every cell is known, and none like another
  bool numeric = false;         ///< every known cell is a number
  std::vector<double> numbers;  ///< of a numeric column
  int classes = 0;              ///< different labels (as read_cohort reads them), 0 if a cell cannot be one
  bool class_like() const { return classes >= 2 && classes <= 10 && known >= 2 * classes; }
};

struct TableLook {
  std::filesystem::path file;
  std::vector<ColumnLook> columns;

  const ColumnLook* find(const std::string& name) const;
};

/// Throws as read_table does.
TableLook look_at(const std::filesystem::path& file);

/// The id column as a config names it: one of the usual names that the first table has and every other has in some
/// spelling; else a column that every table has and that is different in all their rows. Throws Error(data) if there is
/// none.
std::string find_id(std::span<const TableLook> tables);

struct Found {
  std::string column;           ///< of classes
  std::optional<size_t> table;  ///< which of the tables is the outcome; none: the column stands in the features' tables
  std::string reason;           ///< for the column
  std::string table_reason;
};

/// The column of classes: of a usual name (label, class, target, ...), or else the first one of the table with the
/// fewest columns; nothing if there is none. The table that holds it is the outcome if it has no more columns than any
/// other, its file is called so, or there would be more than `most_views` views with it.
std::optional<Found> find_label(std::span<const TableLook> tables, const std::string& id, int most_views);

/// The table of what several tasks learn: its file is called so, or it has the fewest columns. Of a single table none.
std::optional<size_t> find_outcome(std::span<const TableLook> tables, std::string& reason);

/// Usual names of what is learned, in lower case; the first is the surest.
std::span<const std::string_view> usual_labels();

}  // namespace equipoise
