// tests/host/config/config_test.cpp - precedence, complaints, and configs that read back as they were.
#include "host/config/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "host/config/config_schema.h"
#include "tests/host/config/model_of.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::model_of;
using testing::refusal;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

const std::string kViews = "[data]\nviews = [\"a.csv\", \"b.csv\"]\n";

class ConfigFile : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }
  void TearDown() override { unsetenv("EQUIPOISE_SET"); }

  Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("c.toml", text), overrides);
  }
  std::string refused(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return refusal(ExitCode::usage, [&] { load(text, overrides); });
  }

  TemporaryFolder folder_;
};

TEST_F(ConfigFile, TakesWhatIsNotSaidFromTheDefaults) {
  Config expected;
  expected.data.views = {folder_.path() / "a.csv", folder_.path() / "b.csv"};
  expected.balance[0].methods = {
      "gradnorm:form=weights,loss_ratio=raw,renormalise=after_step,restart=never,network=off"};
  expected.balance[0].lr = 1e-3;
  expected.balance[0].over = {"heads"};
  expected.balance[0].initial_weights = {1.4, 3, 0.3};
  EXPECT_EQ(load(kViews), expected);
}

TEST_F(ConfigFile, ReadsEveryKey) {
  const Config config = load(R"(
[data]
views = ["a.csv", "/else/b.csv"]
outcome = "../o.csv"
id = "ID"
label = "five \"years\""
validation = 0.25
test = 0
seed = 9223372036854770000
split = "s.csv"
[model]
kind = "mldrl"
variant = "code"
hidden = 64
shared = 5
specific = 3
output_activation = "tanh"
inherent_variational = "ratio"
[balance]
methods = ["identity", "cagrad:c=0.3"]
alpha = 1
over = ["_enc_mu.weight", "_enc_mu.bias"]
at = "parameters"
private = "weights"
rescale = true
initial_weights = [1, 2.5, 0]
lr = 1e-3
sum_rows = false
[optimizer]
kind = "adam"
lr = 0.01
beta1 = 0.8
beta2 = 0.99
eps = 1e-6
weight_decay = 0.1
clip_norm = 5
[train]
epochs = 10
batch = 7
seed = 0
patience = 0
warmup = 4
monitor = "loss"
class_weights = [1, 2]
on_nonfinite = "skip"
)");
  Config expected;
  expected.data.views = {folder_.path() / "a.csv", "/else/b.csv"};
  expected.data.outcome = folder_.path().parent_path() / "o.csv";
  expected.data.id = "ID";
  expected.data.label = "five \"years\"";
  expected.data.validation = 0.25;
  expected.data.test = 0;
  expected.data.seed = 9223372036854770000u;
  expected.data.split = folder_.path() / "s.csv";
  expected.model = default_config("mldrl", {"code"}).model;
  MldrlModel& model = of_kind<MldrlSystem>(*expected.model.system).model;
  model.hidden = 64;
  model.shared = 5;
  model.specific = 3;
  model.output_activation = Activation::tanh;
  model.ratio = true;
  expected.balance = {{{"identity", "cagrad:normalise=none,c=0.3"},
                       1,
                       {"_enc_mu.weight", "_enc_mu.bias"},
                       "parameters",
                       "weights",
                       true,
                       {1, 2.5, 0},
                       1e-3,
                       false}};
  expected.optimizer = {"adam", 0.01, 0.8, 0.99, 1e-6, 0.1, 5};
  expected.train = {10, 7, 0, 0, "loss", {{false, {1, 2}}}, "skip", 4};
  EXPECT_EQ(config, expected);
  EXPECT_EQ(load(to_toml(config)), config);
}

TEST_F(ConfigFile, ReadsBackWhatItWroteFromAnotherFolder) {
  Config config = load(kViews +
                       "label = \"a\\\\b\\u0007\\u007F \u00e4\"\n[train]\nclass_weights = \"balanced\"\n"
                       "[optimizer]\nlr = 1e-4\neps = 1e-12\nbeta1 = 0.30000000000000004\n");
  EXPECT_TRUE(config.train.class_weights.all.balanced);
  const TemporaryFolder elsewhere;
  EXPECT_EQ(load_config(elsewhere.write("resolved.toml", to_toml(config))), config);
}

TEST_F(ConfigFile, TakesMinusZeroForZero) {
  const Config config = load(kViews + "[optimizer]\nclip_norm = -0.0\n");
  EXPECT_FALSE(std::signbit(config.optimizer.clip_norm));
  EXPECT_CONTAINS(to_toml(config), "\nclip_norm = 0.0\n");
}

TEST_F(ConfigFile, LetsTheVariantDecideWhatIsLeftOpen) {
  const Config code = load(kViews + "[model]\nvariant = \"code\"\noutput_activation = \"\"\n[balance]\nover = \"\"\n");
  EXPECT_EQ(model_of<MldrlSystem>(code).output_activation, Activation::relu);
  EXPECT_FALSE(model_of<MldrlSystem>(code).ratio);
  EXPECT_EQ(code.balance[0].over, std::vector<std::string>{"head_biases_mean"});
}

TEST_F(ConfigFile, PrefersCommandLineToEnvironmentToFileToDefault) {
  const std::string text = kViews + "[train]\nepochs = 2\nbatch = 2\nseed = 2\n";
  setenv("EQUIPOISE_SET", " train.batch = 3 ; train.seed=3; ", 1);
  const Config config = load(text, {"train.seed=4"});
  EXPECT_EQ(config.train.patience, 50);
  EXPECT_EQ(config.train.epochs, 2);
  EXPECT_EQ(config.train.batch, 3);
  EXPECT_EQ(config.train.seed, 4u);
}

TEST_F(ConfigFile, TakesTheLaterOfTwoOverrides) {
  EXPECT_EQ(load(kViews, {"train.seed=4", "train.seed=5"}).train.seed, 5u);
}

TEST_F(ConfigFile, ReadsOverridesAsTomlOrElseAsText) {
  const Config config = load(kViews, {"model.variant=code", "data.label=\"a;b\"", "data.id=2024-01-01",
                                      "balance.initial_weights=[1, 1, 1]", "optimizer.lr=1e-2", "balance.over=heads"});
  EXPECT_EQ(config.model.variant, "code");
  EXPECT_EQ(config.data.label, "a;b");
  EXPECT_EQ(config.data.id, "2024-01-01");
  EXPECT_EQ(config.balance[0].initial_weights, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(config.optimizer.lr, 1e-2);
  EXPECT_EQ(config.balance[0].over, std::vector<std::string>{"heads"});
}

TEST_F(ConfigFile, SplitsTheEnvironmentAtSemicolonsOutsideQuotes) {
  setenv("EQUIPOISE_SET", "data.label=\"a;b\";data.id='c;d'", 1);
  const Config config = load(kViews);
  EXPECT_EQ(config.data.label, "a;b");
  EXPECT_EQ(config.data.id, "c;d");
}

TEST_F(ConfigFile, TakesPathsOfTheFileFromItsFolderAndThoseOfOverridesFromTheCurrentOne) {
  const Config config = load(kViews + "outcome = \"sub/../o.csv\"\n", {"data.split=s.csv"});
  EXPECT_EQ(*config.data.outcome, folder_.path() / "o.csv");
  EXPECT_EQ(*config.data.split, fs::current_path() / "s.csv");
}

TEST_F(ConfigFile, AnOverrideMendsAValueOfTheFile) {
  EXPECT_EQ(load(kViews + "[train]\nbatch = -1\n", {"train.batch=8"}).train.batch, 8);
}

TEST_F(ConfigFile, RefusesUnknownKeysWithThePlaceAndTheNearestName) {
  const std::string message =
      refused(kViews + "lable = \"y\"\n[train]\nlr = 1\n[optimiser]\nlr = 1\n[model]\nzzz = 1\n");
  EXPECT_CONTAINS(message, "c.toml:3:1: unknown key 'data.lable'; did you mean 'data.label'?");
  EXPECT_CONTAINS(message, "c.toml:5:1: unknown key 'train.lr'; did you mean 'balance.lr'?");
  EXPECT_CONTAINS(message, "c.toml:6:2: unknown section 'optimiser'; did you mean 'optimizer'?");
  EXPECT_CONTAINS(message, "c.toml:9:1: unknown key 'model.zzz'; the names are kind, variant, hidden,");
}

TEST_F(ConfigFile, RefusesKeysOutsideTheirSection) {
  const std::string message = refused("epochs = 3\nmodel = 5\n" + kViews);
  EXPECT_CONTAINS(message, "c.toml:1:1: unknown key 'epochs'; did you mean 'train.epochs'?");
  EXPECT_CONTAINS(message, "c.toml:2:1: 'model' is a section; write [model]");
}

TEST_F(ConfigFile, RefusesEveryWrongValueAtOnce) {
  const std::string message = refused(R"(
[data]
views = []
validation = nan
test = 1.0
seed = -1
label = 3
outcome = ""
[model]
kind = "mldlr"
hidden = 32.0
shared = 0
[balance]
methods = ["gradnorm:alpha=0.3", 3]
alpha = "0.16"
initial_weights = [1, inf, 1]
at = "latnet"
private = ["own"]
rescale = "yes"
over = 3
[optimizer]
lr = 0
beta1 = 1
[train]
epochs = 99999999999
class_weights = "even"
on_nonfinite = true
)");
  for (const char* complaint :
       {"c.toml:3:9: data.views names 0 tables, but mldrl takes 1 to 6; name as many",
        "c.toml:4:14: data.validation is nan but must be a finite number",
        "c.toml:5:8: data.test is 1.0 but must be at least 0 and below 1",
        "c.toml:6:8: data.seed is -1 but must be at least 0 and ",
        "c.toml:7:9: data.label is 3 but must be a string in quotes",
        "c.toml:8:11: data.outcome is '' but must be the path of a file",
        "c.toml:10:8: model.kind is 'mldlr' but must be one of \"mldrl\", \"mtl\", \"vaegan\"; did you mean 'mldrl'?",
        "c.toml:11:10: model.hidden is 32.0 but must be a whole number",
        "c.toml:12:10: model.shared is 0 but must be at least 1 and at most 65536",
        "c.toml:14:11: balance.methods is 3 but must be a string in quotes",
        "c.toml:15:9: balance.alpha is '0.16' but must be a number",
        "c.toml:16:19: balance.initial_weights is inf but must be a finite number",
        "c.toml:17:6: balance.at is 'latnet' but must be one of \"parameters\", \"latent\", \"latent1\", "
        "\"latent2\", \"latent3\", \"latent4\", \"latent5\", \"latent6\"; did you mean 'latent'?",
        "c.toml:18:11: balance.private is [ 'own' ] but must be one of \"own\", \"weights\"",
        "c.toml:19:11: balance.rescale is 'yes' but must be true or false",
        "c.toml:20:8: balance.over is 3 but must be a string or a list of strings",
        "c.toml:22:6: optimizer.lr is 0 but must be above 0 and at most 1e+30",
        "c.toml:23:9: optimizer.beta1 is 1 but must be at least 0 and at most 0.999999",
        "c.toml:25:10: train.epochs is 99999999999 but must be at least 1 and at most 100000000",
        "c.toml:26:17: train.class_weights is 'even' but must be one of \"balanced\"",
        "c.toml:27:16: train.on_nonfinite is true but must be one of \"stop\", \"skip\", \"freeze\""}) {
    EXPECT_CONTAINS(message, complaint);
  }
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 20) << message;
}

TEST_F(ConfigFile, RefusesWhatDoesNotFitTogether) {
  EXPECT_CONTAINS(refused(kViews + "validation = 0.5\ntest = 0.5\n"),
                  "c.toml:3:14: data.validation 0.5 and data.test 0.5");
  EXPECT_CONTAINS(refused(kViews + "[balance]\ninitial_weights = [0, 0, 0]\n"), "balance.initial_weights are all 0");
  EXPECT_CONTAINS(refused(kViews + "id = \"\"\n"), "c.toml:3:6: data.id is empty");
}

TEST_F(ConfigFile, AnEmptyLabelMeansNoLabels) { EXPECT_EQ(load(kViews + "label = \"\"\n").data.label, ""); }

TEST_F(ConfigFile, RefusesAFileWithoutViews) {
  EXPECT_CONTAINS(refused(""), "c.toml: data.views is missing; add it: one table per view");
  EXPECT_EQ(load("", {"data.views=[\"x.csv\", \"y.csv\"]"}).data.views[1], fs::current_path() / "y.csv");
}

TEST_F(ConfigFile, SaysWhichOverrideIsWrong) {
  const std::string message =
      refused(kViews, {"train.batch=0", "train.bach=3", "nonsense", "train.epochs=1\nseed=2", "balance.lr=-1"});
  EXPECT_CONTAINS(message, "--set train.batch: train.batch is 0 but must be at least 1");
  EXPECT_CONTAINS(message, "--set train.bach: unknown key 'train.bach'; did you mean 'train.batch'?");
  EXPECT_CONTAINS(message, "--set 'nonsense': not a setting; write section.key=value");
  EXPECT_CONTAINS(message, "--set train.epochs: train.epochs is");
  EXPECT_CONTAINS(message, "--set balance.lr: balance.lr is -1 but must be at least 0");
  setenv("EQUIPOISE_SET", "train.batch=x", 1);
  EXPECT_CONTAINS(refused(kViews), "EQUIPOISE_SET train.batch: train.batch is 'x' but must be a whole number");
}

TEST_F(ConfigFile, RefusesBrokenTomlWithThePlace) {
  EXPECT_CONTAINS(refused("[data]\nviews = [\n"), "c.toml:2:11: ");
  EXPECT_CONTAINS(refused("[data]\nid = \"a\"\nid = \"b\"\n"), "c.toml:3:");
}

TEST_F(ConfigFile, RefusesNumbersThatAreZeroInFloat32) {
  EXPECT_CONTAINS(refused(kViews + "[optimizer]\nlr = 1e-320\n"),
                  "e-321 but must be above 0 and at most 1e+30 (it is 0 in float32)");
  EXPECT_CONTAINS(refused(kViews + "[train]\nclass_weights = [1e-50, 1]\n"), "(it is 0 in float32)");
  EXPECT_NO_THROW(load(kViews + "[optimizer]\nlr = 1e-30\n"));
}

TEST_F(ConfigFile, RefusesKeysOfEndlesslyManyParts) {
  std::string key = "a";
  for (int i = 0; i < 65; ++i) key += ".a";
  EXPECT_CONTAINS(refused(kViews + key + " = 1\n"), "c.toml:3:1: a key has more than 64 parts");
  EXPECT_NO_THROW(load(kViews + "id = \"" + key + "\"  # " + key + std::string(100, '.') + "\n"));
}

TEST_F(ConfigFile, NamesAConfigThatCannotBeRead) {
  const std::string message = refusal(ExitCode::file_system, [&] { load_config(folder_.path() / "absent.toml"); });
  EXPECT_CONTAINS(message, "absent.toml");
}

TEST_F(ConfigFile, OffersACommentedConfigThatLoads) {
  const std::string text = commented_config("mldrl");
  const Config config = load(text);
  EXPECT_EQ(config.data.views[0], folder_.path() / "before.csv");
  Config defaults = load(kViews);
  defaults.data.views = config.data.views;
  defaults.data.outcome = config.data.outcome;
  EXPECT_EQ(config.optimizer.lr, 1e-3) << "a start that learns on a few hundred patients";
  EXPECT_EQ(config, defaults);
}

TEST(ConfigSchema, LoadsTheDemonstrationConfigs) {
  const fs::path folder = fs::path(EQUIPOISE_SOURCE_DIR) / "tools" / "demo-data";
  for (const char* name : {"pbcseq", "breast_cancer"}) {
    const Config config = load_config(folder / (std::string(name) + ".toml"));
    for (const ViewSource& view : config.data.views) EXPECT_TRUE(fs::exists(view.file)) << view.file;
    EXPECT_TRUE(fs::exists(*config.data.outcome));
    EXPECT_EQ(config.data.test, 0);
  }
}

}  // namespace
}  // namespace equipoise
