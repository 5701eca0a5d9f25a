// tests/engine/balance/balance_problem_test.cpp - one step on given gradients: what is measured on it, compositions,
// GradDrop element by element, and problems that are none.
#include "engine/balance/balance_problem.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "engine/base/error.h"
#include "tests/engine/balance/balance_rig.h"

namespace equipoise::test {
namespace {

TEST(BalanceProblem, MeasuresTheStepThatItReturns) {
  const BalanceProblem p = random_problem(5, 301, 1);
  const BalanceResult r = run(p, {"pcgrad", "equal"});
  long double squares = 0;
  std::vector<long double> gains(5), gram(25);
  for (std::size_t e = 0; e < 301; ++e) {
    long double step = 0;
    for (std::size_t i = 0; i < 5; ++i) step += static_cast<long double>(r.weights[i]) * p.gradients[i * 301 + e];
    EXPECT_NEAR(r.step[e], static_cast<double>(step), 1e-6 * std::abs(static_cast<double>(step)) + 1e-12);  // float32
    squares += step * step;
    for (std::size_t i = 0; i < 5; ++i) {
      gains[i] += step * p.gradients[i * 301 + e];
      for (std::size_t j = 0; j < 5; ++j)
        gram[i * 5 + j] += static_cast<long double>(p.gradients[i * 301 + e]) * p.gradients[j * 301 + e];
    }
  }
  const auto norm = static_cast<double>(std::sqrt(squares));
  EXPECT_NEAR(r.step_norm, norm, kRounding * norm * 10);  // 301 terms
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(r.gains[i], static_cast<double>(gains[i]), 1e-12 * norm * r.norms[i]) << i;
    EXPECT_NEAR(r.norms[i], static_cast<double>(std::sqrt(gram[i * 5 + i])), 1e-12 * r.norms[i]) << i;
    for (std::size_t j = 0; j < 5; ++j)
      EXPECT_NEAR(r.geometry.gram[i * 5 + j], static_cast<double>(gram[i * 5 + j]), 1e-12 * r.norms[i] * r.norms[j])
          << i << j;
  }
}

TEST(BalanceProblem, LeavesOneTaskAloneAsItIs) {
  BalanceProblem p = random_problem(1, 9, 2);
  p.losses = {3};
  for (const std::string& name : method_names()) {
    if (name == "uw") continue;  // its weight is half of the inverse variance, whatever the other tasks
    const BalanceResult r = run(p, {name});
    EXPECT_EQ(r.balanced, p.gradients) << name;
    EXPECT_EQ(r.step, p.gradients) << name;
    EXPECT_EQ(r.certificate, -1) << name;
  }
}

TEST(BalanceProblem, KeepsATaskWithoutGradientOutOfTheRest) {
  BalanceProblem three = random_problem(3, 40, 3), two = three;
  std::fill_n(three.gradients.begin() + 80, 40, 0.0f);
  two.tasks = 2;
  two.gradients.resize(80);
  for (const std::string& name : method_names()) {
    if (weighs_losses(parse_methods(Specs{name}, "test").methods[0].kind)) continue;
    const BalanceResult with = run(three, {name}), without = run(two, {name});
    EXPECT_EQ(with.step, without.step) << name;
    EXPECT_EQ(with.gains[2], 0.0) << name;
  }
}

TEST(BalanceProblem, ComposesFromLeftToRight) {
  BalanceProblem p = random_problem(3, 20, 12);
  p.losses = {1, 8, 2};
  const BalanceResult weights = run(p, {"dwa"}), both = run(p, {"dwa", "pcgrad:order=identity"});
  BalanceProblem weighed = p;  // dwa by hand, in the gradients; powers of two would leave float32 exact, these round
  for (std::size_t e = 0; e < 60; ++e) weighed.gradients[e] *= static_cast<float>(weights.weights[e / 20]);
  const BalanceResult by_hand = run(weighed, {"pcgrad:order=identity"});
  for (std::size_t e = 0; e < 60; ++e) EXPECT_NEAR(both.balanced[e], by_hand.balanced[e], 1e-5) << e;
}

TEST(BalanceProblem, NormalisesGradientsBeforeAMethodSeesThem) {
  BalanceProblem p = random_problem(3, 20, 13), scaled = p;
  p.losses = scaled.losses = {2, 4, 8};
  for (std::size_t e = 0; e < 60; ++e) scaled.gradients[e] *= static_cast<float>(p.losses[e / 20]);
  // Powers of two, so that the gradients divided by their losses are the others bit for bit.
  EXPECT_EQ(run(scaled, {"pcgrad:order=identity,normalise=loss"}).step, run(p, {"pcgrad:order=identity"}).step);
  EXPECT_EQ(run(scaled, {"pcgrad:order=identity,normalise=l2"}).step,
            run(p, {"pcgrad:order=identity,normalise=l2"}).step);
}

TEST(BalanceProblem, RescalesTheStepToThePlainSum) {
  const BalanceProblem p = random_problem(4, 30, 14);
  const double plain = run(p, {"identity"}).step_norm;
  const BalanceResult r = run(p, {"equal", "pcgrad"}, true);
  EXPECT_NEAR(r.step_norm, plain, 1e-12 * plain);
  EXPECT_LT(run(p, {"equal", "pcgrad"}).step_norm, 0.9 * plain);
}

/// What GradDrop keeps, from the formula of the paper.
std::vector<float> dropped(const BalanceProblem& p, double leak) {
  const auto k = static_cast<std::size_t>(p.tasks), d = static_cast<std::size_t>(p.columns);
  std::vector<float> kept(k * d);
  for (std::size_t e = 0; e < d; ++e) {
    const double x = p.input.empty() ? 1.0 : double{p.input[e]}, sign = x == 0 ? 0.0 : std::copysign(1.0, x);
    const auto signed_by = [&](std::size_t i) { return sign * p.gradients[i * d + e]; };
    double sum = 0, size = 0;
    for (std::size_t i = 0; i < k; ++i) {
      sum += signed_by(i);
      size += std::abs(signed_by(i));
    }
    const double positive = size > 0 ? (1 + sum / size) / 2 : 0.5;
    for (std::size_t i = 0; i < k; ++i) {
      const bool keep = (signed_by(i) > 0 && positive > p.draws[e]) || (signed_by(i) < 0 && positive < p.draws[e]);
      kept[i * d + e] = static_cast<float>(p.gradients[i * d + e] * (leak + (1 - leak) * keep));
    }
  }
  return kept;
}

TEST(BalanceProblem, DropsBySignsDrawsAndInput) {
  BalanceProblem p = random_problem(4, 200, 15);
  std::mt19937 words(16);
  for (int e = 0; e < 200; ++e) p.draws.push_back(static_cast<float>(words()) * 0x1p-32f);
  EXPECT_EQ(run(p, {"graddrop:leak=0.25"}).balanced, dropped(p, 0.25));
  for (int e = 0; e < 200; ++e) p.input.push_back(e % 7 == 0 ? 0.0f : (e % 2 ? -1.5f : 2.0f));
  EXPECT_EQ(run(p, {"graddrop:leak=0.25"}).balanced, dropped(p, 0.25));
  EXPECT_EQ(run(p, {"graddrop:leak=1"}).balanced, p.gradients);
}

TEST(BalanceProblem, DropsBySeedWhereNoDrawsAreGiven) {
  BalanceProblem p = random_problem(3, 500, 17);
  const BalanceResult first = run(p, {"graddrop"});
  for (std::size_t e = 0; e < 500; ++e) {
    int positive = 0, negative = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      positive += first.balanced[i * 500 + e] > 0;
      negative += first.balanced[i * 500 + e] < 0;
    }
    EXPECT_TRUE(positive == 0 || negative == 0) << "element " << e << " keeps both signs";
    EXPECT_GT(positive + negative, 0) << "element " << e << " keeps none";
  }
  p.seed = 3;
  EXPECT_NE(run(p, {"graddrop"}).balanced, first.balanced);
}

TEST(BalanceProblem, DropsAfterTheOtherMethods) {
  BalanceProblem p = random_problem(3, 50, 18);
  p.draws.assign(50, 0.375f);
  BalanceProblem projected = p;
  projected.gradients = run(p, {"pcgrad:order=identity"}).balanced;
  const BalanceResult both = run(p, {"pcgrad:order=identity", "graddrop"}), by_hand = run(projected, {"graddrop"});
  for (std::size_t e = 0; e < 150; ++e) EXPECT_NEAR(both.balanced[e], by_hand.balanced[e], 1e-6) << e;
}

TEST(BalanceProblem, TakesAPowerOfTwoForThePartOfTheGradientsThatItIs) {
  // The same gradients, held by another power: every figure keeps its bits.
  const BalanceProblem p = random_problem(3, 30, 19);
  for (const std::string spec : {"pcgrad:order=identity", "mgda", "nash_mtl", "gradnorm", "uw", "graddrop"}) {
    const BalanceResult plain = run(p, {spec});
    EXPECT_TRUE(plain.wide_step.empty());
    for (const int exponent : {-60, 60}) {
      BalanceProblem held = p;
      held.exponent = exponent;
      for (float& g : held.gradients) g = std::ldexp(g, -exponent);
      const BalanceResult r = run(held, {spec});
      EXPECT_EQ(r.norms, plain.norms) << spec;
      EXPECT_EQ(r.mixing, plain.mixing) << spec;
      EXPECT_EQ(r.gains, plain.gains) << spec;
      EXPECT_EQ(r.step_norm, plain.step_norm) << spec;
      EXPECT_EQ(r.geometry.gram, plain.geometry.gram) << spec;
      EXPECT_EQ(r.geometry.shortest, plain.geometry.shortest) << spec;
      EXPECT_EQ(std::vector<float>(r.wide_step.begin(), r.wide_step.end()), plain.step) << spec;
      EXPECT_EQ(std::vector<float>(r.wide_balanced.begin(), r.wide_balanced.end()), plain.balanced) << spec;
    }
  }
}

TEST(BalanceProblem, WorksAtBothEndsOfFloat32) {
  const BalanceProblem p = random_problem(3, 30, 19);
  for (const float scale : {0x1p-100f, 0x1p+100f}) {
    BalanceProblem scaled = p;
    for (float& g : scaled.gradients) g *= scale;  // a power of two: the mixing matrix keeps its bits
    for (const std::string spec : {"pcgrad:order=identity", "gradvac:order=identity", "config", "imtl_g"})
      EXPECT_EQ(run(scaled, {spec}).step_norm, run(p, {spec}).step_norm * scale) << spec << " times " << scale;
  }
}

std::string refusal(const BalanceProblem& p) {
  try {
    run(p, {"pcgrad", "graddrop"});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::data);
    return error.what();
  }
  return "nothing was refused";
}

TEST(BalanceProblem, RefusesProblemsThatAreNone) {
  const BalanceProblem good = random_problem(3, 4, 20);
  const auto expect_refused = [&](auto&& spoil, const std::string& part) {
    BalanceProblem p = good;
    spoil(p);
    const std::string message = refusal(p);
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(refusal(good), "nothing was refused");
  expect_refused([&](auto& p) { p.gradients[6] = nan; }, "task 1 is not finite at element 2");
  expect_refused([&](auto& p) { p.gradients[0] = -infinity; }, "task 0 is not finite at element 0");
  expect_refused([&](auto& p) { p.gradients.pop_back(); }, "11 elements make no [3, 4]");
  expect_refused([&](auto& p) { p.columns = 0; }, "no elements");
  expect_refused([&](auto& p) { p.losses = {1, 2}; }, "2 losses are given for 3 tasks");
  expect_refused([&](auto& p) { p.losses = {1, 2, nan}; }, "number 2 of the losses");
  expect_refused([&](auto& p) { p.initial_losses = {infinity, 2, 2}; }, "number 0 of the initial losses");
  expect_refused([&](auto& p) { p.initial_losses = {1}; }, "1 initial losses");
  expect_refused([&](auto& p) { p.draws = {0.5f}; }, "the draws hold 1 elements");
  expect_refused([&](auto& p) { p.draws = {0, 1, 0.5f, 1.5f}; }, "1.5 is among the draws");
  expect_refused([&](auto& p) { p.draws = {0, 1, 0.5f, nan}; }, "among the draws");
  expect_refused([&](auto& p) { p.input = {0.5f}; }, "the input holds");
}

TEST(BalanceProblem, TakesWholeNumbersThatFloat32HoldsExactly) {
  const auto said = [](const StoredTensor& tensor) {
    try {
      finite_floats(tensor, "f");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::data);
      return std::string(error.what());
    }
    return std::string("taken");
  };
  using Whole = std::vector<int64_t>;
  EXPECT_EQ(finite_floats(StoredTensor::from_int64({3}, Whole{16777216, -16777218, int64_t{1} << 62}), "f"),
            (std::vector<float>{0x1p24f, -16777218.0f, 0x1p62f}));
  EXPECT_EQ(said(StoredTensor::from_int64({2}, Whole{0, 16777217})).substr(0, 62),
            "f: element 1 is 16777217, which float32 rounds to 16777216; co");
  // Rounded twice, by way of float64, 2^53 + 1 would look exact; and INT64_MAX is rounded to 2^63.
  for (const int64_t x : {(int64_t{1} << 53) + 1, INT64_MAX, INT64_MIN + 1})
    EXPECT_NE(said(StoredTensor::from_int64({1}, Whole{x})), "taken") << x;
  EXPECT_EQ(said(StoredTensor::from_int64({1}, Whole{INT64_MIN})), "taken");
  EXPECT_NE(said(StoredTensor::from_uint64({1}, std::vector<uint64_t>{UINT64_MAX})), "taken");
  EXPECT_EQ(said(StoredTensor::from_uint64({1}, std::vector<uint64_t>{uint64_t{1} << 63})), "taken");
}

TEST(BalanceProblem, RoundsToFloat32AndRefusesWhatItCannotHold) {
  const auto floats = [](const Doubles& values, std::vector<int64_t> shape) {
    return finite_floats(StoredTensor::from_doubles(std::move(shape), values), "f: gradients");
  };
  EXPECT_EQ(floats({0.1, 1e-50, -3e38}, {3}), (std::vector<float>{0.1f, 0.0f, -3e38f}));
  const auto refused = [&](const Doubles& values) {
    try {
      floats(values, {2, 2});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::data);
      return std::string(error.what());
    }
    return std::string("nothing was refused");
  };
  EXPECT_NE(refused({1, 2, 3, 1e39}).find("f: gradients: element 1 of row 1 is 1e+39; float32 ends"),
            std::string::npos);
  EXPECT_NE(refused({1, std::nan(""), 3, 4}).find("element 1 of row 0 is nan; only finite"), std::string::npos);
}

}  // namespace
}  // namespace equipoise::test
