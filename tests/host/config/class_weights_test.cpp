// tests/host/config/class_weights_test.cpp - weights of the classes of several tasks: their forms, what they are by the
// training rows, and what is refused where it is written or once the data are known.
#include "host/config/class_weights.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/systems/mtl/mtl_system.h"
#include "host/config/model_config.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::test {
namespace {

using testing::refusal;

const float kNone = std::nanf("");

/// Nine rows of a regression, of a binary relapse and of three stages; the first seven train.
class ClassWeightsOfTasks : public ::testing::Test {
 protected:
  ClassWeightsOfTasks() {
    data_.rows = 9;
    data_.features = {3};
    data_.label.assign(9, -1);
    data_.tasks = {{"stay", &regression(), 0, 1}, {"relapse", &binary(), 1, 1}, {"stage", &multiclass(), 2, 1, 3}};
    data_.target_cols = 3;
    const float relapse[] = {0, 0, kNone, 0, 1, kNone, kNone, 1, 1}, stage[] = {0, 1, 1, 2, 1, 2, 1, 0, 0};
    for (int r = 0; r < 9; ++r)
      for (const float t : {1.5f, relapse[r], stage[r]}) data_.targets.push_back(t);
  }
  Config load(const std::string& train, const std::vector<std::string>& settings = {},
              const std::string& tasks = R"("regression:stay", "binary:relapse", "multiclass:stage")") const {
    return load_config(folder_.write("c.toml", "[data]\nviews = [\"a.csv\"]\ntasks = [" + tasks +
                                                   "]\n[model]\nkind = \"mtl\"\n[train]\n" + train + "\n"),
                       settings);
  }
  std::string refused(const std::string& train, const std::string& tasks) const {
    return refusal(ExitCode::usage, [&] { load(train, {}, tasks); });
  }
  std::string refused(const std::string& train) const {
    return refusal(ExitCode::usage, [&] { load(train); });
  }
  TrainingPlan plan(const std::string& train, const std::vector<std::string>& settings = {}) const {
    return training_plan(load(train, settings), data_, split_);
  }
  std::string refused_plan(const std::string& train) const {
    return refusal(ExitCode::usage, [&] { plan(train); });
  }

  testing::TemporaryFolder folder_;
  Dataset data_;
  Split split_{{0, 1, 2, 3, 4, 5, 6}, {7, 8}, {}};
};

// Of scikit-learn 1.9.1: compute_class_weight("balanced") of [0, 0, 0, 1] and of [0, 1, 1, 2, 1, 2, 1].
TEST_F(ClassWeightsOfTasks, BalancedAreScikitLearnsOfEachTasksTrainingRows) {
  const std::vector<float> expected = {0.66666667f, 2.0f, 2.33333333f, 0.58333333f, 1.16666667f};
  const TrainingPlan both = plan("class_weights = \"balanced\"");
  EXPECT_EQ(both.class_weights, expected);
  EXPECT_TRUE(mtl(both.setup).weighs_classes);
  EXPECT_EQ(plan("class_weights = {relapse = \"balanced\", stage = \"balanced\"}").class_weights, expected);
}

TEST_F(ClassWeightsOfTasks, AreGivenTaskByTaskAndOnesOfTasksThatAreNotNamed) {
  EXPECT_EQ(plan("class_weights = {stage = \"balanced\", relapse = [1, 3]}").class_weights,
            (std::vector<float>{1, 3, 2.33333333f, 0.58333333f, 1.16666667f}));
  EXPECT_EQ(plan("class_weights = {stage = [0.5, 2, 4]}").class_weights, (std::vector<float>{1, 1, 0.5f, 2, 4}));
  EXPECT_EQ(plan("class_weights = {stage = [], relapse = [1, 3]}").class_weights, (std::vector<float>{1, 3, 1, 1, 1}));
  EXPECT_EQ(plan("", {"train.class_weights={relapse=[1,3]}"}).class_weights, (std::vector<float>{1, 3, 1, 1, 1}));
  EXPECT_EQ(plan("[train.class_weights]\nrelapse = [1, 3]").class_weights, (std::vector<float>{1, 3, 1, 1, 1}));
}

TEST_F(ClassWeightsOfTasks, AreAPlainListWhereOneTaskHasClasses) {
  data_.tasks.pop_back();
  const Config config = load("class_weights = [1, 3]", {}, R"("regression:stay", "binary:relapse")");
  EXPECT_EQ(training_plan(config, data_, split_).class_weights, (std::vector<float>{1, 3}));
}

TEST_F(ClassWeightsOfTasks, StandInTheGraphWhereTheirTaskReadsThem) {
  const TrainingPlan weighed = plan("class_weights = \"balanced\"");
  const Graph graph = weighed.setup.system->graph(Pass::train);
  std::vector<int> first;
  for (const Node& node : graph.nodes()) {
    if (const auto* o = std::get_if<TargetNode>(&node)) first.push_back(o->first_weight);
    if (const auto* o = std::get_if<TargetCrossEntropyNode>(&node)) first.push_back(o->first_weight);
  }
  EXPECT_EQ(first, (std::vector<int>{-1, 0, 2}));
}

TEST_F(ClassWeightsOfTasks, LeaveARunWithoutThemAsItWasBeforeThereWereAny) {
  for (const char* none : {"", "class_weights = []", "class_weights = {}"}) {
    const TrainingPlan unweighed = plan(none);
    const std::map<std::string, std::string> identity = identity_of(unweighed);
    EXPECT_FALSE(mtl(unweighed.setup).weighs_classes) << none;
    EXPECT_EQ(identity.at("classes"), "1");
    EXPECT_EQ(identity.at("class_weights"), "1 ");
    EXPECT_FALSE(identity.contains("weighs_classes"));
    EXPECT_EQ(to_toml(load(none)).find("class_weights"), std::string::npos) << none;
  }
  const std::map<std::string, std::string> weighed = identity_of(plan("class_weights = {relapse = [1, 3]}"));
  EXPECT_EQ(weighed.at("class_weights"), "1 3 1 1 1 ");
  EXPECT_EQ(weighed.at("weighs_classes"), "yes");
}

TEST_F(ClassWeightsOfTasks, AreWrittenAsTheyAreRead) {
  for (const char* train :
       {"class_weights = \"balanced\"", "class_weights = {stage = \"balanced\", relapse = [1, 3]}"}) {
    const Config config = load(train);
    const std::string text = to_toml(config);
    EXPECT_EQ(load_config(folder_.write("again.toml", text)), config) << text;
  }
  EXPECT_CONTAINS(to_toml(load("class_weights = {stage = \"balanced\", relapse = [1, 3]}")),
                  "\nclass_weights = {\"relapse\" = [1.0, 3.0], \"stage\" = \"balanced\"}\n");
}

TEST_F(ClassWeightsOfTasks, AreRefusedWhereTheyAreWritten) {
  const auto says = [&](const std::string& value, const std::string& sentence) {
    EXPECT_CONTAINS(refused("class_weights = " + value), "c.toml:7:17: train.class_weights " + sentence);
  };
  says("[1, 3]",
       "has numbers for one task, but 2 have classes (relapse, stage); give those of each as "
       "{\"relapse\" = [...], ...}, or \"balanced\"");
  says("{relaps = [1, 3]}", "names 'relaps', which is no task with classes; did you mean 'relapse'?");
  says("{stay = [1, 3]}", "names 'stay', a task of numbers, which have no classes to weigh; remove it");
  says("{relapse = [1, -3]}", "is -3 but must be above 0 and at most 1e+30 (of the task 'relapse')");
  says("{relapse = [1, 0]}", "is 0 but must be above 0");
  says("{relapse = [1, nan]}", "is nan but must be a finite number (of the task 'relapse')");
  says("{relapse = [1, inf]}", "is inf but must be a finite number");
  says("{relapse = \"even\"}", "is 'even' but must be one of \"balanced\" (of the task 'relapse')");
  says("{relapse = 2}", "is 2 but must be a list in square brackets (of the task 'relapse')");
  says("2", "is 2 but must be a list in square brackets");
}

TEST_F(ClassWeightsOfTasks, AreRefusedWhereNothingHasClasses) {
  EXPECT_CONTAINS(
      refused("class_weights = \"balanced\"", R"("regression:stay", "count:visits")"),
      "c.toml:7:17: train.class_weights weighs classes, and no task has any; remove it, or name a binary or "
      "multiclass task");
  const std::string generated = refusal(ExitCode::usage, [&] {
    load_config(folder_.write("g.toml",
                              "[data]\nsource = \"gradnorm-towers\"\n[model]\nkind = \"mtl\"\n[train]\n"
                              "class_weights = \"balanced\"\n"));
  });
  EXPECT_CONTAINS(generated, "g.toml:6:17: train.class_weights belongs to data.source tables; remove it");
}

TEST_F(ClassWeightsOfTasks, AreRefusedByTaskForALabel) {
  EXPECT_CONTAINS(refusal(ExitCode::usage,
                          [&] {
                            load_config(folder_.write("l.toml",
                                                      "[data]\nviews = [\"a.csv\", \"b.csv\"]\n[train]\n"
                                                      "class_weights = {label = [1, 2]}\n"));
                          }),
                  "l.toml:4:17: train.class_weights names 'label', but there are no tasks: give \"balanced\" or one "
                  "number per class of the label");
}

TEST_F(ClassWeightsOfTasks, AreRefusedOnceTheDataTellTheirClasses) {
  EXPECT_CONTAINS(
      refused_plan("class_weights = {stage = [1, 3]}"),
      "train.class_weights of stage has 2 numbers but the task has 3 classes; give one number per class, in "
      "the order of the sorted classes");
  for (std::size_t row : {0u, 1u, 3u}) data_.targets[row * 3 + 1] = kNone;
  EXPECT_CONTAINS(
      refused_plan("class_weights = \"balanced\""),
      "train.class_weights: class 0 of relapse has no labelled training row to balance by; give the weights "
      "as numbers");
  EXPECT_EQ(plan("class_weights = {stage = \"balanced\"}").class_weights.size(), 5u);
}

TEST_F(ClassWeightsOfTasks, NameATaskWhoseColumnHasAComma) {
  data_.tasks = {{"b, c", &binary(), 1, 1}};
  const Config config = load("class_weights = {\"b, c\" = [2, 3]}", {}, R"("binary:b, c")");
  EXPECT_EQ(training_plan(config, data_, split_).class_weights, (std::vector<float>{2, 3}));
}

}  // namespace
}  // namespace equipoise::test
