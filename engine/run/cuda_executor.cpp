// engine/run/cuda_executor.cpp - replicas on a CUDA device, a thread block each.
#include "engine/run/cuda_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>

#include "engine/base/cuda_device.h"
#include "engine/base/error.h"
#include "engine/run/device_programs.h"
#include "engine/run/launch_data.h"

namespace equipoise {

namespace {

size_t bytes_of(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }

class CudaExecutor : public Executor {
 public:
  CudaExecutor(int device, const DeviceInfo& info, const CudaOptions& options)
      : device_(device), info_(info), options_(options), fast_floats_(device_fast_floats(device)), programs_(device) {
    // A tenth is left for fragments of the allocator and for programs that come and go.
    memory_ = options.memory > 0 ? options.memory : device_free_memory(device) / 10 * 9;
  }

  std::string name() const override { return info_.name; }
  PlanLimits plan_limits() const override { return {fast_floats_, true}; }
  int host_threads() const override { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

  void load_tables(const RunTables& tables) override {
    guarded([&] {
      tables_.clear();
      set_pointers_ = source_sets(tables);  // then the pointers move to the device
      place_on_device(set_pointers_[0], tables);
      for (std::size_t t = 0; t < tables.further_sets.size(); ++t)
        place_on_device(set_pointers_[t + 1], tables.further_sets[t]);
      sets_ = uploaded(device_, set_pointers_);
      row_list_ = uploaded(device_, tables.row_list);
      class_weights_ = uploaded(device_, tables.class_weights);
    });
  }

  void load_state(std::span<const float> state, int64_t state_floats) override {
    guarded([&] {
      state_.assign(state.begin(), state.end());
      state_floats_ = state_floats;
      newest_ = Newest::host;
    });
  }

  void store_state(std::span<float> state) override {
    guarded([&] {
      fetch_state();
      std::copy(state_.begin(), state_.end(), state.begin());
    });
  }

  void load_states(std::size_t first, std::span<const float> states) override {
    guarded([&] {
      float* here = states_from(state_, state_floats_, first, states.size());
      if (newest_ == Newest::device)
        wave_[kState].upload(states.data(), states.size_bytes(),
                             static_cast<size_t>(here - state_.data()) * sizeof(float));
      else std::copy(states.begin(), states.end(), here);
    });
  }

  void store_states(std::size_t first, std::span<float> states) override {
    guarded([&] {
      const float* here = states_from(state_, state_floats_, first, states.size());
      if (newest_ == Newest::device)
        wave_[kState].download(states.data(), states.size_bytes(),
                               static_cast<size_t>(here - state_.data()) * sizeof(float));
      else std::copy_n(here, states.size(), states.begin());
    });
  }

  void run(std::span<const ProgramRun> programs, std::vector<float>* work) override {
    for (const std::span<const ProgramRun> together : shared_launches(programs, set_pointers_.size())) {
      const int64_t state_floats = together[0].program.state_floats;
      if (state_.size() != together[0].settings.size() * static_cast<size_t>(state_floats) ||
          state_floats != state_floats_)
        throw std::logic_error("the loaded state is not that of these replicas and this program");
      guarded([&] { run_together(together, work); });
    }
  }

 private:
  /// Programs on some of the replicas, which lie in device memory all at once.
  struct Wave {
    std::vector<ProgramRun> programs;
    std::vector<DeviceProgram*> loaded;
    int first, count;                       // replicas
    std::vector<ReplicaStatus> statuses{};  // [programs, replicas] of the last launch
  };

  void run_together(std::span<const ProgramRun> programs, std::vector<float>* work) {
    const int replicas = static_cast<int>(programs[0].settings.size());
    std::vector<DeviceProgram*> loaded;
    for (const ProgramRun& run : programs) {
      loaded.push_back(&programs_.load(run.program));
      prepare_emitted(run);
    }
    const int per_wave = reserve_waves(programs, replicas);
    // With one wave the state stays on the device from run to run; with several, each brings its own.
    const bool resident = per_wave == replicas;
    if (!resident) fetch_state();
    for (int first = 0; first < replicas; first += per_wave) {
      const int count = std::min(per_wave, replicas - first);
      Wave wave{{}, loaded, first, count};
      for (const ProgramRun& run : programs)
        wave.programs.push_back({run.program, run.settings.subspan(first, count), run.controls.subspan(first, count),
                                 run.limits, run.emitted});
      run_wave(wave);
      if (!resident)
        wave_[kState].download(state_.data() + first * state_floats_, bytes_of(state_floats_ * count));
      if (work && first == 0) {
        const int64_t floats = programs.back().program.work_floats;
        work->resize(static_cast<size_t>(floats));
        wave_[kWork].download(work->data(), bytes_of(floats));
      }
    }
    newest_ = resident ? Newest::device : Newest::host;
  }

  /// Once a call has failed, how far the replicas came is unknown: every later call fails too.
  template <class Body>
  void guarded(Body&& body) {
    if (!failure_.empty()) throw Error(ExitCode::device, failure_);
    try {
      body();
    } catch (const DeviceError& e) {
      failure_ = fmt::format("cuda:{} ({}): {}; resume from the last checkpoint, or use --device cpu", device_,
                             info_.name, e.what());
      throw Error(ExitCode::device, failure_);
    }
  }

  template <class T>
  const T* kept(const std::vector<T>& values) {
    return tables_.emplace_back(uploaded(device_, values)).template as<T>();
  }
  void place_on_device(SourceSet& set, const TableSet& tables) {
    for (size_t s = 0; s < tables.sources.size(); ++s) set.sources[s].values = kept(tables.sources[s].values);
    set.labels = kept(tables.labels);
  }

  /// Bytes of each piece of wave memory that `count` replicas take, in the order of WavePiece.
  static std::vector<size_t> wave_sizes(std::span<const ProgramRun> programs, int count) {
    const size_t each = programs.size();
    std::vector<size_t> sizes = {bytes_of(programs[0].program.state_floats),
                                 bytes_of(work_floats(programs)),
                                 each * sizeof(Settings),
                                 each * sizeof(Control),
                                 each * sizeof(int32_t),
                                 each * sizeof(ReplicaStatus)};
    for (const ProgramRun& run : programs)
      if (run.emitted)
        for (int cols : run.program.output_cols) sizes.push_back(bytes_of(int64_t{run.emitted->rows} * cols));
    for (size_t& size : sizes) size *= static_cast<size_t>(count);
    return sizes;
  }
  static int64_t work_floats(std::span<const ProgramRun> programs) {
    int64_t floats = 0;
    for (const ProgramRun& run : programs) floats = std::max(floats, run.program.work_floats);
    return floats;
  }
  static size_t total(const std::vector<size_t>& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  }

  size_t free_for_replicas() const {
    size_t used = programs_.bytes() + sets_.bytes() + row_list_.bytes() + class_weights_.bytes();
    for (const DeviceMemory& table : tables_) used += table.bytes();
    return memory_ > used ? memory_ - used : 0;
  }

  /// Makes room for waves of as many of the replicas as fit, and returns how many. What a device says is free may not
  /// be there, as where another process takes it: then half as many are tried, and later runs ask for no more.
  int reserve_waves(std::span<const ProgramRun> programs, int replicas) {
    const size_t each = total(wave_sizes(programs, 1));
    const int fit = replicas_per_wave(replicas, each, free_for_replicas());
    for (int count = replicas_per_wave(fit, each, std::max(each, had_));; count /= 2) {
      try {
        reserve_wave(wave_sizes(programs, count));
        return count;
      } catch (const OutOfDeviceMemory&) {
        free_wave();
        if (count == 1) throw no_room_for_a_replica(each, device_free_memory(device_));
        had_ = total(wave_sizes(programs, count / 2));
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
    fetch_state();
    for (DeviceMemory& piece : wave_) piece = DeviceMemory();
  }

  void run_wave(Wave& w) {
    const int64_t state_floats = w.programs[0].program.state_floats;
    if (newest_ == Newest::host)
      wave_[kState].upload(state_.data() + w.first * state_floats, bytes_of(state_floats * w.count));
    // Runs never depend on what lay there before.
    wave_[kWork].clear(bytes_of(work_floats(w.programs) * w.count));

    Launch launch = launch_of(w.programs);
    launch.residents = w.loaded[0]->residents.as<Resident>();
    launch.state = wave_[kState].as<float>();
    launch.work = wave_[kWork].as<float>();
    size_t output = kOutputs;
    for (size_t p = 0; p < w.programs.size(); ++p) {
      const ProgramRun& run = w.programs[p];
      const size_t at = p * run.settings.size();  // of [programs, replicas]
      wave_[kSettings].upload(run.settings.data(), run.settings.size_bytes(), at * sizeof(Settings));
      wave_[kControls].upload(run.controls.data(), run.controls.size_bytes(), at * sizeof(Control));
      std::vector<int32_t> epochs;
      for (const Control& c : run.controls) {
        epochs.push_back(c.epoch);
        w.statuses.push_back(status_of(c));
      }
      wave_[kEpochs].upload(epochs.data(), epochs.size() * sizeof(int32_t), at * sizeof(int32_t));

      LaunchProgram& here = launch.programs[p];
      here.operations = w.loaded[p]->operations.as<Operation>();
      here.phases = w.loaded[p]->phases.as<Phase>();
      here.settings = wave_[kSettings].as<Settings>() + at;
      here.controls = wave_[kControls].as<Control>() + at;
      here.first_epochs = wave_[kEpochs].as<int32_t>() + at;
      here.statuses = wave_[kStatuses].as<ReplicaStatus>() + at;
      here.data.sets = sets_.as<SourceSet>();
      here.data.row_list = row_list_.as<int32_t>();
      here.data.class_weights = class_weights_.as<float>();
      if (run.emitted) output = prepare_outputs(run, output, here.data);
    }
    run_pieces(w, launch);
    for (size_t p = 0; p < w.programs.size(); ++p) {
      const std::span<Control> controls = w.programs[p].controls;
      wave_[kControls].download(controls.data(), controls.size_bytes(), p * controls.size_bytes());
    }
    fetch_outputs(w);
  }

  /// Cuts the steps into launches until every program has done them or all its replicas rest. A launch that ends one
  /// program goes on with the next, where both have been timed and the time it aims at is not used up.
  void run_pieces(Wave& w, Launch& launch) {
    std::vector<int> left;
    for (const ProgramRun& run : w.programs) left.push_back(std::max(run.limits.steps, 0));
    for (size_t first = 0; first < left.size();) {
      if (left[first] == 0) {
        ++first;
        continue;
      }
      for (LaunchProgram& program : launch.programs) program.steps = 0;
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
    launch_program(device_, launch, fast_floats(w.programs), threads_of(w));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::vector<int> done;
    double expected = 0;
    std::vector<bool> rest;  // whether all replicas of a program do
    const auto replicas = static_cast<size_t>(w.count);
    const ReplicaStatus* const landed = landing_.as<ReplicaStatus>();  // [programs from first on, replicas]
    wave_[kStatuses].download(landing_.as<void>(), (end - first) * replicas * sizeof(ReplicaStatus),
                              first * replicas * sizeof(ReplicaStatus));
    for (size_t p = first; p < end; ++p) {
      const ProgramRun& run = w.programs[p];
      int64_t most = 0;
      rest.push_back(true);
      for (size_t r = 0; r < replicas; ++r) {
        const ReplicaStatus now = landed[(p - first) * replicas + r];
        most = std::max(most, now.step - std::exchange(w.statuses[p * replicas + r], now).step);
        rest.back() = rest.back() && rests(now, run.controls[r].epoch, run.limits.stop_at_epoch_end);
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
  size_t prepare_outputs(const ProgramRun& run, size_t first, RunData& data) {
    data.output_rows = run.emitted->rows;
    const auto replicas = static_cast<int64_t>(run.settings.size());
    for (size_t o = 0; o < run.program.output_cols.size(); ++o) {
      DeviceMemory& output = wave_[first + o];
      output.clear(bytes_of(replicas * run.emitted->rows * run.program.output_cols[o]));
      data.outputs[o] = output.as<float>();
    }
    return first + run.program.output_cols.size();
  }

  void fetch_outputs(const Wave& w) {
    size_t piece = kOutputs;
    for (const ProgramRun& run : w.programs) {
      if (!run.emitted) continue;
      for (size_t o = 0; o < run.program.output_cols.size(); ++o, ++piece) {
        const int64_t per_replica = int64_t{run.emitted->rows} * run.program.output_cols[o];
        wave_[piece].download(run.emitted->values[o].data() + w.first * per_replica, bytes_of(w.count * per_replica));
      }
    }
  }

  /// Brings the host's copy of the state up to date.
  void fetch_state() {
    if (newest_ == Newest::device) wave_[kState].download(state_.data(), state_.size() * sizeof(float));
    newest_ = Newest::host;
  }

  enum class Newest { host, device };
  /// Outputs follow one another from the last on.
  enum WavePiece : size_t { kState, kWork, kSettings, kControls, kEpochs, kStatuses, kOutputs };

  int device_;
  DeviceInfo info_;
  CudaOptions options_;
  int64_t fast_floats_;
  size_t memory_;
  size_t had_ = SIZE_MAX;             // bytes that a wave asks for at most, once more could not be allocated
  std::vector<DeviceMemory> tables_;  // values and labels of all sets
  std::vector<SourceSet> set_pointers_;
  DeviceMemory sets_, row_list_, class_weights_;
  DevicePrograms programs_;
  std::vector<float> state_;  // [replicas, state_floats]
  int64_t state_floats_ = 0;
  Newest newest_ = Newest::host;    // where the state is up to date
  std::vector<DeviceMemory> wave_;  // pieces of a wave's memory, as WavePiece counts them
  PinnedMemory landing_;            // of a wave's statuses
  std::string failure_;             // why nothing can be done any more
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
