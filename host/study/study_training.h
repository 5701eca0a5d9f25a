// host/study/study_training.h - trains a study's members, many at once, so that it can be stopped and killed at any
// moment.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>

#include "engine/run/executor.h"
#include "host/study/member_result.h"
#include "host/study/study_data.h"
#include "host/study/study_journal.h"
#include "host/study/study_progress.h"

namespace equipoise {

/// Members that a device trains at once, at most: more than the blocks that 132 multiprocessors hold at three each
/// (what the model of the clocks gives small ones; not measured). Fewer are sooner in the journal.
inline constexpr std::size_t kMembersAtOnce = 512;

/// How many members of the structure of this one train at once in each of so many waves side by side: `most` on each
/// device, or as many as half of the memory holds.
std::size_t members_at_once(const Member& member, Executor& executor, std::size_t most, std::size_t waves);

struct StudyPace {
  std::function<bool()> stop = [] { return false; };     ///< asked between launches
  std::chrono::milliseconds between_checkpoints{30000};  ///< at least
  std::size_t at_once = kMembersAtOnce;                  ///< on each device
};

/// Trains the members that `mine` names (places in plan.members) and that `results` has not, wave by wave, and adds
/// them to `results` and to the journal. Waves train side by side, one on each executor: what the host does of one,
/// copies and judging included, the others need not wait for. All executors take programs of one plan, as those of one
/// device do. Results do not depend on how many there are.
/// False where `pace.stop`, which one thread at a time asks, asked to stop first; members that were training then go on
/// from there the next time. A member that meets a non-finite value ends alone, with a failure in its result. Where an
/// executor throws, the others stop as if asked to, and the exception is thrown on.
bool train_members(const StudyPlan& plan, std::span<const std::size_t> mine, StudyData& data,
                   std::span<const std::unique_ptr<Executor>> executors, StudyJournal& journal,
                   std::map<int, MemberResult>& results, StudyProgress& progress, Log& log, const StudyPace& pace);

/// What settings are compared by, of the validation rows: what chooses the epochs; where nothing does, or the losses
/// do, minus their sum by the study's own initial weights, whatever a setting weighs them by, so that all are measured
/// by one yardstick.
double inner_value(const Member& member, const Evaluation& evaluation, std::span<const double> weights);

}  // namespace equipoise
