// tests/host/study/study_training_test.cpp - members of a study train in waves, of which several go side by side.
#include "host/study/study_training.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "engine/base/error.h"
#include "engine/run/several_executors.h"
#include "host/config/model_config.h"
#include "host/study/study_files.h"
#include "tests/engine/train/member_cases.h"
#include "tests/host/commands/small_tables.h"
#include "tests/host/run/over_cpu.h"
#include "tests/host/study/study_fixture.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::testing {
namespace {

TEST(MembersAtOnce, AreAsManyOnEachDevice) {
  const test::MemberCase c = test::different_members(test::synthetic_trunk(2));
  const auto of = [&](int devices) {
    std::vector<std::unique_ptr<Executor>> executors;
    for (int d = 0; d < devices; ++d) executors.push_back(make_cpu_executor(1));
    const auto all = make_several(std::move(executors));
    return members_at_once(c.members[0], *all, 8, 1);
  };
  EXPECT_EQ(of(1), 8u);
  EXPECT_EQ(of(3), 24u);
}

TEST(MembersAtOnce, OfSeveralWavesShareTheMemory) {
  const test::MemberCase c = test::different_members(test::synthetic_trunk(2));
  const auto cpu = make_cpu_executor(1);
  constexpr std::size_t kMany = std::size_t{1} << 36;  // more than any machine holds
  const std::size_t alone = members_at_once(c.members[0], *cpu, kMany, 1);
  EXPECT_LT(alone, kMany);
  EXPECT_EQ(members_at_once(c.members[0], *cpu, kMany, 4), alone / 4);
}

/// A sweep of eighteen members in two groups of one structure each.
class Waves : public ::testing::Test {
 protected:
  Waves() {
    write_small_tables(home_.path());
    const std::filesystem::path file = home_.write("c.toml", kSmallMldrl);
    const Resolve resolve = [=](const std::vector<std::string>& overrides) { return load_config(file, overrides); };
    config_ = resolve({});
    raw_ = read_raw_data(config_);
    std::vector<StudySetting> settings;
    for (const char* hidden : {"5", "4"})
      for (const char* rate : {"1e-3", "3e-3", "1e-2"})
        settings.push_back({{std::string("model.hidden=") + hidden, std::string("optimizer.lr=") + rate}});
    config_.study = StudyConfig{.seeds = 3};
    std::vector<std::string> notices;
    plan_ = plan_study(StudyKind::sweep, config_, settings, resolve, raw_, notices);
    for (std::size_t m = 0; m < plan_.members.size(); ++m) all_.push_back(m);
  }

  struct Trained {
    bool finished = false;
    std::map<int, MemberResult> results{};
  };

  /// What waves of four come to on such executors.
  Trained train(
      const std::vector<std::unique_ptr<Executor>>& executors, const std::string& journal,
      const std::function<bool()>& stop = [] { return false; }) {
    StudyData data(config_, plan_, raw_, home_.path() / study_file::kSplits, study_file::kSplits);
    StudyJournal kept(home_.path() / journal, "this");
    Log log(LogFormat::text, true);
    Trained trained;
    trained.results = kept.finished([](const std::string& told) { FAIL() << told; });
    StudyProgress progress(log, all_.size(), trained.results.size());
    StudyPace pace;
    pace.stop = stop;
    pace.at_once = 4;
    trained.finished = train_members(plan_, all_, data, executors, kept, trained.results, progress, log, pace);
    return trained;
  }

  /// Members of which a journal has results, and those of which it has checkpoints.
  std::pair<std::size_t, std::size_t> finished_and_running(const std::string& journal) const {
    const StudyJournal kept(home_.path() / journal, "this");
    const auto silent = [](const std::string& told) { FAIL() << told; };
    return {kept.finished(silent).size(), kept.running(silent).size()};
  }

  static std::vector<std::unique_ptr<Executor>> cpus(int count) {
    std::vector<std::unique_ptr<Executor>> executors;
    for (int e = 0; e < count; ++e) executors.push_back(make_cpu_executor(1));
    return executors;
  }

  static void expect_same(const Trained& a, const Trained& b) {
    ASSERT_EQ(a.results.size(), b.results.size());
    for (const auto& [number, result] : a.results) {
      const MemberResult& other = b.results.at(number);
      EXPECT_EQ(to_json(result), to_json(other)) << number;
      EXPECT_EQ(result.model.tensors, other.model.tensors) << number;
      EXPECT_EQ(result.model.metadata, other.model.metadata) << number;
    }
  }

  TemporaryFolder home_;
  Config config_;
  RawData raw_;
  StudyPlan plan_;
  std::vector<std::size_t> all_;
};

TEST_F(Waves, SideBySideComeToWhatTheyComeToOneAfterAnother) {
  ASSERT_EQ(all_.size(), 18u);
  const Trained one = train(cpus(1), "one");
  EXPECT_TRUE(one.finished);
  EXPECT_EQ(one.results.size(), 18u);
  for (const int count : {2, 3, 7}) {
    const Trained several = train(cpus(count), "several" + std::to_string(count));
    EXPECT_TRUE(several.finished);
    expect_same(one, several);
  }
}

TEST_F(Waves, SideBySideGoOnWhereTheyWereStopped) {
  const Trained one = train(cpus(1), "one");
  Trained pieces;
  int stops = 0, kept = 0;
  for (int asked = 0; !pieces.finished; asked = 0) {
    // Each piece is stopped at a later time than the one before, so that all kinds of moments come: within a first
    // wave, between waves, with some finished.
    pieces = train(cpus(2), "pieces", [&] { return ++asked > 2 + 3 * stops; });
    stops += pieces.finished ? 0 : 1;
    kept += pieces.finished || finished_and_running("pieces").second == 0 ? 0 : 1;
    ASSERT_LT(stops, 100);
  }
  EXPECT_GE(stops, 2);
  EXPECT_GE(kept, 1) << "most are stopped where some wave has done a step";
  expect_same(one, pieces);
}

/// Two threads that each tell of a moment and wait for the other's, up to half a minute.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  bool running = false, copied = false, met = false, failed = false;
};

/// The first to launch waits within its launch until another wave's states have been copied.
class Meets : public OverCpu {
 public:
  explicit Meets(Meeting& meeting) : meeting_(meeting) {}
  void load_state(std::span<const float> state, int64_t floats) override {
    OverCpu::load_state(state, floats);
    const std::lock_guard lock(meeting_.mutex);
    if (!meeting_.running) return;
    meeting_.copied = true;
    meeting_.changed.notify_all();
  }
  void run_epochs(const EpochsRun& run) override {
    {
      std::unique_lock lock(meeting_.mutex);
      if (!meeting_.running) {
        meeting_.running = true;
        meeting_.met = meeting_.changed.wait_for(lock, std::chrono::seconds(30), [&] { return meeting_.copied; });
      }
    }
    OverCpu::run_epochs(run);
  }

 private:
  Meeting& meeting_;
};

TEST_F(Waves, AreCopiedWhileOthersTrain) {
  Meeting meeting;
  std::vector<std::unique_ptr<Executor>> executors;
  for (int e = 0; e < 2; ++e) executors.push_back(std::make_unique<Meets>(meeting));
  const Trained met = train(executors, "met");
  EXPECT_TRUE(meeting.met);
  expect_same(train(cpus(1), "one"), met);
}

/// Fails at its third launch.
class Fails : public OverCpu {
 public:
  explicit Fails(Meeting& meeting) : meeting_(meeting) {}
  void run_epochs(const EpochsRun& run) override {
    if (++launches_ == 3) {
      const std::lock_guard lock(meeting_.mutex);
      meeting_.failed = true;
      meeting_.changed.notify_all();
      throw Error(ExitCode::device, "a planted failure");
    }
    OverCpu::run_epochs(run);
  }

 private:
  Meeting& meeting_;
  int launches_ = 0;
};

/// Launches nothing before that has failed, or half a minute is over.
class Follows : public OverCpu {
 public:
  explicit Follows(Meeting& meeting) : meeting_(meeting) {}
  void run_epochs(const EpochsRun& run) override {
    {
      std::unique_lock lock(meeting_.mutex);
      meeting_.changed.wait_for(lock, std::chrono::seconds(30), [&] { return meeting_.failed; });
    }
    OverCpu::run_epochs(run);
  }

 private:
  Meeting& meeting_;
};

TEST_F(Waves, StopWhereOneOfThemFailsAndGoOnFromThere) {
  const Trained one = train(cpus(1), "one");
  for (const std::size_t failing : {0u, 1u}) {
    const std::string journal = "failed" + std::to_string(failing);
    Meeting meeting;
    std::vector<std::unique_ptr<Executor>> executors(2);
    executors[failing] = std::make_unique<Fails>(meeting);
    executors[1 - failing] = std::make_unique<Follows>(meeting);
    try {
      train(executors, journal);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "a planted failure");
    }
    EXPECT_LT(finished_and_running(journal).first, 14u) << "the other went on to the end";
    const Trained on = train(cpus(2), journal);
    EXPECT_TRUE(on.finished);
    expect_same(one, on);
  }
}

}  // namespace
}  // namespace equipoise::testing
