// tests/host/commands/system_refusals_test.cpp - bad input of multi-task networks, VAE-GAN and several balancers ends
// in a sentence that says where and what to do.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {
namespace {

/// One setting of a config that works without it.
struct Bad {
  std::string setting;
  std::vector<std::string> parts;
  int code = kUsage;
};

class SystemRefusals : public ProgramRun {
 protected:
  SystemRefusals() {
    write_small_tables(home_.path());
    home_.write("mtl.toml", kSmallMtl);
    home_.write("vaegan.toml", kSmallVaegan);
  }
  void expect_all_refused(const std::string& config, const std::vector<Bad>& all) const {
    for (const Bad& bad : all) {
      SCOPED_TRACE(bad.setting);
      expect_refused(bad.code, train_arguments(config, "r", {bad.setting}), bad.parts);
      if (bad.code != kNumerics) {
        EXPECT_FALSE(std::filesystem::exists(at("r"))) << "a folder for nothing";
      }
      std::filesystem::remove_all(at("r"));
    }
  }
  /// The config with `more` lines at its end is refused.
  void expect_ending_refused(const std::string& config, const std::string& more,
                             const std::vector<std::string>& parts) const {
    SCOPED_TRACE(more);
    home_.write("bad.toml", config + more);
    expect_refused(kUsage, {"train", "bad.toml", "--out", "r"}, parts);
  }
  std::string feature_table(const std::string& fifth_line) const {
    std::string text;
    const std::vector<std::string> lines = lines_of(content_of(at("features.csv")));
    for (std::size_t i = 0; i < lines.size(); ++i) text += (i == 4 ? fifth_line : lines[i]) + '\n';
    return text;
  }
};

TEST_F(SystemRefusals, NameSystemsAndKinds) {
  expect_refused(kUsage, {"init", "tower"}, {"'tower'", "towers"});
  expect_refused(kUsage, {"init", "gan"}, {"mldrl, towers, trunk, vaegan"});
  expect_all_refused("mtl.toml", {{"model.kind=mlt", {"model.kind is 'mlt'", "did you mean 'mtl'?"}},
                                  {"model.variant=tower", {"model.variant", "did you mean 'towers'?"}},
                                  {"data.source=gradnorm-towns", {"data.source", "gradnorm-towers"}}});
}

TEST_F(SystemRefusals, SayWhatIsWrongWithTasks) {
  home_.write("none.toml", "[data]\nviews = [\"features.csv\"]\n[model]\nkind = \"mtl\"\n");
  expect_refused(kUsage, {"train", "none.toml"}, {"none.toml: data.tasks is missing; add it"});
  expect_all_refused(
      "mtl.toml",
      {{"data.tasks=[]", {"data.tasks is [] but must have an element or more"}},
       {"data.tasks=[\"regresion:stay\"]", {"did you mean 'regression'?"}},
       {"data.tasks=[\"stay\"]", {"data.tasks 'stay'"}},
       {"data.tasks=[\"binary:stay,cost\"]", {"a binary task has one column; make a task of each"}},
       {"data.tasks=[\"regression:stay\", \"regression:cost,stay\"]", {"'stay'", "name it once"}},
       {"data.tasks=[\"regression:id\"]", {"the column 'id' holds the ids; name another"}},
       {"data.tasks=[\"regression:stya\"]", {"outcome.csv:1:1", "'stya'", "did you mean 'stay'?"}, kData},
       {"data.tasks=[\"regression:died\"]", {"outcome.csv:3:", "in the column 'died' is not a number"}, kData},
       {"data.tasks=[\"binary:stage\"]", {"outcome.csv:", "third value", "make the task multiclass"}, kData}});
}

TEST_F(SystemRefusals, KnowWhichMonitorEachKindHas) {
  for (const char* config : {"mtl.toml", "vaegan.toml"})
    expect_all_refused(config,
                       {{"train.monitor=accuracy", {"train.monitor is 'accuracy'"}},
                        {"train.patience=5", {"train.patience belongs to train.monitor auc or loss or deviance"}}});
  for (const char* monitor : {"auc", "deviance"})
    expect_all_refused("vaegan.toml",
                       {{fmt::format("train.monitor={}", monitor),
                         {fmt::format("train.monitor: \"{}\" chooses no epoch of kind vaegan; set \"loss\" "
                                      "or \"none\"",
                                      monitor)}}});
  expect_all_refused("vaegan.toml", {{"train.monitor_task=x", {"train.monitor_task belongs to kind mtl"}}});
}

TEST_F(SystemRefusals, KnowWhatAMonitorIsOf) {
  expect_all_refused("mtl.toml", {{"train.monitor_task=died",
                                   {"train.monitor_task belongs to train.monitor auc or loss or deviance"}}});
  const auto refused = [&](const std::string& tasks, const std::string& monitor, const std::string& task,
                           const std::string& said, int code) {
    std::vector<std::string> arguments = {"train",    "mtl.toml",
                                          "--out",    "r",
                                          "--device", "cpu",
                                          "--set",    "data.tasks=[" + tasks + "]",
                                          "--set",    "train.monitor=" + monitor};
    if (!task.empty()) arguments.insert(arguments.end(), {"--set", "train.monitor_task=" + task});
    expect_refused(code, arguments, {said});
  };
  refused("\"regression:stay\"", "auc", "", "an AUC needs a task of classes, and these are all of numbers; set",
          kUsage);
  refused("\"regression:stay\", \"binary:died\"", "auc", "stay", "stay is a task of numbers, which have no AUC",
          kUsage);
  refused("\"regression:stay\", \"binary:died\"", "loss", "dyed", "there is no task 'dyed'; did you mean 'died'?",
          kUsage);
}

TEST_F(SystemRefusals, KeepBalancersWithinTheirKind) {
  expect_all_refused("mtl.toml", {{"balance.at=latent1", {"balance.at is 'latent1'", "did you mean 'latent'?"}},
                                  {"balance.sum_rows=true", {"balance.sum_rows", "set balance.at to a latent"}},
                                  {"balance.over=heads", {"balance.over", "'heads'", "sharedlayer.0.weight"}},
                                  {"balance.initial_weights=[1, 2]", {"there are 3 tasks; give one a task"}},
                                  {"balance[1].methods=[\"mgda\"]", {"1 balancer", "add a [[balance]]"}}});
  expect_all_refused("vaegan.toml", {{"balance.methods=[\"mgda\"]", {"balance.methods is 'mgda'", "\"identity\""}},
                                     {"balance.at=latent", {"balance.at belongs to kind mldrl or mtl; remove it"}}});
  const std::string mtl = kSmallMtl;
  expect_ending_refused(mtl, "[[balance]]\n[[balance]]\n", {"balance[1].at is parameters", "a place of its own"});
  expect_ending_refused(mtl, "[[balance]]\n[[balance]]\nat = \"latent\"\n", {"[[balance]]", "kind mtl takes one"});
  expect_ending_refused(mtl, "[balance]\n[[balance]]\nat = \"latent\"\n", {"bad.toml:11:1", "array-of-tables"});
}

TEST_F(SystemRefusals, KeepBalancersOfTwoViewsApart) {
  const std::string mldrl = "[data]\nviews = [\"features.csv\", \"features.csv\"]\noutcome = \"outcome.csv\"\n";
  const auto blocks = [](const std::string& one, const std::string& other) {
    return "[[balance]]\nat = \"" + one + "\"\n[[balance]]\nat = \"" + other + "\"\n";
  };
  expect_ending_refused(mldrl, blocks("latent1", "latent1"), {"bad.toml:7:6: balance[1].at is latent1"});
  expect_ending_refused(mldrl, blocks("latent1", "latent"), {"bad.toml:7:6", "latent is those of all views together"});
  expect_ending_refused(mldrl, blocks("parameters", "latent1"), {"balance", "latent of its own", "latent1"});
  expect_ending_refused(mldrl, blocks("latent1", "latent2") + "lr = 0.1\n",
                        {"bad.toml:8:6: balance[1].lr is common to all balancers", "first [[balance]]"});
  expect_ending_refused(mldrl, blocks("latent1", "latent2") + "[[balance]]\n[[balance]]\n[[balance]]\n",
                        {"there are 5 sections [[balance]]; keep at most 4"});
}

TEST_F(SystemRefusals, KnowHowManyTasksCanBeBalanced) {
  std::string sigmas = "1";
  for (int k = 2; k <= 32; ++k) sigmas += ", " + std::to_string(k);
  const auto toy = [&](const std::string& list) {
    return train_arguments("toy.toml", "r", {"data.sigmas=[" + list + "]"});
  };
  home_.write("toy.toml",
              "[data]\nsource = \"gradnorm-toy\"\nrows = 8\nfeatures = 3\noutputs = 2\n"
              "[model]\nkind = \"mtl\"\nvariant = \"trunk\"\n[train]\nepochs = 1\n"
              "[balance]\nmethods = [\"gradnorm\"]\n");
  expect_refused(kUsage, toy(sigmas + ", 33"), {"33 tasks", "at most 32", "fewer"});
  EXPECT_EQ(run(toy(sigmas)).code, 0);
}

TEST_F(SystemRefusals, SayWhatNetworksCannotBe) {
  expect_all_refused("vaegan.toml",
                     {{"model.feature_layer=2", {"model.discriminator has 1 hidden layer; name one of them"}},
                      {"model.feature_layer=0", {"model.feature_layer is 0"}},
                      {"model.encoder=[]", {"model.encoder is [] but must have an element or more"}},
                      {"model.latent=0", {"model.latent is 0"}},
                      {"model.gamma=1.5", {"model.gamma is 1.5 but must be at least 0 and at most 1"}},
                      {"model.lambda=-1", {"model.lambda is -1"}},
                      {"model.hidden=3", {"model.hidden belongs to kind mldrl; remove it"}},
                      {"optimizer.beta1=0.9", {"optimizer.beta1 belongs to optimizer.kind adam"}},
                      {"optimizer.kind=adma", {"did you mean 'adam'?"}},
                      {"optimizer.lr=1e20", {"non-finite value", "lower optimizer.lr"}, kNumerics}});
  expect_all_refused("mtl.toml", {{"model.trunk=[]", {"model.trunk is []"}},
                                  {"model.tower=[0]", {"model.tower is 0 but must be at least 1"}},
                                  {"model.dropout=1", {"model.dropout is 1", "below 1"}},
                                  {"optimizer.momentum=0.9", {"optimizer.kind rmsprop or sgd; remove it"}}});
}

TEST_F(SystemRefusals, SayWhatIsWrongWithTables) {
  const auto refused = [&](const std::string& table, const std::vector<std::string>& parts) {
    SCOPED_TRACE(parts.back());
    home_.write("bad.csv", table);
    for (const char* config : {"mtl.toml", "vaegan.toml"})
      expect_refused(kData, train_arguments(config, "r", {"data.views=[\"bad.csv\"]"}), parts);
  };
  refused(feature_table("p103,inf,1,1"), {"bad.csv:5:6", "not a finite number"});
  refused(feature_table("p103,high,1,1"), {"bad.csv:5:6", "'high' in the column 'a' is not a number"});
  refused("id,a\n", {"bad.csv:1:1", "no rows"});
  refused("id,a\nq1,2\n", {"outcome.csv: the column '"});  // no id in common
  expect_all_refused("vaegan.toml", {{"data.label=lable", {"outcome.csv:1:1", "did you mean 'label'?"}, kData},
                                     {"data.views=[\"features.csv\", \"features.csv\"]", {"must have 1 element"}}});
}

TEST_F(SystemRefusals, LeaveAMissingFeatureToTheMedian) {
  home_.write("gap.csv", feature_table("p103,nan,NA,"));
  for (const char* config : {"mtl.toml", "vaegan.toml"})
    said(train_arguments(config, std::string(config) + ".run", {"data.views=[\"gap.csv\"]"}));
}

TEST_F(SystemRefusals, TakeABatchBeyondTheDataAndASingleRow) {
  home_.write("one.csv", "id,a\np101,2\n");
  for (const std::string config : {"mtl.toml", "vaegan.toml"}) {
    said(train_arguments(config, "big" + config, {"train.batch=1000"}));
    EXPECT_EQ(metrics("big" + config).back()["step"], 3) << "a step an epoch";
  }
  const std::vector<std::string> alone = {"data.views=[\"one.csv\"]", "data.validation=0", "data.test=0"};
  auto settings = alone;
  settings.push_back("data.tasks=[\"regression:stay\"]");
  said(train_arguments("mtl.toml", "one1", settings));
  settings = alone;
  settings.push_back("data.label=");
  said(train_arguments("vaegan.toml", "one2", settings));
  // Two classes need two rows.
  settings.back() = "data.tasks=[\"binary:died\"]";
  expect_refused(kData, train_arguments("mtl.toml", "one3", settings), {"outcome.csv", "'died'", "two"});
}

TEST_F(SystemRefusals, GenerateFromAVaeGanOnly) {
  said(train_arguments("mtl.toml", "mtl", {}));
  said(train_arguments("vaegan.toml", "vaegan", {}));
  home_.write("mldrl.toml", "[data]\nviews = [\"features.csv\", \"features.csv\"]\noutcome = \"outcome.csv\"\n");
  said(train_arguments("mldrl.toml", "mldrl", {"train.epochs=1"}));
  for (const std::string kind : {"mtl", "mldrl"})
    expect_refused(kCheckpoint, {"generate", kind}, {kind + "/model.safetensors", "of kind " + kind, "kind vaegan"});
  for (const char* rows : {"0", "-1", "10000001"})
    expect_refused(kUsage, {"generate", "vaegan", "--rows", rows}, {"--rows", "from 1 to 10000000"});
  for (const char* seed : {"-1", "some"}) expect_refused(kUsage, {"generate", "vaegan", "--seed", seed}, {"--seed"});
  for (const char* own : {"vaegan/config.toml", "vaegan/../vaegan/model.safetensors"})
    expect_refused(kUsage, {"generate", "vaegan", "--out", own}, {own, "is a file of the run itself"});
  expect_refused(kUsage, {"generate", "nothing"}, {"holds no run", "give the folder"});
  expect_refused(kUsage, {"generate"}, {"RUN"});
  std::filesystem::remove(at("vaegan") / "model.safetensors");
  const Finished f = run({"generate", "vaegan"});
  EXPECT_TRUE(f.code == kCheckpoint || f.code == 5) << f.code;
  EXPECT_CONTAINS(f.log, "vaegan/model.safetensors");
}

TEST_F(SystemRefusals, RecordFullBatchesOnly) {
  for (const char* config : {"mtl.toml", "vaegan.toml"})
    expect_refused(kUsage, {"record", config, "--steps", "9", "--out", "x"}, {"--steps", "2 full batches of 16"});
}

}  // namespace
}  // namespace equipoise::testing
