// tests/host/run/run_folder_test.cpp - a run folder is found whole after every kind of end.
#include "host/run/run_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <set>

#include "engine/files/format.h"
#include "engine/train/metrics.h"
#include "host/run/run_config.h"
#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/run_program.h"
#include "tests/host/run/metric_lines.h"

namespace equipoise {
namespace {

using testing::kPbcseq;
using testing::refusal;
using testing::TemporaryFolder;

TensorFile numbered(float number) {
  TensorFile file;
  file.tensors["number"] = StoredTensor::from_floats({1}, std::vector<float>{number});
  return file;
}

/// Of a run that has not ended its first epoch.
constexpr const char* kAccount =
    R"({"format": "equipoise run 3", "status": "running", "finish_reason": "", "started": "", "resumed": 0, "epochs": 0,
        "data": {"sha256": "", "files": []}})";

class RunFolders : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return home_.path() / "run"; }

  /// A run of so many epochs, with a checkpoint after some of them.
  RunFolder begun(int epochs, const std::set<int>& checkpoints = {}) {
    RunFolder folder = RunFolder::create(path());
    write_file_atomically(path() / run_file::kConfig, std::string_view("begun"));
    write_file_atomically(path() / run_file::kPreprocess, std::string_view("{}"));
    write_file_atomically(path() / run_file::kSummary, std::string_view(kAccount));
    for (int i = 1; i <= epochs; ++i) {
      folder.append_metrics("{\"epoch\":" + std::to_string(i) + "}", 1.5);
      if (checkpoints.contains(i)) folder.write_checkpoint(numbered(static_cast<float>(i)));
    }
    return folder;
  }

  /// The run of five epochs with checkpoints after 2 and 4, after `from` became `to` in its metrics.
  RunFolder edited(const std::string& from, const std::string& to) {
    begun(5, {2, 4});
    std::string text = read_text(path() / run_file::kMetrics);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, text.npos);
    write_file_atomically(path() / run_file::kMetrics, text.replace(at, from.size(), to));
    return RunFolder::open(path());
  }

  /// Resumes; a checkpoint's number is its epoch. Returns that epoch, or -1 where there was no checkpoint.
  int resume(RunFolder& folder) {
    int epoch = -1;
    notices_.clear();
    const bool found = folder.resume(
        [&](const TensorFile& file) { return epoch = static_cast<int>(file.at("number").to_floats()[0]); },
        [&](const std::string& notice) { notices_.push_back(notice); });
    EXPECT_EQ(found, epoch >= 0);
    return epoch;
  }

  TemporaryFolder home_;
  std::vector<std::string> notices_;
};

TEST_F(RunFolders, KeepTheTwoNewestCheckpoints) {
  RunFolder folder = begun(3);
  for (const float number : {1.0f, 2.0f, 3.0f}) folder.write_checkpoint(numbered(number));
  EXPECT_EQ(read_safetensors(path() / run_file::kLast).tensors, numbered(3).tensors);
  EXPECT_EQ(read_safetensors(path() / run_file::kPrevious).tensors, numbered(2).tensors);
}

TEST_F(RunFolders, GoOnFromTheNewestCheckpointAndCutTheMetricsToIt) {
  RunFolder folder = begun(5, {2, 3});
  EXPECT_EQ(resume(folder), 3);
  EXPECT_TRUE(notices_.empty());
  EXPECT_EQ(testing::metrics_without_times(folder),
            (std::vector<std::string>{"{\"epoch\":1}", "{\"epoch\":2}", "{\"epoch\":3}"}));
}

TEST_F(RunFolders, GoOnFromTheCheckpointBeforeWhenTheNewestIsBadOrGone) {
  RunFolder folder = begun(5, {2, 3});
  std::ofstream(path() / run_file::kLast) << "not a checkpoint";
  EXPECT_EQ(resume(folder), 2);
  ASSERT_EQ(notices_.size(), 2u);
  EXPECT_CONTAINS(notices_[1], "going on from");
  std::filesystem::remove(path() / run_file::kLast);  // as between the two steps of writing a checkpoint
  EXPECT_EQ(resume(folder), 2);
}

TEST_F(RunFolders, PassOverNoCheckpointForAnyOtherError) {
  RunFolder folder = begun(3, {2, 3});
  const auto notice = [](const std::string& sentence) { ADD_FAILURE() << sentence; };
  for (const ExitCode code : {ExitCode::data, ExitCode::file_system, ExitCode::device, ExitCode::numerics}) {
    int asked = 0;
    const auto fail = [&](const TensorFile&) -> int {
      ++asked;
      throw Error(code, "what has nothing to do with the checkpoint");
    };
    EXPECT_CONTAINS(refusal(code, [&] { folder.resume(fail, notice); }), "nothing to do with the checkpoint");
    EXPECT_EQ(asked, 1);
  }
  EXPECT_EQ(testing::metrics_without_times(folder).size(), 3u);
  const auto unread = [](const TensorFile&) -> int { throw UnreadFormat("of another version"); };
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { folder.resume(unread, notice); }), "of another version");
}

TEST_F(RunFolders, HaveNoConfigBeforeEverythingElseThatARunBeginsWith) {
  const Config config = load_config(home_.write("c.toml", testing::demo_config(kPbcseq)));
  const PreparedData prepared = prepare_data(config);
  for (const char* name : {run_file::kSummary, run_file::kPreprocess, run_file::kSplit}) {
    const std::filesystem::path one = home_.path() / "cut short at" / name;
    const RunFolder folder = RunFolder::create(one);
    std::filesystem::create_directories(one / name / "in the way");  // no file can take its place
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { folder.begin(config, prepared, "{}"); }), name);
    EXPECT_FALSE(std::filesystem::exists(one / run_file::kConfig)) << name;
    EXPECT_FALSE(holds_run(one)) << name;
  }
  const RunFolder whole = RunFolder::create(path());
  whole.begin(config, prepared, "{}");
  EXPECT_TRUE(holds_run(path()));
}

TEST_F(RunFolders, RefuseToGoOnWhenEveryCheckpointIsBad) {
  RunFolder folder = begun(1);
  std::ofstream(path() / run_file::kLast) << "bad";
  std::ofstream(path() / run_file::kPrevious) << "bad too";
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { resume(folder); }), run_file::kLast);
}

TEST_F(RunFolders, PassOverACheckpointThatIsAheadOfTheMetrics) {
  RunFolder folder = begun(2, {1});
  folder.write_checkpoint(numbered(4));
  EXPECT_EQ((resume(folder), testing::metrics_without_times(folder).size()), 1u);
}

TEST_F(RunFolders, GoOnFromTheCheckpointBeforeWhenALineSinceWasChanged) {
  RunFolder folder = edited("{\"epoch\":3,", "{\"epoch\":33,");
  EXPECT_EQ(resume(folder), 2);
  ASSERT_EQ(notices_.size(), 2u);
  EXPECT_CONTAINS(notices_[0], "metrics.jsonl: its first 4 epochs are not those that ");
  EXPECT_EQ(testing::metrics_without_times(folder).size(), 2u);
  // What is written from there on is held against the lines that were kept.
  folder.append_metrics("{\"epoch\":3}", 2);
  folder.write_checkpoint(numbered(3));
  EXPECT_EQ(resume(folder), 3);
  EXPECT_TRUE(notices_.empty());
}

TEST_F(RunFolders, RefuseMetricsThatNoCheckpointWasWrittenAfter) {
  RunFolder folder = edited("{\"epoch\":1,", "{\"epoch\":11,");
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { resume(folder); }), "are not those that ");
}

TEST_F(RunFolders, RefuseMetricsWithALineThatIsNone) {
  RunFolder folder = edited("{\"epoch\":2,", "\"epoch\":2,");
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { resume(folder); }), "a line is not a JSON object");
}

TEST_F(RunFolders, TakeMetricsWhoseTimesOrEndAreOthers) {
  {
    RunFolder folder = edited("1.5", "2.5");
    EXPECT_EQ(resume(folder), 4);
  }
  std::filesystem::remove_all(path());
  RunFolder folder = edited("{\"epoch\":5,", "epoch 5");  // is cut off, being after the checkpoint
  EXPECT_EQ(resume(folder), 4);
}

TEST_F(RunFolders, TakeCheckpointsThatWereToldNoMetrics) {
  RunFolder folder = edited("{\"epoch\":1,", "{\"epoch\":11,");
  write_safetensors(path() / run_file::kLast, numbered(4));
  EXPECT_EQ(resume(folder), 4);
}

TEST_F(RunFolders, StartOverWithoutACheckpoint) {
  RunFolder folder = begun(2);
  EXPECT_EQ(resume(folder), -1);
  EXPECT_TRUE(testing::metrics_without_times(folder).empty());
}

TEST_F(RunFolders, AreMadeOnceAndOwnedByOne) {
  {
    const RunFolder folder = begun(0);
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { RunFolder::open(path()); }), "in use by another process");
  }
  EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { RunFolder::create(path()); }), "--resume");
  RunFolder::open(path());
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { RunFolder::open(home_.path() / "none"); }), "holds no run");
  home_.write("file", "");
  EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { RunFolder::create(home_.path() / "file"); }), "another --out");
}

TEST_F(RunFolders, ThatNeverBeganMayBeBegunAfresh) {
  std::filesystem::create_directories(path());
  // As a run leaves it that is killed before its config is written, after one file more each time.
  const std::string format = format_line() + "\n";
  for (const std::string& metrics : {std::string(), format.substr(0, 5), format}) {
    write_file_atomically(path() / run_file::kMetrics, metrics);
    EXPECT_TRUE(testing::metrics_without_times(RunFolder::create(path())).empty());
  }
  for (const auto& [name, content] : {std::pair{run_file::kSummary, kAccount},
                                      {run_file::kPreprocess, "{}"},
                                      {run_file::kSplit, "id,repeat,fold\n"}}) {
    write_file_atomically(path() / name, std::string_view(content));
    EXPECT_TRUE(testing::metrics_without_times(RunFolder::create(path())).empty()) << name;
  }
}

TEST_F(RunFolders, ThatHoldFilesOfSomebodyAreLeftAsTheyAre) {
  // Names of a run's files, but no run: its account is missing, or is that of a run that went on.
  for (const auto& [name, content] : std::initializer_list<std::pair<const char*, std::string>>{
           {run_file::kSplit, "id,repeat,fold\np1,1,train\n"},
           {run_file::kPreprocess, "{}"},
           {run_file::kMetrics, "mine"},
           {run_file::kMetrics, format_line() + "\n{\"epoch\":1}\n"},
           {run_file::kSummary, "{}"},
           {RunLock::kName, "a lock of mine"},
           {"thesis.tex", "x"}}) {
    std::filesystem::create_directories(path());
    write_file_atomically(path() / name, std::string_view(content));
    refusal(ExitCode::file_system, [&] { RunFolder::create(path()); });
    EXPECT_EQ(read_text(path() / name), content);
    const auto files =
        std::distance(std::filesystem::directory_iterator(path()), std::filesystem::directory_iterator());
    EXPECT_EQ(files, 1) << "beside " << name;
    std::filesystem::remove_all(path());
  }
}

TEST_F(RunFolders, AreNotWrittenToOnceTheyWereMovedAndAnotherRunTookTheName) {
  RunFolder folder = begun(2, {1});
  std::filesystem::rename(path(), home_.path() / "moved");
  const auto refused = [&] {
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { folder.write_checkpoint(numbered(2)); }),
                    "run: was moved or removed while it was in use");
    refusal(ExitCode::file_system, [&] { folder.write_model(numbered(2)); });
    refusal(ExitCode::file_system, [&] { (void)folder.place(run_file::kSummary); });
  };
  refused();
  const RunFolder other = RunFolder::create(path());
  refused();
  EXPECT_FALSE(std::filesystem::exists(path() / run_file::kLast) || std::filesystem::exists(path() / run_file::kModel));
  EXPECT_EQ(read_safetensors(home_.path() / "moved" / run_file::kLast).tensors, numbered(1).tensors);
}

TEST_F(RunFolders, WhoseCheckpointsAreGoneDoNotStartOver) {
  RunFolder folder = begun(2);
  folder.write_model(numbered(2));
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { resume(folder); }), "last.safetensors: is missing, and the run");
  std::filesystem::remove(path() / run_file::kModel);
  const auto account_of = [](const std::string& status) {
    std::string account = kAccount;
    return account.replace(account.find("running"), 7, status);
  };
  for (const char* status : {"finished", "stopped"}) {
    write_file_atomically(path() / run_file::kSummary, account_of(status));
    EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { resume(folder); }),
                    "last.safetensors: is missing, and the run");
    EXPECT_EQ(testing::metrics_without_times(folder).size(), 2u);
  }
  write_file_atomically(path() / run_file::kSummary, account_of("failed"));  // on a full disk, perhaps
  EXPECT_EQ(resume(folder), -1);
}

TEST_F(RunFolders, AreNotWrittenThroughHardLinks) {
  begun(2, {1});
  home_.write("victim", "precious");
  for (const char* name : {run_file::kMetrics, RunLock::kName}) {
    std::filesystem::rename(path() / name, home_.path() / "kept");
    std::filesystem::create_hard_link(home_.path() / "victim", path() / name);
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { RunFolder::open(path()); }), "(a hard link)");
    EXPECT_EQ(read_text(home_.path() / "victim"), "precious");
    std::filesystem::rename(home_.path() / "kept", path() / name);
  }
  RunFolder::open(path());
}

TEST_F(RunFolders, ThatAreNotNamedTakeANewNameEach) {
  std::filesystem::current_path(home_.path());
  const std::filesystem::path first = default_run_folder("dir/c.toml");
  EXPECT_TRUE(first.string().starts_with("runs/c-2")) << first;
  std::filesystem::create_directories(first);
  const std::filesystem::path second = default_run_folder("dir/c.toml");
  EXPECT_NE(first, second);
  EXPECT_FALSE(std::filesystem::exists(second));
  std::filesystem::current_path("/");
}

TEST_F(RunFolders, GiveModelsThatBelongToTheirPreprocessing) {
  const RunFolder folder = begun(1);
  folder.write_model(numbered(1));
  const TensorFile model = read_safetensors(path() / run_file::kModel);
  expect_same_run(model, "{}", path());
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { expect_same_run(model, "{ }", path()); }),
                  "model.safetensors: was not trained with " + path().string() + "/preprocess.json as it is now");
  expect_same_run(numbered(1), "{ }", path());  // of before
}

TEST_F(RunFolders, AreRidOfWhatAKilledProcessLeftHalfWritten) {
  begun(0);
  for (const char* name : {".equipoise-123-0.tmp", "notes.tmp"}) std::ofstream(path() / name) << "half";
  RunFolder::open(path());
  EXPECT_FALSE(std::filesystem::exists(path() / ".equipoise-123-0.tmp"));
  EXPECT_TRUE(std::filesystem::exists(path() / "notes.tmp"));
}

TEST_F(RunFolders, GiveTheirConfigBackOnlyAsItWasWritten) {
  std::filesystem::create_directories(path());
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { read_run_config(path()); }), "holds no run");
  const Config config = load_config(home_.write("c.toml", testing::demo_config(kPbcseq)));
  const auto store = [&](const std::string& text) {
    write_file_atomically(path() / run_file::kConfig,
                          std::string_view("# " + mark(file_format::kConfig) + "\n" + text));
  };
  store(to_toml(config));
  EXPECT_EQ(read_run_config(path()), config);
  setenv("EQUIPOISE_SET", "train.epochs=99", 1);
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { read_run_config(path()); }), "EQUIPOISE_SET");
  unsetenv("EQUIPOISE_SET");
  store(to_toml(config) + "# a remark\n");
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { read_run_config(path()); }), "not as the run wrote it");
}

TEST(DefaultRunFolder, IsNamedByTheConfigAndTheTime) {
  const std::string name = default_run_folder("some/where/liver.toml").string();
  EXPECT_TRUE(name.starts_with("runs/liver-20")) << name;
  EXPECT_EQ(name.size(), std::string("runs/liver-YYYYmmdd-HHMMSS").size()) << name;
}

}  // namespace
}  // namespace equipoise
