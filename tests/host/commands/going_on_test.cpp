// tests/host/commands/going_on_test.cpp - a run that is trained for longer by --set ends as one that was so from the
// start.
#include <gtest/gtest.h>

#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

class GoingOn : public ProgramRun {
 protected:
  GoingOn() { home_.write("c.toml", demo_config(kPbcseq)); }

  Finished trained(const std::string& folder, const std::vector<std::string>& settings) const {
    return run(train_arguments("c.toml", folder, settings));
  }
  Finished resumed(const std::string& folder, const std::vector<std::string>& settings) const {
    std::vector<std::string> arguments{"train", "--resume", "--device", "cpu", "--out", folder};
    for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
    return run(arguments);
  }
  void expect_same(const std::string& one, const std::string& other) const {
    EXPECT_EQ(summary(one)["hash"], summary(other)["hash"]);
    for (const char* file : {"config.toml", "model.safetensors", "last.safetensors", "predictions.csv"})
      EXPECT_EQ(content_of(at(one) / file), content_of(at(other) / file)) << file;
  }
};

TEST_F(GoingOn, ForMoreEpochsEndsAsARunOfSoManyFromTheStart) {
  ASSERT_EQ(trained("r", {"train.epochs=5"}).code, 0);
  const Finished f = resumed("r", {"train.epochs=9"});
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.out, "finished: all 9 epochs done");
  ASSERT_EQ(trained("whole", {"train.epochs=9"}).code, 0);
  expect_same("r", "whole");
}

TEST_F(GoingOn, WithMorePatienceEndsAsARunThatWasAsPatient) {
  const std::vector<std::string> impatient{"train.epochs=100", "train.patience=2"};
  Finished f = trained("r", impatient);
  ASSERT_EQ(f.code, 0) << f.log;
  ASSERT_NE(f.out.find("finished: no improvement for 2 epochs"), std::string::npos) << f.out;
  const std::string config = content_of(at("r") / "config.toml");

  f = resumed("r", {"train.epochs=200"});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log,
                  "nothing is left to train: patience ended the run, no improvement for 2 epochs; to train for "
                  "longer: equipoise train --resume --out r --set train.patience=4\n");
  f = resumed("r", {"train.epochs=100", "train.patience=6"});
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_EQ(f.log.find("nothing is left"), std::string::npos) << f.log;
  ASSERT_EQ(trained("whole", {"train.epochs=100", "train.patience=6"}).code, 0);
  expect_same("r", "whole");
  EXPECT_NE(content_of(at("r") / "config.toml"), config);
}

TEST_F(GoingOn, WithAnyOtherKeyIsRefusedByItsName) {
  ASSERT_EQ(trained("r", {"train.epochs=3"}).code, 0);
  const std::string config = content_of(at("r") / "config.toml");
  const auto refused = [&](const std::string& setting, const std::vector<std::string>& parts) {
    expect_refused(kUsage, {"train", "--resume", "--device", "cpu", "--out", "r", "--set", setting}, parts);
  };
  refused("optimizer.lr=1",
          {"--set optimizer.lr: cannot change in a run", "train.epochs, train.patience, train.warmup"});
  refused("train.batch=1", {"--set train.batch: cannot change in a run"});
  refused("train.epochs", {"not a setting; write section.key=value"});
  refused("train.epochs=many", {"train.epochs is 'many' but must be a whole number"});
  EXPECT_EQ(content_of(at("r") / "config.toml"), config);
  const Finished f = resumed("r", {"train.epochs=2"});
  EXPECT_EQ(f.code, kUsage);
  EXPECT_CONTAINS(f.log, "--set train.epochs: is 2, but 3 epochs are done; give as many or more");
  EXPECT_EQ(content_of(at("r") / "config.toml"), config);
}

}  // namespace
}  // namespace equipoise::testing
