// engine/run/cuda_executor.cpp - replicas on a CUDA device, a thread block each.
#include "engine/run/cuda_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/base/cuda_device.h"
#include "engine/base/error.h"
#include "engine/run/device_floats.h"
#include "engine/run/device_programs.h"
#include "engine/run/device_tables.h"
#include "engine/run/launch_data.h"
#include "engine/run/made_kernels.h"
#include "engine/run/wave_sizes.h"

namespace equipoise {

namespace {

class CudaExecutor : public Executor {
 public:
  CudaExecutor(int device, const DeviceInfo& info, const CudaOptions& options)
      : device_(device),
        info_(info),
        options_(options),
        fast_floats_(device_fast_floats(device)),
        tables_(device),
        programs_(device),
        kernels_(device, options.kernel_mode, options.worth_compiling) {
    // A tenth is left for fragments of the allocator and for programs that come and go.
    memory_ = options.memory > 0 ? options.memory
                                 : device_free_memory(device) / 10 * 9 / static_cast<size_t>(options.sharing);
  }

  std::string name() const override { return info_.name; }
  PlanLimits plan_limits() const override { return {fast_floats_, true}; }
  KernelUse kernel_use() const override { return kernels_.use(); }
  int host_threads() const override { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

  void load_tables(const RunTables& tables) override {
    guarded([&] { tables_.load(tables); });
  }

  void load_state(std::span<const float> state, int64_t state_floats) override {
    guarded([&] { state_.assign(state, state_floats); });
  }
  void store_state(std::span<float> state) override {
    guarded([&] { state_.store(0, state, piece(kState)); });
  }
  void load_states(std::size_t first, std::span<const float> states) override {
    guarded([&] { state_.load(first, states, piece(kState)); });
  }
  void store_states(std::size_t first, std::span<float> states) override {
    guarded([&] { state_.store(first, states, piece(kState)); });
  }
  void load_best(std::span<const float> best, int64_t floats) override {
    guarded([&] { best_.assign(best, floats); });
  }
  void load_bests(std::size_t first, std::span<const float> bests) override {
    guarded([&] { best_.load(first, bests, piece(kBest)); });
  }
  void store_bests(std::size_t first, std::span<float> bests) const override {
    guarded([&] { best_.store(first, bests, piece(kBest)); });
  }

  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    for (const std::span<const ProgramRun> together : shared_launches(programs, tables_.sets())) {
      expect_state(together[0]);
      guarded([&] { run_together(together, nullptr, work); });
    }
  }

  void run_epochs(const EpochsRun& run) override {
    launch_of(run, tables_.sets());  // throws what it has against it
    expect_state(run.train);
    if (!best_.are(run.rules.size(), run.train.program.moment_stride))
      throw std::logic_error("the best parameters that are loaded are not those of these replicas and this program");
    const ProgramRun programs[] = {run.train, run.evaluate};
    guarded([&] { run_together(programs, &run, nullptr); });
  }

 private:
  /// Programs on some of the replicas, which lie in device memory all at once.
  struct Wave {
    std::vector<ProgramRun> programs;
    std::vector<DeviceProgram*> loaded;
    int first, count;                       // replicas
    const EpochsRun* epochs;                // of these replicas; null: the programs run one after another
    std::vector<ReplicaStatus> statuses{};  // [programs, replicas] of the last launch

    /// Whether a program's controls are nobody's.
    bool scratch(size_t program) const { return epochs && program == 1; }
  };

  void expect_state(const ProgramRun& run) const {
    if (!state_.are(run.settings.size(), run.program.state_floats))
      throw std::logic_error("the loaded state is not that of these replicas and this program");
  }

  void run_together(std::span<const ProgramRun> programs, const EpochsRun* epochs, std::vector<float>* work) {
    const int replicas = static_cast<int>(programs[0].settings.size());
    std::vector<DeviceProgram*> loaded;
    for (const ProgramRun& run : programs) {
      loaded.push_back(&programs_.load(run.program));
      if (!epochs) prepare_emitted(run);
    }
    if (epochs) prepare_epochs(*epochs);
    const int per_wave = reserve_waves(programs, epochs, replicas);
    // With one wave the state stays on the device from run to run; with several, each brings its own.
    const bool resident = per_wave == replicas;
    if (!resident) fetch_floats();
    for (int first = 0; first < replicas; first += per_wave) {
      const int count = std::min(per_wave, replicas - first);
      const auto some = [&](auto span) { return span.subspan(static_cast<size_t>(first), static_cast<size_t>(count)); };
      Wave wave{{}, loaded, first, count, nullptr};
      for (const ProgramRun& run : programs)
        wave.programs.push_back({run.program, some(run.settings), some(run.controls), run.limits, run.emitted});
      std::optional<EpochsRun> here;
      if (epochs)
        wave.epochs =
            &here.emplace(EpochsRun{wave.programs[0], wave.programs[1], some(epochs->rules), some(epochs->standings),
                                    epochs->slots, epochs->keeps_outputs, epochs->records});
      run_wave(wave);
      state_.keep(first, count, piece(kState), resident);
      if (epochs) best_.keep(first, count, piece(kBest), resident);
      if (work && first == 0) {
        const int64_t floats = programs.back().program.work_floats;
        work->resize(static_cast<size_t>(floats));
        piece(kWork).download(work->data(), bytes_of(floats));
      }
    }
  }

  /// Once a call has failed, how far the replicas came is unknown: every later call fails too.
  template <class Body>
  void guarded(Body&& body) const {
    if (!failure_.empty()) throw Error(ExitCode::device, failure_);
    try {
      body();
    } catch (const DeviceError& e) {
      failure_ = fmt::format("cuda:{} ({}): {}; resume from the last checkpoint, or use --device cpu", device_,
                             info_.name, e.what());
      throw Error(ExitCode::device, failure_);
    }
  }

  static size_t total(const std::vector<size_t>& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  }
  size_t free_for_replicas() const {
    const size_t used = programs_.bytes() + tables_.bytes();
    return memory_ > used ? memory_ - used : 0;
  }

  /// Makes room for waves of as many of the replicas as fit, and returns how many. What a device says is free may not
  /// be there, as where another process takes it: then half as many are tried, and later runs ask for no more.
  int reserve_waves(std::span<const ProgramRun> programs, const EpochsRun* epochs, int replicas) {
    const size_t each = total(wave_sizes(programs, epochs, 1));
    const int fit = replicas_per_wave(replicas, each, free_for_replicas());
    for (int count = replicas_per_wave(fit, each, std::max(each, had_));; count /= 2) {
      try {
        reserve_wave(wave_sizes(programs, epochs, count));
        return count;
      } catch (const OutOfDeviceMemory&) {
        free_wave();
        if (count == 1) throw no_room_for_a_replica(each, device_free_memory(device_));
        had_ = total(wave_sizes(programs, epochs, count / 2));
      }
    }
  }

  /// Makes each piece at least as large as asked. What is there already is kept unless it has to grow, or unless all
  /// together would take more than the memory to be used.
  void reserve_wave(const std::vector<size_t>& sizes) {
    wave_.resize(std::max(wave_.size(), sizes.size()));
    size_t together = 0;
    for (size_t i = 0; i < wave_.size(); ++i) together += std::max(wave_[i].bytes(), i < sizes.size() ? sizes[i] : 0);
    if (together > std::min(free_for_replicas(), had_)) free_wave();
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (wave_[i].bytes() >= sizes[i]) continue;
      wave_[i] = DeviceMemory();  // freed first: the old and the new need not fit together
      wave_[i] = DeviceMemory(device_, sizes[i]);
    }
    if (landing_.bytes() < sizes[kStatuses]) landing_ = PinnedMemory(device_, sizes[kStatuses]);
  }
  void free_wave() {
    fetch_floats();
    for (DeviceMemory& piece : wave_) piece = DeviceMemory();
  }

  void run_wave(Wave& w) {
    state_.bring(w.first, w.count, piece(kState));
    // Runs never depend on what lay there before.
    piece(kWork).clear(bytes_of(work_floats(w.programs) * w.count));

    Launch launch = w.epochs ? launch_of(*w.epochs, tables_.sets()) : launch_of(w.programs);
    launch.residents = w.loaded[0]->residents.as<Resident>();
    launch.state = piece(kState).as<float>();
    launch.work = piece(kWork).as<float>();
    size_t output = kOutputs;
    for (size_t p = 0; p < w.programs.size(); ++p) {
      const ProgramRun& run = w.programs[p];
      const size_t at = p * run.settings.size();  // of [programs, replicas]
      piece(kSettings).upload(run.settings.data(), run.settings.size_bytes(), at * sizeof(Settings));
      if (!w.scratch(p)) piece(kControls).upload(run.controls.data(), run.controls.size_bytes(), at * sizeof(Control));
      std::vector<int32_t> epochs;
      for (const Control& c : run.controls) {
        epochs.push_back(c.epoch);
        w.statuses.push_back({c.step, 0});
      }
      piece(kEpochs).upload(epochs.data(), epochs.size() * sizeof(int32_t), at * sizeof(int32_t));

      LaunchProgram& here = launch.programs[p];
      here.operations = w.loaded[p]->operations.as<Operation>();
      here.phases = w.loaded[p]->phases.as<Phase>();
      here.settings = piece(kSettings).as<Settings>() + at;
      here.controls = piece(kControls).as<Control>() + at;
      here.first_epochs = w.epochs ? nullptr : piece(kEpochs).as<int32_t>() + at;
      here.statuses = piece(kStatuses).as<ReplicaStatus>() + at;
      tables_.place(here.data);
      if (run.emitted) output = prepare_outputs(run, w.epochs, output, here.data);
    }
    if (w.epochs) bring_epochs(w, launch.epochs);
    run_pieces(w, launch);
    if (w.epochs) fetch_epochs(w);
    for (size_t p = 0; p < w.programs.size(); ++p) {
      if (w.scratch(p)) continue;
      const std::span<Control> controls = w.programs[p].controls;
      piece(kControls).download(controls.data(), controls.size_bytes(), p * controls.size_bytes());
    }
    fetch_outputs(w);
  }

  void bring_epochs(const Wave& w, LaunchEpochs& epochs) {
    best_.bring(w.first, w.count, piece(kBest));
    piece(kRules).upload(w.epochs->rules.data(), w.epochs->rules.size_bytes());
    piece(kStandings).upload(w.epochs->standings.data(), w.epochs->standings.size_bytes());
    epochs.rules = piece(kRules).as<EpochRules>();
    epochs.standings = piece(kStandings).as<EpochStanding>();
    epochs.best = piece(kBest).as<float>();
    epochs.records = piece(kRecords).as<double>();
    epochs.keys = piece(kKeys).as<uint64_t>();
  }

  void fetch_epochs(const Wave& w) {
    piece(kStandings).download(w.epochs->standings.data(), w.epochs->standings.size_bytes());
    const auto each = static_cast<int64_t>(w.epochs->slots) *
                      record_doubles(record_shape(w.programs[0].program, w.programs[1].program));
    int most = 0;  // records that any replica has written
    for (const EpochStanding& standing : w.epochs->standings) most = std::max(most, standing.records);
    if (most > 0)
      piece(kRecords).download(w.epochs->records->data() + w.first * each,
                               static_cast<size_t>(w.count * each) * sizeof(double));
  }

  /// Cuts the steps into launches until every program has done them or all its replicas rest. A launch that ends one
  /// program goes on with the next, where both have been timed and the time it aims at is not used up.
  void run_pieces(Wave& w, Launch& launch) {
    std::vector<int> left;
    for (const ProgramRun& run : w.programs) left.push_back(std::max(run.limits.steps, 0));
    if (w.epochs) left.resize(1);  // evaluations are counted with the steps that they follow
    for (size_t first = 0; first < left.size();) {
      if (left[first] == 0) {
        ++first;
        continue;
      }
      for (size_t p = 0; p < left.size(); ++p) launch.programs[p].steps = 0;
      double seconds = options_.launch_seconds;
      size_t end = first;
      while (end < left.size()) {
        LaunchPacer& pacer = w.loaded[end]->pacer;
        if (end > first && pacer.seconds(1) <= 0) break;
        launch.programs[end].steps = left[end] > 0 ? pacer.next(left[end], w.count, seconds) : 0;
        const bool ends = launch.programs[end].steps == left[end];
        seconds -= pacer.seconds(left[end]);
        const bool timed = pacer.seconds(1) > 0;
        ++end;
        if (!ends || !timed || seconds <= 0) break;
      }
      run_piece(w, launch, first, end, left);
    }
  }

  /// One launch of the programs first .. end - 1, and what it leaves to do.
  void run_piece(Wave& w, Launch& launch, size_t first, size_t end, std::vector<int>& left) {
    const auto start = std::chrono::steady_clock::now();
    double seconds = 0;  // that launches like this one will take
    for (size_t p = first; p < left.size(); ++p) seconds += w.loaded[p]->pacer.seconds(left[p]);
    MadeKernel* const made = kernels_.find(w.programs, w.loaded, threads_of(w), seconds);
    if (made) made->launch(launch, fast_floats(w.programs));
    else launch_program(device_, launch, fast_floats(w.programs), threads_of(w));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    kernels_.took(took.count());
    std::vector<int> done;
    double expected = 0;
    std::vector<bool> rest;  // whether all replicas of a program do
    const auto replicas = static_cast<size_t>(w.count);
    const ReplicaStatus* const landed = landing_.as<ReplicaStatus>();  // [programs from first on, replicas]
    piece(kStatuses).download(landing_.as<void>(), (end - first) * replicas * sizeof(ReplicaStatus),
                              first * replicas * sizeof(ReplicaStatus));
    for (size_t p = first; p < end; ++p) {
      int64_t most = 0;
      rest.push_back(true);
      for (size_t r = 0; r < replicas; ++r) {
        const ReplicaStatus now = landed[(p - first) * replicas + r];
        const int64_t steps = now.step - std::exchange(w.statuses[p * replicas + r], now).step;
        most = std::max(most, steps);
        kernels_.count(made, steps);
        rest.back() = rest.back() && now.rests != 0;
      }
      done.push_back(static_cast<int>(most));
      expected += w.loaded[p]->pacer.seconds(done.back());
    }
    for (size_t p = first; p < end; ++p) {
      const int steps = done[p - first];
      // The programs of one launch are not timed apart: each took its share of what was expected.
      const double share = end - first > 1 ? w.loaded[p]->pacer.seconds(steps) / expected : 1.0;
      if (steps > 0) w.loaded[p]->pacer.ran(steps, took.count() * share);
      left[p] = rest[p - first] || steps < launch.programs[p].steps ? 0 : left[p] - steps;
    }
  }

  int threads_of(const Wave& w) const {
    if (options_.threads > 0) return options_.threads;
    return block_threads(bytes_of(fast_floats(w.programs)), w.count, info_.multiprocessors, kThreadRegisters,
                         {.shared = info_.shared_per_block_optin});
  }

  /// Clears the program's outputs, which begin with piece `first`, and returns the piece behind them.
  size_t prepare_outputs(const ProgramRun& run, const EpochsRun* epochs, size_t first, RunData& data) {
    data.output_rows = run.emitted->rows;
    const auto replicas = static_cast<int64_t>(run.settings.size());
    for (size_t o = 0; o < run.program.output_cols.size(); ++o) {
      const int64_t floats = replicas * kept_floats(run, o, epochs);
      piece(first + o).clear(bytes_of(floats));
      data.outputs[o] = floats > 0 ? piece(first + o).as<float>() : nullptr;
    }
    return first + run.program.output_cols.size();
  }

  void fetch_outputs(const Wave& w) {
    size_t at = kOutputs;
    for (const ProgramRun& run : w.programs) {
      if (!run.emitted || (w.epochs && !w.epochs->keeps_outputs)) continue;
      for (size_t o = 0; o < run.program.output_cols.size(); ++o, ++at) {
        const int64_t each = kept_floats(run, o, w.epochs);
        if (each > 0) piece(at).download(run.emitted->values[o].data() + w.first * each, bytes_of(w.count * each));
      }
    }
  }

  /// Brings the host's copies of states and best parameters up to date.
  void fetch_floats() {
    state_.fetch(piece(kState));
    best_.fetch(piece(kBest));
  }

  DeviceMemory& piece(size_t number) { return wave_[number]; }
  const DeviceMemory& piece(size_t number) const { return wave_[number]; }

  int device_;
  DeviceInfo info_;
  CudaOptions options_;
  int64_t fast_floats_;
  size_t memory_;
  size_t had_ = SIZE_MAX;  // bytes that a wave asks for at most, once more could not be allocated
  DeviceTables tables_;
  DevicePrograms programs_;
  MadeKernels kernels_;
  DeviceFloats state_, best_;                 // [replicas, ..] states, and parameters of the best epochs
  std::vector<DeviceMemory> wave_{kOutputs};  // pieces of a wave's memory, as WavePiece counts them
  PinnedMemory landing_;                      // of a wave's statuses
  mutable std::string failure_;               // why nothing can be done any more
};

}  // namespace

std::unique_ptr<Executor> make_cuda_executor(int device, const CudaOptions& options) {
  const DeviceInfo info = expect_cuda_device(device);
  try {
    return std::make_unique<CudaExecutor>(device, info, options);
  } catch (const DeviceError& e) {
    throw Error(ExitCode::device,
                fmt::format("cuda:{} ({}, compute capability {}.{}): {}; this build has code for {}, use "
                            "--device cpu or build for this device",
                            device, info.name, info.compute_major, info.compute_minor, e.what(),
                            device_report(false).architectures));
  }
}

std::unique_ptr<Executor> make_cuda_executor(int device) { return make_cuda_executor(device, CudaOptions{}); }

}  // namespace equipoise
