// host/data/categories.cpp - words to indices, indices to columns of 0 and 1.
#include "host/data/categories.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_set>

#include "engine/base/error.h"
#include "host/data/labels.h"
#include "host/text/first_names.h"
#include "host/text/lower_case.h"

namespace equipoise {
namespace {

constexpr double kNoWord = std::numeric_limits<double>::quiet_NaN();

/// One spelling for words that mean the same.
std::string canonical_word(std::string_view text) {
  if (std::string lower = lower_case(text); lower == "true" || lower == "false") return lower;
  return canonical_label(text).value_or(std::string(text));
}

const FittedCategory* find_category(std::span<const FittedCategory> fitted, const std::string& column) {
  const auto found = std::find_if(fitted.begin(), fitted.end(), [&](const auto& c) { return c.column == column; });
  return found == fitted.end() ? nullptr : &*found;
}

/// A column of the table, and what becomes of it.
class Encoder {
 public:
  explicit Encoder(const std::string& name) : names_{name} {}
  Encoder(const RawCategory& raw, const FittedCategory& fitted) : names_(encoded_names(fitted)), category_(true) {
    for (const std::string& level : raw.levels) {
      const auto found = std::find(fitted.levels.begin(), fitted.levels.end(), level);
      place_.push_back(found == fitted.levels.end() ? -1 : static_cast<int>(found - fitted.levels.begin()));
    }
    two_ = fitted.levels.size() == 2;
  }

  const std::vector<std::string>& names() const { return names_; }
  /// Of column `k`.
  double value(double raw, size_t k) const {
    if (!category_ || std::isnan(raw)) return raw;
    const int place = place_[static_cast<size_t>(raw)];
    if (two_) return place < 0 ? kNoWord : place;
    return place == static_cast<int>(k) ? 1 : 0;
  }
  bool knows(double raw) const { return !category_ || std::isnan(raw) || place_[static_cast<size_t>(raw)] >= 0; }
  bool two() const { return two_; }

 private:
  std::vector<std::string> names_;
  std::vector<int> place_;  // [raw levels], in the fitted ones, or -1
  bool category_ = false, two_ = false;
};

void expect_unlike(const RawView& view, const std::vector<Encoder>& encoders) {
  std::unordered_set<std::string_view> names;
  for (const Encoder& encoder : encoders)
    for (const std::string& name : encoder.names())
      if (!names.insert(name).second)
        throw Error(ExitCode::data, fmt::format("{}: words become a column '{}', but there is one already; rename it",
                                                view.file, name));
}

void tell_strangers(const RawView& view, size_t column, const Encoder& encoder, const std::vector<std::string>& levels,
                    std::vector<std::string>& notices) {
  std::vector<bool> strange(levels.size(), false);
  size_t rows = 0;
  for (size_t i = column; i < view.values.size(); i += view.columns.size()) {
    if (encoder.knows(view.values[i])) continue;
    strange[static_cast<size_t>(view.values[i])] = true;
    ++rows;
  }
  if (rows == 0) return;
  std::vector<std::string> words;
  for (size_t k = 0; k < levels.size(); ++k)
    if (strange[k]) words.push_back(levels[k]);
  notices.push_back(fmt::format("{}: {} row{} {} in '{}' a word that no training row has: {}; {}", view.file, rows,
                                rows == 1 ? "" : "s", rows == 1 ? "has" : "have", view.columns[column],
                                first_names(words),
                                encoder.two() ? "it counts as missing" : "all columns of that are 0 there"));
}

void encode_view(RawView& view, std::span<const FittedCategory> fitted, const FittedView* kept,
                 std::vector<std::string>& notices) {
  if (view.categories.empty()) return;
  std::map<size_t, const RawCategory*> category_at;
  for (const RawCategory& category : view.categories) category_at.emplace(category.column, &category);
  std::vector<Encoder> encoders;
  std::vector<size_t> column_of;  // [encoders]
  for (size_t c = 0; c < view.columns.size(); ++c) {
    const auto category = category_at.find(c);
    if (category == category_at.end()) {
      encoders.emplace_back(view.columns[c]);
    } else if (const FittedCategory* known = find_category(fitted, view.columns[c])) {
      encoders.emplace_back(*category->second, *known);
      if (!known->levels.empty()) tell_strangers(view, c, encoders.back(), category->second->levels, notices);
    } else {
      continue;
    }
    column_of.push_back(c);
  }
  expect_unlike(view, encoders);
  std::unordered_set<std::string_view> wanted;
  if (kept) wanted.insert(kept->columns.begin(), kept->columns.end());
  RawView encoded{view.file, {}, {}, {}};
  struct Source {
    size_t encoder, part;
  };
  std::vector<Source> sources;
  for (size_t e = 0; e < encoders.size(); ++e)
    for (size_t k = 0; k < encoders[e].names().size(); ++k) {
      const std::string& name = encoders[e].names()[k];
      if (kept && category_at.contains(column_of[e]) && !wanted.contains(name)) continue;
      encoded.columns.push_back(name);
      sources.push_back({e, k});
    }
  const size_t width = view.columns.size(), rows = width == 0 ? 0 : view.values.size() / width;
  encoded.values.reserve(rows * sources.size());
  for (size_t row = 0; row < rows; ++row)
    for (const auto [e, k] : sources)
      encoded.values.push_back(encoders[e].value(view.values[row * width + column_of[e]], k));
  view = std::move(encoded);
}

}  // namespace

ColumnLevels levels_of(const Table& table, int column) {
  const auto rows = static_cast<size_t>(table.rows());
  ColumnLevels found{{}, std::vector<double>(rows, kNoWord)};
  std::map<std::string, std::vector<size_t>> rows_of;
  if (table.kept[static_cast<size_t>(column)] >= 0) {
    for (size_t row = 0; row < rows; ++row)
      if (const std::string_view text = table.at(static_cast<int>(row), column); !is_missing(text))
        rows_of[canonical_word(text)].push_back(row);
  } else {
    const ColumnContent& content = table.contents[static_cast<size_t>(column)];
    for (const auto& [row, level] : content.words)
      rows_of[canonical_word(content.levels[static_cast<size_t>(level)])].push_back(static_cast<size_t>(row));
  }
  for (const auto& [word, where] : rows_of) found.levels.push_back(word);
  sort_class_names(found.levels);
  for (size_t k = 0; k < found.levels.size(); ++k)
    for (const size_t row : rows_of[found.levels[k]]) found.of_row[row] = static_cast<double>(k);
  return found;
}

std::vector<std::vector<FittedCategory>> fit_categories(const RawCohort& cohort, std::span<const int> train_rows) {
  std::vector<std::vector<FittedCategory>> fitted;
  for (const RawView& view : cohort.views) {
    std::vector<FittedCategory>& of_view = fitted.emplace_back();
    for (const RawCategory& category : view.categories) {
      std::vector<bool> seen(category.levels.size(), false);
      for (const int row : train_rows) {
        const double level = view.values[static_cast<size_t>(row) * view.columns.size() + category.column];
        if (!std::isnan(level)) seen[static_cast<size_t>(level)] = true;
      }
      FittedCategory& known = of_view.emplace_back(FittedCategory{view.columns[category.column], {}});
      for (size_t k = 0; k < seen.size(); ++k)
        if (seen[k]) known.levels.push_back(category.levels[k]);
    }
  }
  return fitted;
}

std::vector<std::string> encoded_names(const FittedCategory& category) {
  const std::vector<std::string>& levels = category.levels;
  std::vector<std::string> names;
  for (size_t k = levels.size() == 2 ? 1 : 0; k < levels.size(); ++k)
    names.push_back(category.column + "=" + levels[k]);
  return names;
}

void encode(RawCohort& cohort, std::span<const std::vector<FittedCategory>> fitted, std::vector<std::string>& notices) {
  for (size_t v = 0; v < cohort.views.size(); ++v) encode_view(cohort.views[v], fitted[v], nullptr, notices);
}

void encode(RawCohort& cohort, const Preprocess& fitted, std::vector<std::string>& notices) {
  for (size_t v = 0; v < std::min(cohort.views.size(), fitted.views.size()); ++v)
    encode_view(cohort.views[v], fitted.views[v].categories, &fitted.views[v], notices);
}

void tell_categories(const RawCohort& cohort, std::span<const std::vector<FittedCategory>> fitted,
                     std::vector<std::string>& notices) {
  for (size_t v = 0; v < fitted.size(); ++v) {
    std::vector<std::string> told, empty;
    for (const FittedCategory& category : fitted[v]) {
      const std::vector<std::string>& levels = category.levels;
      if (levels.empty()) empty.push_back(category.column);
      else if (levels.size() == 2)
        told.push_back(fmt::format("{} ({} = 0, {} = 1)", category.column, levels[0], levels[1]));
      else told.push_back(fmt::format("{} (a column for each of {} words)", category.column, levels.size()));
    }
    if (!empty.empty())
      notices.push_back(fmt::format("{}: {} column{} of words without a value in any training row left out: {}",
                                    cohort.views[v].file, empty.size(), empty.size() == 1 ? "" : "s",
                                    first_names(empty)));
    if (!told.empty())
      notices.push_back(fmt::format("{}: {} column{} of words as numbers: {}", cohort.views[v].file, told.size(),
                                    told.size() == 1 ? "" : "s", first_names(told)));
  }
}

std::vector<std::string> columns_of_table(const FittedView& view, std::span<const std::string> names) {
  std::map<std::string, std::string, std::less<>> source;
  for (const FittedCategory& category : view.categories)
    for (const std::string& name : encoded_names(category)) source.emplace(name, category.column);
  std::vector<std::string> columns;
  std::unordered_set<std::string_view> there;
  for (const std::string& name : names) {
    const auto category = source.find(name);
    const std::string& column = category == source.end() ? name : category->second;
    if (category != source.end() && !there.insert(category->second).second) continue;
    columns.push_back(column);
  }
  return columns;
}

}  // namespace equipoise
