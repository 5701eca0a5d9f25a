// tests/engine/train/replicas_test.cpp - several replicas in one trainer, each with the bits it has alone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

/// A member for each of the settings, all on one data set.
std::vector<Member> members_of(const SyntheticSystem& s, const std::vector<Settings>& replicas) {
  std::vector<Member> members(replicas.size(), {&s.data, &s.split, s.plan});
  for (std::size_t r = 0; r < replicas.size(); ++r) members[r].plan.setup.settings = replicas[r];
  return members;
}

/// Trains to the end and returns each replica's hash over its state and the lines of its epochs.
std::vector<std::string> hashes(const SyntheticSystem& s, const std::vector<Settings>& replicas, int steps) {
  const auto executor = make_cpu_executor(2);
  Trainer trainer(members_of(s, replicas), *executor);
  std::vector<std::vector<std::string>> lines(replicas.size());
  while (!trainer.finished()) {
    const auto metrics = trainer.advance_all(steps);
    for (std::size_t r = 0; r < metrics.size(); ++r)
      if (metrics[r]) lines[r].push_back(to_json_line(trainer.program(), *metrics[r], false));
  }
  std::vector<std::string> all;
  for (std::size_t r = 0; r < replicas.size(); ++r)
    all.push_back(trainer.hash(lines[r], r) + " best " + std::to_string(trainer.best_epoch(r)) + " " +
                  trainer.finish_reason(r) + " " + trainer.model(r).metadata_at("sha256"));
  return all;
}

std::vector<Settings> different(const Setup& setup) {
  std::vector<Settings> replicas(3, replica_settings(setup));
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    replicas[r].replica = static_cast<uint32_t>(r);
    replicas[r].seed = 20 + r % 2;
  }
  replicas[1].lr *= 30;
  replicas[2].initial_weights[0] = 0.5;
  return replicas;
}

TEST(Replicas, HaveInACrowdTheBitsThatTheyHaveAlone) {
  for (const auto& setup : {synthetic_towers(), synthetic_vaegan()}) {
    SyntheticSystem s = synthetic_system(setup);
    s.plan.epochs = 7;
    s.plan.patience = 2;  // so that they end at different epochs
    const std::vector<Settings> replicas = different(s.plan.setup);
    const std::vector<std::string> together = hashes(s, replicas, 3);
    for (std::size_t r = 0; r < replicas.size(); ++r)
      EXPECT_EQ(hashes(s, {replicas[r]}, 100).front(), together[r]) << "replica " << r;
    EXPECT_NE(together[0], together[1]);
  }
}

TEST(Replicas, StepInACrowdAsTheyStepAlone) {
  const SyntheticSystem s = synthetic_system(synthetic_towers());
  const std::vector<Settings> replicas = different(s.plan.setup);
  const auto graph = s.plan.setup.system->graph(Pass::train);
  const auto stepped = [&](std::span<const Settings> some) {
    const auto executor = make_cpu_executor(1);
    LowerOptions options = training_options(s.plan.setup, s.plan.batch, executor->plan_limits());
    const Program train = lower(graph, options);
    options.probe = true;
    Stepper stepper(train, lower(graph, options), some, *executor);
    executor->load_tables(tables_of(*s.plan.setup.system, s.data, s.split, s.plan.class_weights));
    std::vector<float> state(some.size() * static_cast<std::size_t>(train.state_floats));
    for (std::size_t r = 0; r < some.size(); ++r)
      initialise(train,
                 std::span(state).subspan(r * static_cast<std::size_t>(train.state_floats),
                                          static_cast<std::size_t>(train.state_floats)),
                 some[r].seed, some[r].replica);
    executor->load_state(state, train.state_floats);
    for (int step = 0; step < 3; ++step) {
      stepper.probe();
      stepper.step();
    }
    std::vector<std::vector<float>> states;
    for (std::size_t r = 0; r < some.size(); ++r) states.push_back(stepper.state(r));
    return states;
  };
  const auto together = stepped(replicas);
  for (std::size_t r = 0; r < replicas.size(); ++r) EXPECT_EQ(stepped({&replicas[r], 1}).front(), together[r]) << r;
  EXPECT_NE(together[0], together[1]);
}

TEST(Replicas, GoOnFromCheckpointsOfTheirOwn) {
  SyntheticSystem s = synthetic_system(synthetic_towers());
  s.plan.epochs = 4;
  const std::vector<Settings> replicas = different(s.plan.setup);
  const auto executor = make_cpu_executor(1), other = make_cpu_executor(1);
  const std::vector<Member> members = members_of(s, replicas);
  Trainer whole(members, *executor), later(members, *other);
  whole.advance_all(3);
  for (std::size_t r = 0; r < replicas.size(); ++r) later.restore(whole.checkpoint(r), r);
  while (!whole.finished()) whole.advance_all(5);
  while (!later.finished()) later.advance_all(2);
  for (std::size_t r = 0; r < replicas.size(); ++r) EXPECT_EQ(later.hash({}, r), whole.hash({}, r)) << "replica " << r;
}

}  // namespace
}  // namespace equipoise::test
