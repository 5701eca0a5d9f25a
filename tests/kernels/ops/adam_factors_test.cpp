// tests/kernels/ops/adam_factors_test.cpp - the factors of Adam's steps beside their formulas in float64.
#include "kernels/ops/adam_factors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

TEST(AdamFactors, AreTheRoundedFormulasAtEveryStep) {
  for (const double beta1 : {0.0, 0.5, 0.9})
    for (const double beta2 : {0.9, 0.999}) {
      Rig rig(1);
      Settings& s = rig.settings;
      s.lr = 3e-3, s.beta1 = beta1, s.beta2 = beta2, s.eps = 1e-7, s.weight_decay = 0.1;
      rig.control().beta1_power = rig.control().beta2_power = 1.0;
      const AdamFactors op{rig.floats(kAdamNumbers)};
      double power1 = 1, power2 = 1;
      for (int t = 1; t <= 20; ++t) {
        rig.run(op, {Rig::written_floats(op.to, kAdamNumbers)});
        power1 *= beta1;
        power2 *= beta2;
        const double expected[] = {3e-3 / (1 - power1), 1 / std::sqrt(1 - power2), 1 - beta1, 1 - beta2, beta2, 1e-7,
                                   1 - 3e-3 * 0.1,      0};
        for (int i = 0; i < kAdamNumbers; ++i)
          EXPECT_EQ(rig.at(op.to)[i], static_cast<float>(expected[i])) << "step " << t << ", number " << i;
        rig.control().beta1_power = power1;
        rig.control().beta2_power = power2;
      }
    }
}

}  // namespace
}  // namespace equipoise::test
