// host/study/study_training.cpp - the loops around a study's trainers.
#include "host/study/study_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include "engine/base/error.h"
#include "engine/base/machine_memory.h"
#include "engine/train/memory_needed.h"
#include "engine/train/trainer.h"
#include "host/run/launch_length.h"

namespace equipoise {

namespace {

using Clock = std::chrono::steady_clock;

/// One wave: members of one structure that train together.
class Wave {
 public:
  Wave(const StudyPlan& plan, std::span<const std::size_t> members, std::span<const Member> engine_members,
       Executor& executor, std::span<const double> weights)
      : plan_(plan),
        members_(members),
        engine_members_(engine_members),
        weights_(weights),
        trainer_(engine_members, executor) {}

  void restore(const std::map<int, TensorFile>& running, Log& log) {
    for (std::size_t r = 0; r < members_.size(); ++r) {
      const auto found = running.find(number(r));
      if (found == running.end()) continue;
      try {
        trainer_.restore(found->second, r);
      } catch (const Error& error) {
        if (error.code() != ExitCode::checkpoint) throw;
        log.warning(fmt::format("{}; member {} begins anew", error.what(), number(r)));
      }
    }
  }

  /// The number of its first member.
  int first() const { return number(0); }
  bool finished() const { return trainer_.finished(); }
  void advance() {
    const auto begin = Clock::now();
    const int64_t before = most_steps();
    trainer_.advance_without_metrics(launch_.steps());
    launch_.took(most_steps() - before, Clock::now() - begin);
  }

  std::size_t finished_members() const {
    std::size_t count = 0;
    for (std::size_t r = 0; r < members_.size(); ++r) count += trainer_.finished(r) ? 1 : 0;
    return count;
  }
  /// Members that are finished, and of the others what they have done of their steps.
  double share() const {
    double share = 0;
    for (std::size_t r = 0; r < members_.size(); ++r) {
      const auto most = static_cast<double>(int64_t{trainer_.steps_per_epoch(r)} * trainer_.plan(r).epochs);
      share += trainer_.finished(r) ? 1 : static_cast<double>(trainer_.control(r).step) / std::max(most, 1.0);
    }
    return share;
  }
  int64_t steps() const {
    int64_t steps = 0;
    for (std::size_t r = 0; r < members_.size(); ++r) steps += trainer_.control(r).step;
    return steps;
  }

  std::map<int, TensorFile> checkpoints() const {
    std::map<int, TensorFile> files;
    for (std::size_t r = 0; r < members_.size(); ++r)
      if (trainer_.control(r).step > 0) files[number(r)] = trainer_.checkpoint(r);
    return files;
  }

  std::vector<MemberResult> results() {
    const std::vector<std::optional<Evaluation>> validation = trainer_.evaluate_best(Part::validation);
    std::vector<MemberResult> results;
    for (std::size_t r = 0; r < members_.size(); ++r) {
      const Control& control = trainer_.control(r);
      MemberResult result{
          number(r),          control.epoch, control.step, trainer_.best_epoch(r), trainer_.finish_reason(r),
          trainer_.failure(r)};
      if (validation[r]) {
        result.inner = inner_value(engine_members_[r], *validation[r], weights_);
        result.validation = validation[r]->figures;
      }
      result.model = trainer_.model(r);
      results.push_back(std::move(result));
    }
    return results;
  }

 private:
  /// Of the member that has done the most.
  int64_t most_steps() const {
    int64_t most = 0;
    for (std::size_t r = 0; r < members_.size(); ++r) most = std::max(most, trainer_.control(r).step);
    return most;
  }
  int number(std::size_t r) const { return plan_.members[members_[r]].number; }

  const StudyPlan& plan_;
  std::span<const std::size_t> members_;
  std::span<const Member> engine_members_;
  std::span<const double> weights_;
  Trainer trainer_;
  LaunchLength launch_{std::numeric_limits<int>::max()};
};

/// Members of one structure that train together.
struct WaveMembers {
  std::vector<std::size_t> places{};  // in the plan
  std::vector<Member> members{};
};

/// Waves that executors take from one list, each in a thread of its own, one after another.
class WavesSideBySide {
 public:
  WavesSideBySide(const StudyPlan& plan, std::span<const WaveMembers> waves, std::span<const double> weights,
                  StudyJournal& journal, std::map<int, MemberResult>& results, StudyProgress& progress, Log& log,
                  const StudyPace& pace)
      : plan_(plan),
        waves_(waves),
        weights_(weights),
        journal_(journal),
        results_(results),
        progress_(progress),
        log_(log),
        pace_(pace) {
    for (const WaveMembers& wave : waves) members_ += wave.places.size();
  }

  /// False where it was asked to stop first. Throws what the first of the executors that failed threw, once all have
  /// ended.
  bool train(std::span<const std::unique_ptr<Executor>> executors) {
    running_ = journal_.running([&](const std::string& told) { log_.warning(told); });
    now_.resize(executors.size());
    std::vector<std::exception_ptr> thrown(executors.size());
    const auto part = [&](std::size_t e) {
      try {
        take_waves(*executors[e], now_[e]);
      } catch (...) {
        thrown[e] = std::current_exception();
        ends_ = true;
      }
    };
    {
      std::vector<std::jthread> others;
      for (std::size_t e = 1; e < std::min(executors.size(), waves_.size()); ++e) others.emplace_back(part, e);
      part(0);
    }
    for (const std::exception_ptr& one : thrown)
      if (one) std::rethrow_exception(one);
    return !ends_;
  }

 private:
  /// How far a wave is that trains: its members that are finished, their steps since it began, its share of the work.
  struct Standing {
    std::size_t finished = 0;
    int64_t steps = 0;
    double share = 0;
  };

  void take_waves(Executor& executor, Standing& now) {
    for (;;) {
      const WaveMembers* next = nullptr;
      {
        const std::lock_guard lock(mutex_);
        if (ends_ || next_ == waves_.size()) return;
        next = &waves_[next_++];
      }
      Wave wave(plan_, next->places, next->members, executor, weights_);
      if (!train(wave, now)) return;
      keep(wave, now);
    }
  }

  /// False where it was asked to stop first.
  bool train(Wave& wave, Standing& now) {
    {
      const std::lock_guard lock(mutex_);
      wave.restore(running_, log_);
    }
    const int64_t before = wave.steps();
    auto saved = Clock::now();
    while (!wave.finished()) {
      if (stops()) {
        journal_.save(wave.first(), wave.checkpoints());
        return false;
      }
      wave.advance();
      tell(now, {wave.finished_members(), wave.steps() - before, wave.share()});
      if (Clock::now() - saved >= pace_.between_checkpoints) {
        journal_.save(wave.first(), wave.checkpoints());
        saved = Clock::now();
      }
    }
    return true;
  }

  bool stops() {
    const std::lock_guard lock(mutex_);
    ends_ = ends_ || pace_.stop();
    return ends_;
  }

  void tell(Standing& now, const Standing& changed) {
    const std::lock_guard lock(mutex_);
    now = changed;
    Standing all = done_;
    for (const Standing& one : now_) {
      all.finished += one.finished;
      all.steps += one.steps;
      all.share += one.share;
    }
    progress_.advanced(all.finished, all.steps, all.share / static_cast<double>(members_));
  }

  void keep(Wave& wave, Standing& now) {
    std::vector<MemberResult> finished = wave.results();
    journal_.finish(finished);
    const std::lock_guard lock(mutex_);
    done_.finished += finished.size();
    done_.steps += now.steps;
    done_.share += static_cast<double>(finished.size());
    now = {};
    for (MemberResult& result : finished) {
      const int number = result.number;
      results_.insert_or_assign(number, std::move(result));
    }
  }

  const StudyPlan& plan_;
  std::span<const WaveMembers> waves_;
  std::span<const double> weights_;
  StudyJournal& journal_;
  std::map<int, MemberResult>& results_;
  StudyProgress& progress_;
  Log& log_;
  const StudyPace& pace_;
  std::size_t members_ = 0;            // of all waves
  std::map<int, TensorFile> running_;  // checkpoints of members that were training when the study last stopped

  std::mutex mutex_;  // of what follows, of results_, progress_ and log_, and of asking pace_.stop
  std::atomic<bool> ends_ = false;
  std::size_t next_ = 0;       // wave to be taken
  Standing done_;              // of waves that are kept
  std::vector<Standing> now_;  // of those that train, by executor
};

}  // namespace

std::size_t members_at_once(const Member& member, Executor& executor, std::size_t most, std::size_t waves) {
  const Trainer trainer(std::span(&member, 1), executor);
  std::size_t at_once = most * static_cast<std::size_t>(executor.devices());
  const auto bytes = [&] { return training_bytes(trainer.program(), at_once) * static_cast<int64_t>(waves); };
  while (at_once > 1 && bytes() > machine_memory() / 2) at_once /= 2;
  return at_once;
}

double inner_value(const Member& member, const Evaluation& evaluation, std::span<const double> weights) {
  Monitored by = monitored_of(member);
  if (by.monitor == Monitor::none) by.monitor = Monitor::loss;
  by.weights = weights;
  return member.plan.setup.system->watched(evaluation, by);
}

bool train_members(const StudyPlan& plan, std::span<const std::size_t> mine, StudyData& data,
                   std::span<const std::unique_ptr<Executor>> executors, StudyJournal& journal,
                   std::map<int, MemberResult>& results, StudyProgress& progress, Log& log, const StudyPace& pace) {
  std::vector<std::size_t> left;
  std::vector<Member> engine_members;
  for (const std::size_t m : mine)
    if (!results.contains(plan.members[m].number)) left.push_back(m);
  for (const std::size_t m : left) engine_members.push_back(data.engine_member(plan.members[m]));
  std::vector<WaveMembers> waves;
  for (const std::vector<std::size_t>& group : groups_of(engine_members, executors[0]->plan_limits())) {
    const std::size_t at_once =
        members_at_once(engine_members[group.front()], *executors[0], pace.at_once, executors.size());
    for (std::size_t first = 0; first < group.size(); first += at_once) {
      WaveMembers& wave = waves.emplace_back();
      for (std::size_t i = first; i < std::min(first + at_once, group.size()); ++i) {
        wave.places.push_back(left[group[i]]);
        wave.members.push_back(engine_members[group[i]]);
      }
    }
  }
  return WavesSideBySide(plan, waves, data.base_weights(), journal, results, progress, log, pace).train(executors);
}

}  // namespace equipoise
