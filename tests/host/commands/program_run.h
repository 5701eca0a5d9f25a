// tests/host/commands/program_run.h - a folder in which the built program runs, and what its runs leave there.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/host/commands/run_program.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::testing {

class ProgramRun : public ::testing::Test {
 protected:
  std::filesystem::path at(const std::string& name) const { return home_.path() / name; }

  Finished run(const std::vector<std::string>& arguments, const std::vector<std::string>& settings = {},
               const std::string& standard_output = "") const {
    return run_program(EQUIPOISE_PROGRAM, home_.path(), arguments, settings, standard_output);
  }
  /// Standard output of a run that must end well.
  std::string said(const std::vector<std::string>& arguments) const {
    const Finished f = run(arguments);
    EXPECT_EQ(f.code, 0) << f.log;
    return f.out;
  }
  /// The program must end with `code`, write no result, and end its log with sentences that tell every part.
  void expect_refused(int code, const std::vector<std::string>& arguments,
                      const std::vector<std::string>& parts) const {
    const Finished f = run(arguments);
    EXPECT_EQ(f.code, code) << f.log;
    EXPECT_EQ(f.out, "");
    const std::size_t last = f.log.rfind('\n', f.log.size() < 2 ? 0 : f.log.size() - 2);
    EXPECT_EQ(f.log.substr(last == std::string::npos ? 0 : last + 1).rfind("equipoise: ", 0), 0u) << f.log;
    EXPECT_EQ(f.log.find("internal error"), std::string::npos) << f.log;
    for (const std::string& part : parts) EXPECT_CONTAINS(f.log, part);
  }

  nlohmann::json summary(const std::string& folder) const {
    return nlohmann::json::parse(content_of(at(folder) / "run.json"));
  }
  /// The epochs' lines, without the first, which says the format.
  std::vector<nlohmann::json> metrics(const std::string& folder) const {
    std::vector<nlohmann::json> parsed;
    for (const std::string& line : lines_of(content_of(at(folder) / "metrics.jsonl")))
      parsed.push_back(nlohmann::json::parse(line));
    if (!parsed.empty()) parsed.erase(parsed.begin());
    return parsed;
  }

  static std::vector<std::string> lines_of(const std::string& content) {
    std::istringstream text(content);
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  /// Cells of a table without quotes; the first row is the header.
  static std::vector<std::vector<std::string>> cells_of(const std::string& csv) {
    std::vector<std::vector<std::string>> rows;
    for (const std::string& line : lines_of(csv)) {
      std::vector<std::string>& cells = rows.emplace_back();
      std::istringstream text(line + ',');
      for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
    }
    return rows;
  }

  TemporaryFolder home_;
};

/// "train CONFIG --out FOLDER" with settings, on the CPU.
inline std::vector<std::string> train_arguments(const std::string& config, const std::string& folder,
                                                const std::vector<std::string>& settings) {
  std::vector<std::string> arguments{"train", config, "--device", "cpu", "--out", folder};
  for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  return arguments;
}

}  // namespace equipoise::testing
