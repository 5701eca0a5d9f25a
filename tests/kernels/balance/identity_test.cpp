// tests/kernels/balance/identity_test.cpp - the plain sum keeps the weights it is given.
#include "kernels/balance/identity.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/kernels/balance/weighing_rig.h"

namespace equipoise::test {
namespace {

TEST(Identity, KeepsTheWeightsOfTheSettingsWhateverTheLosses) {
  WeighingRun run(MethodKind::identity, 3,
                  [](const Weighing& in, const Method& method) { weigh_identity(in, method); });
  const std::vector<double> weights{1.4, 0, 3};
  std::copy(weights.begin(), weights.end(), run.settings.initial_weights);
  run.present = {1, 1, 0};
  for (const double loss : {1.0, 7.0, -2.0}) {
    EXPECT_EQ(run.step({loss, 2 * loss, 0}), weights);
    EXPECT_EQ(run.next_weight, weights);
  }
}

}  // namespace
}  // namespace equipoise::test
