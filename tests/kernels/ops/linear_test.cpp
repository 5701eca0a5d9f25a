// tests/kernels/ops/linear_test.cpp - linear layers, forward and backward, against plain double loops on every team.
#include "kernels/ops/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/kernels/harness.h"
#include "tests/reference/activations.h"

namespace equipoise::test {
namespace {

struct Case {
  int batch, n, blocks, in, out;
};
const Case kCases[] = {{1, 1, 1, 1, 1},     {1, 1, 2, 81, 3},    {5, 3, 2, 7, 20},  {6, 6, 1, 300, 32},
                       {32, 18, 2, 81, 32}, {32, 32, 2, 32, 20}, {9, 9, 3, 14, 81}, {4, 4, 1, 4, 8}};

std::string name_of(const Case& s) {
  return std::to_string(s.blocks) + " blocks of " + std::to_string(s.n) + "/" + std::to_string(s.batch) + " rows, " +
         std::to_string(s.in) + " -> " + std::to_string(s.out);
}

int padded4(int cols) { return (cols + 3) / 4 * 4; }

/// A layer's parameters, or its gradient: W with padded rows, and b.
LinearPlace allocate(Rig& rig, int in, int out) {
  const int stride = padded4(in);
  return {rig.floats(out * stride), rig.floats(padded4(out)), stride};
}

void fill(Rig& rig, const LinearPlace& p, int in, int out, reference::Draws& draws) {
  for (int o = 0; o < out; ++o) rig.fill(Place{p.weight.offset + o * p.stride, p.weight.space}, in, draws);
  rig.fill(p.bias, out, draws);
}

/// The bound on a dot product of `length` terms whose absolute values sum to `magnitude`.
double dot_bound(int length, double magnitude) { return (length + 1) * kRounding * magnitude; }
constexpr Tolerance kDot{.rel = 1.0, .why = "n u sum |a b|, one rounding a term, and the activation's few"};

double act(Activation a, double x) { return reference::activate(static_cast<reference::Activation>(a), x); }

TEST(Linear, IsTheAffineMapAndItsActivationAtEveryShape) {
  for (const Case& s : kCases)
    for (Activation a : {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid}) {
      reference::Draws draws(11);
      Rig rig(s.batch, s.n);
      const View x = rig.matrix(s.blocks, s.in), y = rig.matrix(s.blocks, s.out);
      const LinearPlace p = allocate(rig, s.in, s.out);
      rig.fill(x, draws);
      fill(rig, p, s.in, s.out, draws);
      rig.run(Linear{x, p, y, a}, {rig.written(y)});
      for (int r = 0; r < rig.rows(x); ++r)
        for (int o = 0; o < s.out; ++o) {
          double sum = rig.at(p.bias)[o], magnitude = std::fabs(sum);
          for (int i = 0; i < s.in; ++i) {
            const double term = double{rig.row(x, r)[i]} * double{rig.at(p.weight)[o * p.stride + i]};
            sum += term;
            magnitude += std::fabs(term);
          }
          const double few = 5 * kRounding * std::fabs(act(a, sum));
          expect_close(rig.row(y, r)[o], act(a, sum), dot_bound(s.in, magnitude) + few, kDot,
                       name_of(s) + " " + coordinate("y", r, o));
        }
    }
}

TEST(Linear, ReadsAndWritesBlocksAndColumnsOfLargerMatrices) {
  reference::Draws draws(12);
  Rig rig(5, 4);
  const View tall = rig.matrix(3, 20), wide = rig.matrix(3, 30);
  const View x = Rig::part(tall, 1, 2, 3, 9), y = Rig::part(wide, 0, 2, 11, 17);
  const LinearPlace p = allocate(rig, 9, 17);
  rig.fill(x, draws);
  fill(rig, p, 9, 17, draws);
  rig.run(Linear{x, p, y, Activation::identity}, {rig.written(y)});
  for (int r = 0; r < rig.rows(x); ++r)
    for (int o = 0; o < 17; ++o) {
      float sum = rig.at(p.bias)[o];  // the documented order: one fma a term, inputs rising
      for (int i = 0; i < 9; ++i) sum = std::fmaf(rig.row(x, r)[i], rig.at(p.weight)[o * p.stride + i], sum);
      EXPECT_EQ(rig.row(y, r)[o], sum) << coordinate("y", r, o);
    }
}

TEST(LinearInputGradient, IsDyTimesWAndTheSlopeOfTheInputsActivation) {
  for (const Case& s : kCases)
    for (Activation a : {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid}) {
      reference::Draws draws(13);
      Rig rig(s.batch, s.n);
      const View x = rig.matrix(s.blocks, s.in), dx = rig.matrix(s.blocks, s.in), dy = rig.matrix(s.blocks, s.out);
      const LinearPlace p = allocate(rig, s.in, s.out);
      rig.fill(x, draws, a == Activation::sigmoid ? 0.0 : -1.0);
      rig.fill(dy, draws);
      fill(rig, p, s.in, s.out, draws);
      rig.run(LinearInputGradient{dy, p, x, dx, a, false}, {rig.written(dx)});
      for (int r = 0; r < rig.rows(x); ++r)
        for (int i = 0; i < s.in; ++i) {
          double sum = 0, magnitude = 0;
          for (int o = 0; o < s.out; ++o) {
            const double term = double{rig.row(dy, r)[o]} * double{rig.at(p.weight)[o * p.stride + i]};
            sum += term;
            magnitude += std::fabs(term);
          }
          const double v = rig.row(x, r)[i];  // the activation's output
          const double slope = a == Activation::relu      ? (v > 0 ? 1.0 : 0.0)
                               : a == Activation::tanh    ? 1 - v * v
                               : a == Activation::sigmoid ? v * (1 - v)
                                                          : 1.0;
          expect_close(rig.row(dx, r)[i], sum * slope, dot_bound(s.out, magnitude) + 4 * kRounding * std::fabs(sum),
                       kDot, name_of(s) + " " + coordinate("dx", r, i));
        }
    }
}

TEST(LinearInputGradient, AddsToWhatStandsThereIfAsked) {
  reference::Draws draws(14);
  Rig rig(6, 5);
  const View x = rig.matrix(2, 12), wide = rig.matrix(2, 30), dy = rig.matrix(2, 19);
  const View dx = Rig::part(wide, 1, 1, 5, 12), dy1 = Rig::part(dy, 1, 1, 0, 19);
  const LinearPlace p = allocate(rig, 12, 19);
  rig.fill(dy, draws);
  rig.fill(dx, draws);
  fill(rig, p, 12, 19, draws);
  std::vector<float> before;
  for (int r = 0; r < 5; ++r) before.insert(before.end(), rig.row(dx, r), rig.row(dx, r) + 12);
  rig.run(LinearInputGradient{dy1, p, x, dx, Activation::identity, true}, {rig.written(dx)});
  for (int r = 0; r < 5; ++r)
    for (int i = 0; i < 12; ++i) {
      float sum = before[static_cast<std::size_t>(r * 12 + i)];
      for (int o = 0; o < 19; ++o) sum = std::fmaf(rig.row(dy1, r)[o], rig.at(p.weight)[o * p.stride + i], sum);
      EXPECT_EQ(rig.row(dx, r)[i], sum) << coordinate("dx", r, i);
    }
}

TEST(LinearWeightGradient, SumsOverTheRowsAndZeroesThePadding) {
  for (const Case& s : kCases)
    for (bool accumulate : {false, true}) {
      reference::Draws draws(15);
      Rig rig(s.batch, s.n);
      const View x = rig.matrix(s.blocks, s.in), dy = rig.matrix(s.blocks, s.out);
      const LinearPlace g = allocate(rig, s.in, s.out);
      rig.fill(x, draws);
      rig.fill(dy, draws);
      if (accumulate) fill(rig, g, s.in, s.out, draws);
      std::vector<float> dw(rig.at(g.weight), rig.at(g.weight) + s.out * g.stride);
      std::vector<float> db(rig.at(g.bias), rig.at(g.bias) + s.out);
      rig.run(LinearWeightGradient{x, dy, g, accumulate},
              {Rig::written_floats(g.weight, s.out * g.stride), Rig::written_floats(g.bias, padded4(s.out))});
      const int rows = rig.rows(x);
      for (int o = 0; o < s.out; ++o) {
        double bias = accumulate ? db[static_cast<std::size_t>(o)] : 0.0, bias_magnitude = std::fabs(bias);
        for (int r = 0; r < rows; ++r) {
          bias += rig.row(dy, r)[o];
          bias_magnitude += std::fabs(rig.row(dy, r)[o]);
        }
        expect_close(rig.at(g.bias)[o], bias, dot_bound(rows, bias_magnitude), kDot,
                     name_of(s) + " " + coordinate("db", 0, o));
        for (int i = 0; i < s.in; ++i) {
          double sum = accumulate ? dw[static_cast<std::size_t>(o * g.stride + i)] : 0.0, magnitude = std::fabs(sum);
          for (int r = 0; r < rows; ++r) {
            const double term = double{rig.row(dy, r)[o]} * double{rig.row(x, r)[i]};
            sum += term;
            magnitude += std::fabs(term);
          }
          expect_close(rig.at(g.weight)[o * g.stride + i], sum, dot_bound(rows, magnitude), kDot,
                       name_of(s) + " " + coordinate("dW", o, i));
        }
        for (int i = s.in; i < g.stride; ++i)
          EXPECT_EQ(rig.at(g.weight)[o * g.stride + i], 0.0f) << coordinate("pad", o, i);
      }
      for (int o = s.out; o < padded4(s.out); ++o) EXPECT_EQ(rig.at(g.bias)[o], 0.0f) << coordinate("bias pad", 0, o);
    }
}

TEST(LinearWeightGradient, OfOneColumnsBlockReadsNothingElse) {
  reference::Draws draws(16);
  Rig rig(7, 5);
  const View tall = rig.matrix(2, 11), wide = rig.matrix(2, 24);
  const View x = Rig::part(tall, 1, 1, 2, 7), dy = Rig::part(wide, 1, 1, 4, 18);
  const LinearPlace g = allocate(rig, 7, 18);
  rig.fill(x, draws);
  rig.fill(dy, draws);
  rig.run(LinearWeightGradient{x, dy, g, false},
          {Rig::written_floats(g.weight, 18 * 8), Rig::written_floats(g.bias, 20)});
  for (int o = 0; o < 18; ++o)
    for (int i = 0; i < 7; ++i) {
      float sum = 0;
      for (int r = 0; r < 5; ++r) sum = std::fmaf(rig.row(dy, r)[o], rig.row(x, r)[i], sum);
      EXPECT_EQ(rig.at(g.weight)[o * g.stride + i], sum) << coordinate("dW", o, i);
    }
}

TEST(LinearWeightGradient, WithoutABiasLeavesItsPlaceAsItIs) {
  for (const Case& s : kCases)
    for (bool accumulate : {false, true}) {
      reference::Draws draws(19);
      Rig rig(s.batch, s.n);
      const View x = rig.matrix(s.blocks, s.in), dy = rig.matrix(s.blocks, s.out);
      const LinearPlace with = allocate(rig, s.in, s.out), without = allocate(rig, s.in, s.out);
      rig.fill(x, draws);
      rig.fill(dy, draws);
      for (const LinearPlace& g : {with, without}) {
        reference::Draws same(20);
        fill(rig, g, s.in, s.out, same);
      }
      const std::vector<float> bias(rig.at(without.bias), rig.at(without.bias) + s.out);
      const Written weight = Rig::written_floats(with.weight, s.out * with.stride);
      rig.run(LinearWeightGradient{x, dy, with, accumulate}, {weight, Rig::written_floats(with.bias, padded4(s.out))});
      rig.run(LinearWeightGradient{x, dy, without, accumulate, false},
              {Rig::written_floats(without.weight, s.out * without.stride)});
      for (int o = 0; o < s.out; ++o) {
        EXPECT_EQ(rig.at(without.bias)[o], bias[static_cast<std::size_t>(o)]) << name_of(s) << " " << o;
        for (int i = 0; i < without.stride; ++i)
          EXPECT_EQ(rig.at(without.weight)[o * without.stride + i], rig.at(with.weight)[o * with.stride + i])
              << name_of(s) << " " << coordinate("dW", o, i);
      }
    }
}

TEST(LinearWeightGradient, OfTheBiasAloneLeavesTheWeightsAsTheyAre) {
  for (const Case& s : kCases) {
    reference::Draws draws(21);
    Rig rig(s.batch, s.n);
    const View x = rig.matrix(s.blocks, s.in), dy = rig.matrix(s.blocks, s.out);
    const LinearPlace both = allocate(rig, s.in, s.out), bias = allocate(rig, s.in, s.out);
    rig.fill(x, draws);
    rig.fill(dy, draws);
    fill(rig, bias, s.in, s.out, draws);
    const std::vector<float> weight(rig.at(bias.weight), rig.at(bias.weight) + s.out * bias.stride);
    rig.run(LinearWeightGradient{x, dy, both, false},
            {Rig::written_floats(both.weight, s.out * both.stride), Rig::written_floats(both.bias, padded4(s.out))});
    rig.run(LinearWeightGradient{x, dy, bias, false, true, false}, {Rig::written_floats(bias.bias, padded4(s.out))});
    for (int o = 0; o < padded4(s.out); ++o) EXPECT_EQ(rig.at(bias.bias)[o], rig.at(both.bias)[o]) << name_of(s);
    for (std::size_t i = 0; i < weight.size(); ++i)
      EXPECT_EQ(bits_as<uint32_t>(rig.at(bias.weight)[i]), bits_as<uint32_t>(weight[i])) << name_of(s);
  }
}

TEST(Linear, AndItsGradientsHaveTheSameBitsInTilesOfEveryShape) {
  for (const Case& s : kCases) {
    reference::Draws draws(22);
    Rig rig(s.batch, s.n);
    const View x = rig.matrix(s.blocks, s.in), dy = rig.matrix(s.blocks, s.out);
    const LinearPlace w = allocate(rig, s.in, s.out);
    rig.fill(x, draws);
    rig.fill(dy, draws);
    fill(rig, w, s.in, s.out, draws);
    constexpr int kShapesOfTiles = 4;
    View y[kShapesOfTiles], dx[kShapesOfTiles];
    LinearPlace g[kShapesOfTiles];
    for (int t = 0; t < kShapesOfTiles; ++t) {
      const auto tiles = static_cast<TileShape>(t);
      y[t] = rig.matrix(s.blocks, s.out);
      dx[t] = rig.matrix(s.blocks, s.in);
      g[t] = allocate(rig, s.in, s.out);
      rig.run(Linear{x, w, y[t], Activation::tanh, tiles}, {rig.written(y[t])});
      rig.run(LinearInputGradient{dy, w, x, dx[t], Activation::identity, false, tiles}, {rig.written(dx[t])});
      rig.run(LinearWeightGradient{x, dy, g[t], false, true, true, tiles},
              {Rig::written_floats(g[t].weight, s.out * g[t].stride),
               Rig::written_floats(g[t].bias, padded4(s.out))});
    }
    for (int t = 1; t < kShapesOfTiles; ++t) {
      for (int r = 0; r < rig.rows(x); ++r) {
        for (int o = 0; o < s.out; ++o) EXPECT_EQ(rig.row(y[0], r)[o], rig.row(y[t], r)[o]) << name_of(s);
        for (int i = 0; i < s.in; ++i) EXPECT_EQ(rig.row(dx[0], r)[i], rig.row(dx[t], r)[i]) << name_of(s);
      }
      for (int i = 0; i < s.out * w.stride; ++i)
        EXPECT_EQ(rig.at(g[0].weight)[i], rig.at(g[t].weight)[i]) << name_of(s) << " " << i;
    }
  }
}

TEST(LinearInputGradient, PassesANaNOfOneRowToThatRowOnly) {
  reference::Draws draws(17);
  Rig rig(3);
  const View x = rig.matrix(1, 5), dx = rig.matrix(1, 5), dy = rig.matrix(1, 6);
  const LinearPlace p = allocate(rig, 5, 6);
  rig.fill(x, draws);
  rig.fill(dy, draws);
  fill(rig, p, 5, 6, draws);
  rig.row(dy, 1)[2] = std::numeric_limits<float>::quiet_NaN();
  rig.run(LinearInputGradient{dy, p, x, dx, Activation::identity, false}, {rig.written(dx)});
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(std::isnan(rig.row(dx, 0)[i]));
    EXPECT_TRUE(std::isnan(rig.row(dx, 1)[i]));
    EXPECT_FALSE(std::isnan(rig.row(dx, 2)[i]));
  }
}

TEST(ActivationGradient, MultipliesInPlaceByTheSlopeAtTheOutput) {
  for (const Shape& s : kShapes)
    for (Activation a : {Activation::relu, Activation::tanh, Activation::sigmoid}) {
      reference::Draws draws(18);
      Rig rig(s.batch, s.n);
      const View y = rig.matrix(2, s.cols), dy = rig.matrix(2, s.cols);
      rig.fill(y, draws, a == Activation::sigmoid ? 0.0 : -1.0);
      rig.fill(dy, draws);
      std::vector<float> before;
      for (int r = 0; r < rig.rows(y); ++r) before.insert(before.end(), rig.row(dy, r), rig.row(dy, r) + s.cols);
      rig.run(equipoise::ActivationGradient{y, dy, a}, {rig.written(dy)});
      const Tolerance t{.rel = 4 * kRounding, .why = "three roundings of values up to 1"};
      for (int r = 0; r < rig.rows(y); ++r)
        for (int c = 0; c < s.cols; ++c) {
          const double v = rig.row(y, r)[c], d = before[static_cast<std::size_t>(r * s.cols + c)];
          const double slope = a == Activation::relu   ? (v > 0 ? 1.0 : 0.0)
                               : a == Activation::tanh ? 1 - v * v
                                                       : v * (1 - v);
          expect_close(rig.row(dy, r)[c], d * slope, std::fabs(d), t, name_of(s) + " " + coordinate("dy", r, c));
        }
    }
}

}  // namespace
}  // namespace equipoise::test
