// tests/kernels/balance/equal_test.cpp - the mean of all losses, of those without a row in the batch too.
#include "kernels/balance/equal.h"

#include <gtest/gtest.h>

#include "tests/kernels/balance/weighing_rig.h"

namespace equipoise::test {
namespace {

TEST(Equal, WeighsEveryTaskByOneOverTheirNumberWhetherItIsPresentOrNot) {
  WeighingRun run(MethodKind::equal, 4, [](const Weighing& in, const Method& method) { weigh_equal(in, method); });
  const std::vector<double> quarters{0.25, 0.25, 0.25, 0.25};
  EXPECT_EQ(run.step({1, 20, 0, -3}), quarters);
  EXPECT_EQ(run.next_weight, quarters);
  run.present = {1, 0, 0, 1};
  EXPECT_EQ(run.step({1, 0, 0, -3}), quarters);
  EXPECT_EQ(run.next_weight, quarters);
}

}  // namespace
}  // namespace equipoise::test
