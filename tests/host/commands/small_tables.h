// tests/host/commands/small_tables.h - sixty rows of three features with targets of every kind, some missing, made by a
// formula.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

namespace equipoise::testing {

inline constexpr int kSmallRows = 60;

/// Three columns that the angles of irrational steps spread, in units far from standardised ones.
inline double small_feature(int row, int column) {
  const double wave = std::sin(row * (1.0 + std::sqrt(2.0 + 3 * column)) + column);
  return column == 0 ? 5 + 3 * wave : column == 1 ? -100 + 40 * wave : wave;
}
inline double small_stay(int row) { return 100 + 10 * small_feature(row, 0); }
inline double small_cost(int row) { return 1000 - small_feature(row, 1); }
inline bool small_died(int row) { return small_feature(row, 2) > 0; }

/// features.csv: id, a, b, c; outcome.csv: id, stay, cost (a line each of the features), died (yes or no), stage (I, II
/// or III), label (0 or 1). Every seventh stay, fifth death and ninth stage are missing.
inline void write_small_tables(const std::filesystem::path& folder) {
  std::ofstream features(folder / "features.csv"), outcome(folder / "outcome.csv");
  features << "id,a,b,c\n";
  outcome << "id,stay,cost,died,stage,label\n";
  for (int row = 0; row < kSmallRows; ++row) {
    const std::string id = "p" + std::to_string(100 + row);
    features << id;
    for (int column = 0; column < 3; ++column) features << ',' << small_feature(row, column);
    const double a = small_feature(row, 0);
    const char* stage = a < 4 ? "I" : a < 6.5 ? "II" : "III";
    outcome << id << ',' << (row % 7 == 0 ? "" : std::to_string(small_stay(row))) << ',' << small_cost(row) << ','
            << (row % 5 == 0      ? ""
                : small_died(row) ? "yes"
                                  : "no")
            << ',' << (row % 9 == 0 ? "NA" : stage) << ',' << small_died(row) << '\n';
    features << '\n';
  }
}

inline const char* const kSmallMtl =
    "[data]\nviews = [\"features.csv\"]\noutcome = \"outcome.csv\"\n"
    "tasks = [\"regression:stay,cost\", \"binary:died\", \"multiclass:stage\"]\n"
    "[model]\nkind = \"mtl\"\n[train]\nepochs = 3\nbatch = 16\n";

inline const char* const kSmallVaegan =
    "[data]\nviews = [\"features.csv\"]\noutcome = \"outcome.csv\"\n"
    "[model]\nkind = \"vaegan\"\nlatent = 3\n[train]\nepochs = 3\nbatch = 16\n";

}  // namespace equipoise::testing
