// tests/reference/mldrl_record_test.cpp - the reference repeats every tensor of the records made with PyTorch.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>

#include "engine/files/safetensors.h"
#include "tests/reference/record.h"

namespace equipoise::reference {
namespace {

bool is_outcome(const std::string& name) {
  for (const char* prefix : {"out.", "grad.", "gram.", "trace.", "final."}) {
    if (name.rfind(prefix, 0) == 0) return true;
  }
  return false;
}

/// The entry that deviates most, in units of the expected tensor's largest entry (or absolutely where that is zero).
struct Deviation {
  double worst = 0.0;
  std::size_t index = 0;
};

Deviation worst_deviation(const std::vector<double>& found, const std::vector<double>& expected) {
  double largest = 0.0;
  for (double e : expected) largest = std::max(largest, std::fabs(e));
  Deviation d;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double deviation = std::fabs(found[i] - expected[i]) / (largest > 0.0 ? largest : 1.0);
    if (std::isnan(deviation)) return {deviation, i};  // nothing is worse, and no later entry may hide it
    if (deviation > d.worst) d = {deviation, i};
  }
  return d;
}

class MldrlRecord : public testing::TestWithParam<const char*> {};

// 1e-9: both sides are float64 and add in different orders, which costs about 1e-15 a step; Adam's division by the root
// of a tiny second moment can enlarge that a million times.
TEST_P(MldrlRecord, IsRepeatedTensorByTensor) {
  const TensorFile file =
      read_safetensors(std::string(EQUIPOISE_SOURCE_DIR "/tests/data/") + GetParam() + ".safetensors");
  Record record;
  for (const auto& [name, tensor] : file.tensors) record[name] = {tensor.shape, tensor.to_doubles()};
  const std::map<std::string, Matrix> outcome = replay(settings_from(file.metadata), record);

  int compared = 0;
  double worst_of_all = 0.0;
  for (const auto& [name, expected] : record) {
    if (!is_outcome(name)) continue;
    const auto found = outcome.find(name);
    ASSERT_NE(found, outcome.end()) << name << " is not among what the reference computes";
    ASSERT_EQ(found->second.values.size(), expected.values.size()) << name;
    const Deviation d = worst_deviation(found->second.values, expected.values);
    EXPECT_LE(d.worst, 1e-9) << name << " entry " << d.index << ": found " << found->second.values[d.index]
                             << ", recorded " << expected.values[d.index];
    worst_of_all = std::max(worst_of_all, d.worst);
    ++compared;
  }
  EXPECT_EQ(compared, 90) << "10 outputs, 3 * 18 gradients, 1 Gram matrix, 6 traces, 18 parameters, the task weights";
  std::cout << GetParam() << ": " << compared << " tensors, worst deviation " << worst_of_all << "\n";
}

INSTANTIATE_TEST_SUITE_P(Golden, MldrlRecord, testing::Values("mldrl_code_small", "mldrl_paper_small"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace equipoise::reference
