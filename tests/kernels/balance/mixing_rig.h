// tests/kernels/balance/mixing_rig.h - runs a mixing method on every kind of team from NaN-filled scratch and compares
// bits.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/balance/method.h"
#include "kernels/teams/host_team.h"

namespace equipoise::test {

/// J J^T of rows [K][D], in long double, rounded once.
inline std::vector<double> gram_of(const std::vector<std::vector<double>>& rows) {
  const std::size_t k = rows.size();
  std::vector<double> gram(k * k);
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j) {
      long double sum = 0;
      for (std::size_t d = 0; d < rows[i].size(); ++d) sum += static_cast<long double>(rows[i][d]) * rows[j][d];
      gram[i * k + j] = static_cast<double>(sum);
    }
  return gram;
}

/// One call of a mixing method. `task` empty: tasks 0 .. m-1 of m. `state` empty: zeros.
struct MixingCase {
  int tasks = 0;
  std::vector<double> gram;
  std::vector<int32_t> task = {};
  int all_tasks = 0;
  StepDraws draws{1, 0, 0};
  std::vector<double> state = {};
};

struct Mixed {
  std::vector<double> mixing;  // [m, m]
  std::vector<double> next;
  double certificate = 0;

  double at(int i, int j, int tasks) const { return mixing[static_cast<std::size_t>(i * tasks + j)]; }
};

/// Runs `method(team, mixing)` on one team; checks that nothing outside its own memory is written, and that each member
/// finds the whole mixing matrix when its call returns.
template <class Run, class Method>
Mixed mix_on(const MixingCase& in, Run&& run, Method&& method) {
  constexpr std::size_t kGuard = 8, kMostMembers = 32;
  const double nan = std::numeric_limits<double>::quiet_NaN(), guard = -1.25e99;
  const auto m = static_cast<std::size_t>(in.tasks), scratch_size = static_cast<std::size_t>(mixing_scratch(in.tasks));
  std::vector<int32_t> task = in.task;
  if (task.empty()) task.resize(m), std::iota(task.begin(), task.end(), 0);
  Mixed out{std::vector<double>(m * m + kGuard, guard), in.state, nan};
  if (out.next.empty()) out.next.assign(4096, 0.0);
  const std::vector<double> state = out.next;
  std::fill_n(out.mixing.begin(), m * m, nan);
  std::vector<double> scratch(scratch_size + kGuard, guard);
  std::fill_n(scratch.begin(), scratch_size, nan);
  Mixing mixing{};
  mixing.tasks = in.tasks;
  mixing.task = task.data();
  mixing.all_tasks = in.all_tasks > 0 ? in.all_tasks : in.tasks;
  mixing.gram = in.gram.data();
  mixing.draws = in.draws;
  mixing.state = state.data();
  mixing.next = out.next.data();
  mixing.mixing = out.mixing.data();
  mixing.certificate = &out.certificate;
  mixing.scratch = scratch.data();
  std::vector<std::vector<double>> seen(kMostMembers);  // by each member as soon as its own call is over
  run([&](const auto& team) {
    std::vector<double>& mine = seen[static_cast<std::size_t>(team.thread_rank())];
    mine.resize(m * m);
    method(team, mixing);
    std::memcpy(mine.data(), out.mixing.data(), m * m * sizeof(double));
  });
  for (const std::vector<double>& mine : seen)
    EXPECT_TRUE(mine.empty() || std::memcmp(mine.data(), out.mixing.data(), m * m * sizeof(double)) == 0)
        << "a member returns before the others have written: no barrier at the end";
  for (std::size_t i = 0; i < kGuard; ++i) {
    EXPECT_EQ(scratch[scratch_size + i], guard) << "scratch overrun";
    EXPECT_EQ(out.mixing[m * m + i], guard) << "mixing overrun";
  }
  out.mixing.resize(m * m);
  return out;
}

inline void expect_same_bits(const Mixed& a, const Mixed& b, const std::string& team) {
  const auto same = [](const std::vector<double>& x, const std::vector<double>& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
  };
  EXPECT_TRUE(same(a.mixing, b.mixing)) << "mixing matrix of " << team;
  EXPECT_TRUE(same(a.next, b.next)) << "state of " << team;
  EXPECT_EQ(std::memcmp(&a.certificate, &b.certificate, sizeof(double)), 0) << "certificate of " << team;
}

/// On one thread (fast, for many cases).
template <class Method>
Mixed mix_once(const MixingCase& in, Method&& method) {
  return mix_on(
      in, [](auto&& body) { body(SerialTeam{}); }, method);
}

/// On one thread, and on 2, 7 and 32, which must give the same bits.
template <class Method>
Mixed mix(const MixingCase& in, Method&& method) {
  const Mixed alone = mix_once(in, method);
  for (int threads : {2, 7, 32}) {
    const Mixed many = mix_on(
        in, [&](auto&& body) { run_host_team<HostTeam>(threads, body); }, method);
    expect_same_bits(alone, many, std::to_string(threads) + " threads");
  }
  return alone;
}

/// C J for rows J [K][D].
inline std::vector<std::vector<double>> balanced(const Mixed& mixed, const std::vector<std::vector<double>>& rows) {
  const std::size_t k = rows.size();
  std::vector<std::vector<double>> out(k, std::vector<double>(rows[0].size(), 0.0));
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t j = 0; j < k; ++j)
      for (std::size_t d = 0; d < rows[0].size(); ++d) out[i][d] += mixed.mixing[i * k + j] * rows[j][d];
  return out;
}

}  // namespace equipoise::test
