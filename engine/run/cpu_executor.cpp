// engine/run/cpu_executor.cpp - replicas over CPU threads, each a team of one.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "engine/run/cpu_interpreter.h"
#include "engine/run/executor.h"
#include "engine/run/launch_data.h"
#include "engine/run/replica_floats.h"

namespace equipoise {

namespace {

/// Scratch aligned to a cache line, zeroed once so that runs never depend on what lay there before.
class AlignedFloats {
 public:
  explicit AlignedFloats(int64_t count)
      : data_(static_cast<float*>(
            ::operator new (static_cast<std::size_t>(count + 16) * sizeof(float), std::align_val_t{64}))) {
    std::memset(data_, 0, static_cast<std::size_t>(count + 16) * sizeof(float));
  }
  ~AlignedFloats() { ::operator delete (data_, std::align_val_t{64}); }
  AlignedFloats(const AlignedFloats&) = delete;
  AlignedFloats& operator=(const AlignedFloats&) = delete;
  float* data() { return data_; }

 private:
  float* data_;
};

class CpuExecutor : public Executor {
 public:
  explicit CpuExecutor(int threads)
      : threads_(threads > 0 ? threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {}

  std::string name() const override {
    return "CPU, " + std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
  }
  PlanLimits plan_limits() const override { return {}; }
  void load_tables(const RunTables& tables) override { tables_ = tables; }
  int host_threads() const override { return threads_; }
  void load_state(std::span<const float> state, int64_t state_floats) override { state_.assign(state, state_floats); }
  void store_state(std::span<float> state) override { state_.store(0, state); }
  void load_states(std::size_t first, std::span<const float> states) override { state_.load(first, states); }
  void store_states(std::size_t first, std::span<float> states) override { state_.store(first, states); }
  void load_best(std::span<const float> best, int64_t floats) override { best_.assign(best, floats); }
  void load_bests(std::size_t first, std::span<const float> bests) override { best_.load(first, bests); }
  void store_bests(std::size_t first, std::span<float> bests) const override { best_.store(first, bests); }

  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    const std::vector<SourceSet> sets = source_sets(tables_);
    for (const std::span<const ProgramRun> together : shared_launches(programs, sets.size())) {
      Launch launch = launch_of(together);
      place_on_host(launch, together, sets, tables_);
      run_launch(launch, together, work);
    }
  }

  void run_epochs(const EpochsRun& run) override {
    const std::vector<SourceSet> sets = source_sets(tables_);
    Launch launch = launch_of(run, sets.size());
    if (!best_.are(run.rules.size(), launch.epochs.best_floats))
      throw std::logic_error("the best parameters that are loaded are not those of these replicas and this program");
    prepare_epochs(run);
    std::vector<uint64_t> keys;
    place_on_host(launch, run, sets, tables_, best_.data(), keys);
    const ProgramRun programs[] = {run.train, run.evaluate};
    run_launch(launch, programs, nullptr);
  }

 private:
  void run_launch(Launch launch, std::span<const ProgramRun> programs, std::vector<float>* work) {
    launch.state = state_.data();
    const int replicas = launch.replicas;
    const int64_t work_floats = std::exchange(launch.work_floats, 0);  // a thread's scratch: each replica finds it anew

    // Scratch is made here, so that memory running out is the caller's exception and not a thread's end.
    const int workers = std::min(threads_, std::max(replicas, 1));
    std::vector<std::unique_ptr<AlignedFloats>> fast, scratch;
    for (int w = 0; w < workers; ++w) {
      fast.push_back(std::make_unique<AlignedFloats>(fast_floats(programs)));
      scratch.push_back(std::make_unique<AlignedFloats>(work_floats));
    }
    std::atomic<int> next{0};
    const auto work_as = [&](std::size_t w) {
      for (int slot = next++; slot < replicas; slot = next++) {
        Launch mine = launch;
        mine.work = scratch[w]->data();
        run_replica(SerialTeam{}, mine, slot, fast[w]->data());
        if (work && slot == 0)
          work->assign(scratch[w]->data(), scratch[w]->data() + programs.back().program.work_floats);
      }
    };
    std::vector<std::jthread> pool;
    for (int w = 1; w < workers; ++w) pool.emplace_back(work_as, static_cast<std::size_t>(w));
    work_as(0);
  }

  int threads_;
  RunTables tables_;
  ReplicaFloats state_, best_;
};

}  // namespace

std::unique_ptr<Executor> make_cpu_executor(int threads) { return std::make_unique<CpuExecutor>(threads); }

}  // namespace equipoise
