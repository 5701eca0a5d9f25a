// host/data/targets.cpp - parses tasks and reads their columns.
#include "host/data/targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "host/data/labels.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"
#include "host/text/trimmed.h"

namespace equipoise {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

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
  for (const Likelihood* known : likelihoods()) names.emplace_back(known->name());
  TargetSpec spec{find_likelihood(kind), {}};
  if (!spec.likelihood)
    refuse(where, task, fmt::format("'{}' is no kind of task; {}", kind, did_you_mean(kind, names)));
  spec.columns = split_at_commas(std::string_view(task).substr(colon + 1));
  if (std::find(spec.columns.begin(), spec.columns.end(), "") != spec.columns.end())
    refuse(where, task, "a column has no name; name one after the colon and after each comma");
  const Count count = spec.likelihood->columns();
  if (count.most == 1 && spec.columns.size() > 1)
    refuse(where, task, fmt::format("a {} task has one column; make a task of each", kind));
  if (!count.holds(spec.columns.size()))
    refuse(where, task,
           fmt::format("a {} task has {} to {} columns, not {}", kind, count.least, count.most, spec.columns.size()));
  return spec;
}

/// The class of each patient, -1 where missing.
RawTarget read_classes(const TargetSpec& spec, const Table& table, int column, const std::vector<std::string>& ids,
                       const std::vector<int>& rows, bool several) {
  LabelReader reader;
  reader.add(table, column, ids, rows);
  auto [label, names] = reader.result(spec.name(), ids, several);
  RawTarget target{table.file, spec.likelihood, spec.columns, {}, std::move(names)};
  for (const int k : label) target.values.push_back(k < 0 ? kMissing : k);
  return target;
}

/// Names the first row of the file that brings a class more than the target may have; there is one.
[[noreturn]] void refuse_further_class(const TargetSpec& spec, const Table& table, int column, std::vector<int> rows) {
  const auto most = static_cast<size_t>(spec.likelihood->classes().most);
  std::sort(rows.begin(), rows.end());
  std::vector<std::string> seen;
  std::string place;
  for (size_t i = 0; seen.size() <= most; ++i) {
    const std::string name = rows[i] < 0 ? "" : canonical_label(table.at(rows[i], column)).value_or("");
    if (name.empty() || std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    place = table.where(rows[i], column);
  }
  const std::string which = most == 2 ? "third" : fmt::format("{}th", most + 1);
  throw Error(ExitCode::data, fmt::format("{}: {} is a {} value of the {} target '{}', after '{}'; correct it, or make "
                                          "the task multiclass",
                                          place, excerpt(seen.back()), which, spec.likelihood->name(),
                                          table.columns[static_cast<size_t>(column)],
                                          fmt::join(seen.begin(), seen.end() - 1, "' and '")));
}

RawTarget read_numbers(const TargetSpec& spec, const Table& table, const std::vector<int>& columns,
                       const std::vector<int>& rows) {
  RawTarget target{table.file, spec.likelihood, spec.columns, {}, {}};
  Offenders offenders;
  for (const int row : rows)
    for (const int column : columns) {
      std::string fault = row < 0 ? "" : number_fault(table, row, column);
      const Number number = row < 0 ? Number{} : parse_number(table.at(row, column));
      if (number.kind == NumberKind::number && fault.empty())
        if (const std::string why = spec.likelihood->fault(number.value); !why.empty())
          fault =
              fmt::format("{}: {} in the column '{}' {}; correct it, or leave the cell empty if the value is missing",
                          table.where(row, column), excerpt(table.at(row, column)),
                          table.columns[static_cast<size_t>(column)], why);
      if (!fault.empty()) offenders.add(fault);
      target.values.push_back(number.kind == NumberKind::number ? number.value : kMissing);
    }
  offenders.refuse(ExitCode::data);
  return target;
}

}  // namespace

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
                                    const std::vector<std::string>& ids, const std::vector<int>& rows, bool several) {
  std::vector<RawTarget> targets;
  for (const TargetSpec& spec : specs) {
    std::vector<int> columns;
    for (const std::string& name : spec.columns) {
      columns.push_back(table.find(name));
      if (columns.back() < 0)
        throw Error(ExitCode::data, fmt::format("{}:1:1: there is no target column '{}'; set data.tasks, {}",
                                                table.file, name, did_you_mean(name, table.columns)));
    }
    if (spec.likelihood->cells() == Cells::numbers) {
      targets.push_back(read_numbers(spec, table, columns, rows));
      continue;
    }
    targets.push_back(read_classes(spec, table, columns[0], ids, rows, several));
    if (targets.back().class_names.size() > static_cast<size_t>(spec.likelihood->classes().most))
      refuse_further_class(spec, table, columns[0], rows);
  }
  return targets;
}

bool RawTarget::known(size_t row) const {
  const auto first = values.begin() + static_cast<ptrdiff_t>(row * columns.size());
  return std::any_of(first, first + static_cast<ptrdiff_t>(columns.size()), [](double x) { return !std::isnan(x); });
}

std::vector<int> strata(std::span<const RawTarget> targets, size_t rows) {
  for (const RawTarget& target : targets)
    if (std::vector<int> stratum = target.likelihood->strata(target.values, target.columns.size()); !stratum.empty())
      return stratum;
  std::vector<int> stratum(rows, -1);
  for (size_t row = 0; row < rows; ++row)
    stratum[row] = std::any_of(targets.begin(), targets.end(), [&](const RawTarget& t) { return t.known(row); }) - 1;
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
