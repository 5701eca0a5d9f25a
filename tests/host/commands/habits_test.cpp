// tests/host/commands/habits_test.cpp - what users of other programs expect of this one: --force, --quiet, help, errors
// that programs read, hints that can be pasted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "engine/files/safetensors.h"
#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;
using Words = std::vector<std::string>;
namespace fs = std::filesystem;

class Habits : public ProgramRun {
 protected:
  Habits() {
    write_small_tables(home_.path());
    home_.write("vaegan.toml", kSmallVaegan);
    home_.write("mtl.toml", kSmallMtl);
  }
  static Words with(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static void write_gradients(const fs::path& path) {
    write_safetensors(path,
                      {{{"grads", StoredTensor::from_doubles({2, 2}, std::vector<double>{3, 0, -1, 1})}}, {}, {}});
  }
};

TEST_F(Habits, NoOutputIsReplacedWithoutForce) {
  said(train_arguments("vaegan.toml", "r", {}));
  write_gradients(at("g.safetensors"));
  said({"record", "mtl.toml", "--steps", "1", "--out", "record"});
  const std::vector<Words> commands = {{"generate", "r", "--rows", "3", "--out", "out"},
                                       {"record", "mtl.toml", "--steps", "1", "--out", "out"},
                                       {"replay", "record", "--out", "out"},
                                       {"balance", "g.safetensors", "--method", "mgda", "--out", "out"}};
  for (const Words& command : commands) {
    SCOPED_TRACE(command[0]);
    home_.write("out", "precious");
    expect_refused(kFileSystem, command, {"--out out: exists already; add --force to replace it"});
    EXPECT_EQ(content_of(at("out")), "precious");
    said(with(command, {"--force"}));
    const std::string made = content_of(at("out"));
    EXPECT_NE(made, "precious");
    fs::remove(at("out"));
    said(command);
    EXPECT_EQ(content_of(at("out")), made) << "what is made does not depend on what was there";
    fs::remove(at("out"));
  }
}

TEST_F(Habits, NoInputIsReplacedEvenWithForce) {
  write_gradients(at("g.safetensors"));
  said({"record", "mtl.toml", "--steps", "1", "--out", "record"});
  expect_refused(kUsage, {"record", "mtl.toml", "--steps", "1", "--out", "mtl.toml", "--force"},
                 {"is the config itself"});
  expect_refused(kUsage, {"replay", "record", "--out", "record", "--force"}, {"is the record itself"});
  expect_refused(kUsage, {"balance", "g.safetensors", "--method", "mgda", "--out", "g.safetensors", "--force"},
                 {"is the file with the gradients itself"});
  EXPECT_EQ(content_of(at("mtl.toml")), kSmallMtl);
}

TEST_F(Habits, OutputGoesToDevicesAsTheyAre) {
  said(train_arguments("vaegan.toml", "r", {}));
  const Words generate{"generate", "r", "--rows", "3", "--device", "cpu"};
  const std::string table = said(generate);
  EXPECT_EQ(said(with(generate, {"--out", "/dev/stdout"})), table);
  EXPECT_EQ(said(with(generate, {"--out", "/dev/null"})), "");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(Habits, AQuietCommandTellsResultsAndErrorsAlone) {
  const Words train = train_arguments("vaegan.toml", "r", {});
  for (const std::string flag : {"-q", "--quiet"}) {
    fs::remove_all(at("r"));
    const Finished f = run(with(train, {flag}));
    EXPECT_EQ(f.code, 0);
    EXPECT_EQ(f.log, "");
    EXPECT_CONTAINS(f.out, "hash: ");
  }
  EXPECT_EQ(run(with(train_arguments("vaegan.toml", "json", {}), {"-q", "--log-format", "json"})).log, "");
  said({"record", "mtl.toml", "--steps", "1", "--out", "record", "-q"});
  // With --device auto each of them says on standard error what it runs on.
  for (const Words& command : std::vector<Words>{{"evaluate", "r"},
                                                 {"generate", "r", "--rows", "3"},
                                                 {"replay", "record"},
                                                 {"record", "mtl.toml", "--steps", "1", "--out", "other", "--force"}}) {
    SCOPED_TRACE(command[0]);
    const Finished loud = run(command), quiet = run(with(command, {"-q"}));
    EXPECT_CONTAINS(loud.log, "device: ");
    EXPECT_EQ(quiet.log, "");
    EXPECT_EQ(quiet.out, loud.out);
  }
  expect_refused(kUsage, {"evaluate", "nothing", "-q"}, {"holds no run"});
  const Finished warned =
      run(with(train_arguments("mtl.toml", "skip", {"optimizer.lr=1e30", "train.on_nonfinite=skip"}), {"-q"}));
  EXPECT_CONTAINS(warned.log, "warning: ") << "a warning is no notice";
  EXPECT_EQ(warned.log.find("epoch 1/"), std::string::npos);
}

TEST_F(Habits, ErrorsAreJsonWhereTheLogIs) {
  home_.write("bad.toml", "[data]\nviews = []\nlable = \"x\"\n");
  for (const Words& option : std::vector<Words>{{"--log-format", "json"}, {"--log-format=json"}}) {
    const Finished f = run(with({"train", "bad.toml"}, option));
    EXPECT_EQ(f.code, kUsage);
    const Words lines = lines_of(f.log);
    ASSERT_GE(lines.size(), 2u) << f.log;
    for (const std::string& line : lines) {
      const json event = json::parse(line);
      EXPECT_EQ(event["level"], "error");
      EXPECT_EQ(event["code"], kUsage);
      EXPECT_CONTAINS(event["message"].get<std::string>(), "bad.toml:");
    }
  }
  // What cannot be parsed is told so, too; and other codes than that of usage.
  const json unknown = json::parse(run({"train", "--log-format", "json", "--ouut", "x"}).log);
  EXPECT_EQ(unknown["message"], "train: '--ouut' is not an option; did you mean '--out'?");
  EXPECT_EQ(json::parse(run({"train", "absent.toml", "--log-format", "json"}).log)["code"], kFileSystem);
  EXPECT_TRUE(run({"train", "absent.toml", "--log-format", "text"}).log.starts_with("equipoise: "));
  EXPECT_TRUE(
      run({"train", "absent.toml", "--log-format", "json", "--log-format", "text"}).log.starts_with("equipoise: "));
}

TEST_F(Habits, HelpIsACommandToo) {
  EXPECT_EQ(said({"help"}), said({"--help"}));
  for (const char* command : {"train", "balance", "completion", "help"})
    EXPECT_EQ(said({"help", command}), said({command, "--help"}));
  expect_refused(kUsage, {"help", "trian"}, {"help 'trian': not a command; did you mean 'train'?"});
  EXPECT_EQ(said({"-V"}), said({"--version"}));
}

TEST_F(Habits, AnEmptyArgumentIsAMistakeOfUse) {
  expect_refused(kUsage, {"train", ""}, {"train: CONFIG is empty"});
  expect_refused(kUsage, {"train", "mtl.toml", "--out", ""}, {"train: --out is empty"});
  expect_refused(kUsage, {"evaluate", ""}, {"RUN is empty"});
  expect_refused(kUsage, {"balance", "", "--method", "mgda"}, {"FILE is empty"});
}

TEST_F(Habits, AnOverrideTakesBackWhatTheConfigSets) {
  home_.write("c.toml",
              "[data]\nviews = [\"features.csv\"]\noutcome = \"outcome.csv\"\nlabel = \"stage\"\n"
              "[model]\nkind = \"vaegan\"\n[optimizer]\nlr = 0.5\n[train]\nmonitor = \"loss\"\npatience = 3\n");
  const auto config = [&](const std::string& setting) {
    return said({"train", "c.toml", "--print-config", "--set", setting});
  };
  EXPECT_CONTAINS(config("data.seed=1"), "outcome = ");
  for (const std::string nothing : {"", "\"\"", "''"}) {
    EXPECT_EQ(config("data.outcome=" + nothing).find("outcome = "), std::string::npos);
    EXPECT_CONTAINS(config("optimizer.lr=" + nothing), "\nlr = 0.0001\n");  // vaegan's own
    EXPECT_CONTAINS(config("train.patience=" + nothing), "\npatience = 50\n");
    EXPECT_CONTAINS(config("data.label=" + nothing), "\nlabel = \"\"\n");  // no labels: not the default, "label"
  }
  expect_refused(kUsage, {"train", "c.toml", "--set", "data.views="}, {"data.views is missing"});
  expect_refused(kUsage, {"train", "c.toml", "--set", "data.outcom="}, {"did you mean 'data.outcome'?"});
}

TEST_F(Habits, SuggestedCommandsCanBePasted) {
  const std::string folder = "it's my run";
  const Finished f = run(train_arguments("vaegan.toml", folder, {}));
  ASSERT_EQ(f.code, 0) << f.log;
  const std::size_t begin = f.out.find("equipoise evaluate ");
  ASSERT_NE(begin, std::string::npos) << f.out;
  const std::string pasted = f.out.substr(begin, f.out.find('\n', begin) - begin);
  EXPECT_CONTAINS(pasted, "'it'\\''s my run'");
  const std::string home = home_.path().string();
  EXPECT_EQ(std::system(("cd '" + home +
                         "' && mkdir bin && ln -s '" EQUIPOISE_PROGRAM "' bin/equipoise && PATH=$PWD/bin "
                         "/bin/sh -c \"$(cat <<'EOF'\n" +
                         pasted + "\nEOF\n)\" > shown 2> log")
                            .c_str()),
            0);
  EXPECT_CONTAINS(content_of(at("shown")), "split                         test");
  expect_refused(kFileSystem, train_arguments("vaegan.toml", folder, {}), {"--resume --out 'it'\\''s my run'"});
  fs::remove(at(folder) / "model.safetensors");
  expect_refused(kCheckpoint, {"evaluate", folder}, {"equipoise train --resume --out 'it'\\''s my run'"});
}

TEST_F(Habits, DevicesAndPartsThatOthersNameAreUnderstood) {
  for (const char* device : {"gpu", "GPU", "gpu:0", "nvidia"})
    expect_refused(kUsage, {"train", "mtl.toml", "--device", device},
                   {"not a device; a GPU is called cuda, or cuda:N"});
  expect_refused(kUsage, {"train", "mtl.toml", "--device", "cpuu"}, {"did you mean 'cpu'?"});
  expect_refused(kUsage, {"evaluate", "r", "--split", "val"}, {"did you mean 'validation'?"});
  expect_refused(kUsage, {"evaluate", "r", "--split", "t"}, {"the names are test, train, validation"});
}

TEST_F(Habits, InitKnowsWhatIsNoSystem) {
  expect_refused(kUsage, {"init", "mtl"},
                 {"init 'mtl': is a kind of model", "equipoise init towers or equipoise init trunk"});
  for (const char* name : {"balancers", "balance", "balancer"})
    expect_refused(kUsage, {"init", name}, {"needs no config", "equipoise balance --help", "balance.methods"});
  expect_refused(kUsage, {"init", "balancing"}, {"not a system"});
}

TEST_F(Habits, APlaceToBalanceAtOfAnotherSystemIsNamedAsSuch) {
  expect_refused(kUsage, train_arguments("mtl.toml", "r", {"balance.over=heads"}),
                 {"balance.over: 'heads' is a group of kind mldrl; kind mtl knows \"last_trunk_weight\", \"shared\""});
  home_.write("mldrl.toml", "[data]\nviews = [\"features.csv\", \"features.csv\"]\noutcome = \"outcome.csv\"\n");
  expect_refused(kUsage, train_arguments("mldrl.toml", "r", {"balance.over=last_trunk_weight"}),
                 {"'last_trunk_weight' is a group of kind mtl; kind mldrl knows \"heads\", \"head_biases_mean\""});
}

TEST_F(Habits, FiguresOfSeveralValuesNameThem) {
  said(train_arguments("vaegan.toml", "r", {}));
  const json j = json::parse(said({"evaluate", "r", "--json"}));
  EXPECT_EQ(j["parts"], json::parse(R"({"discriminator_real": ["original", "reconstructed", "sampled"]})"));
  ASSERT_EQ(j["discriminator_real"].size(), 3u);
  char line[200];
  std::snprintf(line, sizeof line, "\ndiscriminator real            original %.4f  reconstructed %.4f  sampled %.4f\n",
                j["discriminator_real"][0].get<double>(), j["discriminator_real"][1].get<double>(),
                j["discriminator_real"][2].get<double>());
  EXPECT_CONTAINS(said({"evaluate", "r"}), line);

  home_.write(
      "mldrl.toml",
      "[data]\nviews = [\"features.csv\", {file = \"features.csv\", columns = \"?\"}]\noutcome = \"outcome.csv\"\n"
      "[train]\nepochs = 1\n");
  said(train_arguments("mldrl.toml", "two", {}));
  const json two = json::parse(said({"evaluate", "two", "--json"}));
  for (const char* figure : {"reconstruction_error", "crossed_error"})
    EXPECT_EQ(two["parts"][figure], (json{"features.csv", "features.csv:?"})) << figure;
  EXPECT_CONTAINS(said({"evaluate", "two"}), "\nreconstruction error          features.csv ");
}

}  // namespace
}  // namespace equipoise::testing
