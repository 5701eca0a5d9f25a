// tests/engine/lower/lowering_cases_test.cpp - gradients of graphs unlike MLDRL and the random ones, one shape a test.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "kernels/ops/sum_views.h"
#include "tests/engine/lower/sketch.h"

namespace equipoise::test {
namespace {

TEST(Lowering, GivesALayerUsedTwiceTheGradientsOfBothUses) {
  Sketch s;
  const int shared = s.layer(kInputCols, 5);
  // Each use has a task of its own.
  for (int i = 0; i < 2; ++i) s.task({s.reconstruction(s.linear(s.x[i], shared), i)});
  expect_sound_gradients_merged_and_balanced(s);
}

TEST(Lowering, AddsWhatAnotherReaderOfTheHeadsSendsBack) {
  constexpr int kLatent = 3;
  Sketch s;
  const int layer = s.graph.layer(kInputCols, {{"mu", kLatent}, {"log sigma", kLatent}});
  const Region heads = s.linear(s.x[0], layer, Activation::identity);
  const int noise = s.graph.noise("noise", 1, kLatent);
  const Region sigma = s.tensor(kLatent), z = s.tensor(kLatent);
  const int kl = s.term(kLatent);
  s.graph.add(LatentNode{heads.tensor, noise, sigma.tensor, z.tensor, kl, true});
  const int of_latent = s.reconstruction(z, 0), of_heads = s.reconstruction(heads, 0);
  s.task({of_latent, kl, of_heads});
  expect_sound_gradients_merged_and_balanced(s);
}

TEST(Lowering, WeighsTheInherentVariationalGradientOfEachLatentByItsOwnLane) {
  for (int shared = 0; shared < 2; ++shared) {  // this latent's gradient is merged, the other's is its only task's
    SCOPED_TRACE("latent " + std::to_string(shared) + " reaches the second task");
    Sketch s;
    const Region z[2] = {s.dense(s.x[0], 5), s.dense(s.x[1], 5)};
    const int inherent = s.term(3), variational = s.term(2);
    const int error = s.reconstruction(z[shared], shared);
    s.graph.add(InherentVariationalNode{z[0], z[1], 3, inherent, variational});
    s.task({inherent, variational}, TaskForm::ratio);
    s.task({error});
    expect_sound_gradients_merged_and_balanced(s);
  }
}

TEST(Lowering, RefusesDifferentActivationsInTheBlocksOfATensorByItsName) {
  Sketch s;
  const int both = s.graph.tensor("both inputs", 2, 4);
  const Activation activation[2] = {Activation::tanh, Activation::sigmoid};
  for (int i = 0; i < 2; ++i)
    s.graph.add(LinearNode{s.x[i], s.graph.block(both, i), s.layer(kInputCols, 4), activation[i]});
  s.task({s.reconstruction(s.graph.block(both, 0), 0), s.reconstruction(s.graph.block(both, 1), 1)});
  try {
    lower(s.graph, options_of(s, 5));
    FAIL() << "lowered in spite of them";
  } catch (const std::logic_error& e) {
    EXPECT_STREQ(e.what(), "blocks of both inputs have different activations; use one tensor for each");
  }
}

TEST(Lowering, AddsTheGradientsOfALossAndALayerThatReadOneTensor) {
  Sketch s;
  const Region h = s.dense(s.x[0], kInputCols);
  s.task({s.error(h, 1)});
  s.task({s.reconstruction(h, 0)});
  expect_sound_gradients_merged_and_balanced(s);
}

TEST(Lowering, AddsMoreGradientsOfATensorThanOneOperationTakes) {
  Sketch s;
  const Region h = s.dense(s.x[0], 4);
  for (int k = 0; k < kMaxSummands + 2; ++k) s.task({s.reconstruction(s.sum({h}, 0.5f + static_cast<float>(k)), 0)});
  expect_sound_gradients_merged_and_balanced(s);
}

TEST(Lowering, SumsMoreViewsThanOneOperationTakes) {
  for (int count : {kMaxSummands, kMaxSummands + 1, 2 * kMaxSummands, 2 * kMaxSummands + 1}) {
    SCOPED_TRACE(std::to_string(count) + " views");
    Sketch s;
    std::vector<Region> from;
    for (int i = 0; i < count; ++i) from.push_back(s.dense(s.x[0], 4));
    s.task({s.reconstruction(s.sum(from, 0.75f), 0)});
    expect_sound_gradients_merged_and_balanced(s);
  }
}

// With coefficient 1 both adjoints equal the sum's; neither may be made in its buffer.
TEST(Lowering, GivesEachOfTwoActivationsInAPlainSumItsOwnDerivative) {
  Sketch s;
  const Region sum = s.sum({s.dense(s.x[0], 4), s.dense(s.x[0], 4)}, 1.0f);
  s.task({s.reconstruction(sum, 0)});
  expect_sound_gradients_merged_and_balanced(s);
}

TEST(Lowering, RefusesWhatItsTablesAndOffsetsCannotHold) {
  Graph many;
  const int x = many.input("x", 0, 3);
  const int layer = many.layer(3, {{"a", 3}}), y = many.tensor("y", 1, 3);
  many.add(LinearNode{many.all(x), many.all(y), layer, Activation::identity});
  for (int t = 0; t < kMaxTerms + 1; ++t) {
    const int term = many.term("e" + std::to_string(t), Divisor::rows, 3);
    many.add(SquaredErrorNode{many.all(y), many.all(x), term});
    many.task("t" + std::to_string(t), TaskForm::sum, {term});
  }
  EXPECT_THROW(lower(many, {}), std::logic_error);

  MldrlModel wide;
  wide.features1 = 450000;
  wide.features2 = 3;
  wide.hidden = 9600;
  try {
    lower(mldrl_graph(wide, Pass::train), {});
    FAIL() << "4.3e9 weights fit no 32-bit offset";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::usage);
  }
}

}  // namespace
}  // namespace equipoise::test
