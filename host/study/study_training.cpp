// host/study/study_training.cpp - the loop around a study's trainers.
#include "host/study/study_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

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

}  // namespace

std::size_t members_at_once(const Member& member, Executor& executor, std::size_t most) {
  const Trainer trainer(std::span(&member, 1), executor);
  std::size_t at_once = most * static_cast<std::size_t>(executor.devices());
  while (at_once > 1 && training_bytes(trainer.program(), at_once) > machine_memory() / 2) at_once /= 2;
  return at_once;
}

double inner_value(const Member& member, const Evaluation& evaluation, std::span<const double> weights) {
  Monitored by = monitored_of(member);
  if (by.monitor == Monitor::none) by.monitor = Monitor::loss;
  by.weights = weights;
  return member.plan.setup.system->watched(evaluation, by);
}

bool train_members(const StudyPlan& plan, std::span<const std::size_t> mine, StudyData& data, Executor& executor,
                   StudyJournal& journal, std::map<int, MemberResult>& results, StudyProgress& progress, Log& log,
                   const StudyPace& pace) {
  std::vector<std::size_t> left;
  std::vector<Member> engine_members;
  for (const std::size_t m : mine)
    if (!results.contains(plan.members[m].number)) left.push_back(m);
  for (const std::size_t m : left) engine_members.push_back(data.engine_member(plan.members[m]));
  const std::map<int, TensorFile> running = journal.running([&](const std::string& told) { log.warning(told); });
  std::size_t done = 0;
  int64_t steps = 0;
  for (const std::vector<std::size_t>& group : groups_of(engine_members, executor.plan_limits())) {
    const std::size_t at_once = members_at_once(engine_members[group.front()], executor, pace.at_once);
    for (std::size_t first = 0; first < group.size(); first += at_once) {
      std::vector<std::size_t> members;
      std::vector<Member> together;
      for (std::size_t i = first; i < std::min(first + at_once, group.size()); ++i) {
        members.push_back(left[group[i]]);
        together.push_back(engine_members[group[i]]);
      }
      Wave wave(plan, members, together, executor, data.base_weights());
      wave.restore(running, log);
      const int64_t before = wave.steps();
      auto saved = Clock::now();
      while (!wave.finished()) {
        if (pace.stop()) {
          journal.save(wave.checkpoints());
          return false;
        }
        wave.advance();
        progress.advanced(done + wave.finished_members(), steps + wave.steps() - before,
                          (static_cast<double>(done) + wave.share()) / static_cast<double>(left.size()));
        if (Clock::now() - saved >= pace.between_checkpoints) {
          journal.save(wave.checkpoints());
          saved = Clock::now();
        }
      }
      std::vector<MemberResult> finished = wave.results();
      journal.finish(finished);
      done += finished.size();
      steps += wave.steps() - before;
      for (MemberResult& result : finished) {
        const int number = result.number;
        results.insert_or_assign(number, std::move(result));
      }
    }
  }
  return true;
}

}  // namespace equipoise
