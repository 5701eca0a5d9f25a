// engine/run/cuda_executor.cpp - replicas on a CUDA device, a thread block each.
#include "engine/run/cuda_executor.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <stdexcept>

#include "engine/base/error.h"
#include "engine/lower/program_code.h"
#include "engine/run/launch_data.h"
#include "engine/run/launch_pacer.h"
#include "kernels/run/device.h"

namespace equipoise {

namespace {

constexpr size_t kProgramsKept = 8;

size_t bytes_of(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }

template <class T>
DeviceMemory uploaded(int device, const std::vector<T>& values) {
  DeviceMemory memory(device, values.size() * sizeof(T));
  memory.upload(values.data(), values.size() * sizeof(T));
  return memory;
}

/// A program's arrays on the device, known again by their contents.
struct LoadedProgram {
  std::vector<std::byte> contents;
  DeviceMemory operations, phases, residents;
  LaunchPacer pacer;

  static std::vector<std::byte> contents_of(const Program& p) {
    std::vector<std::byte> bytes;
    const auto append = [&](const auto& values) {
      const auto* from = reinterpret_cast<const std::byte*>(values.data());
      bytes.insert(bytes.end(), from, from + values.size() * sizeof values[0]);
    };
    append(p.code->operations);
    append(p.code->phases);
    append(p.code->residents);
    append(std::span(p.chains));
    return bytes;
  }
  size_t bytes() const { return operations.bytes() + phases.bytes() + residents.bytes(); }
};

class CudaExecutor : public Executor {
 public:
  CudaExecutor(int device, const DeviceInfo& info, const CudaOptions& options)
      : device_(device), name_(info.name), options_(options), fast_floats_(device_fast_floats(device)) {
    // A tenth is left for fragments of the allocator and for programs that come and go.
    memory_ = options.memory > 0 ? options.memory : device_free_memory(device) / 10 * 9;
  }

  std::string name() const override { return name_; }
  PlanLimits plan_limits() const override { return {fast_floats_, true}; }

  void load_tables(const RunTables& tables) override {
    guarded([&] {
      sources_.clear();
      for (const RunTables::Values& source : tables.sources)
        sources_.push_back({uploaded(device_, source.values), source.cols});
      labels_ = uploaded(device_, tables.labels);
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

  void run(const Program& program, std::span<const Settings> settings, std::span<Control> controls,
           const RunLimits& limits, Emitted* emitted, std::vector<float>* work) override {
    const int replicas = static_cast<int>(settings.size());
    if (state_.size() != settings.size() * static_cast<size_t>(program.state_floats) ||
        program.state_floats != state_floats_)
      throw std::logic_error("the loaded state is not that of these replicas and this program");
    guarded([&] {
      LoadedProgram& loaded = load(program);
      if (emitted) {
        emitted->values.resize(program.output_cols.size());
        for (size_t o = 0; o < emitted->values.size(); ++o)
          emitted->values[o].resize(static_cast<size_t>(replicas) * emitted->rows * program.output_cols[o]);
      }
      const int per_wave = replicas_per_wave(replicas, total(wave_sizes(program, emitted, 1)), free_for_replicas());
      // With one wave the state stays on the device from run to run; with several, each brings its own.
      const bool resident = per_wave == replicas;
      if (!resident) fetch_state();
      reserve_wave(wave_sizes(program, emitted, per_wave));
      for (int first = 0; first < replicas; first += per_wave) {
        const int count = std::min(per_wave, replicas - first);
        Wave wave{program, loaded, settings.subspan(first, count), controls.subspan(first, count), limits,
                  first,   count};
        run_wave(wave, emitted);
        if (!resident) fetch_wave_state(wave);
        if (work && first == 0) {
          work->resize(static_cast<size_t>(program.work_floats));
          wave_[kWork].download(work->data(), bytes_of(program.work_floats));
        }
      }
      newest_ = resident ? Newest::device : Newest::host;
    });
  }

 private:
  struct Wave {
    const Program& program;
    LoadedProgram& loaded;
    std::span<const Settings> settings;
    std::span<Control> controls;
    const RunLimits& limits;
    int first, count;  // replicas
  };
  struct SourceMemory {
    DeviceMemory values;
    int cols;
  };

  /// Once a call has failed, how far the replicas came is unknown: every later call fails too.
  template <class Body>
  void guarded(Body&& body) {
    if (!failure_.empty()) throw Error(ExitCode::device, failure_);
    try {
      body();
    } catch (const DeviceError& e) {
      failure_ = fmt::format("cuda:{} ({}): {}; resume from the last checkpoint, or use --device cpu", device_, name_,
                             e.what());
      throw Error(ExitCode::device, failure_);
    }
  }

  LoadedProgram& load(const Program& program) {
    std::vector<std::byte> contents = LoadedProgram::contents_of(program);
    const auto known =
        std::find_if(programs_.begin(), programs_.end(), [&](const auto& p) { return p->contents == contents; });
    if (known != programs_.end()) {
      std::rotate(programs_.begin(), known, known + 1);  // the last used comes first
      return *programs_.front();
    }
    auto loaded = std::make_unique<LoadedProgram>();
    loaded->contents = std::move(contents);
    loaded->operations = uploaded(device_, program.code->operations);
    loaded->phases = uploaded(device_, program.code->phases);
    loaded->residents = uploaded(device_, program.code->residents);
    programs_.insert(programs_.begin(), std::move(loaded));
    if (programs_.size() > kProgramsKept) programs_.pop_back();
    return *programs_.front();
  }

  /// Bytes of each piece of wave memory that `count` replicas take, in the order of WavePiece.
  static std::vector<size_t> wave_sizes(const Program& program, const Emitted* emitted, int count) {
    std::vector<size_t> sizes = {bytes_of(program.state_floats), bytes_of(program.work_floats), sizeof(Settings),
                                 sizeof(Control), sizeof(int32_t)};
    if (emitted)
      for (int cols : program.output_cols) sizes.push_back(bytes_of(int64_t{emitted->rows} * cols));
    for (size_t& size : sizes) size *= static_cast<size_t>(count);
    return sizes;
  }
  static size_t total(const std::vector<size_t>& sizes) {
    return std::accumulate(sizes.begin(), sizes.end(), size_t{0});
  }

  size_t free_for_replicas() const {
    size_t used = labels_.bytes() + row_list_.bytes() + class_weights_.bytes();
    for (const SourceMemory& source : sources_) used += source.values.bytes();
    for (const auto& program : programs_) used += program->bytes();
    return memory_ > used ? memory_ - used : 0;
  }

  /// Makes each piece at least as large as asked. What is there already is kept unless it has to grow, or unless all
  /// together would take more than the memory to be used.
  void reserve_wave(const std::vector<size_t>& sizes) {
    wave_.resize(std::max(wave_.size(), sizes.size()));
    size_t together = 0;
    for (size_t i = 0; i < wave_.size(); ++i) together += std::max(wave_[i].bytes(), i < sizes.size() ? sizes[i] : 0);
    if (together > free_for_replicas()) {
      fetch_state();
      for (DeviceMemory& piece : wave_) piece = DeviceMemory();
    }
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (wave_[i].bytes() >= sizes[i]) continue;
      wave_[i] = DeviceMemory();  // freed first: the old and the new need not fit together
      wave_[i] = DeviceMemory(device_, sizes[i]);
    }
  }

  void run_wave(Wave& w, Emitted* emitted) {
    if (newest_ == Newest::host)
      wave_[kState].upload(state_.data() + w.first * w.program.state_floats,
                           bytes_of(w.program.state_floats * w.count));
    wave_[kWork].clear(bytes_of(w.program.work_floats * w.count));  // runs never depend on what lay there before
    wave_[kSettings].upload(w.settings.data(), w.settings.size_bytes());
    wave_[kControls].upload(w.controls.data(), w.controls.size_bytes());
    std::vector<int32_t> epochs;
    for (const Control& c : w.controls) epochs.push_back(c.epoch);
    wave_[kEpochs].upload(epochs.data(), epochs.size() * sizeof(int32_t));

    Launch launch = launch_of(w.program, w.limits);
    launch.operations = w.loaded.operations.as<Operation>();
    launch.phases = w.loaded.phases.as<Phase>();
    launch.residents = w.loaded.residents.as<Resident>();
    for (size_t s = 0; s < sources_.size(); ++s)
      launch.data.sources[s] = {sources_[s].values.as<float>(), sources_[s].cols};
    launch.data.labels = labels_.as<int32_t>();
    launch.data.row_list = row_list_.as<int32_t>();
    launch.data.class_weights = class_weights_.as<float>();
    if (emitted) prepare_outputs(w, *emitted, launch.data);
    launch.settings = wave_[kSettings].as<Settings>();
    launch.controls = wave_[kControls].as<Control>();
    launch.state = wave_[kState].as<float>();
    launch.work = wave_[kWork].as<float>();
    launch.replicas = w.count;
    launch.first_epochs = wave_[kEpochs].as<int32_t>();
    run_pieces(w, launch);
    if (emitted) fetch_outputs(w, *emitted);
  }

  /// Cuts the steps into launches until they are done or every replica rests.
  void run_pieces(Wave& w, Launch& launch) {
    for (int left = w.limits.steps; left > 0;) {
      const std::vector<Control> before(w.controls.begin(), w.controls.end());
      launch.steps = w.loaded.pacer.next(left, w.count, options_.launch_seconds);
      const auto start = std::chrono::steady_clock::now();
      launch_program(device_, launch, w.program.fast_floats, options_.threads);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      wave_[kControls].download(w.controls.data(), w.controls.size_bytes());
      int64_t done = 0;
      for (size_t r = 0; r < before.size(); ++r) done = std::max(done, w.controls[r].step - before[r].step);
      w.loaded.pacer.ran(static_cast<int>(done), took.count());
      if (done < launch.steps) return;
      left -= launch.steps;
    }
  }

  void prepare_outputs(const Wave& w, const Emitted& emitted, RunData& data) {
    data.output_rows = emitted.rows;
    for (size_t o = 0; o < w.program.output_cols.size(); ++o) {
      DeviceMemory& output = wave_[kOutputs + o];
      output.clear(bytes_of(int64_t{w.count} * emitted.rows * w.program.output_cols[o]));
      data.outputs[o] = output.as<float>();
    }
  }

  void fetch_outputs(const Wave& w, Emitted& emitted) {
    for (size_t o = 0; o < w.program.output_cols.size(); ++o) {
      const int64_t per_replica = int64_t{emitted.rows} * w.program.output_cols[o];
      wave_[kOutputs + o].download(emitted.values[o].data() + w.first * per_replica, bytes_of(w.count * per_replica));
    }
  }

  void fetch_wave_state(const Wave& w) {
    wave_[kState].download(state_.data() + w.first * w.program.state_floats,
                           bytes_of(w.program.state_floats * w.count));
  }

  /// Brings the host's copy of the state up to date.
  void fetch_state() {
    if (newest_ == Newest::device) wave_[kState].download(state_.data(), state_.size() * sizeof(float));
    newest_ = Newest::host;
  }

  enum class Newest { host, device };
  enum WavePiece : size_t { kState, kWork, kSettings, kControls, kEpochs, kOutputs };  // outputs follow one another

  int device_;
  std::string name_;
  CudaOptions options_;
  int64_t fast_floats_;
  size_t memory_;
  std::vector<SourceMemory> sources_;
  DeviceMemory labels_, row_list_, class_weights_;
  std::vector<std::unique_ptr<LoadedProgram>> programs_;
  std::vector<float> state_;  // [replicas, state_floats]
  int64_t state_floats_ = 0;
  Newest newest_ = Newest::host;    // where the state is up to date
  std::vector<DeviceMemory> wave_;  // pieces of a wave's memory, as WavePiece counts them
  std::string failure_;             // why nothing can be done any more
};

}  // namespace

std::unique_ptr<Executor> make_cuda_executor(int device, const CudaOptions& options) {
  const DeviceReport report = device_report(false);
  if (report.devices.empty())
    throw Error(ExitCode::device, fmt::format("cuda:{}: {}; use --device cpu, or see what `equipoise doctor` says",
                                              device, report.problem));
  if (device < 0 || static_cast<size_t>(device) >= report.devices.size())
    throw Error(ExitCode::device,
                fmt::format("cuda:{}: this machine's CUDA devices are cuda:0 to cuda:{}; name one of them", device,
                            report.devices.size() - 1));
  const DeviceInfo& info = report.devices[static_cast<size_t>(device)];
  try {
    return std::make_unique<CudaExecutor>(device, info, options);
  } catch (const DeviceError& e) {
    throw Error(ExitCode::device,
                fmt::format("cuda:{} ({}, compute capability {}.{}): {}; this build has code for {}, use "
                            "--device cpu or build for this device",
                            device, info.name, info.compute_major, info.compute_minor, e.what(), report.architectures));
  }
}

std::unique_ptr<Executor> make_cuda_executor(int device) { return make_cuda_executor(device, CudaOptions{}); }

}  // namespace equipoise
