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

TEST(InherentVariational, SlotsTheSquaresOfEachPartByItsOwnColumnsOverAllPairs) {
  for (const Parts& p : kParts)
    for (const int views : {2, 3, 6})
      for (int n : {1, 5, 8}) {
        reference::Draws draws(61);
        Rig rig(8, n);
        const int size = p.shared + p.specific;
        const View z = rig.matrix(views, size);
        const Place inherent = rig.doubles(8 * kRowLanes), variational = rig.doubles(8 * kRowLanes);
        rig.fill(z, draws, -2, 2);
        rig.run(InherentVariational{z, p.shared, inherent, variational},
                {Rig::written_doubles(inherent, n * kRowLanes), Rig::written_doubles(variational, n * kRowLanes)});
        for (int r = 0; r < n; ++r)
          for (int lane = 0; lane < kRowLanes; ++lane) {
            double sums[2] = {};
            const auto add = [&](int c) {
              for (int one = 0; one < views; ++one)
                for (int other = 0; other < one; ++other)
                  sums[c < p.shared ? 0 : 1] += std::pow(
                      double{rig.row(z, one * n + r)[c]} - double{rig.row(z, other * n + r)[c]}, 2);
            };
            for (int c = lane; c < p.shared; c += kRowLanes) add(c);
            for (int c = p.shared + lane; c < size; c += kRowLanes) add(c);
            const double got[2] = {rig.double_at(inherent, r * kRowLanes + lane),
                                   rig.double_at(variational, r * kRowLanes + lane)};
            for (int part = 0; part < 2; ++part)
              expect_close(got[part], sums[part], sums[part], kDoubleSum, coordinate("slots", r, lane));
          }
      }
}

TEST(InherentVariationalGradient, FollowsTheSlopesOfBothTermsAndIsOppositeForTwoViews) {
  for (const Parts& p : kParts)
    for (const int views : {2, 3, 6})
      for (int task : {-1, 1}) {
        reference::Draws draws(62);
        Rig rig(7, 5);
        const int size = p.shared + p.specific;
        const View z = rig.matrix(views, size), dz = rig.matrix(views, size);
        rig.fill(z, draws, -2, 2);
        rig.control().shared_weights[1] = 3.0;
        rig.control().term_slope[3] = 0.8;
        rig.control().term_slope[4] = -1.7;
        rig.run(InherentVariationalGradient{z, dz, p.shared, 3, 4, task}, {rig.written(dz)});
        const Tolerance t{.rel = 8 * kRounding,
                          .why = "one rounding each of the factor, the difference, the product and up to four sums"};
        for (int view = 0; view < views; ++view)
          for (int r = 0; r < 5; ++r)
            for (int c = 0; c < size; ++c) {
              const double slope = c < p.shared ? 0.8 / p.shared : -1.7 / p.specific;
              double expected = 0, magnitude = 0;
              for (int other = 0; other < views; ++other) {
                const double d = double{rig.row(z, view * 5 + r)[c]} - double{rig.row(z, other * 5 + r)[c]};
                const double of_pair = 2 * (task < 0 ? 1.0 : 3.0) * slope * d / 5;
                expected += of_pair;
                magnitude += std::fabs(of_pair);
              }
              const float got = rig.row(dz, view * 5 + r)[c];
              expect_close(got, expected, magnitude, t, coordinate("dz", view * 5 + r, c));
              if (views == 2) {
                EXPECT_EQ(got, -rig.row(dz, (1 - view) * 5 + r)[c]) << coordinate("dz", r, c);
              }
            }
      }
}

}  // namespace
}  // namespace equipoise::test
