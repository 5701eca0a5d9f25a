// tests/host/wide_tables.h - made-up patients with far more columns than rows, of which a few tell something: the
// design of tests/data/make_wide_tables.py, with other draws.
#pragma once

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <random>
#include <string>

namespace equipoise::testing {

inline constexpr int kWidePatients = 200, kWideInformative = 20;

/// before.csv and after.csv, of which every columns/20th column is shifted by .35 up for label 1 and down for label 0
/// or the other way, and outcome.csv; half of the labels are 1.
inline void write_wide_tables(const std::filesystem::path& folder, int columns, unsigned seed) {
  std::mt19937_64 draw(seed);
  const auto uniform = [&] { return (static_cast<double>(draw() >> 11) + 0.5) / 9007199254740992.0; };
  const auto normal = [&] { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * std::numbers::pi * uniform()); };
  std::ofstream outcome(folder / "outcome.csv");
  outcome << "id,label\n";
  for (int row = 0; row < kWidePatients; ++row) outcome << "P" << 1000 + row << ',' << row % 2 << '\n';
  for (const char* view : {"before", "after"}) {
    std::ofstream table(folder / (std::string(view) + ".csv"));
    table << "id";
    for (int c = 0; c < columns; ++c) table << ",x" << c;
    table << '\n';
    for (int row = 0; row < kWidePatients; ++row) {
      table << 'P' << 1000 + row;
      for (int c = 0; c < columns; ++c) {
        const int every = columns / kWideInformative;
        const double sign = (row % 2 ? 1 : -1) * (c / every % 2 ? 1 : -1);
        char cell[32];
        std::snprintf(cell, sizeof cell, ",%.4f", normal() + (c % every == 0 ? 0.35 * sign : 0));
        table << cell;
      }
      table << '\n';
    }
  }
}

}  // namespace equipoise::testing
