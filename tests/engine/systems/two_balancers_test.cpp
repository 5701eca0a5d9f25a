// tests/engine/systems/two_balancers_test.cpp - several balancers in one step: each does what it does alone and merges
// its own view; nothing depends on team, plan, launch or resume; places that meet are refused.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/latent_gradients.h"

namespace equipoise::test {
namespace {

constexpr int kTasks = reference::kTasks, kSteps = 20;

TEST(TwoBalancers, DoEachWhatTheyDoAlone) {
  const auto both = stepped_once(with_two_balancers(kFirst, kSecond));
  const auto first = stepped_once(with_balancer(synthetic_mldrl(), kFirst, "latent1"));
  const auto second = stepped_once(with_balancer(synthetic_mldrl(), kSecond, "latent2"));
  const Control* alone[] = {&first.stepper.control(), &second.stepper.control()};
  const Control& c = both.stepper.control();
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t i = 0; i < kTasks * kTasks; ++i) EXPECT_EQ(c.gram[b * kTasks * kTasks + i], alone[b]->gram[i]);
    for (std::size_t k = 0; k < kTasks; ++k) {
      EXPECT_EQ(c.shared_weights[b * kTasks + k], alone[b]->shared_weights[k]);
      EXPECT_EQ(c.private_weights[b * kTasks + k], alone[b]->private_weights[k]);
      EXPECT_EQ(c.norms[b * kTasks + k], alone[b]->norms[k]);
      EXPECT_EQ(c.weights[b * kTasks + k], alone[b]->weights[k]);
    }
    EXPECT_EQ(c.step_norm[b], alone[b]->step_norm[0]);
    EXPECT_EQ(c.certificate[b], alone[b]->certificate[0]);
  }
  EXPECT_NE(c.gram[0], c.gram[kTasks * kTasks]);
  EXPECT_NE(c.shared_weights[0], c.shared_weights[kTasks]);
  const auto state = [](const SteppedSystem& s) { return read_balance(s.stepper.program(), s.stepper.state()); };
  EXPECT_EQ(state(both), state(second)) << "mgda has no state, gradnorm's is the second balancer's";
}

TEST(TwoBalancers, MergeEachItsOwnView) {
  for (const auto& [first, second] : {std::pair{kFirst, kSecond}, std::pair{kSecond, kFirst}}) {
    const auto s = stepped_once(with_two_balancers(first, second));
    const double* weights = s.stepper.control().shared_weights;
    expect_encoder_gradients(s, merged_by_view(s, {weights, weights + kTasks}));
  }
}

std::vector<Setup> setups_at_latents() {
  auto deep = with_balancer(synthetic_towers(), kSecond, "latent", true);
  mtl(deep).trunk = {13, 19};
  return {with_two_balancers(kFirst, kSecond), with_two_balancers({"gradnorm", "pcgrad"}, {"uw", "graddrop"}), deep,
          with_balancer(synthetic_trunk(), {"graddrop"}, "latent")};
}

TEST(LatentBalance, HasTheSameBitsOnEveryTeamInEveryPlanAndLaunch) {
  for (const auto& setup : setups_at_latents()) {
    const std::string expected = train_system(setup, *make_cpu_executor(1), kSteps, kSteps, {0}).front();
    for (int threads : {2, 7}) {
      HostExecutor host(threads);
      EXPECT_EQ(train_system(setup, host, kSteps, kSteps, {0}).front(), expected) << threads;
      DeviceCutExecutor device(threads, {0, false});
      EXPECT_EQ(train_system(setup, device, kSteps, 7, {0}).front(), expected) << threads;
    }
  }
}

TEST(LatentBalance, GoesOnFromACheckpointWithTheStateOfEveryBalancer) {
  for (const auto& setup : setups_at_latents()) {
    const SyntheticSystem s = synthetic_system(setup);
    const std::unique_ptr<Executor> executor = make_cpu_executor(1), other = make_cpu_executor(1);
    Trainer whole(s.data, s.split, s.plan, *executor);
    for (int i = 0; i < 9; ++i) whole.advance(1);
    const TensorFile checkpoint = whole.checkpoint();
    Trainer resumed(s.data, s.split, s.plan, *other);
    resumed.restore(checkpoint);
    for (int i = 0; i < 7; ++i) {
      const auto a = whole.advance(1), b = resumed.advance(1);
      ASSERT_EQ(a.has_value(), b.has_value());
      if (!a) continue;
      EXPECT_EQ(to_json_line(whole.program(), *a, false), to_json_line(resumed.program(), *b, false));
    }
    EXPECT_TRUE(whole.checkpoint().tensors == resumed.checkpoint().tensors);
  }
  const SyntheticSystem s = synthetic_system(with_two_balancers(kSecond, kSecond));
  const TensorFile both = Trainer(s.data, s.split, s.plan, *make_cpu_executor(1)).checkpoint();
  for (const char* name : {"balance[0].gradnorm", "balance[1].gradnorm"})
    EXPECT_TRUE(both.tensors.contains(name)) << name;
}

void expect_refused(const Setup& setup, const std::string& words) {
  try {
    balancers_of(setup, Pass::train);
    ADD_FAILURE() << "accepted, not refused for: " << words;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::usage);
    EXPECT_NE(std::string(e.what()).find(words), std::string::npos) << e.what();
  }
}

TEST(Balancers, AreRefusedAtPlacesThatAModelDoesNotHave) {
  expect_refused(with_balancer(synthetic_mldrl(), kFirst, "latent3"), "latent or latent1 or latent2");
  expect_refused(with_balancer(synthetic_towers(), kFirst, "latent1"), "of kind mtl");
  expect_refused(with_balancer(synthetic_vaegan(), kFirst, "latent"), "use parameters");
  auto unknown = synthetic_towers();
  unknown.balance[0].over = "sharedlayer.0.weight tower9.0.bias";
  expect_refused(unknown, "tower9.0.bias");
}

TEST(Balancers, AreRefusedWhereTwoWouldMeet) {
  const auto at = [](const char* first, const char* second) {
    auto setup = with_two_balancers(kFirst, kSecond);
    setup.balance[0].at = first;
    setup.balance[1].at = second;
    return setup;
  };
  for (const auto& [first, second] : {std::pair{"latent1", "latent1"}, {"latent", "latent2"}, {"latent1", "latent"}})
    expect_refused(at(first, second), "blocks 1 and 2 stand at the same latent");
  for (const auto& [first, second] :
       {std::pair{"parameters", "latent1"}, {"latent", "parameters"}, {"parameters", "parameters"}})
    expect_refused(at(first, second), "a latent of its own");
  EXPECT_EQ(balancers_of(at("latent2", "latent1"), Pass::train).size(), 2u);
}

}  // namespace
}  // namespace equipoise::test
