// tests/host/commands/asked_run.h - small runs of every system to be asked about patients, as the built program does
// it.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {

/// Sixty patients with two views and a label in words; every eleventh has no label, every seventh lacks a value.
class AskedRun : public ProgramRun {
 protected:
  AskedRun() {
    home_.write("before.csv", view(0, 0, kSmallRows));
    home_.write("after.csv", view(1, 0, kSmallRows));
    home_.write("outcome.csv", outcome(0, kSmallRows));
    home_.write(
        "c.toml",
        "[data]\nviews = [\"before.csv\", \"after.csv\"]\noutcome = \"outcome.csv\"\n[model]\nkind = \"mldrl\"\n"
        "hidden = 8\nshared = 3\nspecific = 2\n[optimizer]\nlr = 0.005\n[train]\nepochs = 30\nbatch = 16\n");
  }

  static std::string id(int row) { return fmt::format("p{}", 100 + row); }
  static std::string cell(int number, int row, int column) {
    if (row % 7 == column) return row % 2 == 0 ? "" : "NA";
    return fmt::format("{:.5f}",
                       small_feature(row, 2) * (1 + column) + 0.4 * small_feature(row, 3 + 4 * number + column));
  }
  /// Rows [first, last) of a view, whose columns are named x0, x1, ... by `number` and count.
  static std::string view(int number, int first, int last) {
    const int columns = 3 + number;
    std::string table = "id";
    for (int c = 0; c < columns; ++c) table += fmt::format(",x{}", c);
    for (int row = first; row < last; ++row) {
      table += '\n' + id(row);
      for (int c = 0; c < columns; ++c) table += ',' + cell(number, row, c);
    }
    return table + '\n';
  }
  static std::string outcome(int first, int last) {
    std::string table = "id,label\n";
    for (int row = first; row < last; ++row)
      table += fmt::format("{},{}\n", id(row), row % 11 == 0 ? "" : small_died(row) ? "case" : "Control");
    return table;
  }

  void train(const std::string& folder, const std::vector<std::string>& settings = {}) const {
    said(train_arguments("c.toml", folder, settings));
  }
  /// Predictions of these tables, line by line.
  std::vector<std::vector<std::string>> predicted(const std::vector<std::string>& tables,
                                                  const std::vector<std::string>& more = {},
                                                  const std::string& folder = "r") const {
    std::vector<std::string> arguments{"predict", folder, "--device", "cpu", "--views"};
    arguments.insert(arguments.end(), tables.begin(), tables.end());
    arguments.insert(arguments.end(), more.begin(), more.end());
    return cells_of(said(arguments));
  }
  /// predictions.csv of a run without the columns that say what is known: id, then answers.
  std::vector<std::vector<std::string>> kept(const std::string& folder, std::size_t known) const {
    std::vector<std::vector<std::string>> rows = cells_of(content_of(at(folder) / "predictions.csv"));
    for (auto& row : rows) row.erase(row.begin() + 1, row.begin() + static_cast<std::ptrdiff_t>(known));
    return rows;
  }
  static std::size_t column_of(const std::vector<std::vector<std::string>>& rows, const std::string& name) {
    const auto& header = rows.at(0);
    const auto at = std::find(header.begin(), header.end(), name);
    EXPECT_NE(at, header.end()) << name;
    return static_cast<std::size_t>(at - header.begin());
  }
};

}  // namespace equipoise::testing
