// tests/ptx/hand_program.h - programs written by hand, for shapes and places that no model has: run by one thread of
// the CPU and by the shipped kernel on the machine, which leave the same bits.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "engine/run/device_programs.h"
#include "kernels/program/launch.h"
#include "kernels/run/device.h"
#include "kernels/run/interpreter.h"
#include "kernels/run/interpreter_launch.h"
#include "kernels/teams/host_team.h"
#include "tests/reference/random_problem.h"

namespace equipoise::ptx::test {

/// How a matrix lies: floats between its rows, and by how many floats it misses a multiple of 16 bytes.
struct Lie {
  int between = 0, off = 0;
};

/// Operations, a phase each, over one replica's state, which is all the memory they have: where it lies, or copied to
/// shared memory and back.
class HandProgram {
 public:
  HandProgram(int batch, int n, uint64_t seed, equipoise::Space space = equipoise::Space::state)
      : draws(seed), batch_(batch), space_(space) {
    std::memset(static_cast<void*>(&control), 0, sizeof control);
    control.finite = 1;
    settings.rows = n;
    settings.seed = seed;
    for (int i = 0; i < kMaxTasks; ++i) {
      settings.initial_weights[i] = 1.0 + 0.125 * i;
      control.shared_weights[i] = draws.uniform(-2.0, 2.0);
      control.private_weights[i] = draws.uniform(-2.0, 2.0);
      control.losses[i] = draws.uniform(0.1, 3.0);
      control.present[i] = 1;
    }
    for (int k = 0; k < 64; ++k) class_weights.push_back(static_cast<float>(draws.uniform(0.25, 4.0)));
  }

  /// Uniform values in [low, high).
  Place floats(int count, int off = 0, double low = -1.0, double high = 1.0) {
    const Place at = allocate(count, off);
    for (int i = 0; i < count; ++i) float_at(at, i) = static_cast<float>(draws.uniform(low, high));
    return at;
  }
  Place doubles(int count, double low = -1.0, double high = 1.0) {
    const Place at = allocate(2 * count, 0);
    for (int i = 0; i < count; ++i) set_double(at, i, draws.uniform(low, high));
    return at;
  }
  Place ints(const std::vector<int32_t>& values) {
    const Place at = allocate(static_cast<int>(values.size()), 0);
    std::memcpy(&state_[static_cast<std::size_t>(at.offset)], values.data(), values.size() * sizeof(int32_t));
    return at;
  }
  View matrix(int blocks, int cols, Lie lie = {}, double low = -1.0, double high = 1.0) {
    const int stride = cols + lie.between;
    return {floats(blocks * batch_ * stride, lie.off, low, high), stride, cols, 0, blocks};
  }
  float& float_at(Place at, int i) { return state_[static_cast<std::size_t>(at.offset + i)]; }
  void set_double(Place at, int i, double value) { std::memcpy(&float_at(at, 2 * i), &value, sizeof value); }
  /// Some of its values become huge, tiny, zeros of both signs, or what their exponentials are not.
  void spoil(const View& v) {
    static constexpr float kEdges[] = {0.0f,   -0.0f,   1e-40f, -1e-40f, 1e-20f, 3e18f,   -3e18f, 88.5f, 90.0f,
                                       -87.5f, -104.5f, -95.0f, 20.5f,   -31.0f, 1.0625f, 12.0f,  -12.0f};
    int next = 0;
    for (int e = 0; e < v.blocks * batch_ * v.stride; e += 1 + draws.below(4))
      float_at(v.place, e) = kEdges[next++ % (sizeof kEdges / sizeof *kEdges)];
  }

  template <class Op>
  void add(const Op& op) {
    operations_.push_back(operation(op));
    if constexpr (requires { Op::kOneWarp; }) operations_.back().turns = 1;
    else operations_.back().turns = kBlockThreads / 32;  // every warp has units, if there are enough
    const auto at = static_cast<int32_t>(operations_.size());
    phases_.push_back({at - 1, at});
  }

  /// Runs the program from equal memory by one thread of the CPU and by a block of `threads`.
  void expect_the_cpus_bits(const std::string& what, int threads = 64) {
    const SourceSet none{};
    std::vector<float> cpu = state_, fast(state_.size()), work(1);
    Control cpu_control = control;
    {
      Launch launch = launch_of(operations_.data(), phases_.data(), &settings, &cpu_control, cpu.data(), work.data());
      launch.programs[0].data = {&none, nullptr, class_weights.data(), {}, 0};
      const std::vector<Resident> residents = residents_of();
      launch.residents = residents.data();
      run_replica(SerialTeam{}, launch, 0, fast.data());
    }
    const DeviceMemory code = uploaded(0, operations_), cut = uploaded(0, phases_),
                       told = uploaded(0, std::vector<Settings>{settings}),
                       kept = uploaded(0, std::vector<Control>{control}), state = uploaded(0, state_),
                       worked = uploaded(0, work), weights = uploaded(0, class_weights),
                       sources = uploaded(0, std::vector<SourceSet>{none}), copied = uploaded(0, residents_of());
    Launch launch = launch_of(code.as<Operation>(), cut.as<Phase>(), told.as<Settings>(), kept.as<Control>(),
                              state.as<float>(), worked.as<float>());
    launch.programs[0].data = {sources.as<SourceSet>(), nullptr, weights.as<float>(), {}, 0};
    launch.residents = copied.as<Resident>();
    launch_program(0, launch, space_ == equipoise::Space::fast ? static_cast<int64_t>(state_.size()) : 1, threads);
    std::vector<float> got(state_.size());
    state.download(got.data(), got.size() * sizeof(float));
    Control got_control;
    kept.download(&got_control, sizeof got_control);
    const std::size_t compared = scratch ? static_cast<std::size_t>(scratch->offset) : got.size();
    for (std::size_t i = 0; i < compared; ++i)
      ASSERT_EQ(std::memcmp(&cpu[i], &got[i], sizeof(float)), 0)
          << what << ": float " << i << " is " << got[i] << " where the CPU has " << cpu[i];
    ASSERT_EQ(
        std::memcmp(static_cast<const void*>(&cpu_control), static_cast<const void*>(&got_control), sizeof got_control),
        0)
        << what << ": the controls differ";
    ASSERT_TRUE(std::memcmp(state_.data(), got.data(), got.size() * sizeof(float)) != 0 ||
                std::memcmp(static_cast<const void*>(&control), static_cast<const void*>(&got_control),
                            sizeof got_control) != 0)
        << what << ": nothing was written";
  }

  Settings settings;
  Control control;
  Chain chains[kMaxBalancers]{};
  std::vector<float> class_weights;
  reference::Draws draws;
  int steps = 1;
  /// From here on lies scratch, which nobody reads afterwards: it may hold NaNs, whose bits are any machine's own.
  std::optional<Place> scratch;

 private:
  Place allocate(int count, int off) {
    const auto at = static_cast<int32_t>(state_.size()) + off;
    state_.resize(static_cast<std::size_t>(at + (count + 7) / 4 * 4 - off), 0.5f);
    return {at, space_};
  }
  std::vector<Resident> residents_of() const {
    if (space_ != equipoise::Space::fast) return {{{0, equipoise::Space::state}, {0, equipoise::Space::fast}, 0}};
    return {{{0, equipoise::Space::state}, {0, equipoise::Space::fast}, static_cast<int32_t>(state_.size())}};
  }
  Launch launch_of(const Operation* operations, const Phase* phases, const Settings* told, Control* kept, float* state,
                   float* work) const {
    Launch launch{};
    LaunchProgram& program = launch.programs[0];
    program.operations = operations;
    program.phases = phases;
    program.settings = told;
    program.controls = kept;
    program.phase_count = static_cast<int32_t>(phases_.size());
    program.batch = batch_;
    program.steps = steps;
    for (int b = 0; b < kMaxBalancers; ++b) launch.chains[b] = chains[b];
    launch.state = state;
    launch.work = work;
    launch.state_floats = static_cast<int64_t>(state_.size());
    launch.work_floats = 1;
    launch.program_count = launch.resident_count = launch.replicas = 1;
    return launch;
  }

  int batch_;
  equipoise::Space space_;
  std::vector<float> state_;
  std::vector<Operation> operations_;
  std::vector<Phase> phases_;
};

}  // namespace equipoise::ptx::test
