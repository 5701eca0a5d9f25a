// tests/kernels/ops/balance_step_test.cpp - balancing inside a step: weights before the gradients, coefficients after,
// and a state that only an accepted step moves.
#include "kernels/ops/balance_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

/// Chains of one method each over two tasks, in a rig; this one's number is `balancer`, and a step runs it alone.
class StepRig {
 public:
  explicit StepRig(MethodKind kind, int number = 0) : rig(4) {
    balance = add(kind, number);
    Control& k = rig.control();
    k.finite = 1;
    k.step = 7;
    rig.settings.initial_weights[0] = 1.5;
    rig.settings.initial_weights[1] = 0.5;
    show({2.0, 1.0}, {4.0, -1.0, -1.0, 9.0});
  }
  Balance add(MethodKind kind, int number) {
    Chain& chain = rig.chains[number];
    chain.tasks = 2;
    chain.count = 1;
    chain.methods[0].kind = kind;
    chain.state = state_doubles(kind, 2);
    const Balance b{rig.doubles(chain.state + 1),
                    rig.doubles(chain.state + 2),
                    rig.doubles(4),
                    rig.doubles(Balance::balance_scratch(2)),
                    number,
                    false};
    for (int i = 0; i < chain.state; ++i) rig.set_double(b.state, i, 0.0);
    return b;
  }
  void show(const std::vector<double>& losses, const std::vector<double>& gram) {
    Control& k = rig.control();
    for (int i = 0; i < 2; ++i) k.losses[i] = losses[static_cast<std::size_t>(i)], k.present[i] = 1;
    for (int i = 0; i < 4; ++i) k.gram[balance.balancer * 4 + i] = gram[static_cast<std::size_t>(i)];
  }
  int states(const Balance& b) const { return rig.chains[b.balancer].state; }
  void run(const Balance& b) {
    rig.run(b, {Rig::written_doubles(b.next, states(b) + 2), Rig::written_doubles(b.mixing, 4),
                Rig::written_doubles(b.scratch, Balance::balance_scratch(2))});
  }
  void run() { run(balance); }
  void commit(const Balance& b) {
    rig.run(CommitBalance{b.state, b.next, b.balancer}, {Rig::written_doubles(b.state, states(b))});
  }
  void commit() { commit(balance); }
  std::vector<double> state(const Balance& b) {
    std::vector<double> values;
    for (int i = 0; i < states(b); ++i) values.push_back(rig.double_at(b.state, i));
    return values;
  }
  std::vector<double> state() { return state(balance); }
  Rig rig;
  Balance balance;
};

/// All that a balancer of two tasks leaves in the control.
std::vector<double> outcome(const Control& k, int balancer) {
  std::vector<double> values{k.gradnorm_loss[balancer], k.step_norm[balancer], k.certificate[balancer]};
  for (int i = 2 * balancer; i < 2 * balancer + 2; ++i)
    values.insert(values.end(), {k.shared_weights[i], k.private_weights[i], k.norms[i], k.targets[i], k.weights[i]});
  return values;
}

TEST(BalanceStep, WritesCoefficientsNormsAndTheCertificate) {
  StepRig s(MethodKind::mgda);
  s.run();
  const Control& k = s.rig.control();
  EXPECT_DOUBLE_EQ(k.shared_weights[0], 10.0 / 15.0);  // (9 + 1) : (4 + 1)
  EXPECT_DOUBLE_EQ(k.shared_weights[1], 5.0 / 15.0);
  EXPECT_EQ(k.private_weights[0], 1.0);
  EXPECT_EQ(k.norms[1], k.shared_weights[1] * 3.0);
  EXPECT_NEAR(k.step_norm[0] * k.step_norm[0], 35.0 / 15.0, 1e-14);
  EXPECT_LE(std::fabs(k.certificate[0]), 1e-15);
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
  s.rig.run(Weigh{s.balance.state, scratch, 0}, {Rig::written_doubles(scratch, 2)});
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

/// Two balancers of one program, of different methods and seeing different gradients.
struct TwoBalancers {
  explicit TwoBalancers(bool second_first) : s(MethodKind::gradnorm, 0) {
    second = s.add(MethodKind::mgda, 2);
    const double gram[] = {1.0, 0.25, 0.25, 1.0};
    for (int e = 0; e < 4; ++e) s.rig.control().gram[8 + e] = gram[e];
    for (int step = 0; step < 2; ++step) {
      if (second_first) finish(second);
      finish(s.balance);
      if (!second_first) finish(second);
    }
  }
  void finish(const Balance& b) {
    s.run(b);
    s.commit(b);
  }
  StepRig s;
  Balance second{};
};

TEST(BalanceStep, OfTwoBalancersLeavesEachWhatItWouldLeaveAlone) {
  StepRig alone(MethodKind::gradnorm, 0), other(MethodKind::mgda, 2);
  other.show({2.0, 1.0}, {1.0, 0.25, 0.25, 1.0});
  for (int step = 0; step < 2; ++step) {
    alone.run();
    alone.commit();
    other.run();
    other.commit();
  }
  for (const bool second_first : {false, true}) {
    TwoBalancers both(second_first);
    const Control& k = both.s.rig.control();
    EXPECT_EQ(outcome(k, 0), outcome(alone.rig.control(), 0));
    EXPECT_EQ(outcome(k, 2), outcome(other.rig.control(), 2));
    EXPECT_EQ(outcome(k, 1), std::vector<double>(13, 0.0)) << "nobody's";
    EXPECT_EQ(both.s.state(), alone.state());
  }
  EXPECT_DOUBLE_EQ(other.rig.control().shared_weights[4], 0.5) << "two gradients of one length";
  EXPECT_NE(alone.rig.control().weights[0], 1.5) << "GradNorm has moved";
}

TEST(BalanceStep, WeighsTheLossesOfItsOwnBalancerOnly) {
  StepRig s(MethodKind::gradnorm, 1);
  const Place scratch = s.rig.doubles(2);
  s.rig.run(Weigh{s.balance.state, scratch, 1}, {Rig::written_doubles(scratch, 2)});
  const Control& k = s.rig.control();
  EXPECT_EQ(k.shared_weights[2], 1.5);
  EXPECT_EQ(k.private_weights[3], 0.5);
  EXPECT_EQ(k.shared_weights[0], 0.0);
  EXPECT_EQ(k.shared_weights[4], 0.0);
}

TEST(BalanceStep, GivesEveryBalancerDrawsOfItsOwn) {
  StepRig first(MethodKind::rlw, 0), second(MethodKind::rlw, 1);
  first.run();
  second.run();
  EXPECT_NE(first.rig.control().shared_weights[0], second.rig.control().shared_weights[2]);
}

}  // namespace
}  // namespace equipoise::test
