// tests/engine/train/judged_beside_test.cpp - epochs are judged by the host while the device runs the next ones.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/engine/run/team_executor.h"
#include "tests/engine/train/member_cases.h"

namespace equipoise::test {
namespace {

/// Its second run of epochs begins only once the first one's are being judged, and they are judged no further until it
/// has begun: each waits for the other, up to half a minute.
class Together : public TeamExecutor<HostTeam> {
 public:
  Together() : TeamExecutor(1) {}
  void run_epochs(const EpochsRun& run) override {
    if (++runs_ == 2) both(true);
    TeamExecutor::run_epochs(run);
  }
  int host_threads() const override {
    if (!judged_.exchange(true)) both(false);
    return 1;
  }
  bool met() const { return met_ == 2; }

 private:
  void both(bool running) const {
    std::unique_lock lock(mutex_);
    (running ? running_ : judging_) = true;
    changed_.notify_all();
    if (changed_.wait_for(lock, std::chrono::seconds(30), [&] { return running_ && judging_; })) ++met_;
  }

  int runs_ = 0;
  mutable std::atomic<bool> judged_ = false;
  mutable std::atomic<int> met_ = 0;  // of the two, those that did not wait in vain
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable bool running_ = false, judging_ = false;
};

TEST(EpochsOfOneModel, AreJudgedWhileTheNextOnesRun) {
  SyntheticSystem s = synthetic_system(synthetic_trunk(2));
  s.plan.epochs = 150;
  s.plan.patience = 0;
  Together together;
  Trainer trainer(s.data, s.split, s.plan, together);
  const std::vector<EpochMetrics> epochs = trainer.advance_epochs(1 << 20).front();
  EXPECT_TRUE(together.met());
  ASSERT_EQ(epochs.size(), 150u);
  const auto other = make_cpu_executor(1);
  Trainer one(s.data, s.split, s.plan, *other);
  for (const EpochMetrics& m : epochs)
    ASSERT_EQ(to_json_line(trainer.program(), m, false), to_json_line(one.program(), *one.advance(1000), false));
  EXPECT_EQ(trainer.best_epoch(), one.best_epoch());
  EXPECT_EQ(told(trainer.best()), told(one.best()));
}

}  // namespace
}  // namespace equipoise::test
