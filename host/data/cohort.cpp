// host/data/cohort.cpp - joins the views and the outcome on the patients' ids.
#include "host/data/cohort.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "host/data/categories.h"
#include "host/data/empty_views.h"
#include "host/data/feature_columns.h"
#include "host/data/keyed_table.h"
#include "host/data/labels.h"
#include "host/data/positive_class.h"
#include "host/data/spare_memory.h"
#include "host/text/first_names.h"
#include "host/text/glob.h"
#include "host/text/nearest_name.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;

std::string patients(size_t count) { return count == 1 ? "1 patient" : fmt::format("{} patients", count); }

/// The tables of a spec, each file once.
class Tables {
 public:
  Tables(const CohortSpec& spec, RawCohort& cohort) {
    const TableWishes wishes = wishes_of(spec);
    std::deque<Table> read;
    const auto number_of = [&](const fs::path& path) {
      const auto known = std::find(paths_.begin(), paths_.end(), path);
      if (known != paths_.end()) return static_cast<size_t>(known - paths_.begin());
      paths_.push_back(path);
      read.push_back(read_table(path, wishes));
      cohort.files.push_back({path, read.back().sha256, read.back().seekable});
      return paths_.size() - 1;
    };
    for (const ViewSource& view : spec.views) of_view_.push_back(number_of(view.file));
    views_ = paths_.size();
    if (spec.outcome) outcome_ = number_of(*spec.outcome);
    find_ids(spec, read, cohort.notices);
  }

  KeyedTable& view(size_t v) { return tables_[of_view_[v]]; }
  bool has_outcome() const { return outcome_.has_value(); }
  const KeyedTable& outcome() const { return tables_[*outcome_]; }
  /// Those of the views, each once.
  std::span<const KeyedTable> of_views() const { return std::span(tables_).first(views_); }
  /// Whether no later view reads the same table.
  bool last_reader(size_t v) const {
    return std::find(of_view_.begin() + static_cast<std::ptrdiff_t>(v) + 1, of_view_.end(), of_view_[v]) ==
           of_view_.end();
  }

  /// Throws Error(data) where the header of one holds the ids of another.
  void expect_patients_in_rows() const {
    for (const KeyedTable& a : tables_)
      for (const KeyedTable& b : tables_)
        if (&a != &b && ids_in_header(a.table, b.ids)) refuse_transposed(a.table, b.ids);
  }

 private:
  static TableWishes wishes_of(const CohortSpec& spec) {
    std::set<std::string, std::less<>> names{spec.id, spec.label, spec.group};
    for (const std::vector<std::string>& of_view : spec.asked_categorical) names.insert(of_view.begin(), of_view.end());
    for (const TargetSpec& target : spec.targets) {
      names.insert(target.columns.begin(), target.columns.end());
      names.insert(target.whole);
    }
    TableWishes wishes;
    wishes.keeps_text = [names, words = NamePatterns(spec.categorical)](std::string_view name) {
      return is_id_name(name) || names.contains(name) || words.fit(name);
    };
    wishes.missing = spec.missing;
    wishes.threads = spec.threads;
    return wishes;
  }

  void find_ids(const CohortSpec& spec, std::deque<Table>& read, std::vector<std::string>& notices) {
    const IdRules rules{spec.id, read.size() == 1};
    std::exception_ptr unfound;
    size_t without = 0;
    for (size_t t = 0; t < read.size(); ++t) {
      Table& table = read[t];
      try {
        notices.insert(notices.end(), table.notices.begin(), table.notices.end());
        const int id = find_id_column(table, rules, notices);
        for (int column = 0; column < static_cast<int>(table.columns.size()); ++column)
          if (column != id && table.kept[static_cast<size_t>(column)] >= 0)
            take_as_missing(table, spec.missing, column);
        tables_.push_back(keyed(std::move(table), id, notices));
      } catch (const NoIds&) {
        if (!unfound) unfound = std::current_exception(), without = t;
      }
    }
    if (!unfound) return;
    for (const KeyedTable& other : tables_)
      if (ids_in_header(read[without], other.ids)) refuse_transposed(read[without], other.ids);
    std::rethrow_exception(unfound);
  }

  std::vector<fs::path> paths_;
  std::vector<KeyedTable> tables_;  ///< [paths]
  std::vector<size_t> of_view_;
  size_t views_ = 0;
  std::optional<size_t> outcome_;
};

/// The ids that any view has, rising.
std::vector<std::string> all_ids(const Tables& tables) {
  std::set<std::string> ids;
  for (const KeyedTable& view : tables.of_views()) ids.insert(view.ids.begin(), view.ids.end());
  return {ids.begin(), ids.end()};
}

/// The ids that every view has, rising; what is left out is told.
std::vector<std::string> common_ids(const Tables& tables, std::vector<std::string>& notices) {
  const std::span<const KeyedTable> views = tables.of_views();
  std::vector<std::string> ids = views.front().ids;
  for (const KeyedTable& view : views.subspan(1)) {
    std::vector<std::string> both;
    std::set_intersection(ids.begin(), ids.end(), view.ids.begin(), view.ids.end(), std::back_inserter(both));
    ids = std::move(both);
  }
  for (const KeyedTable& view : views) {
    if (ids.empty()) {
      tables.expect_patients_in_rows();
      throw Error(
          ExitCode::data,
          fmt::format(
              "{}: no patient has a row in every view ({} has {}, {} has {}); write the ids alike in all tables",
              view.table.file, view.table.file, view.ids.front(), views.back().table.file, views.back().ids.front()));
    }
    std::vector<std::string> alone;
    std::set_difference(view.ids.begin(), view.ids.end(), ids.begin(), ids.end(), std::back_inserter(alone));
    if (!alone.empty())
      notices.push_back(fmt::format("{}: {} without a row in every other view left out: {}", view.table.file,
                                    patients(alone.size()), first_names(alone)));
  }
  return ids;
}

/// Tells of the outcome's patients that the views do not have.
void tell_strangers(const Tables& tables, RawCohort& cohort) {
  const KeyedTable& outcome = tables.outcome();
  std::vector<std::string> strangers;
  for (const std::string& id : outcome.ids)
    if (!std::binary_search(cohort.ids.begin(), cohort.ids.end(), id) &&
        !std::binary_search(cohort.left_out.begin(), cohort.left_out.end(), id))
      strangers.push_back(id);
  if (strangers.empty()) return;
  if (strangers.size() == outcome.ids.size()) tables.expect_patients_in_rows();
  cohort.notices.push_back(fmt::format("{}: {} without features in every view left out: {}", outcome.table.file,
                                       patients(strangers.size()), first_names(strangers)));
}

void read_labels(const CohortSpec& spec, const Tables& tables, RawCohort& cohort) {
  LabelReader reader;
  const std::span<const KeyedTable> views = tables.of_views();
  if (spec.outcome) {
    tell_strangers(tables, cohort);
    const KeyedTable& outcome = tables.outcome();
    const int column = outcome.table.find(spec.label);
    if (column < 0) {
      throw Error(ExitCode::data,
                  fmt::format("{}:1:1: there is no label column '{}'; set data.label, {}", outcome.table.file,
                              spec.label, did_you_mean(spec.label, outcome.table.columns)));
    }
    reader.add(outcome.table, column, cohort.ids, outcome.rows_of(cohort.ids));
  } else {
    std::vector<std::string> names;
    bool found = false;
    for (const KeyedTable& view : views) {
      names.insert(names.end(), view.table.columns.begin(), view.table.columns.end());
      const int column = view.table.find(spec.label);
      if (column < 0) continue;
      found = true;
      reader.add(view.table, column, cohort.ids, view.rows_of(cohort.ids));
    }
    if (!found) {
      throw Error(ExitCode::data,
                  fmt::format("{}:1:1: no view has the label column '{}'; set data.label or data.outcome, {}",
                              views.front().table.file, spec.label, did_you_mean(spec.label, names)));
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
void read_groups(const CohortSpec& spec, const Tables& tables, RawCohort& cohort) {
  const KeyedTable& first = tables.of_views().front();
  const bool of_outcome = spec.outcome && tables.outcome().table.find(spec.group) >= 0;
  const KeyedTable& source = of_outcome ? tables.outcome() : first;
  const int column = source.table.find(spec.group);
  if (column < 0) {
    std::vector<std::string> names = first.table.columns;
    if (spec.outcome) names = tables.outcome().table.columns;
    if (spec.outcome) names.insert(names.end(), first.table.columns.begin(), first.table.columns.end());
    throw Error(ExitCode::data, fmt::format("{}:1:1: there is no column '{}' of groups; set data.group, {}",
                                            (spec.outcome ? tables.outcome() : first).table.file, spec.group,
                                            did_you_mean(spec.group, names)));
  }
  size_t alone = 0;
  for (const int row : source.rows_of(cohort.ids)) {
    const std::string_view cell = row < 0 ? "" : source.table.at(row, column);
    cohort.groups.push_back(canonical_label(cell).value_or(std::string(cell)));
    alone += cohort.groups.back().empty();
  }
  if (alone > 0)
    cohort.notices.push_back(
        fmt::format("{}: {} without a '{}': each a group of its own", source.table.file, patients(alone), spec.group));
}

void read_all_targets(const CohortSpec& spec, const Tables& tables, RawCohort& cohort) {
  if (spec.outcome) tell_strangers(tables, cohort);
  const KeyedTable& source = spec.outcome ? tables.outcome() : tables.of_views().front();
  std::vector<std::string> of_two;
  for (const TargetSpec& target : spec.targets)
    if (target.likelihood->classes().most == 2) of_two.push_back(target.name());
  cohort.targets =
      read_targets(spec.targets, source.table, cohort.ids, source.rows_of(cohort.ids),
                   {spec.unlabelled, positive_classes(spec.positive, of_two), spec.asked.empty()}, &cohort.notices);
  size_t bare = 0;
  for (size_t row = 0; row < cohort.ids.size(); ++row)
    bare +=
        std::none_of(cohort.targets.begin(), cohort.targets.end(), [&](const RawTarget& t) { return t.known(row); });
  if (bare > 0)
    cohort.notices.push_back(
        fmt::format("{} of the {} rows are without any target: kept, but they train nothing", bare, cohort.ids.size()));
}

FeatureRules rules_of(const CohortSpec& spec, size_t v) {
  const ViewSource& view = spec.views[v];
  std::vector<std::string> leave_out = view.leave_out;
  leave_out.insert(leave_out.end(), spec.leave_out.begin(), spec.leave_out.end());
  FeatureRules rules{{}, view.columns, spec.columns, std::move(leave_out)};
  if (v < spec.dropped.size()) rules.dropped = spec.dropped[v];
  rules.categorical = v < spec.asked_categorical.size() ? spec.asked_categorical[v] : spec.categorical;
  if (!spec.label.empty()) rules.not_features.push_back(spec.label);
  if (!spec.group.empty()) rules.not_features.push_back(spec.group);
  for (const TargetSpec& target : spec.targets)
    rules.not_features.insert(rules.not_features.end(), target.columns.begin(), target.columns.end());
  return rules;
}

/// Throws on a pattern for all views that fits no column of any.
void expect_patterns_fit(const CohortSpec& spec, const Tables& tables) {
  std::vector<std::string> names;
  for (const KeyedTable& view : tables.of_views())
    names.insert(names.end(), view.table.columns.begin(), view.table.columns.end());
  const auto expect = [&](const std::vector<std::string>& patterns, const char* key) {
    if (const NamePatterns all(patterns); const std::string* unfit = all.without_name(names))
      throw Error(ExitCode::data, fmt::format("data.{}: no column of any view fits '{}'; {}", key, *unfit,
                                              did_you_mean(*unfit, names)));
  };
  expect(spec.columns, "columns");
  expect(spec.leave_out, "leave_out");
  for (const ViewSource& view : spec.views) expect(view.leave_out, "views: leave_out");
}

/// Throws on a pattern of categorical columns that fits no feature.
void expect_categories_fit(const CohortSpec& spec, Tables& tables,
                           const std::vector<std::vector<FeatureColumn>>& features) {
  std::vector<std::string> names, all;
  for (size_t v = 0; v < features.size(); ++v) {
    const std::vector<std::string>& columns = tables.view(v).table.columns;
    all.insert(all.end(), columns.begin(), columns.end());
    for (const FeatureColumn& feature : features[v]) names.push_back(columns[static_cast<size_t>(feature.column)]);
  }
  if (!spec.categorical.empty()) names.emplace_back(kAllCategories);  // a word that fits whatever there is
  if (const NamePatterns asked(spec.categorical); const std::string* unfit = asked.without_name(names))
    throw Error(ExitCode::data,
                fmt::format("data.categorical: no feature fits '{}'; {}", *unfit, did_you_mean(*unfit, all)));
}

/// The columns of each view, among all offenders first.
std::vector<std::vector<FeatureColumn>> choose_columns(const CohortSpec& spec, Tables& tables, RawCohort& cohort) {
  if (spec.asked.empty()) expect_patterns_fit(spec, tables);
  std::vector<std::vector<FeatureColumn>> columns;
  Offenders offenders;
  for (size_t v = 0; v < spec.views.size(); ++v) {
    const KeyedTable& view = tables.view(v);
    const FeatureRules rules = rules_of(spec, v);
    columns.push_back(spec.asked.empty() ? find_features(view, rules, offenders, cohort.notices)
                                         : find_asked(view, spec.asked[v], rules, offenders, cohort.notices));
  }
  offenders.refuse(ExitCode::data);
  if (spec.asked.empty()) expect_categories_fit(spec, tables, columns);
  return columns;
}

/// A column of words becomes a category of the view.
void read_words(const KeyedTable& keyed, int column, size_t place, std::span<const int> rows, RawView& view) {
  ColumnLevels words = levels_of(keyed.table, column);
  if (words.levels.size() > kMostLevels)
    throw Error(ExitCode::data,
                fmt::format("{}: the column '{}' of data.categorical holds {} different words, and {} are the most; "
                            "join some of them, or leave the column out",
                            keyed.table.file, view.columns[place], words.levels.size(), kMostLevels));
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i] >= 0) view.values[i * view.columns.size() + place] = words.of_row[static_cast<size_t>(rows[i])];
  view.categories.push_back({place, std::move(words.levels)});
}

void read_views(const std::vector<std::vector<FeatureColumn>>& features, Tables& tables, RawCohort& cohort) {
  for (size_t v = 0; v < features.size(); ++v) {
    KeyedTable& keyed = tables.view(v);
    RawView view{keyed.table.file, {}, {}};
    std::vector<int> columns;
    for (const FeatureColumn& feature : features[v]) {
      columns.push_back(feature.column);
      view.columns.push_back(keyed.table.columns[static_cast<size_t>(feature.column)]);
    }
    const std::vector<int> rows = keyed.rows_of(cohort.ids);
    const bool in_place = tables.last_reader(v) && std::is_sorted(columns.begin(), columns.end()) &&
                          std::find(rows.begin(), rows.end(), -1) == rows.end();
    view.values = in_place ? take_values(keyed.table, columns, rows) : copy_values(keyed.table, columns, rows);
    for (size_t place = 0; place < columns.size(); ++place)
      if (features[v][place].words) read_words(keyed, columns[place], place, rows, view);
    cohort.views.push_back(std::move(view));
  }
}

RawCohort joined(const CohortSpec& as_written) {
  RawCohort cohort;
  CohortSpec spec = as_written;
  Tables tables(spec, cohort);
  resolve_columns(spec.targets, (spec.outcome ? tables.outcome() : tables.of_views().front()).table.columns);
  cohort.ids = spec.asked.empty() ? common_ids(tables, cohort.notices) : all_ids(tables);
  read_views(choose_columns(spec, tables, cohort), tables, cohort);
  if (spec.asked.empty()) leave_out_empty(spec, cohort);
  with_left_out_told(cohort.left_out, [&] {
    if (spec.label.empty()) cohort.label.assign(cohort.ids.size(), -1);
    else read_labels(spec, tables, cohort);
    if (!spec.targets.empty()) read_all_targets(spec, tables, cohort);
  });
  if (!spec.group.empty()) read_groups(spec, tables, cohort);
  return cohort;
}

}  // namespace

RawCohort read_cohort(const CohortSpec& spec) {
  if (spec.views.empty()) throw Error(ExitCode::data, "data.views names no table; name one for each view");
  RawCohort cohort = joined(spec);
  give_back_memory();
  return cohort;
}

}  // namespace equipoise
