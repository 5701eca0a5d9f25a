// tests/host/study/study_places_test.cpp - a study is the same over threads, parts, processes and stops, and wherever
// it lies.
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "host/study/study_record.h"
#include "kernels/run/device.h"
#include "tests/host/study/study_fixture.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;

TEST_F(Study, IsFoundWhereItWasMovedWithItsTables) {
  said(study("s", {"--part", "1/2"}));
  fs::create_directory(at("elsewhere"));
  for (const char* name : {"features.csv", "outcome.csv", "s"}) fs::rename(at(name), at("elsewhere") / name);
  home_.write("elsewhere/c.toml", kSmallMldrl);
  said({"cross-validate", "elsewhere/c.toml", "--device", "cpu", "--out", "t", "--folds", "3", "--repeats", "2",
        "--seeds", "2", "--grid", "optimizer.lr=1e-3,1e-2", "--part", "2/2"});
  said({"study", "merge", "elsewhere/s", "t", "--out", "whole", "--device", "cpu"});
  fs::rename(at("elsewhere") / "features.csv", at("features.csv"));
  expect_refused(kData, {"member", "whole", "3", "--out", "m", "--device", "cpu"}, {"features.csv"});
  fs::copy_file(at("elsewhere") / "outcome.csv", at("outcome.csv"));
  said({"member", "whole", "3", "--out", "m", "--device", "cpu", "--data-root", "."});
}

TEST_F(Study, IsTheSameOverThreadsAndParts) {
  said(study("one", {"--threads", "1"}));
  said(study("three", {"--threads", "3"}));
  expect_same_results("one", "three");
  EXPECT_CONTAINS(said(study("p1", {"--part", "1/3"})), "part 1/3 is trained");
  said(study("p2", {"--part", "2/3"}));
  said(study("p3", {"--part", "3/3"}));
  expect_refused(kUsage, {"study", "merge", "p1", "p2", "--out", "m"}, {"part 3/3 is missing"});
  expect_refused(kUsage, {"study", "merge", "p1", "p2", "p2", "--out", "m"}, {"named twice"});
  said({"study", "merge", "p3", "p1", "p2", "--out", "merged", "--device", "cpu"});
  expect_same_results("one", "merged");
}

TEST_F(Study, BeginsNothingOnDevicesThatMakeNoSense) {
  const auto on = [](const std::string& device) {
    return std::vector<std::string>{"cross-validate", "c.toml", "--out", "s", "--device", device};
  };
  const auto refuse = [&](int code, const std::string& device, const std::string& sentence) {
    expect_refused(code, on(device), {"--device '" + device + "'", sentence});
    EXPECT_FALSE(fs::exists(at("s"))) << device;
  };
  refuse(kUsage, "cpu,cuda:0", "cpu stands alone; a list names GPUs, as cuda:0,cuda:2");
  refuse(kUsage, "cuda:0,cuda:0", "cuda:0 is named twice");
  refuse(kUsage, "cuda:0,1", "'1' is no GPU");
  refuse(kUsage, "cuda:al", "did you mean 'cuda:all'?");
  expect_refused(kDevice, on("cuda:0,cuda:99"), {"cuda:"});
  EXPECT_FALSE(fs::exists(at("s")));
  if (device_report(false).devices.empty()) expect_refused(kDevice, on("cuda:all"), {"cuda:all: ", "use --device cpu"});
  EXPECT_FALSE(fs::exists(at("s")));
  for (const char* several : {"cuda:all", "cuda:0,cuda:1"})
    expect_refused(kUsage, {"train", "c.toml", "--out", "r", "--device", several},
                   {"runs one model at a time", "name one, as cuda:0"});
  EXPECT_CONTAINS(said({"cross-validate", "--help"}), "cuda:all");
  EXPECT_CONTAINS(said({"sweep", "--help"}), "cuda:all");
  EXPECT_EQ(said({"train", "--help"}).find("cuda:all"), std::string::npos);
}

TEST_F(Study, HasPartsThatShareNoMember) {
  for (const int of : {1, 2, 3, 8})
    for (int member = 1; member <= 24; ++member) {
      int takers = 0;
      for (int index = 1; index <= of; ++index) takers += StudyPart{index, of}.takes(member);
      EXPECT_EQ(takers, 1) << member << " of parts " << of;
    }
}

TEST_F(Study, SlurmsScriptTrainsPartsAndMergesThem) {
  said(study("whole"));
  const std::string script = std::string("cd ") + home_.path().string() + " && EQUIPOISE=" + EQUIPOISE_PROGRAM;
  const std::string tool = " " EQUIPOISE_SOURCE_DIR "/tools/slurm-study ";
  const std::string options = " --device cpu --folds 3 --repeats 2 --seeds 2 --grid optimizer.lr=1e-3,1e-2";
  const auto shell = [](const std::string& command) { return std::system((command + " > out 2> log").c_str()); };
  EXPECT_NE(shell(script + tool + "2 c.toml parts"), 0) << "no job of an array";
  for (const char* job : {"1", "2", "2"})  // the second once more, as one that is submitted again
    EXPECT_EQ(shell(script + " SLURM_ARRAY_TASK_ID=" + job + tool + "2 c.toml parts" + options), 0)
        << content_of(at("log"));
  EXPECT_EQ(shell(script + tool + "--merge parts"), 0) << content_of(at("log"));
  expect_same_results("whole", "parts");
}

TEST_F(Study, ProcessesThatWereStartedTogetherTrainOneStudy) {
  said(study("whole"));
  using Names = std::pair<std::string, std::string>;
  for (const Names& names :
       {Names{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}, Names{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}})
    for (const int ranks : {1, 2, 4}) {
      const std::string out = names.first + std::to_string(ranks);
      std::vector<std::unique_ptr<Process>> others;
      const auto place = [&](int r) {
        const fs::path folder = at(out + "-rank" + std::to_string(r));  // of its output
        fs::create_directory(folder);
        return folder;
      };
      std::vector<std::string> arguments = study((at(out)).string());
      arguments[1] = at("c.toml").string();
      const auto environment = [&](int r) {
        return std::vector<std::string>{names.first + "=" + std::to_string(r),
                                        names.second + "=" + std::to_string(ranks)};
      };
      for (int r = 1; r < ranks; ++r)
        others.push_back(std::make_unique<Process>(EQUIPOISE_PROGRAM, place(r), arguments, environment(r)));
      const Finished first = run_program(EQUIPOISE_PROGRAM, place(0), arguments, environment(0));
      EXPECT_EQ(first.code, 0) << first.log;
      EXPECT_CONTAINS(first.out, "24 members, 0 failed");
      for (const auto& other : others) {
        const Finished f = other->finish();
        EXPECT_EQ(f.code, 0) << f.log;
        EXPECT_EQ(f.out, "");
      }
      expect_same_results("whole", out);
      EXPECT_FALSE(fs::exists(at(out + "-part-1-of-" + std::to_string(ranks))));
    }
  EXPECT_CONTAINS(run(study("none"), {"PMI_RANK=3", "PMI_SIZE=2"}).log, "PMI_RANK=3 of PMI_SIZE=2: is no rank");
}

TEST_F(Study, StoppedAndGoneOnWithIsTheSame) {
  const std::vector<std::string> longer = {"--set", "train.epochs=" + std::to_string(to_be_caught(600)), "--set",
                                           "train.patience=0"};
  said(study("whole", longer));
  int stops = 0;
  std::vector<std::string> arguments = study("pieces", longer);
  for (int code = kStopped; code == kStopped;) {
    Process process(EQUIPOISE_PROGRAM, home_.path(), arguments);
    // It catches signals from before it says that it runs.
    const auto runs = [&] {
      const fs::path record = at("pieces") / "study.json";
      return fs::exists(record) && content_of(record).find("\"status\": \"running\"") != std::string::npos;
    };
    for (int poll = 0; poll < 10000 && !runs(); ++poll) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + 150 * stops));
    if (stops < 4) process.send(SIGTERM);
    const Finished f = process.finish();
    code = f.code;
    ASSERT_TRUE(code == 0 || code == kStopped) << f.log;
    if (code == kStopped) {
      EXPECT_CONTAINS(f.log, "resume with: equipoise cross-validate --resume --out pieces");
      EXPECT_TRUE(fs::exists(at("pieces") / "progress" / "running-0000001.safetensors"));
      ++stops;
    }
    arguments = {"cross-validate", "--resume", "--device", "cpu", "--out", "pieces"};
  }
  EXPECT_GE(stops, 1) << "the study ended before it could be stopped";
  expect_same_results("whole", "pieces");
  EXPECT_FALSE(fs::exists(at("pieces") / "progress"));
}

TEST_F(Study, AMemberBecomesARunThatIsTheSame) {
  said(study("s"));
  said({"member", "s", "7", "--out", "run", "--device", "cpu"});
  const TensorFile alone = read_safetensors(at("run") / "model.safetensors");
  for (const auto& [name, tensor] : alone.tensors) EXPECT_EQ(of_member("s", 7, name), tensor.to_floats()) << name;
  EXPECT_EQ(summary("run")["status"], "finished");
  expect_refused(kUsage, {"member", "s", "25", "--out", "r2"}, {"members 1 to 24", "members.csv"});
}

TEST_F(Study, SaysWhatItWouldDo) {
  const std::string told = said(study("s", {"--dry-run"}));
  EXPECT_CONTAINS(told, "24 members on CPU");
  EXPECT_CONTAINS(told, "settings 2, splits 6, seeds 2");
  EXPECT_FALSE(fs::exists(at("s")));
}

TEST_F(Study, RefusesFilesOfAnotherStudy) {
  said(study("s"));
  said(study("t", {"--set", "data.seed=2"}));
  const std::vector<std::string> ask = {"predict", "s", "--views", "features.csv", "--device", "cpu"};
  for (const char* file : {"preprocess.jsonl", "members.safetensors", "splits.csv", "config.toml", "study.json"}) {
    fs::copy_file(at("s") / file, at("kept"), fs::copy_options::overwrite_existing);
    fs::copy_file(at("t") / file, at("s") / file, fs::copy_options::overwrite_existing);
    expect_refused(kCheckpoint, ask, {"s"});
    fs::copy_file(at("kept"), at("s") / file, fs::copy_options::overwrite_existing);
  }
  std::string fits = content_of(at("s") / "preprocess.jsonl");
  const std::size_t digit = fits.find("\"mean\":[") + 9;
  fits[digit] = fits[digit] == '1' ? '2' : '1';
  std::ofstream(at("s") / "preprocess.jsonl", std::ios::binary) << fits;
  expect_refused(kCheckpoint, ask, {"preprocess.jsonl: is not as the study wrote it"});
}

TEST_F(Study, TakesNoPartOfAnotherStudy) {
  said(study("p1", {"--part", "1/2"}));
  said(study("p2", {"--part", "2/2"}));
  said(study("q2", {"--part", "2/2", "--set", "optimizer.beta1=0.5"}));
  expect_refused(kUsage, {"study", "merge", "p1", "q2", "--out", "m"}, {"a part of another study"});
  for (const auto& entry : fs::directory_iterator(at("q2") / "progress"))
    fs::copy_file(entry.path(), at("p2") / "progress" / entry.path().filename(), fs::copy_options::overwrite_existing);
  said(study("whole"));
  const Finished merged = run({"study", "merge", "p1", "p2", "--out", "m", "--device", "cpu"});
  EXPECT_CONTAINS(merged.log, "is of another study; its members are trained again");
  expect_same_results("whole", "m");
  expect_refused(kCheckpoint, {"predict", "p1", "--views", "features.csv"}, {"part 1/2", "study merge"});
}

TEST_F(Study, LeavesNothingWhereTheFoldsAreWrong) {
  home_.write("folds.csv", "id,fold\np100,1\np101,2\np999,1\n");
  expect_refused(kData, {"cross-validate", "c.toml", "--out", "s", "--device", "cpu", "--set", "data.split=folds.csv"},
                 {"folds.csv:4:1"});
  EXPECT_FALSE(fs::exists(at("s")));
  expect_refused(kUsage,
                 {"cross-validate", "c.toml", "--out", "s", "--device", "cpu", "--set", "data.split=folds.csv", "--set",
                  "data.fold=1"},
                 {"data.fold"});
}

TEST_F(Study, RefusesToCompareWhereNothingValidates) {
  expect_refused(kUsage, study("s", {"--set", "data.validation=0"}), {"no inner row validates", "--inner-folds"});
  said(study("i", {"--set", "data.validation=0", "--inner-folds", "2"}));
}

TEST_F(Study, RefusesWhatCannotBe) {
  expect_refused(kUsage, {"cross-validate"}, {"no config is given"});
  expect_refused(kUsage, study("s", {"--part", "3/2"}), {"--part 3/2"});
  expect_refused(kUsage, {"cross-validate", "--resume", "--out", "none"}, {"holds no study"});
  expect_refused(kUsage, study("s", {"--grid", "optimizer.beta1=0.9,0.9"}), {"come to the same config"});
  said(study("s"));
  expect_refused(kUsage, {"generate", "s"}, {"is a study", "equipoise member s"});
  expect_refused(kUsage, {"train", "--resume", "--out", "s"}, {"equipoise member"});
  expect_refused(kFileSystem, study("s"), {"holds a study already", "--resume"});
  expect_refused(kUsage, {"sweep", "--resume", "--out", "s"}, {"equipoise cross-validate"});
  expect_refused(kUsage, {"cross-validate", "--resume", "--out", "s", "--set", "train.epochs=3"},
                 {"keeps its settings"});
}

}  // namespace
}  // namespace equipoise::testing
