// tests/engine/systems/network_refusals_test.cpp - where GradNorm's loss cannot be the network's loss too, a setup is
// refused with the reason and what to do.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

/// What balancers_of says of a setup: a refusal in words, or nothing.
std::string refusal(const Setup& setup) {
  try {
    balancers_of(setup, Pass::train);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::usage);
    return e.what();
  }
  return {};
}

Setup reaching(Setup setup, const std::vector<std::string>& methods = {"gradnorm:network=on"}) {
  balance_by(setup, methods);
  return setup;
}

/// Three tasks that the GradNorm loss reaches, with two trunk layers, and one change.
std::string refusal_of_towers(const std::function<void(Setup&)>& change) {
  auto setup = reaching(synthetic_towers(3));
  mtl(setup).trunk = {11, 9};
  EXPECT_EQ(refusal(setup), "");
  change(setup);
  return refusal(setup);
}

void expect_refusal(const std::string& said, const std::string& why) {
  EXPECT_EQ(said, "balance.methods: gradnorm's network = on " + why + "; leave the key out of balance.methods");
}

TEST(NetworkRefusals, NameModelsThatAreNoMultiTaskNetworks) {
  const std::string why = "is known to multi-task networks alone";
  expect_refusal(refusal(reaching(synthetic_setup())), why);
  expect_refusal(refusal(reaching(mldrl_setup("code"))), why);
}

TEST(NetworkRefusals, NameOtherMethodsBesideIt) {
  const std::string why = "stands alone, without other methods";
  for (const auto& methods : {std::vector<std::string>{"gradnorm:network=on", "pcgrad"}, {"uw", "gradnorm:network=on"}})
    expect_refusal(refusal(reaching(synthetic_towers(3), methods)), why);
  auto split = reaching(synthetic_setup());
  split.balance = {split.balance[0], split.balance[0]};
  split.balance[0].at = "latent1";
  split.balance[1].at = "latent2";
  expect_refusal(refusal(split), "is known to multi-task networks alone");
}

TEST(NetworkRefusals, NameTheRescalingThatItsTargetsDoNotKnow) {
  expect_refusal(refusal_of_towers([](auto& s) { s.balance[0].rescale = true; }), "needs balance.rescale = false");
}

TEST(NetworkRefusals, NameTheWeightThatItIsMeasuredBy) {
  const std::string why = "needs balance.over = \"last_trunk_weight\"";
  for (const std::string over :
       {"shared", "sharedlayer.3.bias", "tower1.0.weight", "sharedlayer.3.weight sharedlayer.3.bias"})
    expect_refusal(refusal_of_towers([&](auto& s) { s.balance[0].over = over; }), why);
  expect_refusal(refusal_of_towers([](auto& s) { s.balance[0].at = "latent"; }), why);
  expect_refusal(refusal_of_towers([](auto& s) { s.balance[0].over = "sharedlayer.0.weight"; }),
                 "is measured on the last trunk layer");
  EXPECT_EQ(refusal_of_towers([](auto& s) { s.balance[0].over = "sharedlayer.3.weight"; }), "");
}

TEST(NetworkRefusals, NameActivationsAndTasksWithoutSecondDerivatives) {
  for (const Activation a : {Activation::tanh, Activation::sigmoid})
    expect_refusal(refusal_of_towers([&](auto& s) { mtl(s).activation = a; }),
                   "has second derivatives of relu and identity alone");
  EXPECT_EQ(refusal_of_towers([](auto& s) { mtl(s).activation = Activation::identity; }), "");
  expect_refusal(refusal_of_towers([](auto& s) { mtl(s).tasks = mixed_tasks(4); }),
                 "has second derivatives of these tasks alone: regression, binary, count");
}

TEST(NetworkRefusals, NameTheMostTasks) {
  const auto regressions = [](int count) {
    return [count](auto& s) {
      mtl(s).tasks.clear();
      for (int k = 0; k < count; ++k)
        mtl(s).tasks.push_back({.name = "task" + std::to_string(k), .likelihood = &regression(), .first_col = k});
    };
  };
  EXPECT_EQ(refusal_of_towers(regressions(16)), "");
  expect_refusal(refusal_of_towers(regressions(17)), "takes at most 16 tasks");
}

}  // namespace
}  // namespace equipoise::test
