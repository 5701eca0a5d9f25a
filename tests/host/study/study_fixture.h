// tests/host/study/study_fixture.h - a small study by the built program, and what it writes.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {

inline const char* const kSmallMldrl =
    "[data]\nviews = [\"features.csv\", \"features.csv\"]\noutcome = \"outcome.csv\"\nvalidation = 0.25\n"
    "[model]\nkind = \"mldrl\"\nhidden = 5\nshared = 2\nspecific = 2\n"
    "[train]\nepochs = 6\nbatch = 16\npatience = 4\n";

/// What a study writes of its result; no time stands in these.
inline const std::vector<std::string> kStudyResults = {"members.csv", "predictions.csv",     "summary.json",
                                                       "summary.txt", "members.safetensors", "preprocess.jsonl",
                                                       "splits.csv"};

class Study : public ProgramRun {
 protected:
  Study() {
    write_small_tables(home_.path());
    home_.write("c.toml", kSmallMldrl);
  }

  std::vector<std::string> study(const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"cross-validate", "c.toml",
                                          "--device",       "cpu",
                                          "--out",          out,
                                          "--folds",        "3",
                                          "--repeats",      "2",
                                          "--seeds",        "2",
                                          "--grid",         "optimizer.lr=1e-3,1e-2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<std::vector<std::string>> table(const std::string& folder, const std::string& file) const {
    return cells_of(content_of(at(folder) / file));
  }
  void expect_same_results(const std::string& a, const std::string& b) const {
    for (const std::string& file : kStudyResults) EXPECT_EQ(content_of(at(a) / file), content_of(at(b) / file)) << file;
  }
  static std::size_t column(const std::vector<std::vector<std::string>>& table, const std::string& name) {
    for (std::size_t c = 0; c < table[0].size(); ++c)
      if (table[0][c] == name) return c;
    ADD_FAILURE() << "no column " << name;
    return 0;
  }
  /// The tensor of one member of a study.
  std::vector<float> of_member(const std::string& folder, int number, const std::string& name) const {
    const StoredTensor tensor = read_safetensors(at(folder) / "members.safetensors").at(name);
    const std::vector<float> all = tensor.to_floats();
    const auto each = all.size() / static_cast<std::size_t>(tensor.shape[0]);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(each * (static_cast<std::size_t>(number) - 1));
    return {first, first + static_cast<std::ptrdiff_t>(each)};
  }
};

}  // namespace equipoise::testing
