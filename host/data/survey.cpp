// host/data/survey.cpp - guesses about tables that a person would make at first sight.
#include "host/data/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "engine/base/error.h"
#include "host/data/keyed_table.h"
#include "host/data/labels.h"
#include "host/data/table/table.h"
#include "host/text/lower_case.h"

namespace equipoise {
namespace {

constexpr std::array<std::string_view, 9> kLabelNames = {"label",     "class",  "target", "outcome", "response",
                                                         "diagnosis", "status", "group",  "y"};
constexpr std::array<std::string_view, 7> kOutcomeFiles = {"outcome",  "label",    "target",  "clinical",
                                                           "response", "endpoint", "survival"};

ColumnLook look_at_column(const Table& table, int column) {
  ColumnLook look;
  look.name = table.columns[static_cast<size_t>(column)];
  look.numeric = true;
  std::set<std::string> labels, texts;
  bool labels_alone = true;
  for (int row = 0; row < table.rows(); ++row) {
    const std::string_view cell = table.at(row, column);
    if (is_missing(cell)) continue;
    ++look.known;
    texts.emplace(cell);
    const Number number = parse_number(cell);
    if (number.kind == NumberKind::number) look.numbers.push_back(number.value);
    else look.numeric = false;
    if (const auto label = canonical_label(cell); !label) labels_alone = false;
    else if (!label->empty()) labels.insert(*label);
  }
  look.numeric = look.numeric && look.known > 0;
  if (!look.numeric) look.numbers.clear();
  look.unique = look.known == table.rows() && static_cast<int>(texts.size()) == look.known;
  look.classes = labels_alone ? static_cast<int>(labels.size()) : 0;
  return look;
}

bool named_outcome(const TableLook& table) {
  const std::string stem = lower_case(table.file.stem().string());
  return std::any_of(kOutcomeFiles.begin(), kOutcomeFiles.end(),
                     [&](std::string_view word) { return stem.find(word) != stem.npos; });
}

std::string file_name(const TableLook& table) { return table.file.filename().string(); }

size_t with_fewest_columns(std::span<const TableLook> tables) {
  const auto fewest = std::min_element(tables.begin(), tables.end(), [](const TableLook& a, const TableLook& b) {
    return a.columns.size() < b.columns.size();
  });
  return static_cast<size_t>(fewest - tables.begin());
}

/// A column of classes with a usual name, and why.
std::optional<Found> usual_label(std::span<const TableLook> tables, const std::string& id) {
  for (const std::string_view usual : kLabelNames)
    for (const TableLook& table : tables)
      for (const ColumnLook& column : table.columns)
        if (column.name != id && lower_case(column.name) == usual && column.class_like())
          return Found{column.name, {}, fmt::format("a usual name, and {} classes", column.classes), ""};
  return std::nullopt;
}

}  // namespace

std::span<const std::string_view> usual_labels() { return kLabelNames; }

const ColumnLook* TableLook::find(const std::string& name) const {
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const ColumnLook& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

TableLook look_at(const std::filesystem::path& file) {
  const Table table = read_table(file);
  TableLook look{file, {}};
  for (int column = 0; column < static_cast<int>(table.columns.size()); ++column)
    look.columns.push_back(look_at_column(table, column));
  return look;
}

std::string find_id(std::span<const TableLook> tables) {
  const auto everywhere = [&](const auto& fits) {
    return std::all_of(tables.begin(), tables.end(), [&](const TableLook& table) {
      return std::any_of(table.columns.begin(), table.columns.end(), fits);
    });
  };
  if (everywhere([](const ColumnLook& column) { return column.unique && is_id_name(column.name); }))
    for (const ColumnLook& column : tables.front().columns)
      if (column.unique && is_id_name(column.name)) return column.name;
  for (const ColumnLook& column : tables.front().columns)
    if (everywhere([&](const ColumnLook& other) { return other.unique && other.name == column.name; }))
      return column.name;
  throw Error(ExitCode::data,
              fmt::format("{}:1:1: no column is in all tables and different in every row; call the column that names "
                          "the patients id, in every table",
                          tables.front().file.string()));
}

std::optional<Found> find_label(std::span<const TableLook> tables, const std::string& id, int most_views) {
  std::optional<Found> found = usual_label(tables, id);
  const size_t narrow = with_fewest_columns(tables);
  if (!found && tables.size() > 1)
    for (const ColumnLook& column : tables[narrow].columns)
      if (!found && column.name != id && !is_id_name(column.name) && column.class_like())
        found = Found{column.name,
                      {},
                      fmt::format("the first column of classes ({}) of {}", column.classes, file_name(tables[narrow])),
                      ""};
  if (!found) return std::nullopt;
  std::vector<size_t> holders;
  for (size_t t = 0; t < tables.size(); ++t)
    if (tables[t].find(found->column)) holders.push_back(t);
  if (tables.size() == 1 || holders.size() != 1) return found;
  const size_t holder = holders.front();
  const bool crowded = static_cast<int>(tables.size()) > most_views;
  const bool small = tables[holder].columns.size() <= tables[narrow].columns.size();
  if (!crowded && !small && !named_outcome(tables[holder])) return found;
  found->table = holder;
  found->table_reason = fmt::format("it alone has the column {}{}", found->column,
                                    small && !crowded ? ", and no table has fewer columns" : "");
  return found;
}

std::optional<size_t> find_outcome(std::span<const TableLook> tables, std::string& reason) {
  if (tables.size() == 1) return std::nullopt;
  for (size_t t = 0; t < tables.size(); ++t)
    if (named_outcome(tables[t])) {
      reason = "by its name";
      return t;
    }
  reason = "it has the fewest columns";
  return with_fewest_columns(tables);
}

}  // namespace equipoise
