// tests/kernels/harness.h - runs one operation on every kind of team, from equal NaN-filled memory, and compares bits.
//
// A Rig owns the memory of one replica. Every buffer lies between guard words and in another space than the last one;
// all of it holds NaN until a test fills it. Rig::run gives the operation to each team in turn and expects equal bits
// of everything, and nothing changed outside what the test says the operation writes.
#pragma once

#include <gtest/gtest.h>

#include <barrier>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/run/interpreter.h"
#include "kernels/teams/host_team.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {

/// Half a unit in the last place of a float at 1: the relative error of one rounding.
inline constexpr double kRounding = 0x1p-24;

/// How far a result may lie from the reference, relative to a scale that the comparison states, and why.
struct Tolerance {
  double rel;
  const char* why;
};

/// A double sum of products or squares of floats: only the sum's own roundings are left.
inline constexpr Tolerance kDoubleSum{.rel = 1e-13, .why = "a few hundred roundings of a float64 sum"};

inline void expect_close(double got, double expected, double scale, const Tolerance& tolerance,
                         const std::string& where) {
  if (std::fabs(got - expected) <= tolerance.rel * scale) return;
  ADD_FAILURE() << where << ": " << got << " where the reference has " << expected << ", off by "
                << std::fabs(got - expected) << " > " << tolerance.rel << " * " << scale << " (" << tolerance.why
                << ")";
}

inline std::string coordinate(const std::string& what, int row, int col) {
  return what + "[" + std::to_string(row) + ", " + std::to_string(col) + "]";
}

/// Memory of a rig: the three spaces and the replica's control.
struct RigState {
  std::vector<float> space[kSpaces];
  Control control;
};

/// Floats that an operation may write: `rows` stretches of `cols`, `stride` apart.
struct Written {
  Place place;
  int64_t stride, cols, rows;
};

class Rig {
 public:
  explicit Rig(int batch, int n = 0) : batch_(batch), n_(n > 0 ? n : batch) {
    std::memset(static_cast<void*>(&state_.control), 0, sizeof(Control));
    for (std::vector<float>& s : state_.space) guard(s);
  }

  int n() const { return n_; }
  Control& control() { return state_.control; }

  Place floats(int count) { return allocate(count); }
  Place doubles(int count) { return allocate(2 * count); }
  Place ints(int count) { return allocate(count); }
  /// [blocks * batch, cols] with at least one padding column, as planned matrices may have.
  View matrix(int blocks, int cols) {
    const int stride = (cols / 4 + 1) * 4;
    return {allocate(blocks * batch_ * stride), stride, cols, 0, blocks};
  }
  static View part(View v, int block, int blocks, int col, int cols) {
    v.place.offset += col;
    return {v.place, v.stride, cols, block, blocks};
  }

  int rows(const View& v) const { return v.blocks * n_; }
  float* row(const View& v, int r) { return at(v.place) + int64_t{v.block * n_ + r} * v.stride; }
  float* at(Place p) { return state_.space[static_cast<int>(p.space)].data() + p.offset; }
  double double_at(Place p, int i) {
    double value;
    std::memcpy(&value, at(p) + 2 * i, sizeof value);
    return value;
  }
  void set_double(Place p, int i, double value) { std::memcpy(at(p) + 2 * i, &value, sizeof value); }
  int32_t int_at(Place p, int i) {
    int32_t value;
    std::memcpy(&value, at(p) + i, sizeof value);
    return value;
  }
  void set_int(Place p, int i, int32_t value) { std::memcpy(at(p) + i, &value, sizeof value); }

  /// Uniform values in [low, high) in every column of the view's rows.
  void fill(const View& v, reference::Draws& draws, double low = -1.0, double high = 1.0) {
    for (int r = 0; r < rows(v); ++r)
      for (int c = 0; c < v.cols; ++c) row(v, r)[c] = static_cast<float>(draws.uniform(low, high));
  }
  void fill(Place p, int count, reference::Draws& draws, double low = -1.0, double high = 1.0) {
    for (int i = 0; i < count; ++i) at(p)[i] = static_cast<float>(draws.uniform(low, high));
  }

  Written written(const View& v) const {
    return {{static_cast<int32_t>(v.place.offset + v.block * n_ * v.stride), v.place.space}, v.stride, v.cols, rows(v)};
  }
  static Written written_floats(Place p, int count) { return {p, count, count, 1}; }
  static Written written_doubles(Place p, int count) { return {p, 2 * count, 2 * count, 1}; }

  /// Runs the operation on every team; the rig's memory and control hold the outcome afterwards.
  template <class Op>
  void run(const Op& op, const std::vector<Written>& writes) {
    const RigState before = state_;
    run_on([&](Context& c) { run_operation(SerialTeam{}, c, op, 0); }, state_);
    expect_nothing_else_written(before, writes);
    expect_same<HostTeam>(before, op, "a CPU's cut");
    expect_same<HostTeamOf<DeviceCut>>(before, op, "a device's cut");
    for (int threads : {2, 7, 32}) {
      expect_same_in_team<HostTeam>(before, op, threads, "a CPU's cut");
      expect_same_in_team<HostTeamOf<DeviceCut>>(before, op, threads, "a device's cut");
    }
  }

  /// Runs the operation on one thread alone: where a NaN goes in, compilers differ in the sign of what comes out.
  template <class Op>
  void run_alone(const Op& op) {
    run_on([&](Context& c) { run_operation(SerialTeam{}, c, op, 0); }, state_);
  }

  Settings settings;
  RunData data{};
  std::vector<SourceSet> sets{1};  ///< what data.sets is
  Chain chains[kMaxBalancers]{};
  int32_t slot = 0;
  bool shuffle = false;
  std::vector<Place> outputs;  ///< where emitted rows go

 private:
  static constexpr int kGuard = 16;
  static float poison() {  // two of them are a NaN as a double, too
    const uint32_t bits = 0x7ff7a5a5u;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  static void guard(std::vector<float>& s) { s.resize(s.size() + kGuard, poison()); }

  Place allocate(int count) {
    const Space space = static_cast<Space>(next_++ % kSpaces);
    std::vector<float>& s = state_.space[static_cast<int>(space)];
    const auto offset = static_cast<int32_t>(s.size());
    s.resize(s.size() + static_cast<std::size_t>((count + 3) / 4 * 4), poison());
    guard(s);
    return {offset, space};
  }

  template <class Body>
  void run_on(Body&& body, RigState& state) {
    RunData placed = data;
    placed.sets = sets.data();
    for (std::size_t o = 0; o < outputs.size(); ++o)
      placed.outputs[o] = state.space[static_cast<int>(outputs[o].space)].data() + outputs[o].offset;
    Context c{};
    for (int s = 0; s < kSpaces; ++s) c.base[s] = state.space[s].data();
    c.control = &state.control;
    c.settings = &settings;
    c.data = &placed;
    c.chains = chains;
    c.slot = c.output_slot = slot;
    c.batch = batch_;
    c.n = n_;
    c.shuffle = shuffle;
    body(c);
  }

  /// Units from last to first: no unit may lean on another. A member of as large a team runs the one of its number.
  template <class Team, class Op>
  void expect_same(const RigState& before, const Op& op, const std::string& cut) {
    RigState after = before;
    run_on(
        [&](Context& c) {
          std::barrier<> none(1);
          const int units = op.template units<Team>(c);
          for (int u = units - 1; u >= 0; --u) run_operation(Team(u, units, none), c, op, 0);
        },
        after);
    compare(after, "units from last to first, " + cut);
  }
  template <class Team, class Op>
  void expect_same_in_team(const RigState& before, const Op& op, int threads, const std::string& cut) {
    RigState after = before;
    constexpr int kFirstUnit = 96;  // which member starts changes nothing
    run_on(
        [&](Context& c) {
          run_host_team<Team>(threads, [&](const Team& team) { run_operation(team, c, op, kFirstUnit); });
        },
        after);
    compare(after, std::to_string(threads) + " threads, " + cut);
  }

  void compare(const RigState& other, const std::string& team) {
    for (int s = 0; s < kSpaces; ++s) {
      const std::vector<float>&a = state_.space[s], &b = other.space[s];
      for (std::size_t i = 0; i < a.size(); ++i)
        if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
          ADD_FAILURE() << team << ": float " << i << " of space " << s << " is " << b[i] << " where one thread has "
                        << a[i];
          return;
        }
    }
    EXPECT_EQ(std::memcmp(&state_.control, &other.control, sizeof(Control)), 0) << team << ": the control differs";
  }

  void expect_nothing_else_written(const RigState& before, const std::vector<Written>& writes) {
    for (int s = 0; s < kSpaces; ++s) {
      const std::vector<float>&a = before.space[s], &b = state_.space[s];
      std::vector<bool> allowed(a.size());
      for (const Written& w : writes)
        if (static_cast<int>(w.place.space) == s)
          for (int64_t r = 0; r < w.rows; ++r)
            for (int64_t c = 0; c < w.cols; ++c)
              allowed[static_cast<std::size_t>(w.place.offset + r * w.stride + c)] = true;
      for (std::size_t i = 0; i < a.size(); ++i)
        if (!allowed[i] && std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
          ADD_FAILURE() << "float " << i << " of space " << s << ", which no output covers, became " << b[i];
          return;
        }
    }
  }

  int batch_, n_, next_ = 0;
  RigState state_;
};

/// The rows of a view, as the reference takes them.
inline reference::Matrix to_matrix(Rig& rig, const View& v) {
  reference::Matrix m(rig.rows(v), v.cols);
  for (int r = 0; r < m.rows; ++r)
    for (int c = 0; c < m.cols; ++c) m.at(r, c) = rig.row(v, r)[c];
  return m;
}

/// A batch's capacity, its rows, and columns: one row, one feature, a short batch, more columns than lanes.
struct Shape {
  int batch, n, cols;
};
inline const std::vector<Shape> kShapes = {{1, 1, 1},    {1, 1, 81},   {4, 3, 1},    {7, 7, 10}, {8, 5, 16},
                                           {13, 13, 17}, {32, 32, 81}, {32, 18, 81}, {6, 6, 300}};

inline std::string name_of(const Shape& s) {
  return "batch " + std::to_string(s.batch) + ", " + std::to_string(s.n) + " rows, " + std::to_string(s.cols) +
         " columns";
}

}  // namespace equipoise::test
