// host/data/select/select.h - which columns a model is given: methods that score columns on the training rows, a page
// each, and chains of them.
//
// A method is written NAME or NAME:key=value,key=value, as in correlation:most=0.95. A chain is a list of them, which
// act left to right, each on the columns that those before it left.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/systems/keys.h"

namespace equipoise {

/// What a config asks for in [select].
struct SelectConfig {
  std::vector<std::string> methods;  ///< {} = nothing is selected
  int keep = 0;                      ///< columns that the last method keeps; 0 = all that pass
  std::string per = "view";          ///< or all

  bool operator==(const SelectConfig&) const = default;
};

/// Columns of the training rows as the network would have them, imputed and standardised: of one view, or of several
/// side by side.
struct SelectColumns {
  std::size_t rows = 0;
  std::vector<float> values;            ///< [columns, rows]
  std::vector<double> variance;         ///< [columns] in the data's units, divided by rows; 0 of a constant column
  std::vector<std::size_t> view;        ///< [columns] an index of view_names
  std::vector<std::string> view_names;  ///< files, for messages

  std::size_t count() const { return variance.size(); }
  std::span<const float> at(std::size_t column) const { return std::span(values).subspan(column * rows, rows); }
};

/// What supervised methods compare columns with.
struct SelectOutcome {
  std::vector<double> values;  ///< [rows]: class numbers, or numbers; NaN where unknown; {} = there is none
  int classes = 0;             ///< 0: numbers
};

/// What a method is asked.
struct SelectJob {
  const SelectColumns& columns;
  const SelectOutcome& outcome;
  std::span<const std::size_t> known;       ///< rows whose outcome is known, rising; of supervised methods
  std::span<const std::size_t> candidates;  ///< columns that are left: by the last supervised score, the best first;
                                            ///< in the order of the tables before there is one
  double setting;                           ///< value of the method's key
  uint64_t seed;
};

struct SelectMethod {
  std::string_view name;
  std::string_view meaning;
  bool supervised;       ///< compares with the outcome
  bool numbers;          ///< also with an outcome of numbers
  bool ranks;            ///< the largest scores are kept; else the first candidates
  std::string_view key;  ///< its own setting; "" = none
  Range range;
  double by_default;
  std::vector<double> (*scores)(const SelectJob& job);  ///< [candidates], finite
  bool (*passes)(double score, double setting);         ///< whether a column may be kept at all
};

/// variance, correlation, anova, auc, forest.
std::span<const SelectMethod> select_methods();

/// A method of a chain.
struct SelectStep {
  std::string text;  ///< as it was written
  const SelectMethod* method = nullptr;
  double setting = 0;
  int keep = 0;  ///< most columns, of each view or of all; 0 = all that pass
};

/// The chain that `wanted` names; `where` begins each message. Throws Error(usage) for unknown names and keys, values
/// that are none or out of range, and a chain that ends with a supervised method but keeps no number of columns.
std::vector<SelectStep> parse_select(const SelectConfig& wanted, const std::string& where);

struct Selection {
  std::vector<std::size_t> kept;            ///< columns, rising
  std::vector<std::vector<double>> scores;  ///< [steps][kept]
  std::vector<std::size_t> left;            ///< [steps] columns that each step left
};

/// Runs the chain. Of equal scores the earlier column is kept; where columns of several views compete, each view keeps
/// its best one at least. Throws Error(data) where a method leaves a view no column or the outcome cannot be compared
/// with: fewer than two classes, no more known rows than classes (three of numbers); Error(usage) for a method that
/// does not take the outcome, and for fewer columns to keep than views.
Selection select_columns(const SelectColumns& columns, const SelectOutcome& outcome, std::span<const SelectStep> steps,
                         uint64_t seed);

// The pages.
std::vector<double> variance_scores(const SelectJob& job);
std::vector<double> correlation_scores(const SelectJob& job);
std::vector<double> anova_scores(const SelectJob& job);
std::vector<double> auc_scores(const SelectJob& job);
std::vector<double> forest_scores(const SelectJob& job);

}  // namespace equipoise
