// engine/run/cpu_executor.cpp - replicas over CPU threads, each a team of one.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <thread>

#include "engine/run/cpu_interpreter.h"
#include "engine/run/executor.h"

namespace equipoise {

Control fresh_control(const Settings& settings, int tasks, int balancers) {
  Control control;
  std::memset(static_cast<void*>(&control), 0, sizeof control);
  control.beta1_power = control.beta2_power = 1.0;
  for (int i = 0; i < tasks * balancers; ++i)
    control.weights[i] = control.shared_weights[i] = control.private_weights[i] = settings.initial_weights[i % tasks];
  for (int b = 0; b < kMaxBalancers; ++b) control.certificate[b] = control.worst_certificate[b] = kNoCertificate;
  return control;
}

Launch launch_of(const Program& program, const RunLimits& limits) {
  Launch launch{};
  launch.operations = program.operations.data();
  launch.phases = program.phases.data();
  launch.residents = program.residents.data();
  launch.phase_count = static_cast<int32_t>(program.phases.size());
  launch.resident_count = static_cast<int32_t>(program.residents.size());
  std::copy(program.chains.begin(), program.chains.end(), launch.chains);
  launch.batch = program.batch;
  launch.shuffle = program.shuffle;
  launch.state_floats = program.state_floats;
  launch.work_floats = program.work_floats;
  launch.steps = limits.steps;
  launch.stop_at_epoch_end = limits.stop_at_epoch_end;
  return launch;
}

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
  void load_state(std::span<const float> state, int64_t) override { state_.assign(state.begin(), state.end()); }
  void store_state(std::span<float> state) override { std::copy(state_.begin(), state_.end(), state.begin()); }

  void run(const Program& program, std::span<const Settings> settings, std::span<Control> controls,
           const RunLimits& limits, Emitted* emitted, std::vector<float>* work) override {
    const int replicas = static_cast<int>(settings.size());
    Launch launch = launch_of(program, limits);
    for (std::size_t s = 0; s < tables_.sources.size(); ++s)
      launch.data.sources[s] = {tables_.sources[s].values.data(), tables_.sources[s].cols};
    launch.data.labels = tables_.labels.data();
    launch.data.row_list = tables_.row_list.data();
    launch.data.class_weights = tables_.class_weights.data();
    if (emitted) {
      launch.data.output_rows = emitted->rows;
      emitted->values.resize(program.output_cols.size());
      for (std::size_t o = 0; o < emitted->values.size(); ++o) {
        emitted->values[o].assign(static_cast<std::size_t>(replicas) * emitted->rows * program.output_cols[o], 0.0f);
        launch.data.outputs[o] = emitted->values[o].data();
      }
    }
    launch.settings = settings.data();
    launch.controls = controls.data();
    launch.state = state_.data();
    launch.replicas = replicas;

    // Scratch is made here, so that memory running out is the caller's exception and not a thread's end.
    const int workers = std::min(threads_, std::max(replicas, 1));
    std::vector<std::unique_ptr<AlignedFloats>> fast, scratch;
    for (int w = 0; w < workers; ++w) {
      fast.push_back(std::make_unique<AlignedFloats>(program.fast_floats));
      scratch.push_back(std::make_unique<AlignedFloats>(program.work_floats));
    }
    std::atomic<int> next{0};
    const auto work_as = [&](std::size_t w) {
      for (int slot = next++; slot < replicas; slot = next++) {
        Launch mine = launch;
        // Scratch belongs to the thread, not to the replica: every replica finds it at the start.
        mine.work_floats = 0;
        mine.work = scratch[w]->data();
        run_replica(SerialTeam{}, mine, slot, fast[w]->data());
        if (work && slot == 0) work->assign(scratch[w]->data(), scratch[w]->data() + program.work_floats);
      }
    };
    std::vector<std::jthread> pool;
    for (int w = 1; w < workers; ++w) pool.emplace_back(work_as, static_cast<std::size_t>(w));
    work_as(0);
  }

 private:
  int threads_;
  RunTables tables_;
  std::vector<float> state_;
};

}  // namespace

std::unique_ptr<Executor> make_cpu_executor(int threads) { return std::make_unique<CpuExecutor>(threads); }

}  // namespace equipoise
