// tests/kernels/balance/run_chain_test.cpp - compositions of methods: their matrices multiply, tasks that sit out are
// left alone, and every team gives the bits of one thread.
#include "kernels/balance/run_chain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "engine/balance/methods.h"
#include "kernels/teams/host_team.h"
#include "tests/kernels/balance/mixing_rig.h"
#include "tests/kernels/balance/random_gradients.h"

namespace equipoise::test {
namespace {

/// One step's problem and all that a chain writes.
struct ChainCase {
  explicit ChainCase(const Rows& gradients) : rows(gradients), k(rows.size()), present(k, 1), gram(gram_of(rows)) {
    for (std::size_t i = 0; i < k; ++i) loss.push_back(0.5 + static_cast<double>(i));
    for (std::size_t i = 0; i < k; ++i) settings.initial_weights[i] = 1.0 + 0.25 * static_cast<double>(i);
  }
  void without(std::size_t task) {
    present[task] = 0;
    rows[task].assign(rows[task].size(), 0.0);
    gram = gram_of(rows);
  }
  Rows rows;
  std::size_t k;
  std::vector<int32_t> present;
  std::vector<double> gram, loss;
  Settings settings;
};

struct Chained {
  std::vector<double> next, mixing, shared, own, next_weight, target;
  double gradnorm_loss = 0, step_norm = 0, certificate = 0;

  std::vector<double> all() const {
    std::vector<double> values{gradnorm_loss, step_norm, certificate};
    for (const auto* part : {&next, &mixing, &shared, &own, &next_weight, &target})
      values.insert(values.end(), part->begin(), part->end());
    return values;
  }
};

Chain chain_of(const std::vector<std::string>& methods, std::size_t tasks) {
  return make_chain(parse_methods(methods, "test").methods, static_cast<int>(tasks));
}

template <class Run>
Chained run_on(const Chain& chain, const ChainCase& in, Run&& run) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Chained out;
  for (auto* part : {&out.shared, &out.own, &out.next_weight, &out.target}) part->assign(in.k, nan);
  out.mixing.assign(in.k * in.k, nan);
  out.next.assign(static_cast<std::size_t>(chain.state), nan);
  const std::vector<double> state(static_cast<std::size_t>(chain.state), 0.0);
  std::vector<double> scratch(static_cast<std::size_t>(chain_scratch(chain.tasks)) + 1, nan);
  scratch.back() = -7.0;
  ChainStep s{};
  s.present = in.present.data();
  s.loss = in.loss.data();
  s.gram = in.gram.data();
  s.settings = &in.settings;
  s.draws = {3, 1, 5};
  s.epoch_begins = true;
  s.state = state.data();
  s.next = out.next.data();
  s.scratch = scratch.data();
  s.mixing = out.mixing.data();
  s.shared = out.shared.data();
  s.own = out.own.data();
  s.next_weight = out.next_weight.data();
  s.target = out.target.data();
  s.gradnorm_loss = &out.gradnorm_loss;
  s.step_norm = &out.step_norm;
  s.certificate = &out.certificate;
  run([&](const auto& team) { run_chain(team, chain, s); });
  EXPECT_EQ(scratch.back(), -7.0) << "scratch overrun";
  return out;
}
Chained run_alone(const Chain& chain, const ChainCase& in) {
  return run_on(chain, in, [](auto&& body) { body(Solo{}); });
}

Rows some_rows(int tasks, unsigned seed) {
  std::mt19937_64 random(seed);
  return random_rows(tasks, tasks + 9, random, 0.2);
}

TEST(Chain, GivesEveryTeamTheBitsOfOneThread) {
  const std::vector<std::vector<std::string>> chains = {{"gradnorm", "mgda", "pcgrad", "imtl_g"},
                                                        {"uw", "nsgd", "gradvac", "aligned_mtl"},
                                                        {"cagrad:normalise=l2", "config", "upgrad"},
                                                        {"famo", "nash_mtl", "dualproj", "fairgrad"}};
  for (const int tasks : {2, 5, 17, 32})
    for (const auto& methods : chains) {
      ChainCase in(some_rows(tasks, 11));
      if (tasks > 2) in.without(1);
      if (tasks > 5) in.rows[4].assign(in.rows[4].size(), 0.0), in.gram = gram_of(in.rows);
      Chain chain = chain_of(methods, in.k);
      chain.rescale = tasks % 2;
      const std::vector<double> alone = run_alone(chain, in).all();
      for (const int threads : {2, 7, 32}) {
        if (threads == 32 && tasks > 5) continue;  // barriers of many threads on few cores are slow
        const auto many = [&](auto&& body) { run_host_team<HostTeam>(threads, body); };
        const std::vector<double> team = run_on(chain, in, many).all();
        ASSERT_EQ(team.size(), alone.size());
        EXPECT_EQ(std::memcmp(team.data(), alone.data(), alone.size() * sizeof(double)), 0)
            << methods.front() << ", " << tasks << " tasks, " << threads << " threads";
      }
    }
}

TEST(Chain, MultipliesTheMatricesOfItsMethods) {
  const ChainCase in(some_rows(4, 2));
  const Chained first = run_alone(chain_of({"pcgrad:order=identity"}, 4), in);
  ChainCase after(balanced({first.mixing, {}, 0}, in.rows));
  const Chained second = run_alone(chain_of({"imtl_g"}, 4), after);
  const Chained both = run_alone(chain_of({"pcgrad:order=identity", "imtl_g"}, 4), in);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 4; ++j) {
      double product = 0;
      for (std::size_t m = 0; m < 4; ++m) product += second.mixing[i * 4 + m] * first.mixing[m * 4 + j];
      EXPECT_NEAR(both.mixing[i * 4 + j], product, 1e-12) << i << ", " << j;
    }
}

TEST(Chain, KeepsWeightsOfWeighingMethodsForPrivatePartsUnlessToldOtherwise) {
  const ChainCase in(some_rows(3, 4));
  Chain chain = chain_of({"identity", "mgda"}, 3);
  const Chained own = run_alone(chain, in);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(own.own[i], in.settings.initial_weights[i]);
  chain.private_weights = 1;
  const Chained weights = run_alone(chain, in);
  EXPECT_EQ(weights.own, weights.shared);
  EXPECT_EQ(weights.shared, own.shared);
}

TEST(Chain, LeavesTasksThatSitOutTheRowOfTheIdentity) {
  ChainCase in(some_rows(4, 5));
  in.without(2);
  const Chained out = run_alone(chain_of({"cagrad"}, 4), in);
  for (std::size_t j = 0; j < 4; ++j) {
    EXPECT_EQ(out.mixing[2 * 4 + j], j == 2 ? 1.0 : 0.0);
    EXPECT_EQ(out.mixing[j * 4 + 2], j == 2 ? 1.0 : 0.0);
  }
}

TEST(Chain, WithOneTaskLeftIsTheIdentity) {
  ChainCase in(some_rows(3, 6));
  in.without(0);
  in.without(2);
  for (const char* method : {"mgda", "nash_mtl", "aligned_mtl", "nsgd", "config"})
    EXPECT_EQ(run_alone(chain_of({method}, 3), in).shared, (std::vector<double>{1, 1, 1})) << method;
}

TEST(Chain, RescalesToTheNormOfThePlainSum) {
  const ChainCase in(some_rows(5, 7));
  Chain chain = chain_of({"upgrad"}, 5);
  const Chained plain = run_alone(chain_of({"identity"}, 5), in), as_is = run_alone(chain, in);
  chain.rescale = 1;
  const Chained out = run_alone(chain, in);
  double sum = 0;
  for (const double g : in.gram) sum += g;
  EXPECT_NEAR(out.step_norm, std::sqrt(sum), 1e-12 * out.step_norm);
  for (std::size_t j = 0; j < 5; ++j)
    EXPECT_NEAR(out.shared[j], as_is.shared[j] * out.step_norm / as_is.step_norm, 1e-12 * out.step_norm);
  EXPECT_EQ(plain.certificate, kNoCertificate);
}

TEST(Chain, LeavesAStepThatVanishesAsItIs) {
  const ChainCase in({{1, 0}, {-2, 0}});
  Chain chain = chain_of({"dualproj"}, 2);  // 1 and 1/2: the gradients cancel, though their sum does not vanish
  chain.rescale = 1;
  const Chained out = run_alone(chain, in);
  EXPECT_EQ(out.shared, (std::vector<double>{1, 0.5}));
  EXPECT_EQ(out.step_norm, 0.0);
}

TEST(Chain, DividesByNoLossThatIsNotPositive) {
  for (const double loss : {-0.5, 0.0}) {
    ChainCase in({{1, 0}, {0, 1}});
    in.loss = {loss, 2};
    // Gradients of lengths 1 and 1/2: weights 1/5 and 4/5, and half of the second.
    const Chained out = run_alone(chain_of({"mgda:normalise=loss"}, 2), in);
    EXPECT_NEAR(out.shared[0], 0.2, 1e-15) << loss;
    EXPECT_NEAR(out.shared[1], 0.4, 1e-15) << loss;
  }
}

TEST(Chain, AsksNothingOfTheLossOfAnAbsentTask) {
  ChainCase in(some_rows(3, 8));
  in.without(1);
  const Chained expected = run_alone(chain_of({"mgda"}, 3), in);
  in.loss[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(run_alone(chain_of({"mgda"}, 3), in).shared, expected.shared);
  EXPECT_NE(expected.shared, (std::vector<double>{1, 1, 1}));
}

TEST(Chain, WithANonFiniteGradientOrLossIsTheIdentityAndKeepsItsState) {
  for (const bool in_loss : {false, true}) {
    ChainCase in(some_rows(3, 8));
    if (in_loss) in.loss[1] = std::numeric_limits<double>::infinity();
    else in.gram[4] = std::numeric_limits<double>::quiet_NaN();
    const Chained out = run_alone(chain_of({"gradnorm", "mgda"}, 3), in);
    EXPECT_EQ(out.shared, (std::vector<double>{1, 1, 1}));
    for (const double s : out.next) EXPECT_EQ(s, 0.0);
  }
}

/// What a chain of weighing methods gives before any gradient is known: shared, then own.
std::vector<double> early_weights(const Chain& chain, const ChainCase& in, const std::vector<double>& state) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> weights(2 * in.k, nan), scratch(in.k, nan);
  ChainStep s{};
  s.present = in.present.data();
  s.loss = in.loss.data();
  s.settings = &in.settings;
  s.draws = {3, 1, 5};
  s.state = state.data();
  s.scratch = scratch.data();
  s.shared = weights.data();
  s.own = weights.data() + in.k;
  weigh_chain(Solo{}, chain, s);
  return weights;
}

TEST(Chain, WeighsLossesBeforeTheGradientsByTheProductOfItsMethods) {
  const ChainCase in(some_rows(3, 9));
  const std::vector<double> state(15, 0.0);  // 5 K for uw, all fresh: log variances 0, weights 1/2
  EXPECT_EQ(early_weights(chain_of({"identity", "uw"}, 3), in, state),
            (std::vector<double>{0.5, 0.625, 0.75, 0.5, 0.625, 0.75}));
}

TEST(Chain, WeighsOneWhereAProductBeforeTheGradientsIsBeyondAllNumbers) {
  ChainCase in(some_rows(2, 9));
  in.settings.initial_weights[0] = 1e200;
  std::vector<double> state(10, 0.0);
  state[0] = -500;  // of uw, the log variance: a weight of exp(500) / 2 = 7e216
  EXPECT_EQ(early_weights(chain_of({"identity", "uw"}, 2), in, state), (std::vector<double>{1, 0.625, 1, 0.625}));
}

}  // namespace
}  // namespace equipoise::test
