// host/data/cohort.h - the patients that all views know, joined on their id, with labels; nothing fitted yet.
#pragma once

#include <concepts>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/data/targets.h"

namespace equipoise {

/// The table of one view, or some columns of a table that several views share.
struct ViewSource {
  std::filesystem::path file;
  std::vector<std::string> columns = {};    ///< patterns (host/text/glob.h) of which features fit one; empty = all
  std::vector<std::string> leave_out = {};  ///< patterns of columns that are none

  template <class Path>
  requires std::convertible_to<Path, std::filesystem::path> ViewSource(
      Path&& path, std::vector<std::string> wanted = {})  // not explicit: most views are a file
      : file(std::forward<Path>(path)), columns(std::move(wanted)) {}
  bool operator==(const ViewSource&) const = default;
};

struct CohortSpec {
  std::vector<ViewSource> views;                 ///< at least one
  std::optional<std::filesystem::path> outcome;  ///< the table of labels; without it they are a column of the views
  std::string id = "id";        ///< the id column; where a table lacks it, ID, PatientID, patient_id, Case, ... serve
  std::string label = "label";  ///< the label column; "" = no labels are read
  std::vector<TargetSpec> targets = {};   ///< of multi-task data: columns of the outcome, or else of the first view
  std::vector<std::string> missing = {};  ///< words that count as missing besides those of is_missing; not in ids
  std::optional<std::vector<std::string>> unlabelled = {};  ///< classes that are none (ClassRules)
  std::vector<std::string> positive = {};                   ///< as positive_classes reads them
  std::string group = "";  ///< column of the outcome or the first view that holds groups; "" = none
  /// Of rows that a trained model is asked about: of each view the features it reads, by name. All patients are kept,
  /// with NaN in a view that lacks them, and any number of classes will do. Empty: rows to train on.
  std::vector<std::vector<std::string>> asked = {};
  std::vector<std::vector<std::string>> dropped = {};     ///< of asked views the columns that the selection dropped
  std::vector<std::string> columns = {}, leave_out = {};  ///< patterns for all views, beside those of each
  /// Patterns of features whose cells are words, numbers too; "auto": those that hold nothing but a few different words
  /// (host/data/categories.h).
  std::vector<std::string> categorical = {};
  std::vector<std::vector<std::string>> asked_categorical = {};  ///< of asked views the columns of words, by name
  int threads = 0;                                               ///< that read large tables, as in TableWishes
  bool impute_empty = false;           ///< keeps patients without a value in some view (host/data/empty_views.h)
  std::vector<std::string> kept = {};  ///< patients that stay whatever they lack, rising: those of a run's own split
};

/// A feature whose cells are words: its values are indices of `levels`.
struct RawCategory {
  size_t column = 0;  ///< of the view
  std::vector<std::string> levels;
};

struct RawView {
  std::string file;
  std::vector<std::string> columns;          ///< features in the order of the file
  std::vector<double> values;                ///< [ids, columns], NaN where missing
  std::vector<RawCategory> categories = {};  ///< by rising column; none once they are encoded
};

/// A file as it was read.
struct ReadFile {
  std::filesystem::path path;
  std::string sha256;
  bool seekable = true;  ///< false of a pipe, which cannot be read again
};

/// Patients sorted by the bytes of their ids, so that the order of rows in the files never matters.
struct RawCohort {
  std::vector<std::string> ids;
  std::vector<RawView> views;
  std::vector<int> label;  ///< [ids], an index of label_names, or -1 where unlabelled
  std::vector<std::string>
      label_names;                 ///< rising: by value if all are whole numbers, otherwise by bytes; the positive last
  std::vector<RawTarget> targets;  ///< of multi-task data
  std::vector<std::string> groups = {};    ///< [ids] or empty; "" = a group of its own
  bool standardised = true;                ///< false of generated data, whose numbers are used as they are
  std::vector<std::string> left_out = {};  ///< ids of patients that an empty view left out, rising
  std::vector<std::string> notices;        ///< sentences to tell the user: what was left out, and how many
  std::vector<ReadFile> files = {};        ///< views (each once), outcome
};

/// Reads and joins the tables. To train on, kept are the patients that have a row in every view, as leave_out_empty
/// says with a value in it (host/data/empty_views.h); a patient the outcome
/// table lacks, or whose label is missing or none (ClassRules), is unlabelled, and one without any target is told.
/// Features are all columns, or those that fit the view's pattern, but the id, the label, the targets, the group, other
/// id columns, `diagnostics_*` and columns of text alone that are not categorical. Throws Error(data), with the first
/// five offenders as file:line:column, on a table that parse_table refuses, an id that is missing or occurs twice in a
/// file, no patient in common, no id or label column, text or a number out of range among numbers, a fractional label,
/// labels that differ between views, fewer than two classes, and targets as read_targets does; Error(file_system) when
/// a file cannot be read.
RawCohort read_cohort(const CohortSpec& spec);

}  // namespace equipoise
