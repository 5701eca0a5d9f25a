// engine/run/several_executors.cpp - deals a run to executors, a host thread each, and puts together what they leave.
#include "engine/run/several_executors.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/base/error.h"
#include "engine/run/launch_data.h"

namespace equipoise {

namespace {

/// Replicas of one executor.
struct Share {
  std::size_t first = 0, count = 0;

  template <class Span>
  Span of(const Span& all, std::size_t each = 1) const {
    return all.subspan(first * each, count * each);
  }
};

/// In order and as even as can be: the first ones have one more where it does not come out even.
std::vector<Share> deal(std::size_t replicas, std::size_t executors) {
  std::vector<Share> ranges;
  for (std::size_t e = 0, first = 0; e < executors; first += ranges[e++].count)
    ranges.push_back({first, replicas / executors + (e < replicas % executors ? 1 : 0)});
  return ranges;
}

/// Floats of each replica that the executors were given, a range each.
class DealtFloats {
 public:
  DealtFloats() = default;
  DealtFloats(std::size_t floats, int64_t each, std::size_t executors) : each_(static_cast<std::size_t>(each)) {
    if (each <= 0 || floats % each_ != 0) throw std::logic_error("floats are those of whole replicas");
    replicas_ = floats / each_;
    ranges_ = deal(replicas_, executors);
  }

  bool are(std::size_t replicas, int64_t each) const {
    return replicas == replicas_ && static_cast<std::size_t>(each) == each_;
  }
  std::size_t each() const { return each_; }
  const std::vector<Share>& ranges() const { return ranges_; }

  /// What each executor has of the replicas from number `first` on that so many floats are of, by their numbers among
  /// all replicas. Throws std::logic_error unless they are loaded.
  std::vector<Share> parts(std::size_t first, std::size_t floats) const {
    if (each_ == 0 || floats % each_ != 0 || first > replicas_ || floats / each_ > replicas_ - first)
      throw std::logic_error("floats are asked for of replicas that are not loaded");
    const std::size_t end = first + floats / each_;
    std::vector<Share> parts;
    for (const Share& range : ranges_) {
      const std::size_t from = std::max(first, range.first), to = std::min(end, range.first + range.count);
      parts.push_back({from, to > from ? to - from : 0});
    }
    return parts;
  }

 private:
  std::size_t replicas_ = 0, each_ = 0;
  std::vector<Share> ranges_;
};

/// The plan that fits them all.
PlanLimits shared_plan(const std::vector<std::unique_ptr<Executor>>& executors) {
  PlanLimits shared = executors[0]->plan_limits();
  for (const auto& executor : executors) {
    const PlanLimits own = executor->plan_limits();
    if (own.resident_parameters != shared.resident_parameters)
      throw Error(ExitCode::device, fmt::format("{} and {} keep parameters in unlike memory and cannot share the plan "
                                                "of a program; name devices of one kind",
                                                executors[0]->name(), executor->name()));
    shared.fast_floats = std::min(shared.fast_floats, own.fast_floats);
  }
  return shared;
}

/// A program's run on some replicas, whose rows go to `rows` where any are wanted.
ProgramRun part_of(const ProgramRun& run, const Share& range, Emitted& rows) {
  if (run.emitted) {
    rows.rows = run.emitted->rows;
    rows.outputs = run.emitted->outputs;
  }
  return {run.program, range.of(run.settings), range.of(run.controls), run.limits, run.emitted ? &rows : nullptr};
}

/// Moves what lies in `piece` behind what lies in `all`.
template <class T>
void append(std::vector<T>& all, std::vector<T>& piece) {
  if (all.empty()) all = std::move(piece);
  else all.insert(all.end(), piece.begin(), piece.end());
  piece = {};
}

class SeveralExecutors : public Executor {
 public:
  explicit SeveralExecutors(std::vector<std::unique_ptr<Executor>> executors)
      : executors_(std::move(executors)), limits_(shared_plan(executors_)) {}

  /// Such as "2 x NVIDIA H200 + NVIDIA A100".
  std::string name() const override {
    std::vector<std::pair<std::string, int>> names;
    for (const auto& executor : executors_) {
      const std::string own = executor->name();
      const auto known = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == own; });
      if (known == names.end()) names.push_back({own, 1});
      else ++known->second;
    }
    std::string all;
    for (const auto& [own, count] : names)
      all += fmt::format("{}{}{}", all.empty() ? "" : " + ", count > 1 ? fmt::format("{} x ", count) : "", own);
    return all;
  }
  PlanLimits plan_limits() const override { return limits_; }
  KernelUse kernel_use() const override {
    KernelUse all;
    for (const auto& executor : executors_) {
      const KernelUse one = executor->kernel_use();
      all.interpreted_steps += one.interpreted_steps;
      all.generated_steps += one.generated_steps;
      if (all.problem.empty()) all.problem = one.problem;
    }
    return all;
  }
  int host_threads() const override {
    int most = 1;
    for (const auto& executor : executors_) most = std::max(most, executor->host_threads());
    return most;
  }
  int devices() const override {
    int sum = 0;
    for (const auto& executor : executors_) sum += executor->devices();
    return sum;
  }

  void load_tables(const RunTables& tables) override {
    // Each needs all: any replica may be its own.
    at_once(std::vector<Share>(executors_.size(), Share{0, 1}),
            [&](std::size_t e, const Share&) { executors_[e]->load_tables(tables); });
    sets_ = 1 + tables.further_sets.size();
  }

  void load_state(std::span<const float> state, int64_t state_floats) override {
    state_ = DealtFloats(state.size(), state_floats, executors_.size());
    at_once(state_.ranges(), [&](std::size_t e, const Share& range) {
      executors_[e]->load_state(range.of(state, state_.each()), state_floats);
    });
  }
  void load_best(std::span<const float> best, int64_t floats) override {
    best_ = DealtFloats(best.size(), floats, executors_.size());
    at_once(best_.ranges(),
            [&](std::size_t e, const Share& range) { executors_[e]->load_best(range.of(best, best_.each()), floats); });
  }
  void store_state(std::span<float> state) override { store_states(0, state); }
  void load_states(std::size_t first, std::span<const float> states) override {
    each_part(state_, first, states, [&](Executor& one, std::size_t at, auto some) { one.load_states(at, some); });
  }
  void store_states(std::size_t first, std::span<float> states) override {
    each_part(state_, first, states, [&](Executor& one, std::size_t at, auto some) { one.store_states(at, some); });
  }
  void load_bests(std::size_t first, std::span<const float> bests) override {
    each_part(best_, first, bests, [&](Executor& one, std::size_t at, auto some) { one.load_bests(at, some); });
  }
  void store_bests(std::size_t first, std::span<float> bests) const override {
    each_part(best_, first, bests, [&](Executor& one, std::size_t at, auto some) { one.store_bests(at, some); });
  }

  using Executor::run;
  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    shared_launches(programs, sets_);  // throws what it has against them
    if (programs.empty()) return;
    expect_state(programs[0]);
    // [executors, programs]
    std::vector<std::vector<Emitted>> rows(executors_.size(), std::vector<Emitted>(programs.size()));
    at_once(state_.ranges(), [&](std::size_t e, const Share& range) {
      std::vector<ProgramRun> parts;
      for (std::size_t p = 0; p < programs.size(); ++p) parts.push_back(part_of(programs[p], range, rows[e][p]));
      executors_[e]->run(parts, range.first == 0 ? work : nullptr);
    });
    for (std::size_t p = 0; p < programs.size(); ++p) {
      if (!programs[p].emitted) continue;
      programs[p].emitted->values.assign(programs[p].program.output_cols.size(), {});
      for (std::vector<Emitted>& of_executor : rows) join(*programs[p].emitted, of_executor[p]);
    }
  }

  void run_epochs(const EpochsRun& run) override {
    launch_of(run, sets_);  // throws what it has against it
    expect_state(run.train);
    if (!best_.are(run.rules.size(), run.train.program.moment_stride))
      throw std::logic_error("the best parameters that are loaded are not those of these replicas and this program");
    struct Left {
      Emitted trained, evaluated;
      std::vector<double> records;
    };
    std::vector<Left> left(executors_.size());
    at_once(state_.ranges(), [&](std::size_t e, const Share& range) {
      Left& here = left[e];
      executors_[e]->run_epochs({part_of(run.train, range, here.trained), part_of(run.evaluate, range, here.evaluated),
                                 range.of(run.rules), range.of(run.standings), run.slots, run.keeps_outputs,
                                 &here.records});
    });
    run.records->clear();
    for (Left& here : left) append(*run.records, here.records);
    if (!run.evaluate.emitted) return;
    run.evaluate.emitted->values.assign(run.evaluate.program.output_cols.size(), {});
    for (Left& here : left) join(*run.evaluate.emitted, here.evaluated);
  }

 private:
  /// body(e, ranges[e]) of every executor e whose range is not empty, each in a thread of its own, of which the first
  /// is the caller's. Throws once all have ended.
  template <class Body>
  void at_once(const std::vector<Share>& ranges, const Body& body) const {
    std::vector<std::exception_ptr> thrown(ranges.size());
    const auto part = [&](std::size_t e) {
      try {
        body(e, ranges[e]);
      } catch (...) {
        thrown[e] = std::current_exception();
      }
    };
    const auto busy = [](const Share& range) { return range.count > 0; };
    const auto first = static_cast<std::size_t>(std::find_if(ranges.begin(), ranges.end(), busy) - ranges.begin());
    {
      std::vector<std::jthread> others;
      for (std::size_t e = first + 1; e < ranges.size(); ++e)
        if (busy(ranges[e])) others.emplace_back(part, e);
      if (first < ranges.size()) part(first);
    }
    for (const std::exception_ptr& one : thrown)
      if (one) std::rethrow_exception(one);
  }

  /// body(executor, its number of the first, floats) of every executor that has some of the replicas from `first` on.
  template <class Float, class Body>
  void each_part(const DealtFloats& dealt, std::size_t first, std::span<Float> floats, const Body& body) const {
    at_once(dealt.parts(first, floats.size()), [&](std::size_t e, const Share& part) {
      body(*executors_[e], part.first - dealt.ranges()[e].first,
           floats.subspan((part.first - first) * dealt.each(), part.count * dealt.each()));
    });
  }

  void expect_state(const ProgramRun& run) const {
    if (!state_.are(run.settings.size(), run.program.state_floats))
      throw std::logic_error("the loaded state is not that of these replicas and this program");
  }

  /// Puts an executor's rows behind those of the ones before it.
  static void join(Emitted& all, Emitted& piece) {
    for (std::size_t o = 0; o < piece.values.size(); ++o) append(all.values[o], piece.values[o]);
  }

  std::vector<std::unique_ptr<Executor>> executors_;
  PlanLimits limits_;
  std::size_t sets_ = 1;  // of the tables that are loaded
  DealtFloats state_, best_;
};

}  // namespace

std::unique_ptr<Executor> make_several(std::vector<std::unique_ptr<Executor>> executors) {
  if (executors.empty()) throw std::logic_error("several executors are one or more");
  if (executors.size() == 1) return std::move(executors.front());
  return std::make_unique<SeveralExecutors>(std::move(executors));
}

}  // namespace equipoise
