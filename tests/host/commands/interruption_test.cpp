// tests/host/commands/interruption_test.cpp - the built program stopped, killed and gone on with, as clusters do.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/run_program.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kEpochs = to_be_caught(1500);
const std::string kEpochsSetting = "train.epochs=" + std::to_string(kEpochs);

/// A training long enough to be caught in the middle.
class Interruption : public ::testing::Test {
 protected:
  Interruption() { home_.write("c.toml", demo_config(kPbcseq)); }

  fs::path at(const std::string& name) const { return home_.path() / name; }
  std::vector<std::string> train(const std::string& folder) const {
    return {"train", "c.toml", "--set", kEpochsSetting, "--device", "cpu", "--out", folder};
  }
  std::vector<std::string> resume(const std::string& folder) const {
    return {"train", "--resume", "--device", "cpu", "--out", folder};
  }
  std::string hash(const std::string& folder) const {
    return nlohmann::json::parse(content_of(at(folder) / "run.json"))["hash"];
  }
  long lines(const std::string& folder) const {
    const std::string text = content_of(at(folder) / "metrics.jsonl");
    return std::count(text.begin(), text.end(), '\n');
  }
  /// Starts the program and sends `signal` once the run has `more` metrics lines more.
  Finished interrupt(const std::vector<std::string>& arguments, const std::string& folder, int signal, long more = 20) {
    const long wanted = lines(folder) + more;
    Process process(EQUIPOISE_PROGRAM, home_.path(), arguments);
    EXPECT_TRUE(process.wait_for_lines(at(folder) / "metrics.jsonl", wanted)) << "the training ended too early";
    process.send(signal);
    return process.finish();
  }

  TemporaryFolder home_;
};

TEST_F(Interruption, BySignalsAndByKillingChangesNoBit) {
  ASSERT_EQ(run_program(EQUIPOISE_PROGRAM, home_.path(), train("whole")).code, 0);

  const Finished stopped = interrupt(train("pieces"), "pieces", SIGTERM);
  EXPECT_EQ(stopped.code, kStopped) << stopped.log;
  EXPECT_CONTAINS(stopped.log, "equipoise: stopped by SIGTERM after epoch ");
  EXPECT_CONTAINS(stopped.log, "resume with: equipoise train --resume --out pieces");
  EXPECT_EQ(nlohmann::json::parse(content_of(at("pieces") / "run.json"))["status"], "stopped");

  EXPECT_EQ(interrupt(resume("pieces"), "pieces", SIGINT).code, kStopped);
  // Killed after its last checkpoint: the metrics are ahead of it, and their last line is torn.
  EXPECT_EQ(interrupt(resume("pieces"), "pieces", SIGKILL).code, 128 + SIGKILL);
  std::ofstream(at("pieces") / "metrics.jsonl", std::ios::app) << "{\"epoch\":";
  EXPECT_EQ(interrupt(resume("pieces"), "pieces", SIGUSR1).code, kStopped);

  const Finished last = run_program(EQUIPOISE_PROGRAM, home_.path(), resume("pieces"));
  EXPECT_EQ(last.code, 0) << last.log;
  EXPECT_EQ(hash("pieces"), hash("whole"));
  for (const char* file : {"predictions.csv", "model.safetensors", "last.safetensors", "config.toml", "split.csv"})
    EXPECT_EQ(content_of(at("pieces") / file), content_of(at("whole") / file)) << file;
  EXPECT_EQ(lines("pieces"), 1 + kEpochs) << "the format, then an epoch each";
  for (const auto& entry : fs::directory_iterator(at("pieces")))
    EXPECT_EQ(entry.path().extension().string().find("tmp"), std::string::npos) << entry.path();
}

TEST_F(Interruption, BeforeTheFirstCheckpointStartsOver) {
  EXPECT_EQ(interrupt(train("r"), "r", SIGKILL).code, 128 + SIGKILL);
  fs::remove(at("r") / "last.safetensors");  // in case one was due
  const Finished f = interrupt(resume("r"), "r", SIGTERM, 1);
  EXPECT_CONTAINS(f.log, "no checkpoint was written yet");
}

TEST_F(Interruption, BySecondSignalEndsAtOnce) {
  Process process(EQUIPOISE_PROGRAM, home_.path(), train("r"));
  ASSERT_TRUE(process.wait_for_lines(at("r") / "metrics.jsonl", 5));
  process.send(SIGSTOP);  // so that the first signal cannot be served before the second arrives
  process.send(SIGTERM);
  process.send(SIGINT);
  process.send(SIGCONT);
  const int code = process.finish().code;
  EXPECT_TRUE(code == 128 + SIGINT || code == 128 + SIGTERM) << code;
}

TEST_F(Interruption, OfAFinishedRunHasNothingToDo) {
  auto arguments = train("r");
  arguments[3] = "train.epochs=5";
  ASSERT_EQ(run_program(EQUIPOISE_PROGRAM, home_.path(), arguments).code, 0);
  const std::string before = hash("r"), predictions = content_of(at("r") / "predictions.csv");
  EXPECT_EQ(run_program(EQUIPOISE_PROGRAM, home_.path(), resume("r")).code, 0);
  EXPECT_EQ(hash("r"), before);
  EXPECT_EQ(content_of(at("r") / "predictions.csv"), predictions);
}

TEST_F(Interruption, IsGoneOnWithByTheRunsOwnConfigOnly) {
  EXPECT_EQ(interrupt(train("r"), "r", SIGTERM).code, kStopped);
  auto with_config = train("r");
  with_config.push_back("--resume");
  with_config[3] = "train.epochs=7";
  const Finished other = run_program(EQUIPOISE_PROGRAM, home_.path(), with_config);
  EXPECT_EQ(other.code, 2) << other.log;
  EXPECT_CONTAINS(other.log, "differs from r/config.toml");
  with_config[3] = kEpochsSetting;
  EXPECT_EQ(run_program(EQUIPOISE_PROGRAM, home_.path(), with_config).code, 0);
}

TEST_F(Interruption, OfANewestCheckpointThatIsBrokenFallsBackAndSaysSo) {
  EXPECT_EQ(interrupt(train("r"), "r", SIGTERM).code, kStopped);
  EXPECT_EQ(interrupt(resume("r"), "r", SIGTERM).code, kStopped);
  fs::resize_file(at("r") / "last.safetensors", 4000);
  const Finished f = interrupt(resume("r"), "r", SIGTERM, 1);
  EXPECT_CONTAINS(f.log, "r/last.safetensors");
  EXPECT_CONTAINS(f.log, "going on from r/last.previous.safetensors");
  for (const char* name : {"last.safetensors", "last.previous.safetensors"}) fs::resize_file(at("r") / name, 3000);
  const Finished none = run_program(EQUIPOISE_PROGRAM, home_.path(), resume("r"));
  EXPECT_EQ(none.code, 4) << none.log;
  EXPECT_CONTAINS(none.log, "r/last.safetensors");
}

TEST_F(Interruption, CannotComeFromASecondTrainingInTheSameFolder) {
  Process process(EQUIPOISE_PROGRAM, home_.path(), train("r"));
  ASSERT_TRUE(process.wait_for_lines(at("r") / "metrics.jsonl", 2));
  process.send(SIGSTOP);  // alive, but not to finish before the second comes
  fs::create_directories(at("other"));
  const Finished second = run_program(EQUIPOISE_PROGRAM, at("other"), {"train", "--resume", "--out", at("r").string()});
  EXPECT_EQ(second.code, 5) << second.log;
  EXPECT_CONTAINS(second.log, "in use by another process");
  process.send(SIGCONT);
  process.send(SIGTERM);
  EXPECT_EQ(process.finish().code, kStopped);
}

}  // namespace
}  // namespace equipoise::testing
