// tests/host/run/launch_length_test.cpp - launches of a training grow, and end soon enough for a signal to be heard.
#include <gtest/gtest.h>

#include <thread>

#include "host/config/model_config.h"
#include "host/run/training.h"
#include "tests/host/commands/demo_run.h"

namespace equipoise {
namespace {

using testing::kPbcseq, testing::TemporaryFolder;

/// The CPU, but no step takes less than 20 ms; keeps how many steps each launch of a training was to do.
class SlowExecutor : public Executor {
 public:
  std::string name() const override { return cpu_->name(); }
  PlanLimits plan_limits() const override { return cpu_->plan_limits(); }
  void load_tables(const RunTables& tables) override { cpu_->load_tables(tables); }
  void load_state(std::span<const float> state, int64_t floats) override { cpu_->load_state(state, floats); }
  void store_state(std::span<float> state) override { cpu_->store_state(state); }
  void load_states(std::size_t first, std::span<const float> states) override { cpu_->load_states(first, states); }
  void store_states(std::size_t first, std::span<float> states) override { cpu_->store_states(first, states); }
  void load_best(std::span<const float> best, int64_t floats) override { cpu_->load_best(best, floats); }
  void load_bests(std::size_t first, std::span<const float> bests) override { cpu_->load_bests(first, bests); }
  void store_bests(std::size_t first, std::span<float> bests) const override { cpu_->store_bests(first, bests); }
  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override { cpu_->run(programs, work); }
  void run_epochs(const EpochsRun& run) override {
    asked.push_back(run.train.limits.steps);
    const int64_t before = run.train.controls[0].step;
    cpu_->run_epochs(run);
    std::this_thread::sleep_for(std::chrono::milliseconds(20) * (run.train.controls[0].step - before));
  }

  std::vector<int> asked;

 private:
  std::unique_ptr<Executor> cpu_ = make_cpu_executor(1);
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
