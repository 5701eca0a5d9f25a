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

/// Names between commas; one in double quotes holds what it holds, doubled quotes included. `quoted` tells whether one
/// was. Nothing on a quote in the wrong place.
std::optional<std::vector<std::string>> split_at_commas(std::string_view text, bool& quoted) {
  std::vector<std::string> pieces;
  for (;;) {
    text = trimmed(text);
    std::string piece;
    if (text.starts_with('"')) {
      quoted = true;
      size_t at = 1;
      for (; at < text.size(); ++at) {
        if (text[at] == '"' && !text.substr(at + 1).starts_with('"')) break;
        at += text[at] == '"';
        piece += text[at];
      }
      if (at >= text.size()) return std::nullopt;
      pieces.emplace_back(trimmed(piece));
      text = trimmed(text.substr(at + 1));
      if (text.empty()) return pieces;
      if (!text.starts_with(',')) return std::nullopt;
    } else {
      const size_t comma = std::min(text.find(','), text.size());
      pieces.emplace_back(trimmed(text.substr(0, comma)));
      text.remove_prefix(comma);
      if (text.empty()) return pieces;
    }
    text.remove_prefix(1);
  }
}

[[noreturn]] void refuse(const std::string& where, const std::string& task, const std::string& why) {
  throw Error(ExitCode::usage, fmt::format("{} '{}': {}", where, task, why));
}

void expect_count(const TargetSpec& spec, const std::string& where, const std::string& task) {
  const Count count = spec.likelihood->columns();
  const std::string_view kind = spec.likelihood->name();
  if (count.most == 1 && spec.columns.size() > 1)
    refuse(where, task,
           fmt::format("a {} task has one column; make a task of each, or write a name that has a comma as the table "
                       "does",
                       kind));
  if (!count.holds(spec.columns.size()))
    refuse(where, task,
           fmt::format("a {} task has {} to {} columns, not {}", kind, count.least, count.most, spec.columns.size()));
}

/// Columns of which it is not known whether they are one are left out, unless `all` are known.
void expect_different(std::span<const TargetSpec> specs, const std::string& where, bool all) {
  std::set<std::string> taken;
  for (const TargetSpec& spec : specs)
    for (const std::string& column : spec.columns)
      if ((all || spec.whole.empty()) && !taken.insert(column).second)
        refuse(where, fmt::format("{}:{}", spec.likelihood->name(), fmt::join(spec.columns, ",")),
               fmt::format("the column '{}' is already a target; name it once", column));
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
  const std::string_view written = trimmed(std::string_view(task).substr(colon + 1));
  bool quoted = false;
  const auto columns = split_at_commas(written, quoted);
  if (!columns)
    refuse(where, task, "a quote is in the wrong place; quote a whole name, and double the quotes inside it");
  spec.columns = *columns;
  if (std::find(spec.columns.begin(), spec.columns.end(), "") != spec.columns.end())
    refuse(where, task, "a column has no name; name one after the colon and after each comma");
  if (spec.columns.size() > 1 && !quoted) spec.whole = written;
  else expect_count(spec, where, task);
  return spec;
}

/// The class of each patient, -1 where missing. Words of `unfound` that are found here are taken out.
RawTarget read_classes(const TargetSpec& spec, const Table& table, int column, const std::vector<std::string>& ids,
                       const std::vector<int>& rows, const TargetRules& rules, std::vector<std::string>& unfound,
                       std::vector<std::string>* notices) {
  LabelReader reader;
  reader.add(table, column, ids, rows);
  const auto positive = rules.positive.find(spec.name());
  const ClassRules of_classes{rules.unlabelled, false, positive == rules.positive.end() ? "" : positive->second,
                              rules.several};
  LabelReader::Result read = reader.result(spec.name(), ids, of_classes);
  std::erase_if(unfound, [&](const std::string& word) {
    return std::find(read.unfound.begin(), read.unfound.end(), word) == read.unfound.end();
  });
  if (notices) {
    notices->insert(notices->end(), read.notices.begin(), read.notices.end());
    notices->push_back(fmt::format("{}: {}", spec.name(), class_counts(read.label, read.names, "without")));
  }
  RawTarget target{table.file, spec.likelihood, spec.columns, {}, std::move(read.names)};
  for (const int k : read.label) target.values.push_back(k < 0 ? kMissing : k);
  return target;
}

/// Names the first row of the file that brings a class more than the target may have; there is one.
[[noreturn]] void refuse_further_class(const TargetSpec& spec, const Table& table, int column, std::vector<int> rows,
                                       const TargetRules& rules) {
  std::vector<std::string> none{""};
  for (const std::string& word : rules.unlabelled.value_or(std::vector<std::string>{}))
    none.push_back(canonical_label(word).value_or(word));
  const auto most = static_cast<size_t>(spec.likelihood->classes().most);
  std::sort(rows.begin(), rows.end());
  std::vector<std::string> seen;
  std::string place;
  for (size_t i = 0; seen.size() <= most; ++i) {
    const std::string name = rows[i] < 0 ? "" : canonical_label(table.at(rows[i], column)).value_or("");
    if (std::find(none.begin(), none.end(), name) != none.end()) continue;
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) continue;
    seen.push_back(name);
    place = table.where(rows[i], column);
  }
  const std::string which = most == 2 ? "third" : fmt::format("{}th", most + 1);
  throw Error(
      ExitCode::data,
      fmt::format("{}: {} is a {} value of the {} target '{}', after '{}'; correct it, make the "
                  "task multiclass, or name in data.unlabelled what is no class",
                  place, excerpt(seen.back()), which, spec.likelihood->name(),
                  table.columns[static_cast<size_t>(column)], fmt::join(seen.begin(), seen.end() - 1, "' and '")));
}

/// As the table was read, with decimal commas where it has them.
Number number_at(const Table& table, int row, int column) {
  const std::string_view text = table.at(row, column);
  const Number number = parse_number(text);
  return number.kind == NumberKind::text && table.decimal_commas ? parse_decimal_comma(text) : number;
}

RawTarget read_numbers(const TargetSpec& spec, const Table& table, const std::vector<int>& columns,
                       const std::vector<int>& rows) {
  RawTarget target{table.file, spec.likelihood, spec.columns, {}, {}};
  Offenders offenders;
  for (const int row : rows)
    for (const int column : columns) {
      std::string fault = row < 0 ? "" : number_fault(table, row, column);
      const Number number = row < 0 ? Number{} : number_at(table, row, column);
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
  for (const std::string& task : tasks) specs.push_back(parse_target(task, where));
  expect_different(specs, where, false);
  return specs;
}

void resolve_columns(std::vector<TargetSpec>& specs, std::span<const std::string> names) {
  if (std::all_of(specs.begin(), specs.end(), [](const TargetSpec& spec) { return spec.whole.empty(); })) return;
  for (TargetSpec& spec : specs) {
    if (spec.whole.empty()) continue;
    if (std::find(names.begin(), names.end(), spec.whole) != names.end()) spec.columns = {spec.whole};
    expect_count(spec, "data.tasks", fmt::format("{}:{}", spec.likelihood->name(), spec.whole));
    spec.whole.clear();
  }
  expect_different(specs, "data.tasks", true);
}

std::vector<RawTarget> read_targets(std::span<const TargetSpec> specs, const Table& table,
                                    const std::vector<std::string>& ids, const std::vector<int>& rows,
                                    const TargetRules& rules, std::vector<std::string>* notices) {
  std::vector<RawTarget> targets;
  std::vector<std::string> unfound = rules.unlabelled.value_or(std::vector<std::string>{});
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
    targets.push_back(read_classes(spec, table, columns[0], ids, rows, rules, unfound, notices));
    if (targets.back().class_names.size() > static_cast<size_t>(spec.likelihood->classes().most))
      refuse_further_class(spec, table, columns[0], rows, rules);
  }
  if (notices && !unfound.empty()) notices->push_back(tell_unfound(table.file, unfound));
  return targets;
}

bool RawTarget::known(size_t row) const {
  const auto first = values.begin() + static_cast<ptrdiff_t>(row * columns.size());
  return std::any_of(first, first + static_cast<ptrdiff_t>(columns.size()), [](double x) { return !std::isnan(x); });
}

Strata strata(std::span<const RawTarget> targets, size_t rows) {
  const auto knows_one = [&](size_t row) {
    return std::any_of(targets.begin(), targets.end(), [&](const RawTarget& t) { return t.known(row); });
  };
  Strata result;
  for (const RawTarget& target : targets) {
    result.of_row = target.likelihood->strata(target.values, target.columns.size());
    if (result.of_row.empty()) continue;
    result.names = target.class_names;
    result.column = target.name();
    result.rest = 1 + *std::max_element(result.of_row.begin(), result.of_row.end());
    for (size_t row = 0; row < rows; ++row)
      if (result.of_row[row] < 0 && knows_one(row)) result.of_row[row] = result.rest;
    return result;
  }
  for (size_t row = 0; row < rows; ++row) result.of_row.push_back(knows_one(row) - 1);
  return result;
}

std::string number_fault(const Table& table, int row, int column) {
  const std::string_view cell = table.at(row, column);
  const NumberKind kind = number_at(table, row, column).kind;
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

std::vector<Target> tasks_of(const std::vector<FittedTarget>& targets) {
  std::vector<Target> tasks;
  int first = 0;
  for (const FittedTarget& target : targets) {
    const int columns = static_cast<int>(target.columns.size());
    const Count classes = target.likelihood->classes();
    tasks.push_back({target.columns.front(), target.likelihood, first, columns,
                     classes.least < classes.most ? static_cast<int>(target.class_names.size()) : 0});
    first += columns;
  }
  return tasks;
}

}  // namespace equipoise
