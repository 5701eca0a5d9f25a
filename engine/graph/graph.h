// engine/graph/graph.h - a model as data: tensors, parameters, forward operations, loss terms and tasks.
//
// A builder (engine/systems/mldrl/mldrl.h) fills a Graph; engine/lower/lower.h derives the backward pass and the update
// from it. Glossary: n rows of a batch; a tensor is [blocks * n, cols]; a region is a rectangle of whole blocks and
// neighbouring columns.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kernels/ops/forms.h"

namespace equipoise {

/// A rectangle of a tensor.
struct Region {
  int tensor = -1;
  int block = 0, blocks = 1;
  int col = 0, cols = 0;
};

/// How a tensor comes to be at the start of a step, if no operation writes it.
enum class TensorOrigin { computed, gathered, drawn, masked };

struct Tensor {
  std::string name;
  int blocks = 1, cols = 0;
  TensorOrigin origin = TensorOrigin::computed;
  int source = -1;  ///< number of the data source, if gathered
  int stream = 0;   ///< of the draws, if drawn or masked: tensors of one graph draw apart
  float rate = 0;   ///< of dropout, if masked: what settings.dropout is told, which rules the draws
};

/// A named linear layer, possibly a stack of layers with the same input: rows of W [out, in] and b [out] that files
/// call `<name>.weight` and `<name>.bias`.
struct LayerSlice {
  std::string name;
  int first_row = 0, rows = 0;
};
struct Layer {
  int in = 0, out = 0;
  std::vector<LayerSlice> slices;
};

// Forward operations. Shapes are stated in the kernel of the same name.
struct LinearNode {
  Region x, y;
  int layer;
  Activation activation;
};
struct LatentNode {
  int heads, noise, sigma, z;  // tensors
  int kl_term;                 // -1: no task wants the KL
  bool use_noise;
  float log_factor = 1;  ///< log sigma over the second head: 0.5 where that is the log variance
};
struct SumNode {
  Region to;
  std::vector<Region> from;
  std::vector<float> coefficient;
};
struct SoftmaxNode {
  Region x, y;
};
/// y = a * b elementwise; b is no function of parameters, such as a mask of dropout.
struct MultiplyNode {
  Region a, b, y;
};
/// The target takes no gradient.
struct SquaredErrorNode {
  Region y, target;
  int term;
};
/// Against targets of which some are missing (NaN); term with Divisor::counted, or none. Where targets are classes,
/// `first_weight` may say from which of a run's class weights on theirs stand: the mean is then a weighted one.
struct TargetNode {
  Region x, target;
  int term;
  TargetForm form;
  int first_weight = -1;
};
struct TargetCrossEntropyNode {
  Region x, target;
  int term;
  int first_weight = -1;
};
struct AdversarialNode {
  Region x;
  int term;
  bool real;
  float offset;
};
struct CrossEntropyNode {
  Region x;
  int term;
};
struct InherentVariationalNode {
  Region z;  // a block a view
  int shared;
  int inherent_term, variational_term;
};
using Node = std::variant<LinearNode, LatentNode, SumNode, MultiplyNode, SoftmaxNode, SquaredErrorNode, TargetNode,
                          TargetCrossEntropyNode, AdversarialNode, CrossEntropyNode, InherentVariationalNode>;

/// A loss term: a sum over samples divided by (rows, label weight, labelled entries, or nothing) * per_row.
struct Term {
  std::string name;
  int task = -1;
  Divisor divisor = Divisor::rows;
  double per_row = 1;
};
/// A task: its loss is made of terms by `form`.
struct Task {
  std::string name;
  TaskForm form = TaskForm::sum;
  std::vector<int> terms;
};

/// Parameters over which gradients are balanced: a stretch of one layer's parameters.
struct Stretch {
  int layer = 0;
  bool bias = false;  ///< the bias, else the weight
  int first_row = 0, rows = 0;
  int fold = 1;  ///< > 1: the mean of `fold` stretches of `rows` rows that follow one another
};

class Graph {
 public:
  int tensor(std::string name, int blocks, int cols);
  int input(std::string name, int source, int cols);
  int noise(std::string name, int blocks, int cols);
  int mask(std::string name, int blocks, int cols, float rate);
  int layer(int in, std::vector<std::pair<std::string, int>> names_and_outputs);
  int term(std::string name, Divisor divisor, double per_row);
  /// A loss operation knows its own mean and no other: a graph with a term of another divisor or `per_row`, or with a
  /// ratio or difference of other terms than one inherent-variational node's, would train by a wrong gradient. So both
  /// `task` and `add`, whichever comes last, throw Error(usage) that says what the loss takes. They may come in any
  /// order.
  int task(std::string name, TaskForm form, std::vector<int> terms);
  void add(Node node);
  /// The routing table, line by line: `coefficient[task]` of every task's gradient by a layer's parameters; 0 keeps the
  /// loss from them, though its gradient may pass through to layers before. A graph without routes has ones throughout;
  /// in one with routes, layers without a line do too.
  void route(int layer, std::vector<float> coefficient);
  bool routed() const { return !routes_.empty(); }
  float route(int layer, int task) const;

  /// Number of the tensor of that name; throws logic_error if there is none.
  int find(const std::string& tensor) const;

  /// A whole tensor, some of its blocks, some of its columns.
  Region all(int tensor) const;
  Region block(int tensor, int block) const;
  static Region columns(Region region, int col, int cols);

  /// Tensors whose rows evaluation writes out, in the order of the outputs.
  void output(Region region) { outputs_.push_back(region); }
  /// These, and none that were named before.
  void output_only(std::vector<Region> regions) { outputs_ = std::move(regions); }

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const std::vector<Layer>& layers() const { return layers_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<Term>& terms() const { return terms_; }
  const std::vector<Task>& tasks() const { return tasks_; }
  const std::vector<Region>& outputs() const { return outputs_; }

 private:
  // engine/graph/graph_checks.cpp
  void expect_own_mean(const Node& node) const;
  void expect_one_maker(const Node& node) const;
  void expect_one_task(const std::vector<int>& terms) const;
  void expect_known_slopes(const Node& node) const;
  void expect_known_slopes(const Task& task) const;

  std::vector<Tensor> tensors_;
  std::vector<Layer> layers_;
  std::vector<Node> nodes_;
  std::vector<Term> terms_;
  std::vector<Task> tasks_;
  std::vector<Region> outputs_;
  std::vector<std::vector<float>> routes_;  // [layer][task], or shorter
  int streams_ = 0;
};

/// What a node reads and writes, as regions.
struct NodeAccess {
  std::vector<Region> reads, writes;
};
NodeAccess access_of(const Graph& graph, const Node& node);
/// Loss terms that a node makes.
std::vector<int> terms_of(const Node& node);

}  // namespace equipoise
