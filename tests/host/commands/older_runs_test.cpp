// tests/host/commands/older_runs_test.cpp - a run folder of each format there has been is evaluated to the figures that
// the program of its day gave; what cannot be read is refused by name and number.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/host/commands/run_program.h"
#include "tests/host/commands/small_tables.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::content_of;
using testing::kCheckpoint, testing::kUsage;
using testing::TemporaryFolder;

void replace(const fs::path& path, const std::string& what, const std::string& with) {
  std::string text = content_of(path);
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size()), ++found)
    text.replace(at, what.size(), with);
  ASSERT_GT(found, 0u) << path << " does not hold " << what;
  std::ofstream(path, std::ios::binary) << text;
}

/// A copy of tests/data/runs/<name>, whose data lie beside it.
class RunFormats : public ::testing::Test {
 protected:
  fs::path unpacked(const std::string& name) {
    const fs::path run = home_.path() / name;
    fs::copy(fs::path(EQUIPOISE_SOURCE_DIR) / "tests/data/runs" / name, run, fs::copy_options::recursive);
    const std::string data = (run / "data").string();
    replace(run / "config.toml", "@DATA@", data);
    replace(run / "run.json", "@DATA@", data);
    return run;
  }
  testing::Finished equipoise(const std::vector<std::string>& arguments) {
    return testing::run_program(EQUIPOISE_PROGRAM, home_.path(), arguments);
  }
  testing::Finished evaluated(const fs::path& run) {
    return equipoise({"evaluate", run.string(), "--split", "test", "--json", "--device", "cpu"});
  }

  TemporaryFolder home_;
};

class OlderRuns : public RunFormats, public ::testing::WithParamInterface<std::string> {};

TEST_P(OlderRuns, AreEvaluatedToTheSameFigures) {
  const fs::path run = unpacked(GetParam());
  const testing::Finished f = evaluated(run);
  ASSERT_EQ(f.code, 0) << f.log;
  json figures = json::parse(f.out);
  EXPECT_EQ(figures["threshold"]["decision"], 0.5);
  for (const char* newer : {"threshold", "positive_class", "parts"}) figures.erase(newer);
  EXPECT_EQ(figures, json::parse(content_of(run / "expected.json")));
}

TEST_P(OlderRuns, WithAChangedConfigAreRefused) {
  const fs::path run = unpacked(GetParam());
  replace(run / "config.toml", "hidden = 4", "hidden = 5 ");
  const testing::Finished f = evaluated(run);
  EXPECT_EQ(f.code, kUsage);
  EXPECT_CONTAINS(f.log, "config.toml: is not as the run wrote it");
}

TEST_P(OlderRuns, WithLineEndingsOfAnotherSystemAreRefused) {
  const fs::path run = unpacked(GetParam());
  replace(run / "config.toml", "\n", "\r\n");
  const testing::Finished f = evaluated(run);
  EXPECT_EQ(f.code, kUsage);
  EXPECT_CONTAINS(f.log, "config.toml: is not as the run wrote it");
}

INSTANTIATE_TEST_SUITE_P(Formats, OlderRuns, ::testing::Values("format1", "format2", "format3", "format3_empty"),
                         [](const auto& name) { return name.param; });

TEST_F(RunFormats, OfTheFirstCheckpointAreNotGoneOnWith) {
  const fs::path run = unpacked("format1");
  const std::vector<std::string> resume = {"train", "--resume", "--device", "cpu", "--out", run.string()};
  testing::Finished f = equipoise(resume);
  EXPECT_EQ(f.code, kCheckpoint);
  EXPECT_CONTAINS(f.log, "metrics.jsonl: is equipoise metrics 1, and this version reads numbers from 2");
  EXPECT_EQ(evaluated(run).code, 0) << "it was touched";

  const std::string lines = content_of(run / "metrics.jsonl");
  std::ofstream(run / "metrics.jsonl", std::ios::binary) << "{\"format\":\"equipoise metrics 2\"}\n" << lines;
  f = equipoise(resume);
  EXPECT_EQ(f.code, kCheckpoint);
  EXPECT_CONTAINS(f.log, "last.safetensors: is equipoise checkpoint 1, and this version reads numbers from 2");
}

TEST_F(RunFormats, ThatAreUnreadMakeNoOlderCheckpointServe) {
  const fs::path run = unpacked("format2");
  fs::copy(run / "last.safetensors", run / "last.previous.safetensors");
  replace(run / "last.safetensors", "equipoise checkpoint 2", "equipoise checkpoint 4");
  const std::vector<std::string> resume = {"train", "--resume", "--device", "cpu", "--out", run.string()};
  testing::Finished f = equipoise(resume);
  EXPECT_EQ(f.code, kCheckpoint) << f.log;
  EXPECT_CONTAINS(f.log, "last.safetensors: is equipoise checkpoint 4");
  replace(run / "last.safetensors", "equipoise checkpoint 4", "equipoise checkpoint 2");
  replace(run / "metrics.jsonl", "equipoise metrics 2", "equipoise metrics 3");
  f = equipoise(resume);
  EXPECT_EQ(f.code, kCheckpoint) << f.log;
  EXPECT_CONTAINS(f.log, "metrics.jsonl: is equipoise metrics 3");
  replace(run / "metrics.jsonl", "equipoise metrics 3", "equipoise metrics 2");
  EXPECT_EQ(equipoise(resume).code, 0);
}

TEST_F(RunFormats, OfTheSecondConfigGoOnAsTheirWordsWereMeant) {
  const fs::path run = unpacked("format2_towers");
  const testing::Finished f =
      equipoise({"train", "--resume", "--device", "cpu", "--out", run.string(), "--set", "train.epochs=40"});
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.out, "finished: no improvement for 3 epochs\nbest epoch: 5,");
  std::istringstream now(content_of(run / "metrics.jsonl")), then(content_of(run / "resumed.jsonl"));
  int lines = 0;
  for (std::string one, other; std::getline(then, other); ++lines) {
    ASSERT_TRUE(std::getline(now, one)) << "it ended after " << lines;
    if (lines == 0) continue;  // the format
    for (const char* key : {"epoch", "train", "task_weights", "next_task_weights", "best"})
      EXPECT_EQ(json::parse(one)[key], json::parse(other)[key]) << key << " of line " << lines;
  }
  EXPECT_EQ(lines, 9);
  std::string line;
  EXPECT_FALSE(std::getline(now, line)) << line;
  const std::string config = content_of(run / "config.toml");
  EXPECT_EQ(config.rfind("# equipoise config 5\n", 0), 0u) << config;
  for (const char* said : {"\nepochs = 40\n", "\nwarmup = 1\n", "\nlr = 0.1\n",
                           "\nmethods = [\"gradnorm:form=weights,loss_ratio=weighted,renormalise=in_loss,"})
    EXPECT_CONTAINS(config, said);
}

TEST_F(RunFormats, OfTheThirdConfigImputeEmptyViews) {
  const fs::path run = unpacked("format3_empty");
  const testing::Finished f =
      equipoise({"train", "--resume", "--device", "cpu", "--out", run.string(), "--set", "train.epochs=6"});
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "after.csv: 4 patients without any value get the training rows' medians");
  EXPECT_CONTAINS(content_of(run / "config.toml"), "\nempty_views = \"impute\"\n");
  std::istringstream now(content_of(run / "metrics.jsonl")), then(content_of(run / "resumed.jsonl"));
  int lines = 0;
  for (std::string one, other; std::getline(then, other); ++lines) {
    ASSERT_TRUE(std::getline(now, one)) << "it ended after " << lines;
    if (lines == 0) continue;  // the format
    for (const char* key : {"epoch", "train", "validation", "task_weights", "gram"})
      EXPECT_EQ(json::parse(one)[key], json::parse(other)[key]) << key << " of line " << lines;
  }
  EXPECT_EQ(lines, 7);
  // Whom training imputed is answered; only who has no value at all is not.
  const testing::Finished answers = equipoise({"predict", run.string(), "--device", "cpu", "--views",
                                               (run / "data/before.csv").string(), (run / "data/after.csv").string()});
  ASSERT_EQ(answers.code, 0) << answers.log;
  EXPECT_CONTAINS(answers.log, "1 of 30 patients have no value in any view");
  EXPECT_CONTAINS(answers.out, "\np124,,,\n");
  EXPECT_EQ(answers.out.find("p117,,"), std::string::npos);
}

TEST_F(RunFormats, OfTheThirdConfigMayKeepOutliersByTheirOlderWord) {
  const fs::path run = unpacked("format3");
  replace(run / "config.toml", "\nvalidation = ", "\noutliers = \"keep\"\nvalidation = ");
  EXPECT_EQ(evaluated(run).code, 0);
  const testing::Finished f =
      equipoise({"train", "--resume", "--device", "cpu", "--out", run.string(), "--set", "train.epochs=5"});
  ASSERT_EQ(f.code, 0) << f.log;
  const std::string config = content_of(run / "config.toml");
  EXPECT_EQ(config.rfind("# equipoise config 5\n", 0), 0u) << config;
  EXPECT_CONTAINS(config, "\noutliers = \"tell\"\n");
  EXPECT_EQ(evaluated(run).code, 0);
}

TEST_F(RunFormats, OfTheFourthConfigHaveNoTaskOfTheirMonitor) {
  testing::write_small_tables(home_.path());
  home_.write("mtl.toml", testing::kSmallMtl);
  const fs::path run = home_.path() / "run";
  const testing::Finished trained =
      equipoise({"train", "mtl.toml", "--device", "cpu", "--out", run.string(), "--set", "train.monitor=loss"});
  ASSERT_EQ(trained.code, 0) << trained.log;
  replace(run / "config.toml", "# equipoise config 5\n", "# equipoise config 4\n");
  EXPECT_EQ(evaluated(run).code, kUsage) << "a key that is newer than the format";
  replace(run / "config.toml", "monitor_task = \"\"\n", "");
  EXPECT_EQ(evaluated(run).code, 0);
  const testing::Finished f =
      equipoise({"train", "--resume", "--device", "cpu", "--out", run.string(), "--set", "train.epochs=5"});
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(content_of(run / "config.toml"), "\nmonitor_task = \"\"\n");
}

TEST_F(RunFormats, OfTheFirstConfigMayLackNewKeysAlone) {
  const fs::path run = unpacked("format1");
  replace(run / "config.toml", "hidden = 4\n", "");
  EXPECT_EQ(evaluated(run).code, kUsage);
}

TEST_F(RunFormats, ThatAreToComeAreRefusedByNameAndNumber) {
  struct Mark {
    const char *file, *format;
    int newest;
  };
  for (const auto& [file, format, newest] : {Mark{"config.toml", "equipoise config", 5},
                                             {"preprocess.json", "equipoise preprocessing", 5},
                                             {"run.json", "equipoise run", 3},
                                             {"model.safetensors", "equipoise model", 2}}) {
    const fs::path run = unpacked("format2");
    replace(run / file, fmt::format("{} 2", format), fmt::format("{} {}", format, newest + 1));
    const testing::Finished f = evaluated(run);
    EXPECT_EQ(f.code, kCheckpoint) << f.log;
    EXPECT_CONTAINS(
        f.log, fmt::format("{}: is {} {}, and this version reads numbers up to {}", file, format, newest + 1, newest));
    fs::remove_all(run);
  }
}

}  // namespace
}  // namespace equipoise
