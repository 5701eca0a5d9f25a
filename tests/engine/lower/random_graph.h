// tests/engine/lower/random_graph.h - small graphs of every shape that lowering is asked to take.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/lower/lower.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {

struct RandomGraph {
  Graph graph;
  std::vector<Stretch> over;  ///< parameters to balance: of the trunk, none, or of a tower
  int source_cols[2] = {};
  int classes = 2;
  bool gaps = false;       ///< some values of source 1 are missing: it holds targets
  int target_classes = 0;  ///< source 1 holds class numbers below this, or 0: values
  int towers = 0;          ///< layers of the towers are the last ones, two a tower
};

/// Two inputs through a trunk (plain, tall over both, or variational), a mixing sum or none, and one tower a task with
/// an error or a cross-entropy.
class GraphMaker {
 public:
  explicit GraphMaker(uint64_t seed) : draws_(seed) {}

  RandomGraph make() {
    for (int i = 0; i < 2; ++i) {
      made_.source_cols[i] = 1 + draws_.below(19);
      input_[i] = g().input("x" + std::to_string(i), i, made_.source_cols[i]);
    }
    tasks_ = 1 + draws_.below(4);
    terms_.resize(static_cast<std::size_t>(tasks_));
    made_.classes = 2 + draws_.below(3);
    Region trunk;
    switch (draws_.below(3)) {
      case 0:
        trunk = plain();
        break;
      case 1:
        trunk = tall();
        break;
      default:
        trunk = variational();
        break;
    }
    if (draws_.below(2) == 0) trunk = linear(trunk, 1 + draws_.below(20), "trunk");
    const int trunk_layers = static_cast<int>(g().layers().size());
    for (int k = 0; k < tasks_; ++k) tower(k, trunk);
    for (int k = 0; k < tasks_; ++k)
      g().task("task" + std::to_string(k), TaskForm::sum, terms_[static_cast<std::size_t>(k)]);
    made_.towers = tasks_;
    balance(trunk_layers);
    return made_;
  }

 private:
  Graph& g() { return made_.graph; }
  Activation activation() { return static_cast<Activation>(draws_.below(4)); }

  Region linear(Region x, int out, const std::string& name) {
    const int layer = g().layer(x.cols, {{name + std::to_string(g().layers().size()), out}});
    const Region y = g().all(g().tensor(name + " out", x.blocks, out));
    g().add(LinearNode{x, y, layer, activation()});
    return y;
  }
  Region plain() { return linear(g().all(input_[0]), 1 + draws_.below(20), "plain"); }
  /// Both inputs through layers of their own into one tall tensor, a layer shared by both blocks, and their mixture.
  Region tall() {
    const Region both = encoders(2 + draws_.below(18), activation());
    return mix(linear(both, 2 + draws_.below(18), "shared"));
  }
  Region variational() {
    const int latent = 2 + draws_.below(6);
    const Region both = encoders(1 + draws_.below(12), Activation::relu);
    const int layer = g().layer(both.cols, {{"mu", latent}, {"log sigma", latent}});
    const int heads = g().tensor("heads", 2, 2 * latent), noise = g().noise("noise", 2, latent);
    const int sigma = g().tensor("sigma", 2, latent), z = g().tensor("z", 2, latent);
    g().add(LinearNode{both, g().all(heads), layer, Activation::identity});
    const int kl = term(draws_.below(tasks_), "kl", Divisor::rows, latent);
    g().add(LatentNode{heads, noise, sigma, z, kl, true});
    return mix(g().all(z));
  }
  Region encoders(int out, Activation a) {
    const int tensor = g().tensor("encoded", 2, out);
    for (int i = 0; i < 2; ++i) {
      const int layer = g().layer(made_.source_cols[i], {{"encoder" + std::to_string(i), out}});
      g().add(LinearNode{g().all(input_[i]), g().block(tensor, i), layer, a});
    }
    return g().all(tensor);
  }
  /// [(first columns of both blocks) weighted, the other columns of block 0, of block 1].
  Region mix(Region both) {
    const int cut = 1 + draws_.below(both.cols - 1), rest = both.cols - cut;
    const Region to = g().all(g().tensor("mixed", 1, cut + 2 * rest));
    const Region block[2] = {g().block(both.tensor, 0), g().block(both.tensor, 1)};
    g().add(SumNode{Graph::columns(to, 0, cut),
                    {Graph::columns(block[0], 0, cut), Graph::columns(block[1], 0, cut)},
                    {0.5f, -0.25f}});
    for (int i = 0; i < 2; ++i)
      g().add(SumNode{Graph::columns(to, cut + i * rest, rest), {Graph::columns(block[i], cut, rest)}, {1.0f}});
    return to;
  }
  void tower(int k, Region trunk) {
    const std::string name = "tower" + std::to_string(k) + "-";
    const Region hidden = linear(trunk, 1 + draws_.below(18), name);
    if (draws_.below(3) > 0) {
      const Region y = linear(hidden, made_.source_cols[1], name);
      g().add(SquaredErrorNode{y, g().all(input_[1]), term(k, "error", Divisor::rows, made_.source_cols[1])});
    } else {
      Region y = linear(hidden, made_.classes, name);
      if (draws_.below(2) == 0) {
        const Region probability = g().all(g().tensor(name + "softmax", 1, made_.classes));
        g().add(SoftmaxNode{y, probability});
        y = probability;
      }
      g().add(CrossEntropyNode{y, term(k, "entropy", Divisor::label_weight, 1.0)});
    }
  }
  int term(int task, const std::string& name, Divisor divisor, double per_row) {
    const int number = g().term(name + std::to_string(task), divisor, per_row);
    terms_[static_cast<std::size_t>(task)].push_back(number);
    return number;
  }
  void balance(int trunk_layers) {
    const int choice = draws_.below(4);
    if (choice == 0) return;
    const int last = choice == 3 ? static_cast<int>(g().layers().size()) : trunk_layers;
    const int layer = draws_.below(last), out = g().layers()[static_cast<std::size_t>(layer)].out;
    const bool fold = out % 2 == 0 && draws_.below(2) == 0;
    made_.over.push_back({layer, true, 0, fold ? out / 2 : out, fold ? 2 : 1});
    if (!fold) made_.over.push_back({layer, false, 0, out, 1});
  }

  reference::Draws draws_;
  RandomGraph made_;
  int input_[2] = {}, tasks_ = 0;
  std::vector<std::vector<int>> terms_;
};

inline RandomGraph random_graph(uint64_t seed) { return GraphMaker(seed).make(); }

}  // namespace equipoise::test
