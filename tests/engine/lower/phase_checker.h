// tests/engine/lower/phase_checker.h - simulates a step of a program over addresses: who writes, who reads, what is
// alive.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/lower/program_code.h"
#include "tests/engine/lower/operation_access.h"

namespace equipoise::test {

class PhaseChecker {
 public:
  explicit PhaseChecker(const Program& program) : program_(program) {
    size_[static_cast<int>(Space::fast)] = program.fast_floats;
    size_[static_cast<int>(Space::work)] = program.work_floats;
    size_[static_cast<int>(Space::state)] = program.state_floats;
    size_[kControlSpace] = sizeof(Control) / 4;
  }

  /// Operations of one phase touch nothing that another of them writes.
  void expect_independent_phases(int n) const {
    for (std::size_t p = 0; p < program_.code->phases.size(); ++p) {
      std::vector<int> writer[kSpaces + 1];
      for (int s = 0; s <= kSpaces; ++s) writer[s].assign(static_cast<std::size_t>(size_[s]), -1);
      const Phase phase = program_.code->phases[p];
      for (int i = phase.first; i < phase.end; ++i)
        for (const Range& r : touched(i, n).writes)
          for (int64_t e = r.begin; e < r.end; ++e) {
            int& w = at(writer, r.space, e);
            if (w >= 0 && w != i) return fail("two operations write the same place", p, w, i, r.space, e);
            w = i;
          }
      for (int i = phase.first; i < phase.end; ++i)
        for (const Range& r : touched(i, n).reads)
          for (int64_t e = r.begin; e < r.end; ++e)
            if (const int w = at(writer, r.space, e); w >= 0 && w != i)
              return fail("one operation writes what another reads", p, w, i, r.space, e);
    }
  }

  /// No two buffers that are alive in one phase overlap.
  void expect_disjoint_buffers() const {
    const auto& b = program_.buffers;
    for (std::size_t i = 0; i < b.size(); ++i) {
      EXPECT_LE(b[i].place.offset + b[i].floats, size_[static_cast<int>(b[i].place.space)]) << b[i].name;
      for (std::size_t j = 0; j < i; ++j) {
        const bool meet = b[i].first_phase <= b[j].last_phase && b[j].first_phase <= b[i].last_phase;
        const bool apart = b[i].place.space != b[j].place.space ||
                           b[i].place.offset + b[i].floats <= b[j].place.offset ||
                           b[j].place.offset + b[j].floats <= b[i].place.offset;
        EXPECT_TRUE(!meet || apart) << b[i].name << " and " << b[j].name << " share memory while both are alive";
      }
    }
  }

  /// Every place in scratch is touched only inside one living buffer, and read only after an earlier phase of the same
  /// step wrote it: nothing leans on what a dead buffer, or the step before, left there.
  void expect_reads_of_living_writes(int n) const {
    std::vector<bool> written[kSpaces];
    for (int s = 0; s < kSpaces; ++s)
      written[s].assign(static_cast<std::size_t>(size_[s]), s == static_cast<int>(Space::state));
    for (const Resident& r : program_.code->residents)
      for (int e = 0; e < r.count; ++e)
        written[static_cast<int>(r.fast.space)][static_cast<std::size_t>(r.fast.offset + e)] = true;
    for (std::size_t p = 0; p < program_.code->phases.size(); ++p) {
      for (const BufferPlace& b : program_.buffers)
        if (b.first_phase == static_cast<int>(p) && !is_resident(b))
          for (int64_t e = 0; e < b.floats; ++e)
            written[static_cast<int>(b.place.space)][static_cast<std::size_t>(b.place.offset + e)] = false;
      const Phase phase = program_.code->phases[p];
      for (int i = phase.first; i < phase.end; ++i) {
        const Touched t = touched(i, n);
        for (const Range& r : t.reads) {
          if (r.space == kControlSpace) continue;
          if (!alive(r, p)) return fail("no living buffer holds what an operation reads", p, i, i, r.space, r.begin);
          for (int64_t e = r.begin; e < r.end; ++e)
            if (!written[r.space][static_cast<std::size_t>(e)])
              return fail("an operation reads what this step has not written", p, i, i, r.space, e);
        }
        for (const Range& r : t.writes)
          if (r.space != kControlSpace && !alive(r, p))
            return fail("no living buffer holds what an operation writes", p, i, i, r.space, r.begin);
      }
      for (int i = phase.first; i < phase.end; ++i)
        for (const Range& r : touched(i, n).writes)
          if (r.space != kControlSpace)
            for (int64_t e = r.begin; e < r.end; ++e) written[r.space][static_cast<std::size_t>(e)] = true;
    }
  }

 private:
  Touched touched(int operation, int n) const {
    return AccessOf(program_.code->operations[static_cast<std::size_t>(operation)], program_.chains, program_.batch, n)
        .touched();
  }
  static int& at(std::vector<int>* spaces, int space, int64_t e) { return spaces[space][static_cast<std::size_t>(e)]; }
  bool is_resident(const BufferPlace& b) const {
    for (const Resident& r : program_.code->residents)
      if (r.fast.space == b.place.space && r.fast.offset == b.place.offset && r.count == b.floats) return true;
    return false;
  }
  bool alive(const Range& r, std::size_t phase) const {
    if (r.begin == r.end) return true;  // state of methods that keep none
    if (r.space == static_cast<int>(Space::state)) return r.begin >= 0 && r.end <= program_.state_floats;
    for (const BufferPlace& b : program_.buffers)
      if (static_cast<int>(b.place.space) == r.space && b.first_phase <= static_cast<int>(phase) &&
          static_cast<int>(phase) <= b.last_phase && b.place.offset <= r.begin && r.end <= b.place.offset + b.floats)
        return true;
    return false;
  }
  void fail(const std::string& what, std::size_t phase, int a, int b, int space, int64_t at) const {
    ADD_FAILURE() << what << " in phase " << phase << ": " << name(a) << " and " << name(b) << " at " << at
                  << " of space " << space;
  }
  std::string name(int operation) const {
    return std::to_string(operation) + " (" +
           operation_name(program_.code->operations[static_cast<std::size_t>(operation)].kind) + ")";
  }

  const Program& program_;
  int64_t size_[kSpaces + 1] = {};
};

inline void expect_sound(const Program& program) {
  const PhaseChecker checker(program);
  checker.expect_disjoint_buffers();
  for (int n : {program.batch, 1, program.batch / 2 + 1}) {
    checker.expect_independent_phases(n);
    checker.expect_reads_of_living_writes(n);
  }
}

}  // namespace equipoise::test
