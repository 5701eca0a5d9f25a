// tests/host/study/study_settings_test.cpp - products of grids, draws of ranges, and what is refused of them.
#include "host/study/study_settings.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

#include "engine/train/trainer.h"
#include "host/config/model_config.h"
#include "host/run/prepared_data.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using Texts = std::vector<std::string>;

StudyConfig study_of(Texts grid, int random = 0, Texts ranges = {}) { return {5, 1, 1, 0, grid, random, ranges}; }

std::vector<Texts> overrides_of(const StudyConfig& study, uint64_t seed = 1) {
  std::vector<Texts> all;
  for (const StudySetting& setting : study_settings(study, seed)) all.push_back(setting.overrides);
  return all;
}

std::string refused(Texts grid, int random = 0, Texts ranges = {}) {
  return refusal(ExitCode::usage, [&] { study_settings(study_of(grid, random, ranges), 1); });
}

double value_of(const std::string& override) { return std::stod(override.substr(override.find('=') + 1)); }

TEST(StudySettings, AreTheProductOfTheGridWithItsFirstKeySlowest) {
  EXPECT_EQ(overrides_of(study_of({" optimizer.lr = 1e-4, 1e-3 ", "model.hidden=8,16,32"})),
            (std::vector<Texts>{{"optimizer.lr=1e-4", "model.hidden=8"},
                                {"optimizer.lr=1e-4", "model.hidden=16"},
                                {"optimizer.lr=1e-4", "model.hidden=32"},
                                {"optimizer.lr=1e-3", "model.hidden=8"},
                                {"optimizer.lr=1e-3", "model.hidden=16"},
                                {"optimizer.lr=1e-3", "model.hidden=32"}}));
  EXPECT_EQ(overrides_of(study_of({})), std::vector<Texts>{{}}) << "one model as the config says";
}

TEST(StudySettings, SplitValuesAtCommasOutsideQuotesAndBrackets) {
  const auto values = [](const std::string& text) {
    Texts all;
    for (const Texts& overrides : overrides_of(study_of({text}))) all.push_back(overrides.front());
    return all;
  };
  EXPECT_EQ(values("balance.methods=[\"gradnorm\"],[\"mgda\",\"pcgrad\"]"),
            (Texts{"balance.methods=[\"gradnorm\"]", "balance.methods=[\"mgda\",\"pcgrad\"]"}));
  EXPECT_EQ(values("balance.methods=gradnorm, mgda"),
            (Texts{"balance.methods=[\"gradnorm\"]", "balance.methods=[\"mgda\"]"}));
  EXPECT_EQ(values("balance[1].methods=\"cagrad:c=0.4,normalise=l2\",'mgda'"),
            (Texts{"balance[1].methods=[\"cagrad:c=0.4,normalise=l2\"]", "balance[1].methods=['mgda']"}));
  EXPECT_EQ(values("data.transform={\"*\" = \"log1p\", x = \"sqrt\"},{}"),
            (Texts{"data.transform={\"*\" = \"log1p\", x = \"sqrt\"}", "data.transform={}"}));
  EXPECT_EQ(values("model.trunk=[64,32],[[8],9]"), (Texts{"model.trunk=[64,32]", "model.trunk=[[8],9]"}));
  EXPECT_EQ(values("model.variant=\"a\\\",b\",c"), (Texts{"model.variant=\"a\\\",b\"", "model.variant=c"}));
}

TEST(StudySettings, DrawEveryRangeForEachPointOfTheGrid) {
  const auto all =
      overrides_of(study_of({"train.epochs=5,6"}, 3, {"optimizer.lr=log:1e-5:1e-2", "model.hidden=int:8:64"}));
  ASSERT_EQ(all.size(), 6u);
  for (size_t s = 0; s < 6; ++s) {
    ASSERT_EQ(all[s].size(), 3u);
    EXPECT_EQ(all[s][0], s < 3 ? "train.epochs=5" : "train.epochs=6");
    EXPECT_EQ(all[s][1], all[s % 3][1]) << "the same draws at each point";
  }
  const auto more = overrides_of(study_of({}, 50, {"optimizer.lr=log:1e-5:1e-2", "model.hidden=int:8:64"}));
  for (size_t s = 0; s < 3; ++s)
    EXPECT_EQ(more[s], Texts(all[s].begin() + 1, all[s].end())) << "of any number of draws";
  EXPECT_NE(overrides_of(study_of({}, 50, {"optimizer.lr=log:1e-5:1e-2", "model.hidden=int:8:64"}), 2), more);
}

TEST(StudySettings, DrawWhatPhiloxSays) {
  // Words 1 and 0 of Philox of key (7, 0) and counter (0, draw, 0, 10 + 256 range) as 53 bits, in Python.
  EXPECT_EQ(
      overrides_of(study_of({}, 3,
                            {"optimizer.lr=log:1e-5:1e-2", "optimizer.weight_decay=uniform:0:0.1",
                             "model.hidden=int:8:64", "model.shared=logint:8:256", "balance.alpha=choice:0.1,0.2,0.5"}),
                   7),
      (std::vector<Texts>{{"optimizer.lr=3.36269e-05", "optimizer.weight_decay=0.0887625", "model.hidden=14",
                           "model.shared=8", "balance.alpha=0.5"},
                          {"optimizer.lr=4.30835e-05", "optimizer.weight_decay=0.0210192", "model.hidden=23",
                           "model.shared=69", "balance.alpha=0.2"},
                          {"optimizer.lr=6.11386e-05", "optimizer.weight_decay=0.0090152", "model.hidden=37",
                           "model.shared=42", "balance.alpha=0.1"}}));
}

TEST(StudySettings, DrawEvenlyAndToBothEnds) {
  const int n = 20000;
  std::map<double, int> whole, log_whole, choice;
  double mean_log = 0, mean = 0, product = 0;
  for (const Texts& draw : overrides_of(study_of(
           {}, n, {"a.a=int:1:4", "a.b=logint:1:7", "a.c=log:1e-4:1e-2", "a.d=uniform:-1:3", "a.e=choice:1,2"}))) {
    ++whole[value_of(draw[0])];
    ++log_whole[value_of(draw[1])];
    const double log10 = std::log10(value_of(draw[2])), d = value_of(draw[3]);
    EXPECT_TRUE(log10 >= -4 && log10 <= -2 && d >= -1 && d <= 3);
    mean_log += log10 / n, mean += d / n, product += (log10 + 3) * (d - 1) / n;
    ++choice[value_of(draw[4])];
  }
  EXPECT_EQ(whole.size(), 4u);
  for (const auto& [value, count] : whole) EXPECT_NEAR(count, n / 4, 300) << value;  // deviation 61
  EXPECT_EQ(log_whole.size(), 7u);
  for (const auto& [value, count] : log_whole)  // the share of [k, k + 1) in the logarithms of [1, 8)
    EXPECT_NEAR(count, n * std::log((value + 1) / value) / std::log(8.0), 300) << value;
  EXPECT_NEAR(mean_log, -3, 0.02);  // deviation of one 0.577, of the mean 0.004
  EXPECT_NEAR(mean, 1, 0.04);       // 1.155, 0.008
  EXPECT_NEAR(product, 0, 0.025) << "ranges are independent";
  EXPECT_NEAR(choice[1], n / 2, 350);
}

TEST(StudySettings, KeepRoundedValuesWithinTheirEnds) {
  for (const Texts& draw : overrides_of(study_of({}, 200, {"a.a=uniform:0.12345678:0.12345679"}))) {
    EXPECT_GE(value_of(draw[0]), 0.12345678);
    EXPECT_LE(value_of(draw[0]), 0.12345679);
  }
}

TEST(StudySettings, RefuseTextOfAnotherForm) {
  EXPECT_EQ(refused({"optimizer.lr"}), "study.grid 'optimizer.lr': names no key; write key=value,value");
  EXPECT_EQ(refused({"=3"}), "study.grid '=3': names no key; write key=value,value");
  EXPECT_EQ(refused({"optimizer.lr=1,,2"}),
            "study.grid optimizer.lr: has an empty value; write one, or remove a comma");
  EXPECT_CONTAINS(refused({"optimizer.lr="}), "has an empty value");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr"}),
                  "study.ranges 'optimizer.lr': names no key; write key=log:LOW:HIGH");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=1,2"}),
                  "study.ranges optimizer.lr: '1,2' is no range; write it as log:LOW");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=lin:1:2"}), "'lin:1:2' is no range");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=log:1"}), "'' is not a number; write LOW and HIGH");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=log:1:2:3"}), "'2:3' is not a number");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=uniform:0:inf"}), "'inf' is not a number");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=uniform:2:2"}), "does not rise; write the lower end first");
  EXPECT_CONTAINS(refused({}, 5, {"optimizer.lr=log:0:1"}), "begins at or below 0, which has no logarithm");
  EXPECT_CONTAINS(refused({}, 5, {"model.hidden=logint:0:8"}), "begins below 1");
  EXPECT_CONTAINS(refused({}, 5, {"model.hidden=int:1:8.5"}), "has an end that is no whole number");
  EXPECT_CONTAINS(refused({}, 5, {"balance.alpha=choice:"}), "has an empty value");
}

TEST(StudySettings, RefuseKeysTwiceAndThoseThatMembersShare) {
  EXPECT_EQ(refused({"optimizer.lr=1,2", "optimizer.lr=3"}),
            "study.grid optimizer.lr: stands already in study.grid; keep one");
  EXPECT_EQ(refused({"balance.alpha=1,2"}, 3, {"balance[0].alpha=log:1:2"}),
            "study.ranges balance[0].alpha: stands already in study.grid; keep one");
  EXPECT_EQ(
      refused({"train.seed=1,2"}),
      "study.grid train.seed: train.seed is the first of study.seeds, by which every setting is trained; remove it");
  for (const char* key : {"data.seed", "data.views", "data.split", "study.folds", "evaluate.threshold", "model.kind"})
    EXPECT_CONTAINS(refused({std::string(key) + "=1,2"}), std::string("study.grid ") + key + ": " + key);
  EXPECT_CONTAINS(refused({"train.monitor=auc,loss"}), "train.monitor is what settings are compared by");
  EXPECT_CONTAINS(refused({}, 2, {"train.seed=int:1:9"}), "study.ranges train.seed: train.seed is the first");
  EXPECT_EQ(overrides_of(study_of({"data.outliers=tell,clip"})).size(), 2u);
}

TEST(StudySettings, RefuseDrawsWithoutRangesAndRangesWithoutDrawsAndTooMany) {
  EXPECT_CONTAINS(refused({}, 5), "study.random: there are 5 draws, and study.ranges says of nothing what is drawn");
  EXPECT_CONTAINS(refused({}, 0, {"optimizer.lr=log:1:2"}), "study.ranges: study.random is 0");
  Texts ten;
  for (int i = 0; i < 6; ++i) ten.push_back("a.k" + std::to_string(i) + "=0,1,2,3,4,5,6,7,8,9");
  EXPECT_EQ(refused(ten), "study.grid and study.random come to more than 100000 settings; name fewer values or draws");
  ten.pop_back();
  EXPECT_EQ(overrides_of(study_of(ten)).size(), 100000u);
  EXPECT_CONTAINS(refused(ten, 2, {"b.b=log:1:2"}), "more than 100000 settings");
}

class CheckedSettings : public ::testing::Test {
 protected:
  void SetUp() override {
    unsetenv("EQUIPOISE_SET");
    file_ = folder_.write("c.toml", "[data]\nviews = [\"a.csv\", \"b.csv\"]\n[study]\n");
  }
  Texts check(Texts grid, int random = 0, Texts ranges = {}) {
    return check_settings(study_settings(study_of(grid, random, ranges), 1),
                          [&](const Texts& overrides) { return load_config(file_, overrides); });
  }
  std::string refused(Texts grid, int random = 0, Texts ranges = {}) {
    return refusal(ExitCode::usage, [&] { check(grid, random, ranges); });
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path file_;
};

TEST_F(CheckedSettings, TellTheGridsKeyOfWhatTheConfigRefuses) {
  EXPECT_CONTAINS(refused({"optimizer.lrr=1,2"}),
                  "study.grid optimizer.lrr: unknown key 'optimizer.lrr'; did you mean 'optimizer.lr'?");
  EXPECT_CONTAINS(refused({"optimizer.lr=1,-2"}), "study.grid optimizer.lr: optimizer.lr is -2 but must be above 0");
  EXPECT_CONTAINS(refused({"balance.methods=mgda,mdga"}), "study.grid balance.methods: ");
  const std::string both = refused({"train.epochs=3"}, 2, {"model.hidden=uniform:8:9"});
  EXPECT_CONTAINS(both, "study.ranges model.hidden: model.hidden is 8");
  EXPECT_CONTAINS(both, " but must be a whole number (of the setting train.epochs=3, model.hidden=8");
}

TEST_F(CheckedSettings, RefuseTwoOfTheGridThatComeToOneConfigAndTellDrawsThatDo) {
  EXPECT_EQ(refused({"optimizer.lr=1e-3,2e-3,0.001"}),
            "study.grid: the settings optimizer.lr=1e-3 and optimizer.lr=0.001 come to the same config; remove one");
  EXPECT_EQ(check({"optimizer.lr=1e-3,2e-3", "optimizer.kind=adam,sgd", "balance.methods=gradnorm,mgda"}), Texts{});
  const Texts told = check({}, 3, {"train.epochs=int:5:6"});  // two values for three draws
  ASSERT_FALSE(told.empty());
  EXPECT_CONTAINS(told.back(), "study.ranges: setting 3 draws what setting ");
  EXPECT_CONTAINS(told.back(), " has: train.epochs=");
}

TEST(FixedWeights, AreAllVectorsOfPositiveParts) {
  const std::string identity = "balance.methods=[\"identity\"]", weights = "balance.initial_weights=";
  const auto overrides = [](size_t tasks, int parts) {
    std::vector<Texts> all;
    for (const StudySetting& setting : fixed_weight_settings(tasks, parts)) all.push_back(setting.overrides);
    return all;
  };
  EXPECT_EQ(overrides(2, 4), (std::vector<Texts>{{identity, weights + "[0.5, 1.5]"},
                                                 {identity, weights + "[1, 1]"},
                                                 {identity, weights + "[1.5, 0.5]"}}));
  EXPECT_EQ(overrides(3, 4), (std::vector<Texts>{{identity, weights + "[0.75, 0.75, 1.5]"},
                                                 {identity, weights + "[0.75, 1.5, 0.75]"},
                                                 {identity, weights + "[1.5, 0.75, 0.75]"}}));
  EXPECT_EQ(overrides(1, 3), (std::vector<Texts>{{identity, weights + "[1]"}}));
  EXPECT_EQ(fixed_weight_settings(4, 10).size(), 84u) << "9 over 3";
  const auto refused = [](size_t tasks, int parts) {
    return refusal(ExitCode::usage, [&] { fixed_weight_settings(tasks, parts); });
  };
  EXPECT_EQ(refused(3, 2), "2 parts cannot give 3 tasks a weight each; ask for 3 parts or more");
  EXPECT_CONTAINS(refused(0, 2), "the config has no task to weigh");
  EXPECT_CONTAINS(refused(8, 40), "40 parts for 8 tasks are 15380937 vectors of weights, more than 100000");
}

TEST(FixedWeights, AreWhatIdentityTrainsWith) {
  unsetenv("EQUIPOISE_SET");
  testing::TemporaryFolder folder;
  const auto path =
      folder.write("c.toml",
                   "[data]\nsource = \"gradnorm-toy\"\nrows = 40\nfeatures = 4\noutputs = 2\nsigmas = [1, 5]\n"
                   "[model]\nkind = \"mtl\"\nvariant = \"trunk\"\ntrunk = [3]\n[train]\nepochs = 1\n");
  const StudySetting setting = fixed_weight_settings(2, 4).back();
  const Config config = load_config(path, setting.overrides);
  EXPECT_EQ(config.balance.front().initial_weights, (std::vector<double>{1.5, 0.5}));
  const PreparedData prepared = prepare_data(config);
  const auto executor = make_cpu_executor(1);
  Trainer trainer(prepared.data, prepared.split, training_plan(config, prepared.data, prepared.split), *executor);
  const std::optional<EpochMetrics> metrics = trainer.advance(trainer.steps_per_epoch());
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->balancers.front().weights, (std::vector<double>{1.5, 0.5}));
}

}  // namespace
}  // namespace equipoise
