// tests/host/commands/strangers_test.cpp - what comes from strangers, or stands where it should not: names that a
// terminal would obey, files of two runs mixed up, tables named as results, and limits of the system.
#include <signal.h>
#include <sys/stat.h>

#include "engine/files/safetensors.h"
#include "tests/host/commands/asked_run.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;

class Strangers : public AskedRun {
 protected:
  /// In a shell, so that limits and ignored signals can be set first.
  Finished shell(const std::string& before, const std::string& arguments) const {
    return run_program("/bin/sh", home_.path(), {"-c", before + "exec '" EQUIPOISE_PROGRAM "' " + arguments});
  }
  void edit(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = content_of(at(file));
    const std::size_t found = text.find(from);
    ASSERT_NE(found, text.npos) << file << " holds no " << from;
    home_.write(file, text.replace(found, from.size(), to));
  }
  /// Files of the folder that no test made.
  std::vector<std::string> leftovers() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(home_.path()))
      if (entry.path().filename().string().starts_with(".equipoise")) names.push_back(entry.path().filename());
    return names;
  }
};

void expect_printable(const std::string& text) {
  for (const char c : text)
    EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') << "in: " << text;
  for (const char* mark : {"\u009b", "\u202e"}) EXPECT_EQ(text.find(mark), text.npos) << "in: " << text;
}

TEST_F(Strangers, NamesAreNothingThatATerminalObeys) {
  std::string table = "id,\"a\x1b[2J\",\"b\u009b31m\",\"c\u202e\",\"\x1b]0;x\a\nAUC 1.0\"\n";
  std::string outcome = "id,label\n";
  for (int row = 0; row < 40; ++row) {
    table += fmt::format("p{},{},{},{},{}\n", row, row % 7, row * row % 11, row % 5, row % 3);
    outcome += fmt::format("p{},\"{}\"\n", row, row % 4 < 2 ? "ca\x1b[5mse\nAUC 0.9999" : "co\rntrol");
  }
  home_.write("t.csv", table);
  home_.write("o.csv", outcome);
  home_.write("e.toml",
              "[data]\nviews = [\"t.csv\", {file = \"t.csv\", columns = \"a*\"}]\noutcome = \"o.csv\"\n"
              "[model]\nkind = \"mldrl\"\n[train]\nepochs = 2\n");
  const Finished trained = run({"train", "e.toml", "--device", "cpu", "--out", "run\x1b[1m"});
  EXPECT_EQ(trained.code, 0) << trained.log;
  const Finished judged = run({"evaluate", "run\x1b[1m"});
  EXPECT_EQ(judged.code, 0) << judged.log;
  const Finished refused = run({"predict", "run\x1b[1m", "--views", "o.csv", "t\x1b[31m\nequipoise: forged.csv"});
  EXPECT_NE(refused.code, 0);
  EXPECT_EQ(std::count(refused.log.begin(), refused.log.end(), '\n'), 1) << refused.log;
  for (const Finished& f : {trained, judged, refused}) {
    expect_printable(f.out);
    expect_printable(f.log);
  }
  EXPECT_EQ(judged.out.find("\nAUC 0.9999"), std::string::npos) << judged.out;
  EXPECT_CONTAINS(judged.out, "co\\x0dntrol");
}

TEST_F(Strangers, ColumnsWriteNoLinesIntoAConfigThatIsChosen) {
  std::string table = "id,y,\"pass,\nsplit = \"\"/etc/passwd\"\"\n[train]\nepochs = 1\n# \"\n";
  for (int row = 0; row < 40; ++row) table += fmt::format("p{},{},{}\n", row, row * 3 % 17, row * 7 % 13);
  home_.write("out\ncome.csv", table);
  const std::string config = said({"init", "towers", "--from", "before.csv", "out\ncome.csv"});
  EXPECT_EQ(config.find("\nsplit"), config.npos) << config;
  EXPECT_EQ(config.find("\nepochs = 1\n"), config.npos) << config;
  EXPECT_EQ(config.find("\ncome"), config.npos) << config;
}

TEST_F(Strangers, LongNamesAreToldShortly) {
  const std::string id(1'000'000, 'x');
  home_.write("before.csv", "id,x0\n" + id + ",1\n" + id + ",2\n" + id + ",3\n");
  const Finished f = run(train_arguments("c.toml", "r", {}));
  EXPECT_EQ(f.code, kData);
  EXPECT_LT(f.log.size(), 20'000u);
  EXPECT_CONTAINS(f.log, "more bytes)\n");
}

TEST_F(Strangers, FilesOfTwoRunsAreNotMixedUp) {
  train("r", {"train.epochs=2"});
  train("other", {"train.epochs=2", "data.seed=2"});
  home_.write("v.toml",
              "[data]\nviews = [\"before.csv\"]\noutcome = \"outcome.csv\"\n[model]\nkind = \"vaegan\"\n"
              "[train]\nepochs = 1\n");
  said(train_arguments("v.toml", "v", {}));
  const std::vector<std::string> ask{"predict", "r", "--views", "before.csv", "after.csv"};
  fs::create_directory(at("kept"));
  for (const char* file : {"model.safetensors", "preprocess.json"}) fs::copy(at("r") / file, at("kept") / file);
  for (const char* from : {"other", "v"}) {
    fs::copy(at(from) / "model.safetensors", at("r/model.safetensors"), fs::copy_options::overwrite_existing);
    for (const auto& arguments : {ask, {"evaluate", "r"}, {"embed", "r"}})
      expect_refused(kCheckpoint, arguments,
                     {"model.safetensors: was not trained with r/preprocess.json as it is now"});
  }
  fs::copy(at("kept/model.safetensors"), at("r/model.safetensors"), fs::copy_options::overwrite_existing);
  edit("r/preprocess.json", "\"Control\"", "\"CONTROL\"");  // would be answered by another name
  expect_refused(kCheckpoint, ask, {"take both from one run"});
  fs::copy(at("kept/preprocess.json"), at("r/preprocess.json"), fs::copy_options::overwrite_existing);
  EXPECT_EQ(run(ask).code, 0);
  // A word of the metadata decides what the numbers mean.
  TensorFile model = read_safetensors(at("r/model.safetensors"));
  model.metadata["output_activation"] = "relu";
  write_safetensors(at("r/model.safetensors"), model);
  expect_refused(kCheckpoint, ask, {"r/model.safetensors: its metadata do not give the SHA-256"});
}

TEST_F(Strangers, PredictionsHaveEachColumnOnce) {
  std::string table = "id,t,t_no,x\n";
  for (int row = 0; row < 40; ++row)
    table += fmt::format("p{},{},{},{}\n", row, row % 3 == 0 ? "no" : "yes", row * 7 % 11, row * 5 % 13);
  home_.write("t.csv", table);
  home_.write("t.toml",
              "[data]\nviews = [\"t.csv\"]\ntasks = [\"regression:t_no\", \"binary:t\"]\n[model]\nkind = "
              "\"mtl\"\n[train]\nepochs = 1\n");
  expect_refused(kData, train_arguments("t.toml", "t", {}), {"two columns of the predictions would be called 't_no'"});
  EXPECT_FALSE(fs::exists(at("t")));
}

TEST_F(Strangers, DoubledClassesAreRefused) {
  train("r", {"train.epochs=2"});
  edit("r/preprocess.json", "\"Control\"", "\"case\"");
  expect_refused(kCheckpoint, {"predict", "r", "--views", "before.csv", "after.csv"},
                 {"r/preprocess.json: 'label_names' names one twice"});
}

TEST_F(Strangers, LargeAndDeepFilesAreRefusedBeforeTheyFillTheMemory) {
  train("r", {"train.epochs=2"});
  const std::string run_json = content_of(at("r/run.json")), deep(2'000'000, '[');
  for (const auto& [file, limit] :
       {std::pair{"r/run.json", "8388608"}, {"r/preprocess.json", "268435456"}, {"r/config.toml", "1048576"}}) {
    const std::string whole = content_of(at(file));
    fs::resize_file(at(file), 3'000'000'000);  // a hole
    expect_refused(kFileSystem, {"evaluate", "r"}, {std::string(file) + ": holds more than the " + limit + " bytes"});
    if (file != std::string("r/config.toml")) {
      home_.write(file, deep);
      expect_refused(kCheckpoint, {"evaluate", "r"}, {std::string(file) + ": is nested more deeply than 32 levels"});
    }
    fs::remove(at(file));
    home_.write(file, whole);
  }
  home_.write("r/metrics.jsonl", content_of(at("r/metrics.jsonl")) + deep.substr(0, 1000) + "\n");
  EXPECT_EQ(run({"train", "--resume", "--out", "r"}).code, 0);  // beyond what the checkpoint knows
}

TEST_F(Strangers, AccountsNameNoPipes) {
  train("r", {"train.epochs=2"});
  fs::rename(at("before.csv"), at("gone.csv"));
  ASSERT_EQ(::mkfifo(at("r/fifo").c_str(), 0600), 0);
  const std::string summary = content_of(at("r/run.json"));
  const std::size_t relative = summary.find("\"relative\": \"") + 13;
  home_.write("r/run.json", summary.substr(0, relative) + "fifo" + summary.substr(summary.find('"', relative)));
  expect_refused(kData, {"evaluate", "r"}, {"before.csv: the run was trained on this table, which is not there"});
}

TEST_F(Strangers, CountsDoNotOverflow) {
  train("r", {"train.epochs=2"});
  edit("r/run.json", "\"resumed\": 0", "\"resumed\": 2147483647");
  said({"train", "--resume", "--out", "r", "--device", "cpu", "--set", "train.epochs=3"});
  EXPECT_EQ(summary("r")["resumed"], 2147483647);
}

TEST_F(Strangers, ResultsReplaceNoTableThatIsRead) {
  train("r", {"train.epochs=2"});
  const std::string before = content_of(at("before.csv"));
  expect_refused(kUsage, {"predict", "r", "--views", "before.csv", "after.csv", "--out", "before.csv", "--force"},
                 {"--out before.csv: is a table that is read itself"});
  expect_refused(kUsage, {"embed", "r", "--views", "before.csv", "after.csv", "--out", "before.csv", "--force"},
                 {"--out before.csv: is a table that is read itself"});
  expect_refused(kUsage, {"embed", "r", "--out", "before.csv", "--force"}, {"is a table of the run itself"});
  expect_refused(kUsage, {"record", "c.toml", "--steps", "1", "--out", "outcome.csv", "--force"},
                 {"--out outcome.csv: is a table that is read itself"});
  expect_refused(kUsage, {"predict", "r", "--views", "before.csv", "after.csv", "--out", "r/.lock", "--force"},
                 {"--out r/.lock: is a file of the run itself"});
  EXPECT_EQ(content_of(at("before.csv")), before);
}

TEST_F(Strangers, RefusalsCutNoMetrics) {
  train("r", {"train.epochs=3"});
  std::string metrics = content_of(at("r/metrics.jsonl"));
  metrics.pop_back();  // as an editor leaves it
  home_.write("r/metrics.jsonl", metrics);
  expect_refused(kCheckpoint, {"train", "--resume", "--out", "r"}, {"metrics.jsonl: holds 3 lines where"});
  EXPECT_EQ(content_of(at("r/metrics.jsonl")), metrics);
}

TEST_F(Strangers, RunsThatGoOnSayNoMoreThatTheyHaveFinished) {
  train("r", {"train.epochs=2"});
  const std::vector<std::string> go_on{"train",    "--resume",
                                       "--out",    "r",
                                       "--device", "cpu",
                                       "--set",    "train.epochs=100000",
                                       "--set",    "train.patience=100000"};
  Process process(EQUIPOISE_PROGRAM, home_.path(), go_on);
  ASSERT_TRUE(process.wait_for_lines(at("r/metrics.jsonl"), 8));
  process.send(SIGKILL);
  process.finish();
  EXPECT_EQ(summary("r")["status"], "running");
  const Finished judged = run({"evaluate", "r"});
  EXPECT_EQ(judged.code, 0) << judged.log;
  EXPECT_CONTAINS(judged.log, "warning: r: the run has not ended, or was killed,");
}

TEST_F(Strangers, RunsMayBecomeNoLessPatientThanTheyWere) {
  train("r", {"train.epochs=12", "train.patience=8"});
  const auto go_on = [](const std::string& setting) {
    return std::vector<std::string>{"train", "--resume", "--out", "r", "--device", "cpu", "--set", setting};
  };
  const std::string config = content_of(at("r/config.toml"));
  expect_refused(kUsage, go_on("train.patience=3"),
                 {"--set train.patience: is 3, but the run had 8; give as much or more"});
  expect_refused(kUsage, go_on("train.warmup=1"), {"--set train.warmup: "});
  EXPECT_EQ(content_of(at("r/config.toml")), config);
  said(go_on("train.patience=9"));
  said(go_on("train.patience=0"));  // without end
  expect_refused(kUsage, go_on("train.patience=100"), {"--set train.patience: is 100, but the run had none"});
}

TEST_F(Strangers, FilesBeyondTheLimitAreToldAndCleanedUpAfter) {
  train("r", {"train.epochs=2"});
  const Finished f = shell("ulimit -f 1; ", "predict r --views before.csv after.csv --out p.csv -q");
  EXPECT_EQ(f.code, kFileSystem) << f.log;
  EXPECT_CONTAINS(f.log, "p.csv: cannot write: File too large");
  EXPECT_TRUE(leftovers().empty()) << leftovers().front();
}

TEST_F(Strangers, SignalsThatAreIgnoredStaySo) {
  Process process("/bin/sh", home_.path(),
                  {"-c", "trap '' HUP; exec '" EQUIPOISE_PROGRAM
                         "' train c.toml --device cpu --out r --set train.epochs=100000 --set train.patience=100000"});
  ASSERT_TRUE(process.wait_for_lines(at("r/metrics.jsonl"), 5));
  process.send(SIGHUP);
  EXPECT_TRUE(process.wait_for_lines(at("r/metrics.jsonl"), 40));
  process.send(SIGUSR2);
  const Finished f = process.finish();
  EXPECT_EQ(f.code, kStopped) << f.log;
  EXPECT_CONTAINS(f.log, "stopped by SIGUSR2 after epoch ");
}

TEST_F(Strangers, RunsWhoseLogIsClosedEndAsTheyDid) {
  const std::string train = "train c.toml --device cpu --set train.epochs=2 --out ";
  // Standard error is a pipe that nobody reads any more; standard output is full.
  const std::string line = "{ '" EQUIPOISE_PROGRAM "' " + train + "r 2>&1 >/dev/full; echo $? >code; } | true";
  run_program("/bin/sh", home_.path(), {"-c", line});
  EXPECT_EQ(content_of(at("code")), "5\n");
  EXPECT_EQ(summary("r")["status"], "finished");
}

TEST_F(Strangers, RemovedFoldersAreNoInternalError) {
  const std::string place = at("c.toml").string();
  const Finished f = run_program("/bin/sh", home_.path(),
                                 {"-c", "mkdir gone; cd gone; rmdir ../gone; exec '" EQUIPOISE_PROGRAM "' train " +
                                            place + " --dry-run --set train.epochs=2"});
  EXPECT_EQ(f.code, kFileSystem) << f.log;
  EXPECT_EQ(f.log.find("internal error"), f.log.npos) << f.log;
}

TEST_F(Strangers, FoldersThatCannotBeLookedIntoAreNotCalledEmpty) {
  if (::geteuid() == 0) GTEST_SKIP() << "root looks into every folder";
  train("r", {"train.epochs=2"});
  fs::permissions(at("r"), fs::perms::none);
  expect_refused(kFileSystem, {"evaluate", "r"}, {"r: cannot be looked into: Permission denied"});
  fs::permissions(at("r"), fs::perms::owner_all);
}

TEST_F(Strangers, GradientsBeyondTheMemoryAreRefusedByTheirSize) {
  home_.write("g.npy", "\x93NUMPY");
  fs::resize_file(at("g.npy"), std::uintmax_t{1} << 42);  // a hole of four TB
  expect_refused(kFileSystem, {"balance", "g.npy", "--method", "mgda"},
                 {"g.npy: 4398046511104 bytes do not fit in memory"});
}

TEST_F(Strangers, NumbersAreDecimalAndWithinTheirRange) {
  home_.write("v.toml",
              "[data]\nviews = [\"before.csv\"]\nlabel = \"\"\n[model]\nkind = \"vaegan\"\n[train]\nepochs = 1\n");
  said(train_arguments("v.toml", "v", {}));
  const auto rows = [&](const std::string& seed, const std::string& count) {
    return said({"generate", "v", "-q", "--rows", count, "--seed", seed, "--device", "cpu"});
  };
  EXPECT_EQ(lines_of(rows("1", "010")).size(), 11u);
  EXPECT_EQ(rows("010", "2"), rows("10", "2"));
  for (const char* seed :
       {"99999999999999999999999", "18446744073709551616", "9223372036854775808", "-1", "1.5", "0x10", " 1"})
    expect_refused(kUsage, {"generate", "v", "--seed", seed},
                   {fmt::format("--seed {}: must be a whole number from 0 to 9223372036854775807", seed)});
  for (const char* count : {"0", "-1", "10000001", "1e3", "ten"})
    expect_refused(kUsage, {"generate", "v", "--rows", count},
                   {fmt::format("--rows {}: must be a whole number from 1 to 10000000", count)});
}

}  // namespace
}  // namespace equipoise::testing
