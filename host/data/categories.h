// host/data/categories.h - columns of words as features: one number a word.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/data/cohort.h"
#include "host/data/preprocess.h"

namespace equipoise {

/// The most different words of a column that kAllCategories takes; with more it is free text.
inline constexpr size_t kWordsOfACategory = 20;
/// The choice of all columns of words that have no more.
inline constexpr const char* kAllCategories = "auto";

/// The words of a column of a table, whether their text was kept or not.
struct ColumnLevels {
  std::vector<std::string> levels;  ///< sort_class_names; equal numbers are one, true and false in any case too
  std::vector<double> of_row;       ///< [rows of the table]: an index of levels, NaN where missing
};
ColumnLevels levels_of(const Table& table, int column);

/// Of each view the columns of words, with those words that stand in a training row.
std::vector<std::vector<FittedCategory>> fit_categories(const RawCohort& cohort, std::span<const int> train_rows);

/// The columns that take a category's place: none of a category without a word, "column=word" of the second of two
/// words (1 where it stands, 0 where the first does), else one for each word (1 where it stands, 0 elsewhere).
std::vector<std::string> encoded_names(const FittedCategory& category);

/// Puts those columns in the place of the categories of every view; `fitted` are those of each. A missing cell is
/// missing in all of them. A word that the fit does not have is 0 in all, but missing where there is one column for two
/// words; both are told. Throws Error(data) where a column of that name is there already.
void encode(RawCohort& cohort, std::span<const std::vector<FittedCategory>> fitted, std::vector<std::string>& notices);
/// The same with the categories of a fit, and without those of their columns that its selection left out.
void encode(RawCohort& cohort, const Preprocess& fitted, std::vector<std::string>& notices);

/// What the fit made of words, one sentence a view.
void tell_categories(const RawCohort& cohort, std::span<const std::vector<FittedCategory>> fitted,
                     std::vector<std::string>& notices);

/// Of the columns `names` of a fitted view the columns of its table, each once.
std::vector<std::string> columns_of_table(const FittedView& view, std::span<const std::string> names);

}  // namespace equipoise
