// tests/host/config/config_kinds_test.cpp - each kind's keys and defaults, and several balancers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "engine/balance/methods.h"
#include "host/config/config.h"
#include "host/config/config_schema.h"
#include "tests/host/config/model_of.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::test {
namespace {

using testing::model_of;
using testing::refusal;
using testing::TemporaryFolder;

const std::string kMldrl = "[data]\nviews = [\"a.csv\", \"b.csv\"]\n";
const std::string kMtl = "[data]\nviews = [\"a.csv\"]\ntasks = [\"regression:x,y\", \"binary:z\"]\n";
const std::string kTowers = "[data]\nsource = \"gradnorm-towers\"\n";
const std::string kToy = "[data]\nsource = \"gradnorm-toy\"\n";
const std::string kVaegan = "[data]\nviews = [\"a.csv\"]\n";

std::string kind(const std::string& name) { return "[model]\nkind = \"" + name + "\"\n"; }

class KindsOfConfigs : public ::testing::Test {
 protected:
  void SetUp() override { unsetenv("EQUIPOISE_SET"); }

  Config load(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return load_config(folder_.write("c.toml", text), overrides);
  }
  std::string refused(const std::string& text, const std::vector<std::string>& overrides = {}) {
    return refusal(ExitCode::usage, [&] { load(text, overrides); });
  }

  TemporaryFolder folder_;
};

TEST_F(KindsOfConfigs, GiveTowersTheirPublishedDefaults) {
  const Config c = load(kTowers + kind("mtl"));
  EXPECT_EQ(c.model.variant, "towers");
  EXPECT_EQ(c.data.rows, 10000);
  EXPECT_EQ(c.data.features, 100);
  EXPECT_EQ(c.data.validation, 0.1);
  EXPECT_EQ(c.data.test, 0.1);
  EXPECT_EQ(model_of<MtlSystem>(c).trunk, std::vector<int>{64});
  EXPECT_EQ(model_of<MtlSystem>(c).tower, (std::vector<int>{32, 16}));
  EXPECT_EQ(model_of<MtlSystem>(c).dropout, 0.5);
  EXPECT_EQ(c.balance[0].over, std::vector<std::string>{"last_trunk_weight"});
  EXPECT_EQ(c.balance[0].alpha, 0.16);
  EXPECT_EQ(c.balance[0].initial_weights, (std::vector<double>{1, 1}));
  EXPECT_EQ(c.balance[0].lr, 1e-3) << "the optimizer's";
  EXPECT_EQ(c.optimizer.lr, 1e-3);
  EXPECT_EQ(c.train.epochs, 50);
  EXPECT_EQ(c.train.batch, 100);
  EXPECT_EQ(c.train.monitor, "none");
}

TEST_F(KindsOfConfigs, GiveTheDeepTrunkItsPublishedDefaults) {
  const Config c = load(kToy + kind("mtl") + "variant = \"trunk\"\n");
  EXPECT_EQ(c.data.features, 250);
  EXPECT_EQ(c.data.outputs, 100);
  EXPECT_EQ(c.data.sigmas, (std::vector<double>{48, 3, 54, 16, 9, 30, 52, 26, 47, 81}));
  EXPECT_EQ(c.data.validation, 0);
  EXPECT_EQ(c.data.test, 0);
  EXPECT_EQ(model_of<MtlSystem>(c).trunk, (std::vector<int>{100, 100, 100, 100}));
  EXPECT_TRUE(model_of<MtlSystem>(c).tower.empty());
  EXPECT_EQ(model_of<MtlSystem>(c).dropout, 0);
  EXPECT_EQ(c.balance[0].alpha, 0.12);
  EXPECT_EQ(c.balance[0].lr, 5e-4);
  EXPECT_EQ(c.optimizer.lr, 1e-5);
  EXPECT_EQ(c.train.epochs, 250);
}

TEST_F(KindsOfConfigs, GiveTheVaeGanRmspropAndNoBalancer) {
  const Config c = load(kVaegan + kind("vaegan"));
  EXPECT_EQ(c.optimizer.kind, "rmsprop");
  EXPECT_EQ(c.optimizer.lr, 1e-4);
  EXPECT_EQ(c.optimizer.smoothing, 0.99);
  EXPECT_EQ(model_of<VaeganSystem>(c).discriminator, std::vector<int>{64});
  EXPECT_EQ(model_of<VaeganSystem>(c).output_activation, Activation::identity);
  EXPECT_EQ(c.balance.size(), 1u);
  EXPECT_EQ(c.balance[0].methods, std::vector<std::string>{"identity"});
  EXPECT_EQ(c.train.batch, 64);
  EXPECT_EQ(c.train.epochs, 2000);
  EXPECT_EQ(c.train.monitor, "none");
}

TEST_F(KindsOfConfigs, NameGradNormAsEachVariantWasPublished) {
  const auto method = [&](const std::string& data, const std::string& variant) {
    const Config c = load(data + kind("mtl") + "variant = \"" + variant + "\"\n");
    return parse_methods(c.balance[0].methods, "balance.methods").methods.at(0);
  };
  EXPECT_EQ(method(kTowers, "towers").loss_ratio, LossRatio::weighted);
  EXPECT_EQ(method(kTowers, "towers").renormalise, Normalise::in_loss);
  EXPECT_EQ(method(kToy, "trunk").restart, 1);
  EXPECT_EQ(method(kToy, "trunk").renormalise, Normalise::after_step);
  for (const char* variant : {"towers", "trunk"}) {
    EXPECT_EQ(method(kTowers, variant).network, 1) << "the published programs' way, on the published data";
    EXPECT_EQ(method(kMtl, variant).network, 0);
  }
}

TEST_F(KindsOfConfigs, ReadBackEveryKeyTheyHave) {
  const std::vector<std::string> texts = {
      kMtl + "outcome = \"o.csv\"\nid = \"ID\"\nsplit = \"s.csv\"\n" + kind("mtl") +
          "variant = \"trunk\"\ntrunk = [7, 5]\ntower = [3]\nactivation = \"tanh\"\ndropout = 0.25\n"
          "[balance]\nover = [\"fc1.weight\"]\ninitial_weights = [2, 1]\nlr = 0.5\n"
          "[optimizer]\nkind = \"sgd\"\nmomentum = 0.5\n[train]\nmonitor = \"loss\"\npatience = 3\n",
      kToy + "rows = 50\nfeatures = 3\noutputs = 2\nsigmas = [1, 2.5, 10]\nseed = 9\n" + kind("mtl") +
          "[balance]\nat = \"latent\"\nsum_rows = true\n[optimizer]\nkind = \"rmsprop\"\nsmoothing = 0.5\neps = 1e-6\n",
      kVaegan + "label = \"\"\n" + kind("vaegan") +
          "latent = 4\nencoder = [9, 8]\ndecoder = [7]\ndiscriminator = [6, 5]\nfeature_layer = 2\ngamma = 0.3\n"
          "lambda = 0\nactivation = \"sigmoid\"\noutput_activation = \"tanh\"\n[balance]\nmethods = [\"identity\"]\n"};
  std::set<std::string> written;
  for (const std::string& text : texts) {
    const Config config = load(text);
    const std::string resolved = to_toml(config);
    EXPECT_EQ(load(resolved), config) << resolved;
    EXPECT_TRUE(written.insert(resolved).second);
  }
  const Config mtl = load(texts[0]), vaegan = load(texts[2]);
  EXPECT_EQ(mtl.data.tasks, (std::vector<std::string>{"regression:x,y", "binary:z"}));
  EXPECT_EQ(model_of<MtlSystem>(mtl).trunk, (std::vector<int>{7, 5}));
  EXPECT_EQ(model_of<MtlSystem>(mtl).activation, Activation::tanh);
  EXPECT_EQ(mtl.optimizer.momentum, 0.5);
  EXPECT_EQ(mtl.train.patience, 3);
  EXPECT_EQ(model_of<VaeganSystem>(vaegan).encoder, (std::vector<int>{9, 8}));
  EXPECT_EQ(model_of<VaeganSystem>(vaegan).feature_layer, 2);
  EXPECT_EQ(loss_count(mtl), 2u);
  EXPECT_EQ(loss_count(load(texts[1])), 3u);
}

TEST_F(KindsOfConfigs, RefuseKeysOfOthersAndDoNotWriteThem) {
  const std::string message =
      refused(kVaegan + "tasks = [\"binary:x\"]\n" + kind("vaegan") +
                  "hidden = 5\nvariant = \"paper\"\n[balance]\nalpha = 1\n[optimizer]\nbeta1 = 0.5\n"
                  "[train]\nclass_weights = []\npatience = 4\n",
              {"model.trunk=[3]"});
  for (const char* complaint :
       {"c.toml:3:9: data.tasks belongs to kind mtl; remove it", "model.hidden belongs to kind mldrl; remove it",
        "c.toml:7:11: model.variant belongs to kind mldrl or mtl; remove it",
        "c.toml:9:9: balance.alpha belongs to kind mldrl or mtl; remove it",
        "optimizer.beta1 belongs to optimizer.kind adam; remove it",
        "train.class_weights belongs to kind mldrl or mtl; remove it",
        "train.patience belongs to train.monitor auc or loss or deviance; remove it",
        "--set model.trunk: model.trunk belongs to kind mtl; remove it"})
    EXPECT_CONTAINS(message, complaint);
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 7) << message;
  EXPECT_CONTAINS(refused(kTowers + "outputs = 3\nid = \"x\"\n" + kind("mtl")),
                  "data.outputs belongs to data.source gradnorm-toy; remove it");
  EXPECT_CONTAINS(refused(kTowers + "views = [\"a.csv\"]\n" + kind("mtl")),
                  "data.views belongs to data.source tables; remove it");
  EXPECT_CONTAINS(refused(kVaegan + kind("vaegan") + "[balance]\nmethods = [\"mgda\"]\n"),
                  "balance.methods is 'mgda' but must be one of \"identity\"");
  for (const char* absent : {"hidden", "trunk", "alpha", "beta1", "patience", "tasks", "rows"})
    EXPECT_EQ(to_toml(load(kVaegan + kind("vaegan"))).find("\n" + std::string(absent) + " ="), std::string::npos);
}

TEST_F(KindsOfConfigs, LetAnOverrideOfSourceOptimizerOrMonitorOvertakeKeysOfTheFile) {
  const std::string adam = kMldrl + "[optimizer]\nbeta1 = 0.5\n[train]\npatience = 4\n";
  const Config overtaken = load(adam, {"optimizer.kind=sgd", "train.monitor=none"});
  EXPECT_EQ(overtaken.optimizer.kind, "sgd");
  EXPECT_EQ(overtaken.optimizer.beta1, 0.9);
  EXPECT_EQ(overtaken.train.patience, 0);
  EXPECT_CONTAINS(refused(adam, {"optimizer.kind=sgd", "optimizer.beta1=0.5"}),
                  "--set optimizer.beta1: optimizer.beta1 belongs to optimizer.kind adam; remove it");
  EXPECT_CONTAINS(refused(kMldrl + "[optimizer]\nkind = \"sgd\"\nbeta1 = 0.5\n"), "belongs to optimizer.kind adam");
  EXPECT_EQ(load(kTowers + "rows = 7\n" + kind("mtl"),
                 {"data.source=tables", "data.views=[\"a.csv\"]", "data.tasks=[\"binary:x\"]"})
                .data.rows,
            10000);
}

TEST_F(KindsOfConfigs, RefuseTasksOfTheWrongForm) {
  const auto tasks = [&](const std::string& list) {
    return refused("[data]\nviews = [\"a.csv\"]\ntasks = " + list + "\n" + kind("mtl"));
  };
  EXPECT_CONTAINS(tasks("[\"stay\"]"), "c.toml:3:9: data.tasks 'stay': a task is written kind:column");
  const std::string two = tasks("[\"regresion:a\", 'binary:\"b\",c']");
  EXPECT_CONTAINS(two, "'regresion' is no kind of task; did you mean 'regression'?");
  EXPECT_CONTAINS(two, "data.tasks 'binary:\"b\",c': a binary task has one column");
  EXPECT_CONTAINS(tasks("[\"regression:a,,b\"]"), "a column has no name");
  EXPECT_CONTAINS(tasks("[\"binary:\"]"), "a column has no name");
  EXPECT_CONTAINS(tasks("['regression:a,\"b\"', \"binary:b\"]"), "the column 'b' is already a target; name it once");
  EXPECT_EQ(load("[data]\nviews = [\"a.csv\"]\ntasks = [\"binary:b, c\"]\n" + kind("mtl")).data.tasks.size(), 1u)
      << "which the table may have as one column";
  EXPECT_CONTAINS(tasks("[\"binary:id\"]"), "data.tasks: the column 'id' holds the ids; name another");
  EXPECT_CONTAINS(tasks("[]"), "data.tasks is [] but must have an element or more");
  EXPECT_CONTAINS(refused(kVaegan + kind("mtl")), "c.toml: data.tasks is missing; add it: targets as kind:column");
}

TEST_F(KindsOfConfigs, RefuseWhatCannotBeGenerated) {
  EXPECT_CONTAINS(refused("[data]\nsource = \"gradnorm\"\n" + kind("mtl")),
                  "data.source is 'gradnorm' but must be one of \"tables\", \"gradnorm-towers\", \"gradnorm-toy\"");
  EXPECT_CONTAINS(refused(kTowers + kind("vaegan")), "data.source is 'gradnorm-towers' but must be one of \"tables\"");
  EXPECT_CONTAINS(refused(kToy + "sigmas = []\n" + kind("mtl")), "data.sigmas is [] but must have an element or more");
  EXPECT_CONTAINS(refused(kToy + "sigmas = [1, -2]\n" + kind("mtl")), "data.sigmas is -2 but must be above 0");
  EXPECT_CONTAINS(refused(kTowers + "features = 1\n" + kind("mtl")),
                  "data.features is 1, but gradnorm-towers draws two");
  EXPECT_CONTAINS(refused(kToy + "rows = 100000000\n" + kind("mtl")), "c.toml:3:8: data.rows 100000000 make 1.25e+11");
}

TEST_F(KindsOfConfigs, AskForNoKeyOfAKindThatIsMisspelt) {
  const std::string message = refused(kTowers + kind("mlt"));
  EXPECT_CONTAINS(message, "model.kind is 'mlt' but must be one of");
  EXPECT_EQ(message.find("missing"), message.npos) << message;
}

TEST_F(KindsOfConfigs, RefuseNetworksThatCannotBe) {
  EXPECT_CONTAINS(refused(kMtl + kind("mtl") + "trunk = []\n"), "model.trunk is [] but must have an element or more");
  EXPECT_CONTAINS(refused(kMtl + kind("mtl") + "tower = [3, 0]\n"), "model.tower is 0 but must be at least 1");
  EXPECT_CONTAINS(refused(kMtl + kind("mtl") + "tower = [3.5]\n"), "model.tower is 3.5 but must be a whole number");
  EXPECT_CONTAINS(refused(kMtl + kind("mtl") + "dropout = 1\n"),
                  "model.dropout is 1 but must be at least 0 and below 1");
  EXPECT_CONTAINS(
      refused(kVaegan + kind("vaegan") + "feature_layer = 2\n"),
      "c.toml:5:17: model.feature_layer is 2, but model.discriminator has 1 hidden layer; name one of them");
  EXPECT_CONTAINS(refused(kMtl + kind("mtl") + "[balance]\ninitial_weights = [1, 1, 1]\n"),
                  "c.toml:7:19: balance.initial_weights has 3 numbers, but there are 2 tasks; give one a task");
}

const std::string kTwo =
    kMldrl + "[[balance]]\nmethods = [\"gradnorm\"]\nlr = 0.5\n[[balance]]\nmethods = [\"mgda\"]\nat = \"latent\"\n";

TEST_F(KindsOfConfigs, TakeSeveralBalancersThatShareTheSettingsOfTheRun) {
  const Config c = load(kTwo + "sum_rows = true\n");
  ASSERT_EQ(c.balance.size(), 2u);
  EXPECT_EQ(c.balance[0].at, "parameters");
  EXPECT_EQ(c.balance[1].methods, std::vector<std::string>{"mgda:normalise=none"});
  EXPECT_TRUE(c.balance[1].over.empty());
  EXPECT_TRUE(c.balance[1].sum_rows);
  EXPECT_EQ(c.balance[1].lr, 0.5);
  EXPECT_EQ(c.balance[1].initial_weights, (std::vector<double>{1.4, 3, 0.3}));
  EXPECT_EQ(load(to_toml(c)), c) << to_toml(c);
}

TEST_F(KindsOfConfigs, TakeOverridesOfEachBalancerByItsNumber) {
  const Config c = load(kTwo, {"balance.alpha=2", "balance[0].rescale=true", "balance[1].methods=[\"cagrad\"]"});
  EXPECT_EQ(c.balance[1].alpha, 2);
  EXPECT_TRUE(c.balance[0].rescale);
  EXPECT_FALSE(c.balance[1].rescale);
  EXPECT_EQ(c.balance[1].methods, std::vector<std::string>{"cagrad:normalise=none,c=0.4"});
  EXPECT_CONTAINS(refused(kTwo, {"balance[2].rescale=true"}),
                  "--set balance[2].rescale: the config has 2 balancers, counted from 0; add a [[balance]] to it");
  EXPECT_CONTAINS(refused(kTwo, {"balance[1].at=0"}), "--set balance[1].at: balance[1].at is '0' but must be one of");
  EXPECT_CONTAINS(refused(kTwo, {"balance[x].at=0"}), "--set balance[x].at: unknown key 'balance[x].at'");
}

TEST_F(KindsOfConfigs, RefuseBalancersThatClash) {
  const auto places = [&](const std::string& one, const std::string& other) {
    return kMldrl + "[[balance]]\nat = \"" + one + "\"\n[[balance]]\nat = \"" + other + "\"\n";
  };
  EXPECT_CONTAINS(refused(places("parameters", "parameters")),
                  "c.toml:6:6: balance[1].at is parameters, where balance already balances");
  EXPECT_CONTAINS(refused(places("latent1", "latent1")), "balance[1].at is latent1, where balance already balances");
  EXPECT_CONTAINS(refused(places("latent", "latent2")), "balance[1].at is latent2, but balance balances at latent,");
  EXPECT_CONTAINS(refused(places("latent1", "latent")), "balance[1].at is latent, but balance balances at latent1,");
  EXPECT_EQ(load(places("latent1", "latent2")).balance.size(), 2u);
  EXPECT_CONTAINS(refused(kTwo + "alpha = 3\n"), "c.toml:9:9: balance[1].alpha is common to all balancers");
  EXPECT_CONTAINS(refused(kTwo + "over = \"heads\"\n"), "c.toml:9:8: balance[1].over names parameters, but");
  EXPECT_CONTAINS(refused(kMldrl + "[balance]\nsum_rows = true\n"), "balance.sum_rows sums rows of the latent's");
  EXPECT_CONTAINS(refused(kMtl + kind("mtl") + "[balance]\nat = \"latent1\"\n"),
                  "must be one of \"parameters\", \"latent\"");
  EXPECT_CONTAINS(refused(kMldrl + "[[balance]]\nmethods = [\"gradnorm:lr=1\"]\n[[balance]]\nat = \"latent\"\n"
                                   "methods = [\"uw:lr=2\"]\n"),
                  "balance[1].methods says lr = 2 but an earlier balancer says 1; give both the same");
  std::string five = kMldrl;
  for (int i = 0; i < 5; ++i) five += "[[balance]]\n";
  EXPECT_CONTAINS(refused(five), "c.toml:7:1: there are 5 sections [[balance]]; keep at most 4");
  EXPECT_CONTAINS(refused(kVaegan + kind("vaegan") + "[[balance]]\n[[balance]]\n"), "several balancers belong to");
}

TEST_F(KindsOfConfigs, KnowEachKeyOnceAtAPlaceOfItsOwn) {
  const std::vector<std::string> texts = {kMldrl, kMtl + kind("mtl"), kTowers + kind("mtl"), kToy + kind("mtl"),
                                          kVaegan + kind("vaegan")};
  for (const std::string& text : texts) {
    Config config = load(text);
    std::set<std::string> names;
    std::set<const void*> places;
    for (const ConfigKey& key : config_keys()) {
      if (!key.known_to(config)) continue;
      EXPECT_TRUE(names.insert(key.dotted()).second) << key.dotted();
      const void* place = std::visit(
          [](auto value) -> const void* {
            if constexpr (std::is_same_v<decltype(value), NameOrNames>) return value.names;
            else if constexpr (std::is_same_v<decltype(value), Words>) return value.words;
            else if constexpr (std::is_same_v<decltype(value), Word>) return nullptr;
            else return value;
          },
          key.at(config));
      EXPECT_TRUE(!place || places.insert(place).second) << key.dotted();
    }
  }
}

}  // namespace
}  // namespace equipoise::test
