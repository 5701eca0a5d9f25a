// host/data/targets.cpp - parses tasks and reads their columns.
#include "host/data/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "host/data/labels.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
constexpr std::array<TargetKind, 3> kKinds{TargetKind::regression, TargetKind::binary, TargetKind::multiclass};

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> pieces;
  size_t comma = text.find(',');
  for (; comma != text.npos; comma = text.find(',')) {
    pieces.emplace_back(trimmed(text.substr(0, comma)));
    text.remove_prefix(comma + 1);
  }
  pieces.emplace_back(trimmed(text));
  return pieces;
}

[[noreturn]] void refuse(const std::string& where, const std::string& task, const std::string& why) {
  throw Error(ExitCode::usage, fmt::format("{} '{}': {}", where, task, why));
}

TargetSpec parse_target(const std::string& task, const std::string& where) {
  const size_t colon = task.find(':');
  if (colon == task.npos) refuse(where, task, "a task is written kind:column, as in regression:stay");
  const std::string kind(trimmed(std::string_view(task).substr(0, colon)));
  std::vector<std::string> names;
  for (const TargetKind known : kKinds) names.emplace_back(target_kind_name(known));
  const auto found = std::find(names.begin(), names.end(), kind);
  if (found == names.end())
    refuse(where, task, fmt::format("'{}' is no kind of task; {}", kind, did_you_mean(kind, names)));
  TargetSpec spec{kKinds[static_cast<size_t>(found - names.begin())], {}};
  spec.columns = split_at_commas(std::string_view(task).substr(colon + 1));
  if (std::find(spec.columns.begin(), spec.columns.end(), "") != spec.columns.end())
    refuse(where, task, "a column has no name; name one after the colon and after each comma");
  if (spec.kind != TargetKind::regression && spec.columns.size() > 1)
    refuse(where, task, fmt::format("a {} task has one column; make a task of each", kind));
  return spec;
}

/// The class of each patient, -1 where missing.
RawTarget read_classes(const TargetSpec& spec, const Table& table, int column, const std::vector<std::string>& ids,
                       const std::vector<int>& rows) {
  LabelReader reader;
  reader.add(table, column, ids, rows);
  auto [label, names] = reader.result(spec.name(), ids);
  RawTarget target{table.file, spec.kind, spec.columns, {}, std::move(names)};
  for (const int k : label) target.values.push_back(k < 0 ? kMissing : k);
  return target;
}

/// Names the first row of the file that brings a third value; there is one.
[[noreturn]] void refuse_third_class(const Table& table, int column, std::vector<int> rows) {
  std::sort(rows.begin(), rows.end());
  std::vector<std::string> seen;
  std::string place;
  for (size_t i = 0; seen.size() < 3; ++i) {
    const std::string name = rows[i] < 0 ? "" : canonical_label(table.at(rows[i], column)).value_or("");
    if (name.empty() || std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    place = table.where(rows[i], column);
  }
  throw Error(ExitCode::data,
              fmt::format("{}: {} is a third value of the binary target '{}', after '{}' and '{}'; "
                          "correct it, or make the task multiclass",
                          place, excerpt(seen[2]), table.columns[static_cast<size_t>(column)], seen[0], seen[1]));
}

RawTarget read_numbers(const TargetSpec& spec, const Table& table, const std::vector<int>& columns,
                       const std::vector<int>& rows) {
  RawTarget target{table.file, spec.kind, spec.columns, {}, {}};
  Offenders offenders;
  for (const int row : rows)
    for (const int column : columns) {
      const std::string fault = row < 0 ? "" : number_fault(table, row, column);
      if (!fault.empty()) offenders.add(fault);
      const Number number = row < 0 ? Number{} : parse_number(table.at(row, column));
      target.values.push_back(number.kind == NumberKind::number ? number.value : kMissing);
    }
  offenders.refuse(ExitCode::data);
  return target;
}

}  // namespace

std::string_view target_kind_name(TargetKind kind) {
  if (kind == TargetKind::regression) return "regression";
  return kind == TargetKind::binary ? "binary" : "multiclass";
}

std::vector<TargetSpec> parse_targets(std::span<const std::string> tasks, const std::string& where) {
  std::vector<TargetSpec> specs;
  std::set<std::string> taken;
  for (const std::string& task : tasks) {
    specs.push_back(parse_target(task, where));
    for (const std::string& column : specs.back().columns)
      if (!taken.insert(column).second)
        refuse(where, task, fmt::format("the column '{}' is already a target; name it once", column));
  }
  return specs;
}

std::vector<RawTarget> read_targets(std::span<const TargetSpec> specs, const Table& table,
                                    const std::vector<std::string>& ids, const std::vector<int>& rows) {
  std::vector<RawTarget> targets;
  for (const TargetSpec& spec : specs) {
    std::vector<int> columns;
    for (const std::string& name : spec.columns) {
      columns.push_back(table.find(name));
      if (columns.back() < 0)
        throw Error(ExitCode::data, fmt::format("{}:1:1: there is no target column '{}'; set data.tasks, {}",
                                                table.file, name, did_you_mean(name, table.columns)));
    }
    if (spec.kind == TargetKind::regression) {
      targets.push_back(read_numbers(spec, table, columns, rows));
      continue;
    }
    targets.push_back(read_classes(spec, table, columns[0], ids, rows));
    if (spec.kind == TargetKind::binary && targets.back().class_names.size() > 2)
      refuse_third_class(table, columns[0], rows);
  }
  return targets;
}

bool RawTarget::known(size_t row) const {
  const auto first = values.begin() + static_cast<ptrdiff_t>(row * columns.size());
  return std::any_of(first, first + static_cast<ptrdiff_t>(columns.size()), [](double x) { return !std::isnan(x); });
}

std::vector<int> strata(std::span<const RawTarget> targets, size_t rows) {
  std::vector<int> stratum(rows, -1);
  const auto classes =
      std::find_if(targets.begin(), targets.end(), [](const RawTarget& t) { return t.kind != TargetKind::regression; });
  for (size_t row = 0; row < rows; ++row) {
    if (classes == targets.end())
      stratum[row] = std::any_of(targets.begin(), targets.end(), [&](const RawTarget& t) { return t.known(row); }) - 1;
    else if (classes->known(row)) stratum[row] = static_cast<int>(classes->values[row]);
  }
  return stratum;
}

std::string number_fault(const Table& table, int row, int column) {
  const std::string_view cell = table.at(row, column);
  const NumberKind kind = parse_number(cell).kind;
  const auto sentence = [&](const char* what, const char* advice) {
    return fmt::format("{}: {} in the column '{}' is not {}; {}", table.where(row, column), excerpt(cell),
                       table.columns[static_cast<size_t>(column)], what, advice);
  };
  if (kind == NumberKind::out_of_range)
    return sentence("a finite number", "leave the cell empty if the value is missing");
  if (kind != NumberKind::text) return "";
  return sentence("a number", cell.find(',') == cell.npos
                                  ? "correct it, or leave the cell empty if the value is missing"
                                  : "write a decimal point, not a comma");
}

}  // namespace equipoise
