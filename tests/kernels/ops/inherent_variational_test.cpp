// tests/kernels/ops/inherent_variational_test.cpp - distances of latent parts between the views, and their gradient.
#include "kernels/ops/inherent_variational.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

struct Parts {
  int shared, specific;
};
const Parts kParts[] = {{1, 1}, {6, 4}, {16, 16}, {17, 3}, {1, 40}, {200, 100}};

TEST(InherentVariational, SlotsTheSquaresOfEachPartByItsOwnColumns) {
  for (const Parts& p : kParts)
    for (int n : {1, 5, 8}) {
      reference::Draws draws(61);
      Rig rig(8, n);
      const int size = p.shared + p.specific;
      const View z = rig.matrix(2, size);
      const View z1 = Rig::part(z, 0, 1, 0, size), z2 = Rig::part(z, 1, 1, 0, size);
      const Place inherent = rig.doubles(8 * kRowLanes), variational = rig.doubles(8 * kRowLanes);
      rig.fill(z, draws, -2, 2);
      rig.run(InherentVariational{z1, z2, p.shared, inherent, variational},
              {Rig::written_doubles(inherent, n * kRowLanes), Rig::written_doubles(variational, n * kRowLanes)});
      for (int r = 0; r < n; ++r)
        for (int lane = 0; lane < kRowLanes; ++lane) {
          double sums[2] = {};
          for (int c = lane; c < p.shared; c += kRowLanes)
            sums[0] += std::pow(double{rig.row(z1, r)[c]} - double{rig.row(z2, r)[c]}, 2);
          for (int c = p.shared + lane; c < size; c += kRowLanes)
            sums[1] += std::pow(double{rig.row(z1, r)[c]} - double{rig.row(z2, r)[c]}, 2);
          EXPECT_EQ(rig.double_at(inherent, r * kRowLanes + lane), sums[0]) << coordinate("inherent", r, lane);
          EXPECT_EQ(rig.double_at(variational, r * kRowLanes + lane), sums[1]) << coordinate("variational", r, lane);
        }
    }
}

TEST(InherentVariationalGradient, FollowsTheSlopesOfBothTermsAndIsOppositeForTheViews) {
  for (const Parts& p : kParts)
    for (int task : {-1, 1}) {
      reference::Draws draws(62);
      Rig rig(7, 5);
      const int size = p.shared + p.specific;
      const View z1 = rig.matrix(1, size), z2 = rig.matrix(1, size), dz = rig.matrix(2, size);
      const View d1 = Rig::part(dz, 0, 1, 0, size), d2 = Rig::part(dz, 1, 1, 0, size);
      rig.fill(z1, draws, -2, 2);
      rig.fill(z2, draws, -2, 2);
      rig.control().shared_weights[1] = 3.0;
      rig.control().term_slope[3] = 0.8;
      rig.control().term_slope[4] = -1.7;
      rig.run(InherentVariationalGradient{z1, z2, d1, d2, p.shared, 3, 4, task}, {rig.written(d1), rig.written(d2)});
      const Tolerance t{.rel = 4 * kRounding, .why = "one rounding each of the factor, the difference and the product"};
      for (int r = 0; r < 5; ++r)
        for (int c = 0; c < size; ++c) {
          const double slope = c < p.shared ? 0.8 / p.shared : -1.7 / p.specific;
          const double difference = double{rig.row(z1, r)[c]} - double{rig.row(z2, r)[c]};
          const double expected = 2 * (task < 0 ? 1.0 : 3.0) * slope * difference / 5;
          expect_close(rig.row(d1, r)[c], expected, std::fabs(expected), t, coordinate("dz1", r, c));
          EXPECT_EQ(rig.row(d2, r)[c], -rig.row(d1, r)[c]) << coordinate("dz2", r, c);
        }
    }
}

}  // namespace
}  // namespace equipoise::test
