// tests/host/commands/command_line_test.cpp - the built program seen from outside: every exit code, every kind of bad
// input.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "kernels/run/device.h"
#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// A folder with c.toml, a short training on the demo data.
class Program : public ProgramRun {
 protected:
  Program() { home_.write("c.toml", demo_config(kPbcseq)); }

  /// Trains into `folder`, which must work.
  void train(const std::string& folder, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments{"train", "c.toml", "--device", "cpu", "--out", folder};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished f = run(arguments);
    ASSERT_EQ(f.code, 0) << f.log;
  }
};

TEST_F(Program, WithoutACommandNamesThem) {
  expect_refused(
      kUsage, {},
      {"no command is given",
       "train, cross-validate, sweep, member, study, evaluate, predict, embed, record, replay, init, doctor, generate",
       "balance"});
}

TEST_F(Program, SuggestsTheNearestCommandAndOption) {
  expect_refused(kUsage, {"trian"}, {"'trian' is not a command; did you mean 'train'?"});
  expect_refused(kUsage, {"train", "c.toml", "--ouut", "x"}, {"'--ouut' is not an option; did you mean '--out'?"});
  expect_refused(kUsage, {"evaluate", "r", "--split", "tset"}, {"--split 'tset'", "did you mean 'test'?"});
  expect_refused(kUsage, {"train", "c.toml", "--log-format", "jsn"}, {"did you mean 'json'?"});
  expect_refused(kUsage, {"train", "c.toml", "--device", "cdua"}, {"--device 'cdua'", "did you mean 'cuda'?"});
  expect_refused(kUsage, {"init", "boats"}, {"the names are mldrl, towers, trunk, vaegan"});
}

TEST_F(Program, RefusesArgumentsThatMakeNoSense) {
  expect_refused(kUsage, {"train"}, {"no config is given"});
  expect_refused(kUsage, {"train", "a", "b"}, {"'b' is one argument too many"});
  expect_refused(kUsage, {"train", "--resume"}, {"add --out"});
  expect_refused(kUsage, {"train", "c.toml", "--threads", "0"}, {"--threads"});
  expect_refused(kUsage, {"record", "c.toml", "--out", "x"}, {"--steps is required"});
  expect_refused(kUsage, {"record", "c.toml", "--out", "x", "--steps", "some"}, {"--steps"});
  expect_refused(kUsage, {"record", "c.toml", "--out", "x", "--steps", "0"},
                 {"--steps 0: must be a whole number from 1 to 1000000"});
  expect_refused(kUsage, {"replay", "x", "--tolerance", "-1"}, {"--tolerance"});
  expect_refused(kUsage, {"replay", "x", "--tolerance", "nan"}, {"--tolerance"});
}

TEST_F(Program, TellsEverythingWrongWithAConfigAtOnce) {
  home_.write("bad.toml",
              "[data]\nviews = []\nlable = \"x\"\n[train]\nepochs = 0\nbatch = \"many\"\n[optimizer]\nlr = nan\n");
  expect_refused(kUsage, {"train", "bad.toml"},
                 {"bad.toml:3:1: unknown key 'data.lable'; did you mean 'data.label'?", "bad.toml:2:9: data.views",
                  "bad.toml:5:10: train.epochs", "bad.toml:6:9: train.batch", "bad.toml:8:6: optimizer.lr"});
  home_.write("torn.toml", "[data\n");
  expect_refused(kUsage, {"train", "torn.toml"}, {"torn.toml:1:"});
  expect_refused(kUsage, {"train", "c.toml", "--set", "train.epoch=3"}, {"did you mean 'train.epochs'?"});
  expect_refused(kUsage, {"train", "c.toml", "--set", "balance.methods=[\"mgad\"]"},
                 {"'mgad' is not a method; did you mean 'mgda'?"});
}

TEST_F(Program, PrefersTheCommandLineToTheEnvironmentToTheFile) {
  const auto epochs = [&](const std::vector<std::string>& more, const std::vector<std::string>& settings) {
    std::vector<std::string> arguments{"train", "c.toml", "--print-config"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished f = run(arguments, settings);
    EXPECT_EQ(f.code, 0) << f.log;
    const std::size_t key = f.out.find("epochs = ");
    return key == std::string::npos ? -1 : std::stoi(f.out.substr(key + 9));
  };
  EXPECT_EQ(epochs({}, {}), 12);
  EXPECT_EQ(epochs({}, {"EQUIPOISE_SET=train.epochs=13"}), 13);
  EXPECT_EQ(epochs({"--set", "train.epochs=14", "--set", "train.batch=5"}, {"EQUIPOISE_SET=train.epochs=13"}), 14);
  EXPECT_EQ(epochs({"--set=train.epochs=15"}, {}), 15);
}

TEST_F(Program, RefusesBadTablesNamingThePlace) {
  const std::string header = "id,label,a,b\n", rows = "p1,0,1,2\np2,1,3,4\np3,0,5,6\np4,1,7,8\n";
  home_.write("good.csv", header + rows);
  home_.write("t.toml", "[data]\nviews = [\"v.csv\", \"good.csv\"]\nvalidation = 0\ntest = 0\n[train]\nepochs = 1\n");
  const std::vector<std::pair<std::string, std::string>> bad = {
      {header + "p1,0,1\n", "v.csv:2"},                     // ragged
      {header + std::string("p1,0,1,\0\n", 9), "v.csv:2"},  // NUL
      {header + "p1,0,1,\xff\n", "v.csv:2"},                // not UTF-8
      {header + rows + "p5,0,high,2\n", "v.csv:6:6"},       // text where a number belongs
      {header + "p1,0,inf,2\n", "v.csv:2:6"},               // infinite
      {header + "p1,0,1e999,2\n", "v.csv:2:6"},             // beyond a double
      {header + rows + "p1,0,1,2\n", "v.csv:6"},            // an id twice
      {"id,lebel,a,b\np1,0,1,2\n", "label"},                // no label column
      {"id,label,a,b\nq1,0,1,2\nq2,1,1,2\n", "no"},         // views without a patient in common
      {header + "p1,1,1,2\np2,1,3,4\n", "v.csv"},           // labels that contradict the other view's
      {header + "\"p1,0,1,2\n", "v.csv"},                   // a quote without its end
      {"", "v.csv"},                                        // nothing
  };
  for (const auto& [content, part] : bad) {
    SCOPED_TRACE(content);
    home_.write("v.csv", content);
    expect_refused(kData, {"train", "t.toml", "--out", "r"}, {part});
    EXPECT_FALSE(fs::exists(at("r"))) << "a folder was made for data that cannot be trained on";
  }
  home_.write("good.csv", "id,label,a\np1,0,1\np2,0,2\n");
  home_.write("v.csv", "id,label,a\np1,0,1\np2,0,2\n");
  expect_refused(kData, {"train", "t.toml"}, {"class"});  // one class only
  fs::remove(at("v.csv"));
  expect_refused(kFileSystem, {"train", "t.toml"}, {"v.csv"});
}

TEST_F(Program, WarnsOfAConstantColumnAndDropsDiagnostics) {
  home_.write("v.csv", "id,label,a,same,diagnostics_x,note\np1,0,1,5,1,x\np2,1,3,5,1,y\np3,0,4,5,1,z\np4,1,9,5,1,w\n");
  home_.write("t.toml", "[data]\nviews = [\"v.csv\", \"v.csv\"]\nvalidation = 0\ntest = 0\n[train]\nepochs = 2\n");
  const Finished f = run({"train", "t.toml", "--out", "r"});
  EXPECT_EQ(f.code, 0) << f.log;
  for (const char* part : {"same", "diagnostics_", "note", "no row validates"}) EXPECT_CONTAINS(f.log, part);
  EXPECT_CONTAINS(f.out, "the state after epoch 2");
  EXPECT_TRUE(summary("r")["best_validation"].is_null());
}

TEST_F(Program, WritesARunFolderThatExplainsItself) {
  train("r", {"--set", "train.epochs=5"});
  const json run_json = summary("r");
  EXPECT_EQ(run_json["status"], "finished");
  EXPECT_EQ(run_json["epochs"], 5);
  EXPECT_EQ(run_json["data"]["files"].size(), 3u);
  EXPECT_EQ(run_json["data"]["rows"]["all"], 250);
  EXPECT_EQ(run_json["hash"].get<std::string>().size(), 64u);
  EXPECT_EQ(metrics("r").size(), 5u);
  EXPECT_CONTAINS(content_of(at("r") / "config.toml"), "epochs = 5");

  std::istringstream predictions(content_of(at("r") / "predictions.csv")), split(content_of(at("r") / "split.csv"));
  std::string line, part;
  std::getline(predictions, line), std::getline(split, part);
  EXPECT_EQ(line, "id,fold,seed,label,probability_0,probability_1,decision");
  int lines = 0;
  for (; std::getline(predictions, line) && std::getline(split, part); ++lines) {
    std::istringstream cells(line);
    std::string id, fold, seed, label, probability, decision;
    std::getline(cells, id, ','), std::getline(cells, fold, ','), std::getline(cells, seed, ',');
    std::getline(cells, label, ','), std::getline(cells, probability, ',');
    EXPECT_EQ(part, id + ",1," + fold);
    EXPECT_TRUE(label.empty() || label == "0" || label == "1") << line;
    EXPECT_GT(std::stod(probability), 0.0);
    EXPECT_LT(std::stod(probability), 1.0);
    std::getline(cells, probability, ','), std::getline(cells, decision, ',');
    EXPECT_EQ(decision, std::stod(probability) >= 0.5 ? "1" : "0");
  }
  EXPECT_EQ(lines, 250);
}

TEST_F(Program, EvaluatesToTheFiguresOfTheBestEpochBitForBit) {
  train("r");
  const json run_json = summary("r");
  const int best = run_json["best_epoch"];
  ASSERT_GE(best, 1);
  const json line = metrics("r")[static_cast<std::size_t>(best - 1)]["validation"];
  const Finished f = run({"evaluate", "r", "--json"});
  ASSERT_EQ(f.code, 0) << f.log;
  const json got = json::parse(f.out);
  for (const char* key :
       {"auc", "accuracy", "sensitivity", "specificity", "reconstruction_error", "crossed_error", "losses"})
    EXPECT_EQ(got[key], line[key]) << key;
  EXPECT_EQ(got["epoch"], best);
  EXPECT_EQ(got["split"], "validation");
  EXPECT_EQ(got["auc"], run_json["best_validation"]["auc"]);

  const Finished test = run({"evaluate", "r", "--split", "test"});
  EXPECT_EQ(test.code, 0) << test.log;
  EXPECT_CONTAINS(test.out, "split                         test");
}

TEST_F(Program, NeverMentionsTheTestPartsFiguresWhileTraining) {
  train("r");
  for (const json& line : metrics("r")) EXPECT_FALSE(line.contains("test"));
  const Finished f = run({"train", "c.toml", "--out", "r2"});
  EXPECT_CONTAINS(f.out, "rows chose nothing; look at them once, at the end: equipoise evaluate r2 --split test");
}

TEST_F(Program, TakesTheSameDataInAnyOrderOfRowsForTheSame) {
  train("r");
  fs::create_directories(at("shuffled"));
  for (const char* name : {"before.csv", "after.csv", "outcome.csv"}) {
    std::istringstream text(content_of(kPbcseq / name));
    std::string header;
    std::getline(text, header);
    std::vector<std::string> rows;
    for (std::string row; std::getline(text, row);) rows.push_back(row);
    std::rotate(rows.begin(), rows.begin() + (name[0] == 'a' ? 31 : 97), rows.end());
    std::reverse(rows.begin(), rows.begin() + 50);
    std::ofstream to(at("shuffled") / name);
    to << header << '\n';
    for (const std::string& row : rows) to << row << '\n';
  }
  home_.write("s.toml", demo_config(at("shuffled")));
  ASSERT_EQ(run({"train", "s.toml", "--out", "s"}).code, 0);
  EXPECT_EQ(summary("s")["hash"], summary("r")["hash"]);
  EXPECT_EQ(content_of(at("s") / "predictions.csv"), content_of(at("r") / "predictions.csv"));
  EXPECT_EQ(content_of(at("s") / "preprocess.json"), content_of(at("r") / "preprocess.json"));
}

TEST_F(Program, RefusesToEvaluateOnOtherData) {
  fs::copy(kPbcseq, at("tables"));
  home_.write("own.toml", demo_config(at("tables")));
  ASSERT_EQ(run({"train", "own.toml", "--out", "r"}).code, 0);
  std::string text = content_of(at("tables") / "before.csv");
  text.replace(text.find("1.1"), 3, "9.9");
  std::ofstream(at("tables") / "before.csv") << text;
  expect_refused(kData, {"evaluate", "r"}, {"before.csv: the data are not those the run was trained on"});
  expect_refused(kData, {"train", "--resume", "--out", "r"}, {"before.csv: the data are not those"});
}

TEST_F(Program, RefusesBrokenModels) {
  train("r");
  const std::string whole = content_of(at("r") / "model.safetensors");
  const auto damaged = [&](const std::string& content, const std::string& part) {
    std::ofstream(at("r") / "model.safetensors", std::ios::binary) << content;
    expect_refused(kCheckpoint, {"evaluate", "r"}, {"model.safetensors", part});
  };
  damaged(whole.substr(0, whole.size() - 1), "");
  damaged(whole + "x", "");
  damaged("", "");
  damaged(std::string(8, '\xff') + whole.substr(8), "");
  std::string header = whole;
  header[whole.find('{')] = '[';
  damaged(header, "");
  std::string flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 0x40);
  damaged(flipped, "it is damaged");
  fs::remove(at("r") / "model.safetensors");
  expect_refused(kCheckpoint, {"evaluate", "r"}, {"model.safetensors: is missing"});
  expect_refused(kUsage, {"evaluate", "nothing"}, {"holds no run"});
  std::ofstream(at("r") / "run.json") << "{}";
  std::ofstream(at("r") / "model.safetensors", std::ios::binary) << whole;
  expect_refused(kCheckpoint, {"evaluate", "r"}, {"run.json"});
}

TEST_F(Program, RefusesAUsedOrUnusableRunFolder) {
  train("r");
  expect_refused(kFileSystem, {"train", "c.toml", "--out", "r"}, {"holds a run already", "--resume --out r"});
  expect_refused(kFileSystem, {"train", "c.toml", "--out", "c.toml/r"}, {"c.toml/r"});
  fs::create_directories(at("mine"));
  std::ofstream(at("mine") / "predictions.csv") << "precious";
  expect_refused(kFileSystem, {"train", "c.toml", "--out", "mine"}, {"holds predictions.csv already", "new or empty"});
  EXPECT_EQ(fs::file_size(at("mine") / "predictions.csv"), 8u);
  expect_refused(kUsage, {"train", "--resume", "--out", "nothing"}, {"holds no run"});
  EXPECT_EQ(run({"doctor"}, {}, "/dev/full").code, kFileSystem);
}

TEST_F(Program, SaysThatNothingIsLeftToTrainAndHowToGoOn) {
  train("r");
  const Finished again = run({"train", "--resume", "--device", "cpu", "--out", "r"});
  EXPECT_EQ(again.code, 0) << again.log;
  EXPECT_CONTAINS(again.log,
                  "nothing is left to train: all 12 epochs done; to train for longer: equipoise train "
                  "--resume --out r --set train.epochs=24\n");
}

TEST_F(Program, NeverTakesAnotherDeviceThanTheOneNamed) {
  expect_refused(kDevice, {"train", "c.toml", "--device", "cuda:99", "--out", "r"}, {"cuda:99"});
  EXPECT_FALSE(fs::exists(at("r")));
}

TEST_F(Program, StopsAtANonFiniteValueNamingIt) {
  const Finished f = run({"train", "c.toml", "--out", "r", "--set", "optimizer.lr=1e20"});
  EXPECT_EQ(f.code, kNumerics) << f.log;
  EXPECT_CONTAINS(f.log, "non-finite value in the ");
  EXPECT_EQ(summary("r")["status"], "failed");
  const Finished skipping =
      run({"train", "c.toml", "--out", "s", "--set", "optimizer.lr=1e20", "--set", "train.on_nonfinite=skip"});
  EXPECT_EQ(skipping.code, kNumerics) << skipping.log;
  EXPECT_GT(summary("s")["skipped_steps"], 0);
  EXPECT_CONTAINS(skipping.log, "because of a non-finite value");
  EXPECT_CONTAINS(skipping.log, "warning: training failed: every step of epoch 2 was left out: the ");
  EXPECT_CONTAINS(skipping.out, "failed: every step of epoch 2 was left out: ");
  EXPECT_EQ(summary("s")["status"], "failed");
  const Finished frozen =
      run({"train", "c.toml", "--out", "f", "--set", "optimizer.lr=1e20", "--set", "train.on_nonfinite=freeze"});
  EXPECT_EQ(frozen.code, kNumerics) << frozen.log;
  EXPECT_CONTAINS(frozen.log, "warning: training failed: frozen at step");
  EXPECT_CONTAINS(frozen.out, "failed: frozen at step");
  EXPECT_EQ(summary("f")["status"], "failed");
  const Finished again = run({"train", "--resume", "--out", "f"});
  EXPECT_EQ(again.code, kNumerics) << again.log;
  EXPECT_CONTAINS(again.log, "; start a new run\n");
}

TEST_F(Program, PlansWithoutWriting) {
  const Finished f = run({"train", "c.toml", "--dry-run", "--device", "cpu"});
  EXPECT_EQ(f.code, 0) << f.log;
  for (const char* part : {"1 run on CPU", "6 steps an epoch", "phases", "encoder1.linear1.weight", "bytes"})
    EXPECT_CONTAINS(f.out, part);
  EXPECT_FALSE(fs::exists(at("runs")));
}

TEST_F(Program, NamesTheFolderItselfWhenNoneIsGiven) {
  ASSERT_EQ(run({"train", "c.toml", "--set", "train.epochs=1"}).code, 0);
  const std::string made = fs::directory_iterator(at("runs"))->path().filename().string();
  EXPECT_TRUE(made.starts_with("c-20")) << made;
}

TEST_F(Program, LogsALineAnEpochAsTextOrAsJson) {
  const Finished text = run({"train", "c.toml", "--out", "a"});
  EXPECT_CONTAINS(text.log, "epoch  1/12  loss rec ");
  EXPECT_CONTAINS(text.log, "epoch 12/12  loss rec ");
  EXPECT_EQ(text.log.find('\x1b'), std::string::npos);
  const Finished as_json = run({"train", "c.toml", "--out", "b", "--log-format", "json"});
  std::istringstream lines(as_json.log);
  int epochs = 0;
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line);
    epochs += event["level"] == "epoch";
  }
  EXPECT_EQ(epochs, 12);
  EXPECT_EQ(json::parse(as_json.out)["hash"], summary("a")["hash"]);
}

TEST_F(Program, RecordsStepsThatReplayToTheSameBits) {
  for (const std::string variant : {"paper", "code"}) {
    const std::string record = variant + ".safetensors";
    ASSERT_EQ(run({"record", "c.toml", "--steps", "5", "--out", record, "--set", "model.variant=" + variant}).code, 0);
    const Finished f = run({"replay", record, "--json", "--tolerance", "0", "--out", "again.safetensors", "--force"});
    EXPECT_EQ(f.code, 0) << f.log;
    const json report = json::parse(f.out);
    EXPECT_EQ(report["worst"], 0.0);
    EXPECT_EQ(report["deviations"].size(), 90u);
    EXPECT_TRUE(fs::exists(at("again.safetensors")));
  }
  expect_refused(kUsage, {"record", "c.toml", "--steps", "6", "--out", "x"}, {"5 full batches of 32"});
}

TEST_F(Program, RecordsHowTheLossesWereBalanced) {
  for (const std::string way : {"methods=[\"gradnorm:alpha=0.4\", \"cagrad:c=0.3\"]", "methods=[\"uw\", \"graddrop\"]",
                                "over=[\"_enc_mu.bias\", \"_enc_log_sigma.bias\"]", "at=latent", "rescale=true"}) {
    ASSERT_EQ(run({"record", "c.toml", "--steps", "5", "--out", "way", "--force", "--set", "balance." + way}).code, 0)
        << way;
    const Finished f = run({"replay", "way", "--json", "--tolerance", "0"});
    EXPECT_EQ(f.code, 0) << way << f.log;
    EXPECT_EQ(json::parse(f.out)["worst"], 0.0) << way;
  }
}

TEST_F(Program, ReplaysTheReferenceRecordsWithinToleranceOnly) {
  const std::string record = EQUIPOISE_SOURCE_DIR "/tests/data/mldrl_paper_small.safetensors";
  const Finished f = run({"replay", record});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.out, "worst: ");
  const Finished strict = run({"replay", record, "--tolerance", "1e-12"});
  EXPECT_EQ(strict.code, kNumerics);
  EXPECT_CONTAINS(strict.out, "over: element");
  EXPECT_CONTAINS(strict.log, "more than the tolerance 1e-12");
}

TEST_F(Program, RefusesRecordsItCannotRead) {
  const std::string whole = content_of(EQUIPOISE_SOURCE_DIR "/tests/data/mldrl_code_small.safetensors");
  home_.write("torn", whole.substr(0, whole.size() / 2));
  home_.write("text", "no record at all");
  expect_refused(kCheckpoint, {"replay", "torn"}, {"torn"});
  expect_refused(kCheckpoint, {"replay", "text"}, {"text"});
  expect_refused(kFileSystem, {"replay", "absent"}, {"absent"});
  train("r");
  expect_refused(kCheckpoint, {"replay", "r/model.safetensors"}, {"r/model.safetensors"});
}

TEST_F(Program, GivesAConfigOfEachSystemToStartFromThatLoads) {
  for (const char* system : {"mldrl", "towers", "trunk", "vaegan"}) {
    const Finished f = run({"init", system});
    EXPECT_EQ(f.code, 0);
    home_.write("new.toml", f.out);
    EXPECT_EQ(run({"train", "new.toml", "--print-config"}).code, 0) << system;
  }
}

TEST_F(Program, TellsWhatItIs) {
  const Finished version = run({"--version"});
  EXPECT_EQ(version.code, 0);
  for (const char* part : {"equipoise 0.", "commit ", "compiler ", "CUDA "}) EXPECT_CONTAINS(version.out, part);
  const Finished doctor = run({"doctor"});
  EXPECT_EQ(doctor.code, 0);
  for (const char* part : {"processor", "devices", "limits"}) EXPECT_CONTAINS(doctor.out, part);
  const std::regex libraries("  libraries   Thrust [0-9]+\\.[0-9]+\\.[0-9]+, CUB [0-9]+\\.[0-9]+\\.[0-9]+.*\\n");
  EXPECT_EQ(std::regex_search(doctor.out, libraries), device_report(false).built_with_cuda) << doctor.out;
  EXPECT_EQ(doctor.out.find("libraries") != std::string::npos, device_report(false).built_with_cuda) << doctor.out;
  const Finished help = run({"train", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_CONTAINS(help.out, "--dry-run");
}

}  // namespace
}  // namespace equipoise::testing
