// tests/reference/mtl_record_test.cpp - the reference repeats every tensor of the multi-task records made with PyTorch.
#include "tests/reference/mtl_record.h"

#include <gtest/gtest.h>

#include <iostream>

#include "engine/files/safetensors.h"
#include "tests/reference/mtl_compare.h"

namespace equipoise::reference {
namespace {

// Both sides are float64 and add in different orders, which costs about 1e-15 a step; Adam's division by the root of a
// tiny second moment can enlarge that a million times.
constexpr double kTolerance = 1e-9;

struct Replayed {
  MtlSettings settings;
  Record record;
};

Replayed read_mtl(const std::string& name) {
  const TensorFile file = read_safetensors(EQUIPOISE_SOURCE_DIR "/tests/data/" + name + ".safetensors");
  const Record record = record_of(file);
  return {mtl_settings_from(record, file.metadata), record};
}

Comparison replay_and_compare(const std::string& name) {
  const Replayed r = read_mtl(name);
  Comparison c = compare_outcomes(r.record, replay_mtl(r.settings, r.record), kTolerance);
  std::cout << name << ": " << c.compared << " tensors, worst deviation " << c.worst << "\n";
  return c;
}

TEST(MtlRecord, TowersAreRepeatedTensorByTensor) {
  const Comparison c = replay_and_compare("towers_B10");
  EXPECT_EQ(c.differences, "");
  EXPECT_EQ(c.compared, 51) << "2 outputs, 2 * 14 gradients, 1 Gram matrix, 5 traces, 14 parameters, the task weights";
}

TEST(MtlRecord, TrunkIsRepeatedTensorByTensor) {
  const Comparison c = replay_and_compare("trunk_T4");
  EXPECT_EQ(c.differences, "");
  EXPECT_EQ(c.compared, 87) << "1 output, 4 * 16 gradients, 1 Gram matrix, 4 traces, 16 parameters, the task weights";
}

/// The largest deviation of the final task weights after a replay with other settings.
double weight_deviation(const MtlSettings& settings, const Record& record) {
  const std::vector<double> found = replay_mtl(settings, record).at("final.task_weights").values;
  const std::vector<double>& expected = record.at("final.task_weights").values;
  double worst = 0.0;
  for (std::size_t k = 0; k < found.size(); ++k) worst = std::max(worst, std::fabs(found[k] - expected[k]));
  return worst;
}

TEST(MtlRecord, TellsTheHabitsOfTheTaskWeightsApart) {
  Replayed towers = read_mtl("towers_B10");
  towers.settings.weights.renormalise = Renormalise::none;
  EXPECT_GT(weight_deviation(towers.settings, towers.record), 1e-5);

  Replayed trunk = read_mtl("trunk_T4");
  trunk.settings.weights.restart_adam = false;
  EXPECT_GT(weight_deviation(trunk.settings, trunk.record), 1e-5);
}

}  // namespace
}  // namespace equipoise::reference
