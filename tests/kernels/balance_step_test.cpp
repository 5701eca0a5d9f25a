// tests/kernels/balance_step_test.cpp - balancing inside a step: weights before the gradients, coefficients after, and
// a state that only an accepted step moves.
#include "kernels/balance_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// A chain of one method over two tasks, in a rig.
class StepRig {
 public:
  explicit StepRig(MethodKind kind) : rig(4) {
    rig.chain.tasks = 2;
    rig.chain.count = 1;
    rig.chain.methods[0].kind = kind;
    rig.chain.state = state_doubles(kind, 2);
    balance = {rig.doubles(rig.chain.state + 1), rig.doubles(rig.chain.state + 2), rig.doubles(4),
               rig.doubles(Balance::balance_scratch(2)), false};
    for (int i = 0; i < rig.chain.state; ++i) rig.set_double(balance.state, i, 0.0);
    Control& k = rig.control();
    k.finite = 1;
    k.step = 7;
    rig.settings.initial_weights[0] = 1.5;
    rig.settings.initial_weights[1] = 0.5;
    show({2.0, 1.0}, {4.0, -1.0, -1.0, 9.0});
  }
  void show(const std::vector<double>& losses, const std::vector<double>& gram) {
    Control& k = rig.control();
    for (int i = 0; i < 2; ++i) k.losses[i] = losses[static_cast<std::size_t>(i)], k.present[i] = 1;
    for (int i = 0; i < 4; ++i) k.gram[i] = gram[static_cast<std::size_t>(i)];
  }
  void run() {
    rig.run(balance, {Rig::written_doubles(balance.next, rig.chain.state + 2), Rig::written_doubles(balance.mixing, 4),
                      Rig::written_doubles(balance.scratch, Balance::balance_scratch(2))});
  }
  void commit() {
    rig.run(CommitBalance{balance.state, balance.next}, {Rig::written_doubles(balance.state, rig.chain.state)});
  }
  std::vector<double> state() {
    std::vector<double> values;
    for (int i = 0; i < rig.chain.state; ++i) values.push_back(rig.double_at(balance.state, i));
    return values;
  }
  Rig rig;
  Balance balance;
};

TEST(BalanceStep, WritesCoefficientsNormsAndTheCertificate) {
  StepRig s(MethodKind::mgda);
  s.run();
  const Control& k = s.rig.control();
  EXPECT_DOUBLE_EQ(k.shared_weights[0], 10.0 / 15.0);  // (9 + 1) : (4 + 1)
  EXPECT_DOUBLE_EQ(k.shared_weights[1], 5.0 / 15.0);
  EXPECT_EQ(k.private_weights[0], 1.0);
  EXPECT_EQ(k.norms[1], k.shared_weights[1] * 3.0);
  EXPECT_NEAR(k.step_norm * k.step_norm, 35.0 / 15.0, 1e-14);
  EXPECT_LE(std::fabs(k.certificate), 1e-15);
}

TEST(BalanceStep, LeavesCoefficientsAloneThatWereKnownBefore) {
  StepRig s(MethodKind::gradnorm);
  s.balance.weights_known = true;
  s.rig.control().shared_weights[0] = s.rig.control().private_weights[0] = 77.0;
  s.run();
  EXPECT_EQ(s.rig.control().shared_weights[0], 77.0);
  EXPECT_EQ(s.rig.control().private_weights[0], 77.0);
  EXPECT_EQ(s.rig.control().norms[0], 1.5 * 2.0);
}

TEST(BalanceStep, WeighsLossesBeforeTheGradientsAsItWillAfterThem) {
  StepRig s(MethodKind::gradnorm);
  const Place scratch = s.rig.doubles(2);
  s.rig.run(Weigh{s.balance.state, scratch}, {Rig::written_doubles(scratch, 2)});
  const double early = s.rig.control().shared_weights[0];
  EXPECT_EQ(early, 1.5);
  s.run();
  EXPECT_EQ(s.rig.control().shared_weights[0], early);
}

TEST(BalanceStep, MovesTheStateOnlyWhereTheStepIsAccepted) {
  StepRig s(MethodKind::gradnorm);
  const std::vector<double> fresh = s.state();
  s.run();
  s.rig.control().finite = 0;
  s.rig.control().weights[0] = 42.0;
  s.commit();
  EXPECT_EQ(s.state(), fresh);
  EXPECT_EQ(s.rig.control().weights[0], 42.0);
  s.rig.control().finite = 1;
  s.commit();
  EXPECT_NE(s.state(), fresh);
  EXPECT_NE(s.rig.control().weights[0], 42.0);
  EXPECT_NEAR(s.rig.control().weights[0] + s.rig.control().weights[1], 2.0, 1e-15);
}

TEST(BalanceStep, ClosesAnEpochForDwaEvenIfItsFirstStepWasRefused) {
  StepRig s(MethodKind::dwa);
  Control& k = s.rig.control();
  for (int step = 0; step < 2; ++step) {  // the epoch before: two steps of losses 2 and 1
    k.position = 8 * step;
    k.sum_steps = step;
    s.run();
    s.commit();
  }
  const double sum = s.rig.double_at(s.balance.state, 4);
  EXPECT_EQ(sum, 4.0);
  k.sum_steps = 0;  // the next: its first step is refused, the second begins it
  k.position = 0;
  k.finite = 0;
  s.run();
  s.commit();
  k.position = 8;
  k.finite = 1;
  s.run();
  s.commit();
  EXPECT_EQ(s.rig.double_at(s.balance.state, 0), 2.0) << "mean loss of the epoch that ended";
  EXPECT_EQ(s.rig.double_at(s.balance.state, 4), 2.0) << "the sum starts afresh";
}

}  // namespace
}  // namespace equipoise::test
