// tests/engine/lower/sketch.h - small graphs put together by hand, and their gradients under several plans.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/engine/lower/graph_gradients.h"
#include "tests/engine/lower/phase_checker.h"

namespace equipoise::test {

inline constexpr int kInputCols = 6;

/// Two inputs, and short words for what a case adds to them.
struct Sketch : RandomGraph {
  Region x[2];

  Sketch() {
    for (int i = 0; i < 2; ++i) {
      source_cols[i] = kInputCols;
      x[i] = graph.all(graph.input("x" + std::to_string(i), i, kInputCols));
    }
  }
  int layer(int in, int out) { return graph.layer(in, {{"layer" + std::to_string(graph.layers().size()), out}}); }
  Region tensor(int cols) {
    return graph.all(graph.tensor("tensor" + std::to_string(graph.tensors().size()), 1, cols));
  }
  Region linear(Region from, int layer, Activation activation = Activation::tanh) {
    const Region y = tensor(graph.layers()[static_cast<std::size_t>(layer)].out);
    graph.add(LinearNode{from, y, layer, activation});
    return y;
  }
  /// The same by a layer of its own.
  Region dense(Region from, int out, Activation activation = Activation::tanh) {
    return linear(from, layer(from.cols, out), activation);
  }
  /// A tensor of so many blocks, each made of an input by a layer of its own.
  Region latents(int blocks, int cols) {
    const int z = graph.tensor("latents", blocks, cols);
    for (int i = 0; i < blocks; ++i)
      graph.add(LinearNode{x[i % 2], graph.block(z, i), layer(kInputCols, cols), Activation::tanh});
    return graph.all(z);
  }
  Region sum(std::vector<Region> from, float coefficient) {
    const Region to = tensor(from.front().cols);
    const std::vector<float> coefficients(from.size(), coefficient);
    graph.add(SumNode{to, std::move(from), coefficients});
    return to;
  }
  int term(int cols) { return graph.term("term" + std::to_string(graph.terms().size()), Divisor::rows, cols); }
  /// The term of a squared error between a tensor and an input.
  int error(Region y, int input) {
    const int number = term(y.cols);
    graph.add(SquaredErrorNode{y, x[input], number});
    return number;
  }
  /// The term of an input's reconstruction by a layer of its own.
  int reconstruction(Region from, int input) { return error(dense(from, kInputCols, Activation::identity), input); }
  void task(std::vector<int> terms, TaskForm form = TaskForm::sum) {
    graph.task("task" + std::to_string(graph.tasks().size()), form, std::move(terms));
  }
  void balance(int layer) {
    const int out = graph.layers()[static_cast<std::size_t>(layer)].out;
    over = {{layer, true, 0, out, 1}, {layer, false, 0, out, 1}};
  }
};

inline void expect_sound_gradients(const Sketch& s) {
  expect_sound(lower(s.graph, options_of(s, 5)));
  expect_total_gradient(s, 1);
}

/// With all lanes merged where they can be, and with a lane a task from the first layer on.
inline void expect_sound_gradients_merged_and_balanced(Sketch s) {
  {
    SCOPED_TRACE("merged");
    expect_sound_gradients(s);
  }
  SCOPED_TRACE("balanced over the first layer");
  s.balance(0);
  expect_sound_gradients(s);
}

}  // namespace equipoise::test
