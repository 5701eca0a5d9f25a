// tests/ptx/shipped_phase_clocks_test.cpp - the interpreter that counts the clocks of its phases, on the machine: it
// counts each phase of each step, no more clocks than there are, and leaves the shipped interpreter's bits.
#include <numeric>

#include "engine/lower/program_code.h"
#include "kernels/run/phase_clocks.h"
#include "tests/cuda/step_workloads.h"
#include "tests/ptx/gpu.h"

namespace equipoise::ptx::test {

namespace {

using equipoise::test::lowered;
using equipoise::test::Problem;
using equipoise::test::Replicas;

class ShippedPhaseClocks : public testing::Test {
 protected:
  void SetUp() override { interpreter_module() = "interpreter_clocked"; }
  void TearDown() override { interpreter_module() = "interpreter"; }

  /// Trains on the interpreter that counts, and on the shipped one.
  static void train_counted(const Problem& p, int replicas, RunLimits limits) {
    forget_phase_clocks(0);
    interpreter_module() = "interpreter_clocked";
    const Replicas counted = train_once(p, replicas, limits);
    interpreter_module() = "interpreter";
    expect_equal_bits(train_once(p, replicas, limits), counted);
  }
  static std::size_t phases_of(const Problem& p) {
    return lowered({"", p, kBatch}, *make_cuda_executor(0)).code->phases.size();
  }
  static unsigned long long all_clocks() {
    unsigned long long sum = 0;
    for (const PhaseClock& c : phase_clocks(0)) sum += c.clocks;
    return sum;
  }
  static void expect_visits(std::size_t phases, unsigned long long visits) {
    const std::vector<PhaseClock> counted = phase_clocks(0);
    for (std::size_t p = 0; p < counted.size(); ++p) {
      EXPECT_EQ(counted[p].visits, p < phases ? visits : 0) << "phase " << p;
      EXPECT_EQ(counted[p].clocks > 0, p < phases) << "phase " << p;
    }
  }
  static constexpr int kBatch = 12;

 private:
  static Replicas train_once(const Problem& p, int replicas, RunLimits limits) {
    return train(*make_cuda_executor(0), p, replicas, kBatch, limits);
  }
};

TEST_F(ShippedPhaseClocks, OfOneBlockAreNearlyAllOfItsLaunch) {
  const Problem p = equipoise::test::make_problem("paper", 24, 12, 9);
  const auto device = make_cuda_executor(0);
  const Program program = lowered({"", p, kBatch}, *device);
  Replicas r = equipoise::test::make_replicas(p, program, 1);
  device->load_tables(p.tables);
  device->load_state(r.state, program.state_floats);
  forget_phase_clocks(0);
  const uint64_t before = gpu().counts.instructions;
  device->run(program, r.settings, r.controls, {3, false});
  const uint64_t whole = gpu().counts.instructions - before;
  expect_visits(program.code->phases.size(), 3);
  EXPECT_LE(all_clocks(), whole);
  EXPECT_GT(all_clocks(), whole / 10 * 8);  // the rest copies residents
}

TEST_F(ShippedPhaseClocks, OfEveryReplicaAreAddedUpAndLeaveTheBits) {
  const Problem p = equipoise::test::make_problem("paper", 24, 12, 9);
  train_counted(p, 2, {3, false});
  expect_visits(phases_of(p), 2 * 3);
}

TEST_F(ShippedPhaseClocks, OfStepsThatAreNotDoneAreNone) {
  const Problem p = equipoise::test::make_problem("paper", 24, 12, 9);  // an epoch of two steps
  train_counted(p, 1, {5, true});
  expect_visits(phases_of(p), 2);
}

TEST_F(ShippedPhaseClocks, AreForgottenWhenTold) {
  train_counted(equipoise::test::make_problem("paper", 24, 12, 9), 1, {1, false});
  ASSERT_GT(all_clocks(), 0u);
  forget_phase_clocks(0);
  expect_visits(0, 0);
}

}  // namespace

}  // namespace equipoise::ptx::test
