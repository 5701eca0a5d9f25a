// tests/engine/systems/systems_bits_test.cpp - multi-task networks and VAE-GANs give the same bits on every team, in
// any launch, alone or among others, and after a resume.
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

constexpr int kSteps = 20;

/// A training, and the hash that 20 steps of it must leave behind on any compiler, machine and team.
struct SystemCase {
  std::string name;
  Setup setup;
  std::string hash;
};
void PrintTo(const SystemCase& c, std::ostream* to) { *to << c.name; }

std::vector<SystemCase> cases() {
  std::vector<SystemCase> all = {
      {"TowersWithDropout", synthetic_towers(), "abb981b823471fbab6bd5428b13af2dbe4c806bf45d47c526e9ee77d46ef86df"},
      {"TrunkOfTenTasks", synthetic_trunk(), "6761f6d148968ddc268559e7cbc9584c883fa1fb79de07530de6704c19a79ab9"},
      {"TowersUnderMgdaAtTheLatent", synthetic_towers(),
       "38b6209eb39f69659785d1f4a0b9d0e256070bc3ab8b85de0cfc0baee03b2062"},
      {"TowersThatWeighClasses", synthetic_weighed(),
       "b95e73bc29ee927c9730c5c4dff4325ccde0d7ff9f2c956bce89e3d20592a72d"},
      {"TowersOfCounts", synthetic_counts(), "03f772c42df9f303c74977ba26d00665061f45129cda4ae157a91b4c6eede636"},
      {"VaeganWithLabels", synthetic_vaegan(), "06308869bda04ed4aa47d8be15c29a9c4864131fb68567cd1a6c2b4e26d4ffb3"},
      {"VaeganOfTwoHiddenLayers", synthetic_vaegan(0, {11, 7}, 2),
       "0945004f97be0e0854c74ba1fd3ab0fc624db1732a05e6e3eeba6eaa9bfa8054"}};
  balance_by(all[2].setup, {"mgda"}, "latent");
  return all;
}

class SystemBits : public ::testing::TestWithParam<SystemCase> {
 protected:
  std::string hash_on(Executor& executor, int per_launch = kSteps) const {
    return train_system(GetParam().setup, executor, kSteps, per_launch, {0}).front();
  }
};

TEST_P(SystemBits, AreTheOnesThisTestStates) {
  const std::string hash = hash_on(*make_cpu_executor(1));
  std::printf("a GPU must reproduce %s\n", hash.c_str());
  EXPECT_EQ(hash, GetParam().hash);
}

TEST_P(SystemBits, AreThoseOfOneThreadInTeamsOfAnySizeHoweverTheyAreCut) {
  for (int threads : {1, 2, 7}) {
    HostExecutor host(threads);
    EXPECT_EQ(hash_on(host), GetParam().hash) << threads << " threads";
    DeviceCutExecutor device(threads);
    EXPECT_EQ(hash_on(device), GetParam().hash) << threads << " threads, cut as a device cuts";
  }
}

TEST_P(SystemBits, DoNotDependOnWhereThePlanPutsThings) {
  for (const PlanLimits limits : {PlanLimits{0, false}, PlanLimits{3000, false}, PlanLimits{INT64_MAX / 8, true}}) {
    DeviceCutExecutor executor(1, limits);
    EXPECT_EQ(hash_on(executor), GetParam().hash)
        << limits.fast_floats << " fast floats, resident parameters " << limits.resident_parameters;
  }
}

TEST_P(SystemBits, DoNotDependOnHowStepsAreSpreadOverLaunches) {
  for (int per_launch : {1, 7}) {
    const std::unique_ptr<Executor> executor = make_cpu_executor(1);
    EXPECT_EQ(hash_on(*executor, per_launch), GetParam().hash) << per_launch << " steps a launch";
  }
}

TEST_P(SystemBits, OfAReplicaAreTheSameAloneAndAmongEight) {
  std::vector<uint32_t> numbers(8);
  std::iota(numbers.begin(), numbers.end(), 3u);
  const std::vector<std::string> together = train_system(GetParam().setup, *make_cpu_executor(2), kSteps, 7, numbers);
  for (std::size_t i : {0u, 4u, 7u})
    EXPECT_EQ(train_system(GetParam().setup, *make_cpu_executor(1), kSteps, kSteps, {numbers[i]}).front(), together[i]);
  EXPECT_NE(together[0], together[3]);  // equal seeds, other numbers
}

TEST_P(SystemBits, AndMetricsGoOnFromACheckpointWhereverItWasTaken) {
  const SyntheticSystem s = synthetic_system(GetParam().setup);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1), other = make_cpu_executor(2);
  std::vector<std::string> lines;
  const auto step = [](Trainer& trainer, std::vector<std::string>& to) {
    if (const auto m = trainer.advance(1)) to.push_back(to_json_line(trainer.program(), *m, false));
  };
  Trainer whole(s.data, s.split, s.plan, *executor);
  std::vector<std::pair<TensorFile, std::vector<std::string>>> stops;
  for (int done = 0; done < kSteps; ++done) {
    if (done % 5 == 3) stops.emplace_back(whole.checkpoint(), lines);
    step(whole, lines);
  }
  ASSERT_EQ(lines.size(), 5u) << "epochs of four steps";
  for (auto& [checkpoint, before] : stops) {
    Trainer resumed(s.data, s.split, s.plan, *other);
    resumed.restore(checkpoint);
    for (int64_t done = resumed.control().step; done < kSteps; ++done) step(resumed, before);
    EXPECT_EQ(before, lines);
    EXPECT_EQ(resumed.hash(before), whole.hash(lines));
    EXPECT_TRUE(resumed.checkpoint().tensors == whole.checkpoint().tensors);
  }
}

TEST_P(SystemBits, AreThoseOfARunThatTrains) {
  const SyntheticSystem s = synthetic_system(GetParam().setup);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  Trainer trainer(s.data, s.split, s.plan, *executor);
  std::vector<EpochMetrics> epochs;
  while (epochs.size() < 21)
    if (const auto m = trainer.advance(4)) epochs.push_back(*m);
  EXPECT_EQ(epochs.back().skipped, 0);
  // Of a VAE-GAN, whose losses pull against each other, the rows must be reconstructed better.
  const auto error = [](const EpochMetrics& m) {
    const double all = std::accumulate(m.validation.losses.begin(), m.validation.losses.end(), 0.0);
    const double figure = m.validation.figure("reconstruction_error");
    return std::isnan(figure) ? all : figure;
  };
  EXPECT_LT(error(epochs.back()), 0.9 * error(epochs.front()));
}

INSTANTIATE_TEST_SUITE_P(All, SystemBits, ::testing::ValuesIn(cases()), [](const auto& c) { return c.param.name; });

}  // namespace
}  // namespace equipoise::test
