// tests/engine/lower/lowering_cases_test.cpp - gradients of graphs unlike MLDRL and the random ones, one shape a test.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/lower/unit_cost.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "kernels/ops/sum_views.h"
#include "kernels/teams/host_team.h"
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

TEST(Lowering, GivesTheInherentVariationalLossOfAnyNumberOfViewsTheSlopesOfEveryForm) {
  for (const int views : {2, 3, 6})
    for (const TaskForm form : {TaskForm::sum, TaskForm::ratio, TaskForm::difference})
      for (const bool variational_first : {false, true})
        for (const bool reached : {false, true}) {  // by a second task too
          SCOPED_TRACE(std::to_string(views) + " views, form " + std::to_string(static_cast<int>(form)) +
                       (variational_first ? ", V first" : ", I first") + (reached ? ", of two tasks" : ""));
          Sketch s;
          const Region z = s.latents(views, 5);
          const int inherent = s.term(3), variational = s.term(2);
          s.graph.add(InherentVariationalNode{z, 3, inherent, variational});
          s.task(variational_first ? std::vector{variational, inherent} : std::vector{inherent, variational}, form);
          std::vector<int> errors;
          for (int i = 0; i < views && reached; ++i)
            errors.push_back(s.reconstruction(s.graph.block(z.tensor, i), i % 2));
          if (reached) s.task(errors);
          expect_sound_gradients_merged_and_balanced(s);
        }
}

TEST(Lowering, RefusesATermThatNoTaskCounts) {
  Sketch s;
  s.task({s.reconstruction(s.x[0], 0)});
  s.reconstruction(s.x[1], 1);
  EXPECT_THROW(lower(s.graph, options_of(s, 5)), std::logic_error);
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
    const int term = many.term(fmt::format("e{}", t), Divisor::rows, 3);
    many.add(SquaredErrorNode{many.all(y), many.all(x), term});
    many.task(fmt::format("t{}", t), TaskForm::sum, {term});
  }
  EXPECT_THROW(lower(many, {}), std::logic_error);

  MldrlModel wide;
  wide.features = {450000, 3};
  wide.hidden = 9600;
  try {
    lower(mldrl_graph(wide, Pass::train), {});
    FAIL() << "4.3e9 weights fit no 32-bit offset";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::usage);
  }
}

/// A layer whose weights 32 tasks share and are balanced over.
Sketch shared_by_all_tasks(int in, int out) {
  Sketch s;
  const Region x = s.graph.all(s.graph.input("wide", 2, in)), target = s.graph.all(s.graph.input("target", 3, out));
  const Region y = s.linear(x, s.layer(in, out));
  for (int k = 0; k < kMaxTasks; ++k) {
    const int term = s.term(out);
    s.graph.add(SquaredErrorNode{y, target, term});
    s.task({term});
  }
  s.balance(0);
  return s;
}

/// What lowering says of a graph; empty: nothing.
std::string refusal(const Graph& graph, const LowerOptions& options) {
  try {
    lower(graph, options);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ExitCode::usage);
    return e.what();
  }
  return "";
}

TEST(Lowering, CountsTheUnitsOfTheLargestGramMatrixThatItsPlacesHold) {
  const Sketch s = shared_by_all_tasks(4000, 5000);
  const Program program = lower(s.graph, options_of(s, 1));
  int64_t most = 0;
  for (const Operation& o : program.code->operations) {
    EXPECT_GE(o.first_unit, 0);
    if (o.kind == OperationKind::gram_slots) most = std::max<int64_t>(most, o.gram_slots.units<DeviceCut>(Context{}));
  }
  EXPECT_EQ(most, int64_t{gram_pairs(kMaxTasks)} * flat_rows(4004 * 5000) * kRowLanes);
}

TEST(Lowering, LaysTheOperationsOfAPhaseEndToEndInWholeTurnsOfAWarp) {
  const Sketch s = shared_by_all_tasks(40, 50);
  const Program program = lower(s.graph, options_of(s, 7));
  for (const Phase& p : program.code->phases) {
    int64_t unit = 0;
    for (int32_t i = p.first; i < p.end; ++i) {
      const Operation& o = program.code->operations[static_cast<std::size_t>(i)];
      EXPECT_EQ(o.first_unit, unit) << operation_name(o.kind);
      unit += int64_t{32} * o.turns;
      EXPECT_GE(o.turns, 1) << operation_name(o.kind);
      EXPECT_EQ(o.next_turns, i + 1 < p.end ? (&o)[1].turns : 0) << operation_name(o.kind);
      if (o.kind != OperationKind::gram_slots) continue;
      EXPECT_EQ(o.turns, divide_up(o.gram_slots.units<DeviceCut>(Context{}), 32));
    }
  }
}

TEST(Lowering, DealsTheLongestTurnsOfAPhaseFirst) {
  Sketch s;
  const Region h = s.dense(s.dense(s.x[0], 40), 50);
  for (int i = 0; i < 2; ++i) s.task({s.reconstruction(h, i)});
  s.balance(0);
  constexpr int kBatch = 8;
  const Program program = lower(s.graph, options_of(s, kBatch));
  int shorter = 0;  // operations whose turns are shorter than those of the one before
  int ahead = 0;
  for (const Phase& p : program.code->phases)
    for (int32_t i = p.first + 1; i < p.end; ++i) {
      const Operation &before = program.code->operations[static_cast<std::size_t>(i - 1)],
                      &o = program.code->operations[static_cast<std::size_t>(i)];
      EXPECT_GE(unit_cost(before, kBatch), unit_cost(o, kBatch))
          << operation_name(before.kind) << ", " << operation_name(o.kind);
      shorter += unit_cost(before, kBatch) > unit_cost(o, kBatch) ? 1 : 0;
      // The gradient by a layer's weights is thought of before that by its input, which takes longer here.
      ahead += before.kind == OperationKind::linear_input_gradient && o.kind == OperationKind::linear_weight_gradient;
    }
  EXPECT_GT(ahead, 0);
  EXPECT_GT(shorter, 3);
}

/// Of the forward products of layers from `in` to `out` columns that stand side by side: those with such tiles.
int tiled_of(TileShape shape, int layers, int in, int out, int batch) {
  Sketch s;
  for (int i = 0; i < layers; ++i) {
    const Region x = s.graph.all(s.graph.input("wide" + std::to_string(i), 2 + i, in));
    s.task({s.reconstruction(s.linear(x, s.layer(in, out)), 0)});
  }
  const Program program = lower(s.graph, options_of(s, batch));
  int found = 0;
  for (const Operation& o : program.code->operations)
    if (o.kind == OperationKind::linear && o.linear.x.cols == in) found += o.linear.tiles == shape ? 1 : 0;
  return found;
}

TEST(Lowering, TakesSmallTilesOfProductsThatAPhaseWouldWaitFor) {
  EXPECT_EQ(tiled_of(TileShape::small, 1, 20, 12, 8), 1)
      << "six tiles of 4 x 4 leave eleven warps of twelve without work";
  EXPECT_EQ(tiled_of(TileShape::small, 1, 20, 200, 64), 0) << "800 tiles are two turns for every warp";
  EXPECT_EQ(tiled_of(TileShape::small, 3, 81, 32, 16), 0)
      << "twelve turns of small tiles would wait for shared memory";
  EXPECT_EQ(tiled_of(TileShape::small, 1, 81, 32, 16), 1) << "four would not";
}

TEST(Lowering, TakesLargeTilesOfProductsThatWouldWaitForSharedMemory) {
  EXPECT_EQ(tiled_of(TileShape::tall, 4, 81, 120, 64), 4);
  EXPECT_EQ(tiled_of(TileShape::small, 2, 81, 81, 16), 0) << "nor small ones, which ask for more of it";
  EXPECT_EQ(tiled_of(TileShape::tall, 1, 32, 81, 128), 1);
  EXPECT_EQ(tiled_of(TileShape::square, 2, 81, 32, 32), 2) << "tiles of 8 x 4 leave two schedulers without work";
}

TEST(Lowering, RefusesAGramMatrixWhoseUnitsOverflow) {
  const Sketch s = shared_by_all_tasks(8000, 8140);  // 33 units a parameter: 2^31 and some
  EXPECT_NE(refusal(s.graph, options_of(s, 1)).find("more than 2^31 floats"), std::string::npos);
}

TEST(Lowering, RefusesBatchesWhoseUnitsOverflow) {
  Graph g;
  const Region a = g.all(g.input("a", 0, 1)), b = g.all(g.input("b", 1, 1)), both = g.all(g.tensor("both", 1, 2));
  g.add(SumNode{Graph::columns(both, 0, 1), {a}, {1.0f}});
  g.add(SumNode{Graph::columns(both, 1, 1), {b}, {1.0f}});
  const int term = g.term("entropy", Divisor::label_weight, 1.0);
  g.add(CrossEntropyNode{both, term});
  g.task("classes", TaskForm::sum, {term});
  LowerOptions options;
  options.trains = false;
  options.batch = 1 << 20;
  EXPECT_EQ(refusal(g, options), "");
  for (const int batch : {1 << 26, 1 << 27}) {  // 2^30 units each of two inputs in one phase; 2^31 of one
    options.batch = batch;
    EXPECT_NE(refusal(g, options).find("units of work"), std::string::npos) << batch;
  }
}

// Nothing is balanced where the losses stand, so that they share a lane, but their weights are those that MGDA finds by
// gradients elsewhere: they are not known before the lane's gradients are.
TEST(Lowering, WeighsLossesOfOneLaneByWeightsThatAreFoundAfterwards) {
  Sketch s;
  const Region balanced = s.dense(s.x[0], 5), merged = s.dense(s.x[1], kInputCols);
  for (int k = 0; k < 3; ++k) s.task({s.reconstruction(balanced, k % 2), s.error(merged, k % 2)});
  s.balance(0);
  for (const std::vector<std::string>& methods : {std::vector<std::string>{"mgda"}, {"gradnorm", "cagrad"}}) {
    SCOPED_TRACE(methods.back());
    expect_sound(lower(s.graph, options_of(s, 5, {}, methods)));
    expect_total_gradient(s, 1, methods);
  }
}

TEST(Lowering, WithGradDropDrawsForEveryElementOfAModelApart) {
  Sketch s;
  const Region h = s.dense(s.dense(s.x[0], 5), 5);
  for (int i = 0; i < 2; ++i) s.task({s.reconstruction(h, i)});
  s.balance(0);
  const Program program = lower(s.graph, options_of(s, 5, {}, {"graddrop:leak=0.3"}));
  std::vector<std::pair<int64_t, int64_t>> drawn;  // first element, and the one behind the last
  for (const Operation& o : program.code->operations)
    if (o.kind == OperationKind::graddrop_parameters)
      drawn.emplace_back(o.graddrop_parameters.first_element,
                         o.graddrop_parameters.first_element + o.graddrop_parameters.count);
  ASSERT_EQ(drawn.size(), 2u);
  std::sort(drawn.begin(), drawn.end());
  EXPECT_LE(drawn[0].second, drawn[1].first);
}

}  // namespace
}  // namespace equipoise::test
