// tests/host/commands/hostile_folder_test.cpp - run folders in which links, pipes and folders bear the names of a run's
// files, runs that were killed before they had begun, and programs without standard streams.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include <filesystem>

#include "engine/files/safetensors.h"
#include "tests/host/commands/asked_run.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;

class HostileFolders : public AskedRun {
 protected:
  /// The run's file under another name, and what stands in its place.
  void replace(const fs::path& file, const char* by) const {
    fs::remove_all(at("aside"));
    if (fs::exists(file)) fs::rename(file, at("aside"));
    else std::ofstream(at("aside")) << "precious\n";
    if (by == std::string("a link")) fs::create_symlink(at("aside"), file);
    if (by == std::string("a pipe")) {
      EXPECT_EQ(::mkfifo(file.c_str(), 0600), 0) << file;
    }
    if (by == std::string("a folder")) fs::create_directory(file);
  }
  void put_back(const fs::path& file) const {
    fs::remove_all(file);
    fs::rename(at("aside"), file);
  }
};

TEST_F(HostileFolders, AreNotReadThroughLinksPipesAndFolders) {
  train("r", {"train.epochs=3"});
  for (const char* name : {"config.toml", "preprocess.json", "split.csv", "metrics.jsonl", "model.safetensors",
                           "last.safetensors", "predictions.csv", "run.json", ".lock"})
    for (const char* by : {"a link", "a pipe", "a folder"}) {
      replace(at("r") / name, by);
      for (const std::vector<std::string>& arguments : {std::vector<std::string>{"evaluate", "r"},
                                                        {"predict", "r", "--views", "before.csv", "after.csv"},
                                                        {"train", "--resume", "--out", "r"}})
        expect_refused(kFileSystem, arguments,
                       {fmt::format("r/{}: is {}, but a run folder holds regular files alone", name, by)});
      put_back(at("r") / name);
    }
  said({"evaluate", "r"});
}

TEST_F(HostileFolders, LeadNoRunToFilesOutside) {
  for (const char* name : {".lock", "metrics.jsonl", "run.json", "config.toml"}) {
    home_.write("victim", "precious\n");
    fs::create_directory(at("r"));
    fs::create_symlink(at("victim"), at("r") / name);
    expect_refused(kFileSystem, train_arguments("c.toml", "r", {}), {fmt::format("r/{}: is a link", name)});
    EXPECT_EQ(content_of(at("victim")), "precious\n") << name;
    fs::remove_all(at("r"));
  }
}

TEST_F(HostileFolders, OfEditedModelsAreRefusedByTheModelsFile) {
  train("r", {"train.epochs=2"});
  const TensorFile whole = read_safetensors(at("r/model.safetensors"));
  for (const auto& [key, value] :
       {std::pair{"balance_at", "nowhere"}, std::pair{"gradnorm_over", "fc9.weight"}, std::pair{"variant", "other"},
        std::pair{"system", "none"}, std::pair{"shared", "-1"}}) {
    TensorFile edited = whole;
    ASSERT_TRUE(edited.metadata.contains(key)) << key;
    edited.metadata[key] = value;
    write_safetensors(at("r/model.safetensors"), edited);
    expect_refused(kCheckpoint, {"evaluate", "r"}, {"r/model.safetensors: "});
  }
}

TEST_F(HostileFolders, WhoseNamesAreNotUtf8AreRefusedBeforeTheyAreTrainedIn) {
  const fs::path folder = at("odd\xFF");
  fs::create_directory(folder);
  for (const char* name : {"c.toml", "before.csv", "after.csv", "outcome.csv"}) fs::copy(at(name), folder / name);
  expect_refused(kUsage, train_arguments((folder / "c.toml").string(), "r", {}),
                 {"data.views", "lies in a folder whose name is not UTF-8"});
  EXPECT_FALSE(fs::exists(at("r")));
}

TEST_F(HostileFolders, HaveNothingToLoseWhileTheirTablesAreWaitedFor) {
  fs::remove(at("before.csv"));
  ASSERT_EQ(::mkfifo(at("before.csv").c_str(), 0600), 0);
  Process waits(EQUIPOISE_PROGRAM, home_.path(), train_arguments("c.toml", "r", {}));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // it opens the pipe, to which nobody writes
  waits.send(SIGTERM);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  waits.send(SIGINT);  // ends what goes on waiting
  EXPECT_EQ(waits.finish().code, 128 + SIGTERM);
  EXPECT_FALSE(fs::exists(at("r")));
}

TEST_F(HostileFolders, WithoutAConfigHaveNotBegunWhateverElseIsThere) {
  train("whole", {"train.epochs=4"});
  train("r", {"train.epochs=4"});
  for (const char* name : {"config.toml", "model.safetensors", "last.safetensors", "predictions.csv"})
    fs::remove(at("r") / name);
  std::string summary = content_of(at("r/run.json"));
  for (const auto& [from, to] : {std::pair{"\"status\": \"finished\"", "\"status\": \"running\""},
                                 std::pair{"\"epochs\": 4", "\"epochs\": 0"}}) {
    ASSERT_NE(summary.find(from), std::string::npos);
    summary.replace(summary.find(from), std::string(from).size(), to);
  }
  const std::string metrics = content_of(at("r/metrics.jsonl"));
  // Written first to last: run.json, preprocess.json, split.csv; then the config would have come.
  for (const char* lost : {"", "split.csv", "preprocess.json"}) {
    home_.write("r/run.json", summary);
    home_.write("r/metrics.jsonl", metrics.substr(0, metrics.find('\n') + 1));
    if (lost != std::string()) fs::remove(at("r") / lost);
    expect_refused(kUsage, {"train", "--resume", "--out", "r"}, {"r: holds no run"});
    train("r", {"train.epochs=4"});
    EXPECT_EQ(content_of(at("r/predictions.csv")), content_of(at("whole/predictions.csv"))) << lost;
    EXPECT_EQ(this->summary("r")["hash"], this->summary("whole")["hash"]);
    for (const char* name :
         {"config.toml", "model.safetensors", "last.safetensors", "last.previous.safetensors", "predictions.csv"})
      fs::remove(at("r") / name);
    if (lost == std::string("split.csv")) fs::remove(at("r/split.csv"));
  }
  home_.write("other/run.json", "{\"mine\": 1}");
  fs::create_directory(at("other"));
  home_.write("other/run.json", "{\"mine\": 1}");
  expect_refused(kFileSystem, train_arguments("c.toml", "other", {}), {"other: holds run.json already"});
}

TEST_F(HostileFolders, AreNotMadeByClosedStandardStreams) {
  train("whole", {"train.epochs=3"});
  const std::string command =
      fmt::format("exec {} train c.toml --device cpu --out r --set train.epochs=3 <&- >&- 2>&-", EQUIPOISE_PROGRAM);
  run_program("/bin/sh", home_.path(), {"-c", command});
  for (const char* name : {"predictions.csv", "split.csv", "preprocess.json", "config.toml"})
    EXPECT_EQ(content_of(at("r") / name), content_of(at("whole") / name)) << name;
  EXPECT_EQ(summary("r")["hash"], summary("whole")["hash"]);
  EXPECT_EQ(metrics("r").size(), 3u);
  EXPECT_TRUE(content_of(at("r/.lock")).starts_with("pid ")) << content_of(at("r/.lock"));
}

TEST_F(HostileFolders, SayThatARunFailedBehindItsLastEpoch) {
  std::string tables[3];
  for (const int view_number : {0, 1}) tables[view_number] = view(view_number, 0, 3000);
  home_.write("before.csv", tables[0]);
  home_.write("after.csv", tables[1]);
  home_.write("outcome.csv", outcome(0, 3000));
  // Predictions of 3000 patients are larger than anything else that a run of so small a network writes.
  const std::string command = fmt::format(
      "trap '' XFSZ; ulimit -f 160; exec {} train c.toml --device cpu --out r --set train.epochs=2", EQUIPOISE_PROGRAM);
  const Finished f = run_program("/bin/sh", home_.path(), {"-c", command});
  EXPECT_EQ(f.code, kFileSystem) << f.log;
  EXPECT_CONTAINS(f.log, "r/predictions.csv: cannot write");
  EXPECT_EQ(summary("r")["status"], "failed");
  EXPECT_CONTAINS(summary("r")["finish_reason"].get<std::string>(), "r/predictions.csv: cannot write");
  said({"train", "--resume", "--out", "r", "--device", "cpu"});
  EXPECT_EQ(summary("r")["status"], "finished");
  train("whole", {"train.epochs=2"});
  EXPECT_EQ(summary("r")["hash"], summary("whole")["hash"]);
}

}  // namespace
}  // namespace equipoise::testing
