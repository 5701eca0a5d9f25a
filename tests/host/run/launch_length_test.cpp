// tests/host/run/launch_length_test.cpp - launches of a training grow, and end soon enough for a signal to be heard.
#include <gtest/gtest.h>

#include <thread>

#include "host/config/model_config.h"
#include "host/run/training.h"
#include "tests/host/commands/demo_run.h"
#include "tests/host/run/over_cpu.h"

namespace equipoise {
namespace {

using testing::kPbcseq, testing::TemporaryFolder;

/// The CPU, but no step takes less than 20 ms; keeps how many steps each launch of a training was to do.
class SlowExecutor : public testing::OverCpu {
 public:
  void run_epochs(const EpochsRun& run) override {
    asked.push_back(run.train.limits.steps);
    const int64_t before = run.train.controls[0].step;
    OverCpu::run_epochs(run);
    std::this_thread::sleep_for(std::chrono::milliseconds(20) * (run.train.controls[0].step - before));
  }

  std::vector<int> asked;
};

/// Steps of the first launches of an epoch that is longer than all of them.
std::vector<int> steps_of_launches(int count, int most_steps) {
  const TemporaryFolder home;
  const Config config = load_config(home.write("c.toml", testing::demo_config(kPbcseq)), {"train.batch=2"});
  const PreparedData prepared = prepare_data(config);
  RunFolder folder = RunFolder::create(home.path() / "run");
  folder.begin(config, prepared, "{}");
  SlowExecutor executor;
  Trainer trainer(prepared.data, prepared.split, training_plan(config, prepared.data, prepared.split), executor);
  Log log(LogFormat::json);
  Progress progress(log, trainer.program(), trainer.plan(), trainer.steps_per_epoch(), 0);
  Pace pace;
  pace.most_steps = most_steps;
  pace.stop = [&] { return count-- == 0; };
  EXPECT_FALSE(train_into(folder, trainer, progress, pace));
  EXPECT_EQ(trainer.control().epoch, 0) << "the epoch was too short";
  return executor.asked;
}

TEST(LaunchesOfATraining, AreDoubledUntilTheyTakeAThirdOfASecond) {
  const std::vector<int> steps = steps_of_launches(6, INT_MAX);
  ASSERT_EQ(steps.size(), 6u);
  EXPECT_EQ(steps[0], 1);
  for (std::size_t i = 1; i < steps.size(); ++i) {
    EXPECT_LE(steps[i], 2 * steps[i - 1]);
    EXPECT_LE(steps[i], 15) << "0.3 s of 20 ms each";
  }
  EXPECT_GE(steps[2], 3) << "a step took more than 0.1 s";
}

TEST(LaunchesOfATraining, AreNotLongerThanAllowed) {
  for (const int steps : steps_of_launches(5, 3)) EXPECT_LE(steps, 3);
}

}  // namespace
}  // namespace equipoise
