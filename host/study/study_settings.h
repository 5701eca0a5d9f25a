// host/study/study_settings.h - the settings of a study: a grid's product and random draws, as overrides of a config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/config/config.h"

namespace equipoise {

struct StudySetting {
  std::vector<std::string> overrides;  ///< as --set takes them: of the grid, then of the ranges
  std::size_t of_grid = 0;             ///< how many of them the grid gives

  bool operator==(const StudySetting&) const = default;
};

inline constexpr std::size_t kMostSettings = 100000;

/// The product of the grid's values, its first key slowest, and for each of its points the same `random` draws, each a
/// value of every range. A study without both has one setting without overrides.
///
/// A grid's text is key=value,value; commas inside quotes, brackets and braces separate nothing, and a key whose value
/// is a list of words takes a word for a list of one. A range is key=log:LOW:HIGH, key=uniform:LOW:HIGH (numbers of six
/// digits), key=int:LOW:HIGH, key=logint:LOW:HIGH (whole numbers, both ends among them) or key=choice:value,value. A
/// drawn value is a function of seed, number of the draw and place of the range alone.
///
/// Throws Error(usage), beginning with study.grid or study.ranges, on text of another form, a key given twice, a key
/// that a setting may not change, draws without ranges, ranges without draws, and more than kMostSettings settings.
/// Whether a key or value is any a config tells (check_settings).
std::vector<StudySetting> study_settings(const StudyConfig& study, uint64_t seed);

/// The config that a member with these overrides has, such as load_config's or changed_config's.
using Resolve = std::function<Config(const std::vector<std::string>& overrides)>;

/// Resolves every setting. Throws Error(usage) where the config refuses one, told with study.grid or study.ranges in
/// place of --set, and where two that differ in the grid come to the same config. Returns a sentence for each draw that
/// came to the config of an earlier one.
std::vector<std::string> check_settings(const std::vector<StudySetting>& settings, const Resolve& resolve);

/// Every vector of fixed task weights tasks * (i_1, ..., i_tasks) / parts of positive whole numbers that sum to parts,
/// the first slowest, as settings: they balance nothing (identity) and have these initial weights. Throws Error(usage)
/// for no task, fewer parts than tasks, and more than kMostSettings vectors.
std::vector<StudySetting> fixed_weight_settings(std::size_t tasks, int parts);

}  // namespace equipoise
