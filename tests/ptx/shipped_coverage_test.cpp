// tests/ptx/shipped_coverage_test.cpp - the interpreter's operations at shapes, places and values that no model of the
// other tests has, by programs written by hand: what the shipped kernel leaves is what one thread of the CPU leaves.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/ptx/hand_program.h"

namespace equipoise::ptx::test {

namespace {

constexpr Activation kActivations[] = {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid};
constexpr TargetForm kForms[] = {TargetForm::squared, TargetForm::logistic, TargetForm::poisson};

/// Sizes of a linear layer and how its operands lie.
struct Layer {
  int rows, in, out;
  Lie x, weight, y;
};

LinearPlace linear_place(HandProgram& p, const Layer& l) {
  const int stride = l.in + l.weight.between;
  return {p.floats(l.out * stride, l.weight.off), p.floats((l.out + 3) / 4 * 4, l.weight.off), stride};
}

/// All of a layer: forward under an activation, and the gradients with and without what is there already.
void walk_layer(const Layer& l, Activation activation, equipoise::Space space = equipoise::Space::state) {
  HandProgram p(l.rows, l.rows, static_cast<uint64_t>(l.rows * 1000 + l.in * 10 + l.out), space);
  const View x = p.matrix(1, l.in, l.x, -3, 3), y = p.matrix(1, l.out, l.y), dy = p.matrix(1, l.out, l.y),
             dx = p.matrix(1, l.in, l.x);
  const LinearPlace w = linear_place(p, l), dw = linear_place(p, l);
  p.spoil(x);
  for (const TileShape tiles : {TileShape::square, TileShape::small, TileShape::tall}) {
    const bool again = tiles != TileShape::square;
    p.add(Linear{x, w, again ? p.matrix(1, l.out, l.y) : y, activation, tiles});
    p.add(LinearInputGradient{dy, w, x, again ? p.matrix(1, l.in, l.x) : dx, activation, false, tiles});
    p.add(LinearInputGradient{dy, w, x, p.matrix(1, l.in, l.x), Activation::identity, true, tiles});
    p.add(LinearWeightGradient{x, dy, again ? linear_place(p, l) : dw, false, true, true, tiles});
    p.add(LinearWeightGradient{x, dy, linear_place(p, l), true, true, true, tiles});
    p.add(LinearWeightGradient{x, dy, linear_place(p, l), true, false, true, tiles});
  }
  p.add(LinearWeightGradient{x, dy, linear_place(p, l), true, true, false});
  p.expect_the_cpus_bits("a layer of " + std::to_string(l.rows) + " rows, " + std::to_string(l.in) + " to " +
                             std::to_string(l.out) + ", activation " + std::to_string(static_cast<int>(activation)),
                         96);
}

/// A block of parameters under one optimizer after another.
void walk_optimizers(int count, int lanes, int off, bool clips) {
  HandProgram p(1, 1, static_cast<uint64_t>(count + lanes));
  p.settings.clip_norm = clips ? 0.5 : 0;
  p.settings.momentum = 0.5;
  p.settings.weight_decay = 0.1;
  p.control.gradient_norm = 2.0;
  p.control.beta1_power = 0.9;
  p.control.beta2_power = 0.999;
  GradientBlock block{p.floats(lanes * (count + 12), off), count + 12 - count % 4, lanes, {}, {}, count, 0.5f, false};
  for (int k = 0; k < kMaxRoutes; ++k) block.route[k] = 1.0f + 0.25f * static_cast<float>(k);
  for (int k = 0; k < kMaxTasks; ++k) block.task[k] = static_cast<int8_t>(k % 3 == 2 ? -1 : k);
  const Place factors = p.floats(kAdamNumbers);
  p.add(AdamFactors{factors});
  for (const bool shared : {false, true}) {
    block.shared = shared;
    const auto moment = [&] { return p.floats(count + 4, off, 0.0, 1.0); };
    p.add(GradientSquares{block, p.doubles(flat_slots(count))});
    p.add(Adam{block, p.floats(count + 4, off), moment(), moment(), factors});
    p.add(RmsProp{block, p.floats(count + 4, off), moment(), moment()});
    p.add(Sgd{block, p.floats(count + 4, off), moment()});
  }
  p.expect_the_cpus_bits("optimizers of " + std::to_string(count) + " parameters in " + std::to_string(lanes) +
                         " lanes");
}

/// Every operation that goes along rows, at some number of columns.
void walk_rows(int cols, equipoise::Space space) {
  constexpr int kRows = 3;
  HandProgram p(kRows + 1, kRows, static_cast<uint64_t>(cols), space);
  const auto matrix = [&](int blocks = 1) { return p.matrix(blocks, cols, {2, cols % 3}, -2, 2); };
  for (const Activation a : kActivations) p.add(ActivationGradient{matrix(2), matrix(2), a});
  for (const bool adds : {false, true}) {
    p.add(Multiply{matrix(), matrix(), matrix(), adds});
    for (int summands = adds ? 1 : 0; summands <= kMaxSummands; ++summands)
      p.add(SumViews{matrix(2),
                     {matrix(2), matrix(2), matrix(2), matrix(2)},
                     {0.5f, -2.0f, 1.25f, 3.0f},
                     {adds ? 1 : -1, 2, -1, 4},
                     summands,
                     adds});
    // Where views lie so, and columns are as many, four at a time.
    const auto straight = [&] { return p.matrix(2, cols, {}, -2, 2); };
    p.add(SumViews{straight(), {straight(), straight(), {}, {}}, {0.5f, -2.0f, 0, 0}, {-1, 2, 0, 0}, 2, adds});
  }
  for (const bool has : {false, true}) {
    const auto slots = [&](int blocks) { return p.doubles(blocks * (kRows + 1) * kRowLanes); };
    p.add(SquaredError{matrix(2), matrix(), matrix(2), slots(2), 0.5f, has ? 3 : -1, has, cols % 2 == 0});
    p.add(SquaredError{matrix(2), matrix(), matrix(2), slots(2), 0.5f, -1, true, cols % 2 == 1});
    for (const bool real : {false, true}) {
      const View logits = matrix();
      p.spoil(logits);
      p.add(Adversarial{logits, matrix(), slots(1), 1e-3f, has ? 2 : -1, real, true, !has});
      p.add(Adversarial{logits, matrix(), slots(1), 1e-3f, -1, real, false, has});
    }
    const View heads = p.matrix(2, 2 * cols, {}, -4, 4), sigma = matrix(2);
    p.spoil(heads);
    for (int e = 0; e < heads.blocks * (kRows + 1) * heads.stride; ++e)  // no overflow of exp times 0
      p.float_at(heads.place, e) = std::clamp(p.float_at(heads.place, e), -1e4f, 1e4f);
    p.add(Latent{heads, matrix(2), sigma, matrix(2), slots(2), has, has ? 0.5f : 1.0f});
    p.add(LatentGradient{heads, matrix(2), sigma, matrix(2), p.matrix(2, 2 * cols), 0.25f, has ? 1 : -1, has,
                         has ? 0.5f : 1.0f, has});
    if (cols < 2) continue;
    for (const int views : {2, 3, 5}) {
      const View z = matrix(views);
      p.add(InherentVariational{z, cols / 2, slots(1), slots(1)});
      p.add(InherentVariationalGradient{z, matrix(views), cols / 2, 0, 1, has ? 3 : -1});
    }
  }
  p.add(DrawMask{matrix(2), 3});
  p.add(DrawNoise{matrix(2), 2});
  p.add(RowSums{matrix(2), p.floats(2 * (cols + 2)), cols + 2});
  p.settings.dropout = 0.3;
  p.control.term_slope[0] = 0.75;
  p.control.term_slope[1] = -1.5;
  p.expect_the_cpus_bits("rows of " + std::to_string(cols));
}

/// Losses against targets of which some are missing, with and without weights of classes.
void walk_targets(int cols) {
  constexpr int kRows = 3;
  HandProgram p(kRows, kRows, static_cast<uint64_t>(cols) + 100);
  const auto slots = [&] { return p.doubles(kRows * kRowLanes); };
  const auto count = [&](double entries) { return p.doubles(1, entries, entries); };
  for (const int weight : {-1, 2})
    for (const TargetForm form : kForms) {
      const View x = p.matrix(1, cols, {1, 0}, -3, 3), target = p.matrix(1, cols);
      p.spoil(x);
      for (int e = 0; e < kRows * cols; ++e) {
        float& at = p.float_at(target.place, e);
        // Far counts too: those whose log factorial is a series.
        const float counted = static_cast<float>(p.draws.below(e % 5 == 4 ? 1000 : 4));
        if (weight >= 0 || form == TargetForm::logistic) at = at > 0 ? 1.0f : 0.0f;
        else if (form == TargetForm::poisson) at = counted;
        if (e % 7 == 3) at = std::numeric_limits<float>::quiet_NaN();
      }
      for (int e = 0; e < kRows * (cols + 1); ++e)  // no infinity less another
        p.float_at(x.place, e) = std::clamp(p.float_at(x.place, e), -110.0f, 80.0f);
      p.add(CountTargets{target, slots(), weight});
      for (const bool has : {false, true})
        p.add(TargetLoss{x, target, count(4.5), p.matrix(1, cols), slots(), form, has ? 2 : -1, weight, has,
                         cols % 2 == 0});
      p.add(TargetLoss{x, target, count(0), p.matrix(1, cols), slots(), form, -1, weight, true, cols % 2 == 1});
      p.add(TargetCurvature{x, target, p.matrix(1, cols), count(4.5), p.matrix(1, cols), form, weight});
    }
  p.expect_the_cpus_bits("targets of " + std::to_string(cols));
}

/// Softmax and cross-entropy of some classes.
void walk_classes(int classes) {
  constexpr int kRows = 5;
  HandProgram p(kRows, kRows, static_cast<uint64_t>(classes) + 200);
  const auto matrix = [&] { return p.matrix(1, classes, {classes % 3, classes % 2}, -5, 5); };
  const View x = matrix(), far = matrix(), target = p.matrix(1, 1);
  p.spoil(far);
  for (int r = 0; r < kRows; ++r)
    p.float_at(target.place, r) =
        r == 2 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(p.draws.below(classes));
  const Place labels = p.ints({0, classes - 1, -1, classes / 2, 0});
  p.control.label_weight = 3.5;
  for (const View& in : {x, far}) {
    p.add(Softmax{in, matrix()});
    for (const bool has : {false, true}) {
      p.add(CrossEntropy{in, labels, matrix(), p.doubles(kRows), 0.5f, has ? 1 : -1, has});
      for (const int weight : {-1, 3})
        p.add(TargetCrossEntropy{in, target, p.doubles(1, 3, 3), matrix(), p.doubles(kRows), has ? 1 : -1, weight, has,
                                 weight < 0});
    }
  }
  p.add(SoftmaxGradient{matrix(), matrix(), matrix()});
  p.expect_the_cpus_bits(std::to_string(classes) + " classes");
}

/// Inner products of gradients, folded or not, of which some tasks have none, and GradDrop's combine pass.
void walk_gradients(int tasks, int count, int fold) {
  constexpr int kRows = 2;
  HandProgram p(kRows, kRows, static_cast<uint64_t>(tasks * count));
  const int pairs = gram_pairs(tasks), columns = count < 200 ? count : 200;
  GramSlots slots{p.floats(tasks * count * fold), count * fold, {}, tasks, count, fold, {}, flat_slots(count) + 3, 3};
  slots.slots = p.doubles(pairs * (flat_slots(count) + 3));
  GradDropParameters drop{slots.gradient, count, {}, count, 77, p.doubles(tasks * tasks), 1, 0.25, p.floats(count)};
  for (int k = 0; k < kMaxTasks; ++k)
    slots.lane_of_task[k] = drop.lane_of_task[k] = static_cast<int8_t>(k >= tasks || (k == 1 && tasks > 2) ? -1 : k);
  p.add(slots);
  p.add(drop);
  const View rows = p.matrix(tasks, columns, {1, 0});
  p.add(GramRows{rows, tasks, p.doubles(pairs * kRows * kRowLanes)});
  View input = p.matrix(1, columns);
  for (int e = 0; e < kRows * columns; e += 5) p.float_at(input.place, e) = 0.0f;
  p.add(GradDropRows{rows, input, p.doubles(tasks * tasks), 1, 0.0, p.matrix(1, columns)});
  p.add(GramClose{p.doubles(pairs), tasks, tasks == 2 ? 1 : 0});
  for (Chain& chain : p.chains) chain.tasks = tasks;
  p.expect_the_cpus_bits("gradients of " + std::to_string(tasks) + " tasks");
}

/// The end of a step of many tasks and terms: accepted, refused with NaNs in the control, or of an evaluation.
void close_steps(OnNonfinite policy, bool trains, bool nans) {
  HandProgram p(4, 4, 9);
  Control& k = p.control;
  const auto fill = [&](double* values, int count) {
    for (int i = 0; i < count; ++i) {
      values[i] = p.draws.uniform(0.1, 2.0);
      if (nans && i % 3 == 1) values[i] = std::nan(i % 2 ? "0x123" : "");
      if (nans && i % 6 == 4) values[i] = -values[i];
    }
  };
  double* const first = &k.beta1_power;
  fill(first, static_cast<int>(reinterpret_cast<double*>(k.present) - first));
  fill(k.gram, static_cast<int>(reinterpret_cast<double*>(&k.finite) - k.gram));
  fill(&k.sum_steps, static_cast<int>(reinterpret_cast<double*>(&k + 1) - &k.sum_steps));
  k.finite = nans ? 0 : 1;
  k.gradient_norm = 1.0;
  p.settings.on_nonfinite = policy;
  p.add(GramClose{p.doubles(gram_pairs(2)), 2, 0});  // a barrier lies before what ends the step
  p.add(CloseStep{kMaxTasks, kMaxTerms, 1, 0x5555555555u, 0x333u, trains});
  p.expect_the_cpus_bits("the end of a step");
}

}  // namespace

TEST(HandPrograms, OfLayersWhereverOperandsLieHaveTheCpusBits) {
  const Lie even{0, 0}, odd{0, 1}, apart{3, 0};
  for (const Activation a : kActivations)
    for (const Layer& l : {Layer{3, 5, 7, even, apart, even}, Layer{9, 16, 20, even, even, even},
                           Layer{6, 13, 10, odd, {3, 0}, odd}, Layer{5, 1, 9, even, even, even}})
      walk_layer(l, a, a == Activation::tanh ? equipoise::Space::fast : equipoise::Space::state);
  // Large enough that tiles at edges have warps of their own; blocks of four values of k, of which a compiler may take
  // two at a time, come in even and in odd numbers.
  for (const Lie& x : {even, odd})
    for (const Lie& w : {even, odd})
      for (const Lie& y : {even, odd})
        for (const Layer& l : {Layer{36, 36, 40, x, w, y}, Layer{40, 40, 44, x, w, y}}) walk_layer(l, Activation::relu);
  for (const Activation a : kActivations)
    for (const Lie& lie : {even, odd})  // tiles of 8 lines that are all there, in groups and one by one
      for (const Layer& l :
           {Layer{34, 35, 33, lie, lie, lie}, Layer{39, 35, 38, lie, lie, lie}, Layer{39, 36, 40, lie, lie, lie}})
        walk_layer(l, a);
  // Lines that fill groups but for some, which are summed one by one.
  const Lie padded{1, 0};
  for (const Activation a : kActivations)
    for (const Layer& l : {Layer{36, 35, 39, padded, padded, padded}, Layer{39, 35, 35, padded, {1, 1}, padded}})
      walk_layer(l, a);
  // Rows of a weight that end, and are padded, in each of a tile's columns or groups.
  for (int in : {1, 2, 3, 5, 6}) walk_layer({39, in, 39, odd, padded, odd}, Activation::identity);
  for (int out : {39, 40}) walk_layer({16, 36, out, even, {4, 0}, out == 40 ? even : odd}, Activation::identity);
}

TEST(HandPrograms, OfOptimizersHaveTheCpusBits) {
  for (const int count : {5, 16, 300})
    for (const int lanes : {1, 2, 3, 4, 20})
      for (const int off : {0, 1}) walk_optimizers(count, lanes, off, lanes % 2 == 0);
}

TEST(HandPrograms, AlongRowsHaveTheCpusBits) {
  for (const int cols : {1, 3, 16, 17, 40, 70, 150}) walk_rows(cols, equipoise::Space::state);
  walk_rows(21, equipoise::Space::fast);
}

TEST(HandPrograms, OfTargetsHaveTheCpusBits) {
  for (const int cols : {1, 5, 40, 70, 130}) walk_targets(cols);
}

TEST(HandPrograms, OfClassesHaveTheCpusBits) {
  for (const int classes : {1, 2, 3, 4, 5, 7, 8, 13}) walk_classes(classes);
}

TEST(HandPrograms, OfGradientsHaveTheCpusBits) {
  for (const int tasks : {2, 3, 5, 8, 11}) walk_gradients(tasks, tasks == 3 ? 300 : 70, tasks);
  walk_gradients(3, 40, 2);
  walk_gradients(2, 500, 1);
}

TEST(HandPrograms, ThatEndStepsHaveTheCpusBits) {
  for (const OnNonfinite policy : {OnNonfinite::stop, OnNonfinite::skip, OnNonfinite::freeze})
    for (const bool trains : {false, true})
      for (const bool nans : {false, true}) close_steps(policy, trains, nans);
}

}  // namespace equipoise::ptx::test
