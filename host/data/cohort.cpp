// host/data/cohort.cpp - joins the views and the outcome on the patients' ids.
#include "host/data/cohort.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>

#include "host/data/empty_views.h"
#include "host/data/labels.h"
#include "host/data/positive_class.h"
#include "host/data/table.h"
#include "host/text/glob.h"
#include "host/text/lower_case.h"
#include "host/text/nearest_name.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr std::array<std::string_view, 10> kIdNames = {"id",     "patientid", "patient_id", "patient",   "case",
                                                       "caseid", "case_id",   "subject_id", "subjectid", "subject"};
constexpr size_t kIdsListed = 5;

std::string patients(size_t count) { return count == 1 ? "1 patient" : fmt::format("{} patients", count); }

std::string first_few(const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kIdsListed); ++i) list += (i ? ", " : "") + names[i];
  return names.size() > kIdsListed ? list + ", ..." : list;
}

/// A table and the row of each of its patients.
struct Keyed {
  Table table;
  int id_column = -1;
  std::map<std::string, int> row_of;
};

/// The column named in the config; failing that, if the config's name is itself a usual one, the first usual one.
int find_id_column(const Table& table, const std::string& wanted, std::vector<std::string>& notices) {
  if (const int exact = table.find(wanted); exact >= 0) return exact;
  if (wanted.empty() || is_id_name(wanted)) {
    for (const std::string_view usual : kIdNames) {
      for (size_t column = 0; column < table.columns.size(); ++column) {
        if (lower_case(table.columns[column]) != usual) continue;
        notices.push_back(fmt::format("{}: ids are read from the column '{}'", table.file, table.columns[column]));
        return static_cast<int>(column);
      }
    }
  }
  throw Error(ExitCode::data, fmt::format("{}:1:1: there is no id column '{}'; set data.id, {}", table.file, wanted,
                                          did_you_mean(wanted, table.columns)));
}

Keyed read_keyed(const std::filesystem::path& path, const CohortSpec& spec, std::vector<std::string>& notices) {
  Keyed keyed{read_table(path), -1, {}};
  const Table& table = keyed.table;
  keyed.id_column = find_id_column(table, spec.id, notices);
  take_as_missing(keyed.table, spec.missing, keyed.id_column);
  if (table.rows() == 0) throw Error(ExitCode::data, table.file + ":1:1: the table has a header but no rows; add some");
  Offenders offenders;
  for (int row = 0; row < table.rows(); ++row) {
    const std::string name(table.at(row, keyed.id_column));
    const std::string where = table.where(row, keyed.id_column);
    if (is_missing(name)) {
      offenders.add(where + ": the row has no id; give every patient one");
    } else if (const auto [first, added] = keyed.row_of.try_emplace(name, row); !added) {
      offenders.add(fmt::format("{}: the id {} is already at {}; keep one row per patient", where, name,
                                table.where(first->second, keyed.id_column)));
    }
  }
  offenders.refuse(ExitCode::data);
  return keyed;
}

/// The ids that any view has, rising.
std::vector<std::string> all_ids(const std::vector<Keyed>& views) {
  std::set<std::string> ids;
  for (const Keyed& view : views)
    for (const auto& [id, row] : view.row_of) ids.insert(id);
  return {ids.begin(), ids.end()};
}

/// The ids that every view has, rising; what is left out is told.
std::vector<std::string> common_ids(const std::vector<Keyed>& views, std::vector<std::string>& notices) {
  std::vector<std::string> ids;
  const auto everywhere = [&](const std::string& id) {
    return std::all_of(views.begin(), views.end(), [&](const Keyed& view) { return view.row_of.contains(id); });
  };
  for (const auto& [id, row] : views[0].row_of) {
    if (everywhere(id)) ids.push_back(id);
  }
  for (const Keyed& view : views) {
    std::vector<std::string> alone;
    for (const auto& [id, row] : view.row_of) {
      if (!everywhere(id)) alone.push_back(id);
    }
    if (ids.empty()) {
      throw Error(
          ExitCode::data,
          fmt::format(
              "{}: no patient has a row in every view ({} has {}, {} has {}); write the ids alike in all tables",
              view.table.file, view.table.file, view.row_of.begin()->first, views.back().table.file,
              views.back().row_of.begin()->first));
    }
    if (!alone.empty()) {
      notices.push_back(fmt::format("{}: {} without a row in every other view left out: {}", view.table.file,
                                    patients(alone.size()), first_few(alone)));
    }
  }
  return ids;
}

std::vector<int> rows_of(const Keyed& keyed, const std::vector<std::string>& ids) {
  std::vector<int> rows;
  for (const std::string& id : ids) {
    const auto found = keyed.row_of.find(id);
    rows.push_back(found == keyed.row_of.end() ? -1 : found->second);
  }
  return rows;
}

enum class ColumnKind { numbers, text };

/// Such as 0,1234: a number as decimal commas write it.
bool has_decimal_comma(std::string_view cell) {
  const std::size_t comma = cell.find(',');
  if (comma == cell.npos || comma == 0 || comma + 1 == cell.size()) return false;
  std::string point(cell);
  point[comma] = '.';
  return parse_number(point).kind == NumberKind::number;
}

/// A column of text alone is no feature; one that mixes text or numbers out of range with numbers goes to `offenders`.
ColumnKind inspect_column(const Table& table, int column, Offenders& offenders) {
  int numeric = 0, text = 0;
  for (int row = 0; row < table.rows(); ++row) {
    const NumberKind kind = parse_number(table.at(row, column)).kind;
    numeric += kind == NumberKind::number || kind == NumberKind::out_of_range;
    text += kind == NumberKind::text;
  }
  if (numeric == 0 && text > 0) {
    for (int row = 0; row < table.rows(); ++row)
      if (const std::string_view cell = table.at(row, column); has_decimal_comma(cell)) {
        offenders.add(fmt::format("{}: {} in the column '{}' is not a number; write a decimal point, not a comma",
                                  table.where(row, column), excerpt(cell), table.columns[static_cast<size_t>(column)]));
        return ColumnKind::numbers;
      }
    return ColumnKind::text;
  }
  for (int row = 0; row < table.rows() && numeric > 0; ++row)
    if (const std::string fault = number_fault(table, row, column); !fault.empty()) offenders.add(fault);
  return ColumnKind::numbers;
}

void tell_left_out(const std::string& file, const std::vector<std::string>& names, const char* what,
                   std::vector<std::string>& notices) {
  if (names.empty()) return;
  notices.push_back(fmt::format("{}: {} {}{} left out: {}", file, names.size(), what, names.size() == 1 ? "" : "s",
                                first_few(names)));
}

bool is_outcome(const CohortSpec& spec, const std::string& name) {
  return name == spec.label || name == spec.group ||
         std::any_of(spec.targets.begin(), spec.targets.end(), [&](const TargetSpec& target) {
           return std::find(target.columns.begin(), target.columns.end(), name) != target.columns.end();
         });
}

/// Numbers of the given columns and rows; NaN where missing, and in all of a row that is none (-1).
void read_values(const Table& table, const std::vector<int>& columns, const std::vector<int>& rows, RawView& view) {
  view.values.reserve(rows.size() * columns.size());
  for (const int row : rows) {
    for (const int column : columns) {
      const Number number = row < 0 ? Number{} : parse_number(table.at(row, column));
      view.values.push_back(number.kind == NumberKind::number ? number.value
                                                              : std::numeric_limits<double>::quiet_NaN());
    }
  }
}

RawView read_features(const Keyed& keyed, const CohortSpec& spec, const std::string& pattern,
                      const std::vector<int>& rows, Offenders& offenders, std::vector<std::string>& notices) {
  const Table& table = keyed.table;
  RawView view{table.file, {}, {}};
  std::vector<int> features;
  std::vector<std::string> diagnostics, text, other_ids;
  for (int column = 0; column < static_cast<int>(table.columns.size()); ++column) {
    const std::string& name = table.columns[static_cast<size_t>(column)];
    if (column == keyed.id_column || is_outcome(spec, name)) continue;
    if (!pattern.empty() && !matches(pattern, name)) continue;
    if (name.starts_with("diagnostics_")) {
      diagnostics.push_back(name);
    } else if (is_id_name(name)) {
      other_ids.push_back(name);
    } else if (inspect_column(table, column, offenders) == ColumnKind::text) {
      text.push_back(name);
    } else {
      features.push_back(column);
      view.columns.push_back(name);
    }
  }
  tell_left_out(table.file, diagnostics, "diagnostics column", notices);
  tell_left_out(table.file, text, "text column", notices);
  tell_left_out(table.file, other_ids, "second id column", notices);
  const bool fits_others = std::any_of(table.columns.begin(), table.columns.end(),
                                       [&](const std::string& name) { return matches(pattern, name); });
  if (features.empty() && !pattern.empty() && fits_others)
    throw Error(ExitCode::data,
                fmt::format("{}:1:1: of the columns that fit the pattern '{}' none is a feature: they are "
                            "text, ids or what is learned; set the view's columns in data.views",
                            table.file, pattern));
  if (features.empty() && !pattern.empty())
    throw Error(
        ExitCode::data,
        fmt::format("{}:1:1: no column of numbers fits the pattern '{}'; set the view's columns in data.views, {}",
                    table.file, pattern, did_you_mean(pattern, table.columns)));
  if (!pattern.empty())
    notices.push_back(fmt::format("{}: {} column{} fit{} '{}'", table.file, features.size(),
                                  features.size() == 1 ? "" : "s", features.size() == 1 ? "s" : "", pattern));
  if (features.empty()) {
    throw Error(ExitCode::data,
                table.file + ":1:1: no column of numbers is left as a feature; name a table with measurements");
  }
  read_values(table, features, rows, view);
  return view;
}

/// The features that a trained model reads, in its order. Whatever else the table has is told, but for what the outcome
/// needs.
RawView read_asked(const Keyed& keyed, const CohortSpec& spec, std::size_t v, const std::vector<int>& rows,
                   Offenders& offenders, std::vector<std::string>& notices) {
  const Table& table = keyed.table;
  RawView view{table.file, spec.asked[v], {}};
  std::vector<int> features;
  for (const std::string& name : view.columns) {
    features.push_back(table.find(name));
    if (features.back() < 0) {
      offenders.add(fmt::format("{}:1:1: the column '{}' of the training data is missing; add it, {}", table.file, name,
                                offenders.full() ? "" : did_you_mean(name, table.columns)));
      continue;
    }
    for (int row = 0; row < table.rows(); ++row)
      if (const std::string fault = number_fault(table, row, features.back()); !fault.empty()) offenders.add(fault);
  }
  const std::string& pattern = spec.views[v].columns;
  std::vector<std::string> others;
  for (int column = 0; column < static_cast<int>(table.columns.size()); ++column) {
    const std::string& name = table.columns[static_cast<size_t>(column)];
    const bool expected = column == keyed.id_column || is_outcome(spec, name) || name.starts_with("diagnostics_") ||
                          (!pattern.empty() && !matches(pattern, name)) ||
                          std::find(features.begin(), features.end(), column) != features.end();
    if (!expected) others.push_back(name);
  }
  if (!others.empty())
    notices.push_back(fmt::format("{}: {} column{} that the model does not read left out: {}", table.file,
                                  others.size(), others.size() == 1 ? "" : "s", first_few(others)));
  if (std::find(features.begin(), features.end(), -1) == features.end()) read_values(table, features, rows, view);
  return view;
}

/// The outcome table; its patients that the views do not have are told.
Keyed read_outcome(const CohortSpec& spec, RawCohort& cohort) {
  Keyed outcome = read_keyed(*spec.outcome, spec, cohort.notices);
  std::vector<std::string> strangers;
  for (const auto& [id, row] : outcome.row_of) {
    if (!std::binary_search(cohort.ids.begin(), cohort.ids.end(), id) &&
        !std::binary_search(cohort.left_out.begin(), cohort.left_out.end(), id))
      strangers.push_back(id);
  }
  if (!strangers.empty()) {
    cohort.notices.push_back(fmt::format("{}: {} without features in every view left out: {}", outcome.table.file,
                                         patients(strangers.size()), first_few(strangers)));
  }
  return outcome;
}

void read_labels(const CohortSpec& spec, const std::vector<Keyed>& views, RawCohort& cohort) {
  LabelReader reader;
  if (spec.outcome) {
    const Keyed outcome = read_outcome(spec, cohort);
    const int column = outcome.table.find(spec.label);
    if (column < 0) {
      throw Error(ExitCode::data,
                  fmt::format("{}:1:1: there is no label column '{}'; set data.label, {}", outcome.table.file,
                              spec.label, did_you_mean(spec.label, outcome.table.columns)));
    }
    reader.add(outcome.table, column, cohort.ids, rows_of(outcome, cohort.ids));
  } else {
    std::vector<std::string> names;
    bool found = false;
    for (const Keyed& view : views) {
      names.insert(names.end(), view.table.columns.begin(), view.table.columns.end());
      const int column = view.table.find(spec.label);
      if (column < 0) continue;
      found = true;
      reader.add(view.table, column, cohort.ids, rows_of(view, cohort.ids));
    }
    if (!found) {
      throw Error(ExitCode::data,
                  fmt::format("{}:1:1: no view has the label column '{}'; set data.label or data.outcome, {}",
                              views[0].table.file, spec.label, did_you_mean(spec.label, names)));
    }
  }
  const std::map<std::string, std::string> positive = positive_classes(spec.positive, {spec.label});
  const bool to_train = spec.asked.empty();
  const ClassRules rules{spec.unlabelled, true, positive.empty() ? "" : positive.begin()->second, to_train};
  LabelReader::Result read = reader.result(spec.label, cohort.ids, rules);
  cohort.label = std::move(read.label);
  cohort.label_names = std::move(read.names);
  cohort.notices.insert(cohort.notices.end(), read.notices.begin(), read.notices.end());
  if (to_train && !read.unfound.empty())
    cohort.notices.push_back(
        tell_unfound(spec.outcome ? spec.outcome->string() : views.front().table.file, read.unfound));
  cohort.notices.push_back(fmt::format("{} in all views; {}: {}", patients(cohort.ids.size()), spec.label,
                                       class_counts(cohort.label, cohort.label_names, "unlabelled")));
}

/// In the outcome table, or else in the first view.
void read_groups(const CohortSpec& spec, const Keyed& first, RawCohort& cohort) {
  std::vector<std::string> told_before;
  const Keyed outcome = spec.outcome ? read_keyed(*spec.outcome, spec, told_before) : Keyed{};
  const Keyed& source = outcome.table.find(spec.group) >= 0 ? outcome : first;
  const int column = source.table.find(spec.group);
  if (column < 0) {
    std::vector<std::string> names = outcome.table.columns;
    names.insert(names.end(), first.table.columns.begin(), first.table.columns.end());
    throw Error(ExitCode::data,
                fmt::format("{}:1:1: there is no column '{}' of groups; set data.group, {}",
                            (spec.outcome ? outcome : first).table.file, spec.group, did_you_mean(spec.group, names)));
  }
  size_t alone = 0;
  for (const int row : rows_of(source, cohort.ids)) {
    const std::string_view cell = row < 0 ? "" : source.table.at(row, column);
    cohort.groups.push_back(canonical_label(cell).value_or(std::string(cell)));
    alone += cohort.groups.back().empty();
  }
  if (alone > 0)
    cohort.notices.push_back(
        fmt::format("{}: {} without a '{}': each a group of its own", source.table.file, patients(alone), spec.group));
}

void read_all_targets(const CohortSpec& spec, const Keyed& view, RawCohort& cohort) {
  const Keyed outcome = spec.outcome ? read_outcome(spec, cohort) : Keyed{};
  const Keyed& source = spec.outcome ? outcome : view;
  std::vector<std::string> of_two;
  for (const TargetSpec& target : spec.targets)
    if (target.likelihood->classes().most == 2) of_two.push_back(target.name());
  cohort.targets =
      read_targets(spec.targets, source.table, cohort.ids, rows_of(source, cohort.ids),
                   {spec.unlabelled, positive_classes(spec.positive, of_two), spec.asked.empty()}, &cohort.notices);
  size_t bare = 0;
  for (size_t row = 0; row < cohort.ids.size(); ++row)
    bare +=
        std::none_of(cohort.targets.begin(), cohort.targets.end(), [&](const RawTarget& t) { return t.known(row); });
  if (bare > 0)
    cohort.notices.push_back(
        fmt::format("{} of the {} rows are without any target: kept, but they train nothing", bare, cohort.ids.size()));
}

}  // namespace

bool is_id_name(std::string_view name) {
  return std::find(kIdNames.begin(), kIdNames.end(), lower_case(name)) != kIdNames.end();
}

RawCohort read_cohort(const CohortSpec& as_written) {
  if (as_written.views.empty()) throw Error(ExitCode::data, "data.views names no table; name one for each view");
  RawCohort cohort;
  CohortSpec spec = as_written;
  resolve_columns(spec.targets, spec.outcome ? *spec.outcome : spec.views.front().file);
  std::vector<Keyed> views;
  for (const ViewSource& view : spec.views) views.push_back(read_keyed(view.file, spec, cohort.notices));
  cohort.ids = spec.asked.empty() ? common_ids(views, cohort.notices) : all_ids(views);
  Offenders offenders;
  for (size_t v = 0; v < views.size(); ++v) {
    const std::vector<int> rows = rows_of(views[v], cohort.ids);
    cohort.views.push_back(spec.asked.empty()
                               ? read_features(views[v], spec, spec.views[v].columns, rows, offenders, cohort.notices)
                               : read_asked(views[v], spec, v, rows, offenders, cohort.notices));
  }
  offenders.refuse(ExitCode::data);
  if (spec.asked.empty()) leave_out_empty(spec, cohort);
  with_left_out_told(cohort.left_out, [&] {
    if (spec.label.empty()) cohort.label.assign(cohort.ids.size(), -1);
    else read_labels(spec, views, cohort);
    if (!spec.targets.empty()) read_all_targets(spec, views.front(), cohort);
  });
  if (!spec.group.empty()) read_groups(spec, views.front(), cohort);
  return cohort;
}

}  // namespace equipoise
