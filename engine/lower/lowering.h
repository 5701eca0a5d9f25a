// engine/lower/lowering.h - the working state of lower(): shared by its parts, included by nobody else.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/lower/assembly.h"
#include "engine/lower/lower.h"

namespace equipoise {

inline constexpr int kMerged = -1;  ///< the lane of already weighted gradients

/// How a layer's parameters lie: W [out, stride], then b padded to a multiple of 4.
struct LayerLayout {
  int stride = 0, bias_offset = 0, floats = 0;
  int64_t state_offset = 0;
};
std::vector<LayerLayout> layer_layouts(const Graph& graph);

class Lowering {
 public:
  Lowering(const Graph& graph, const LowerOptions& options);
  Program run();

 private:
  // lower.cpp: preparation, batch, close
  void analyse();
  void keep_needed();
  void allocate();
  void batch_operations();
  void close_operations();

  // lower_forward.cpp
  void forward_operations();
  void loss_operations();
  void forward(const LinearNode& node);
  void forward(const LatentNode& node);
  void forward(const SumNode& node);
  void forward(const SoftmaxNode& node);
  void forward(const MultiplyNode& node);
  void forward(const SquaredErrorNode& node);
  void forward(const TargetNode& node);
  void forward(const TargetCrossEntropyNode& node);
  void forward(const AdversarialNode& node);
  void forward(const CrossEntropyNode& node);
  void forward(const InherentVariationalNode& node);
  int slots_for(int term, int64_t count, int per_sample);  ///< a term's slots; per_sample of them for each sample
  /// A gradient that stands in a buffer of its own; `weight`: the task whose weight it still lacks, or -1.
  void own_gradient(Region region, int lane, int buffer, int weight = -1);
  /// Where a loss that writes its own gradient leaves it.
  struct LossGradient {
    int lane, buffer;  // buffer -1: nobody needs the gradient
    int weight;        // that the operation multiplies by, or -1
    int late_weight;   // that the lane's sum multiplies by, where it is not known yet
  };
  LossGradient loss_gradient(const Region& by, int term);
  /// Adds a loss operation: `make(dx, has_gradient, weight)` makes it once places are known.
  /// `in_place`: the gradient may lie where `by` does.
  void loss_operation(const Region& by, int term, std::vector<Access> reads, int slots,
                      std::function<Operation(const Locator&, View dx, bool has_gradient, int weight)> make,
                      bool in_place = false);
  /// The entries of `target` that are not missing: a buffer of one double.
  int count_targets(const Region& target, int term, int first_weight);
  bool sums(int term) const { return graph_.terms()[term].divisor == Divisor::none; }
  /// Emits the joining tree of `slots` ([groups, count (* n)]) and returns a buffer of [groups] sums; the last level
  /// goes to `into` at double `at` if given.
  int join(int slots, int groups, int count, bool per_sample, int into = -1, int at = 0);

  // lower_backward.cpp
  void backward_operations();
  void finish_adjoint(int tensor);
  int adjoint(int tensor, int lane);  ///< finished buffer of a lane; kMerged combines lanes where it must
  /// Sums the tasks' lanes over a region, each times its coefficient of one balancer.
  void merge_lanes(const Region& region, int balancer, int to);
  std::vector<int> lanes(int tensor) const;
  std::vector<int> layer_lanes(int layer) const;
  bool is_shared(int layer) const;  ///< several tasks reach it
  void contribute(int tensor, int lane, Region region,
                  std::function<void(int buffer, bool accumulate, Activation)> emit);
  void backward(const LinearNode& node);
  void backward(const LatentNode& node);
  void backward(const SumNode& node);
  void backward(const SoftmaxNode& node);
  void backward(const MultiplyNode& node);
  // Their gradients were written in the forward pass.
  void backward(const SquaredErrorNode&) {}
  void backward(const TargetNode&) {}
  void backward(const TargetCrossEntropyNode&) {}
  void backward(const AdversarialNode&) {}
  void backward(const CrossEntropyNode&) {}
  void backward(const InherentVariationalNode& node);

  // lower_balance.cpp
  int balancers() const { return static_cast<int>(options_.balancers.size()); }
  const Balancer& balancer(int b) const { return options_.balancers[static_cast<std::size_t>(b)]; }
  bool balanced_at(int tensor) const;  ///< some balancer stands at it
  bool balances(int b) const { return b < balancers() && !options_.probe && balancer(b).chain.count > 0; }
  bool at_tensor(int b) const { return b < balancers() && !options_.probe && balancer(b).at.tensor >= 0; }
  bool weights_known(int b) const;      ///< weights follow from losses and state alone, before any gradient
  bool weights_come_late(int b) const;  ///< they are not known when the step begins
  bool drops_gradients(int b) const;    ///< the chain ends with GradDrop
  double leak(int b) const { return balancer(b).chain.methods[balancer(b).chain.count - 1].leak; }
  void check_balancers() const;
  void weigh_operation(int b);
  void represent(int b);          ///< gathers the lanes of the representation over which gradients are balanced
  void drop_rows(int b, int to);  ///< GradDrop over those lanes
  void measure_stretches(int b);
  void measure_representation(int b);
  void close_gram(int b, int sums);
  void balance_operations(int b);
  void balance_all();         ///< all balancers, and then what waits for coefficients that come late
  void combine_operations();  ///< GradDrop over the lanes of shared parameters
  void share_parameters();    ///< balances over every parameter that several tasks reach

  // lower_curvature.cpp: the GradNorm loss as a loss of the network
  bool reaches_network() const;
  void find_paths();
  std::vector<const Node*> path_of(const LinearNode& source, int k) const;
  int tangent_output(const Node& node) const;
  static bool piecewise_linear(Activation activation);
  int curvature_matrix(const std::string& what, int tensor, int k);
  void slope_in_place(int tensor, int buffer);
  int tangent_linear(Access x, Access weights, int y_tensor, int k, std::function<LinearPlace(const Locator&)> place);
  std::vector<int> tangents_along(const std::vector<const Node*>& path, int first, int k);
  int adjoint_along(const LinearNode& source, const std::vector<const Node*>& path, const std::vector<int>& tangents,
                    int k);
  int masked(const MultiplyNode& node, int from, int to);
  int input_gradient(Access dy, const LinearNode& node, int weights, int lane, int to, bool accumulate);
  void curvature_gradient(int layer, int k, Access x, Access dy, bool accumulate);
  Access lane_access(int layer, std::size_t lane) const;
  void curvature_operations(const LinearNode& source);
  void curvature_weights();

  // lower_update.cpp
  int gradient_of(int layer) const { return combined_[layer] >= 0 ? combined_[layer] : gradient_[layer]; }
  void gate_operations();
  void update_operations();
  std::vector<Access> reads_of_update(int layer) const;     ///< a layer's gradient and what its lanes are weighed by
  Operation update_of(const Locator& at, int layer) const;  ///< the optimizer's step of a layer

  Access access(Region r, int buffer) const { return assembly_.part(buffer, r.block, r.blocks, r.col, r.cols); }
  Access access(Region r) const { return access(r, tensor_buffer_[r.tensor]); }
  Access whole(int buffer) const { return assembly_.whole(buffer); }
  LinearPlace linear_place(const Locator& at, int layer, int buffer, int lane) const;
  GradientBlock gradient_block(const Locator& at, int layer) const;
  /// The weight a gradient contribution of `task` carries in a lane: none in its own, the task's in the merged one (of
  /// the first balancer, whose coefficients lead control's lists).
  static int weight_in(int lane, int task) { return lane == kMerged ? task : -1; }

  const Graph& graph_;
  LowerOptions options_;
  Assembly assembly_;
  int tasks_;
  std::vector<LayerLayout> layout_;

  // analysis
  std::vector<std::vector<bool>> reach_;        // [tensor][task] whose gradient by the tensor somebody needs
  std::vector<std::vector<bool>> layer_reach_;  // [layer][task]
  std::vector<bool> separate_;                  // [tensor] depends on balanced parameters
  std::vector<bool> balanced_;                  // [layer]
  std::vector<Activation> made_by_;             // [tensor] activation of its producer

  // buffers
  std::vector<int> tensor_buffer_, parameter_, moment1_, moment2_;
  std::vector<int> gradient_;                        // [layer] all lanes, one after another
  std::vector<std::vector<bool>> gradient_written_;  // [layer][lane]
  std::vector<int> layer_of_block_;                  // [gradient block]
  int rows_, labels_, label_weight_, finite_, adam_factors_ = -1;
  struct Balancing {
    int weights, gram, state;    // tokens, and the methods' state
    int next = -1, mixing = -1;  // the state to come; mixing matrix
    int representation = -1;     // [tasks * blocks * batch, cols] lanes of the region it stands at
  };
  std::vector<Balancing> balancing_;     // [balancers], at least one
  std::vector<int> combined_;            // [layer] what GradDrop made of a layer's lanes, or -1
  std::vector<int> task_loss_;           // [task] token
  std::map<int, int> term_sum_;          // term -> buffer of its joined sum
  std::map<int, int> slots_per_sample_;  // term -> slots for each sample
  std::map<int, int> term_count_;        // term -> buffer of its number of labelled entries

  // the GradNorm loss as a loss of the network
  std::vector<std::vector<const Node*>> paths_;    // [task] from the measured layer to the task's loss
  std::vector<std::vector<int>> curvature_lanes_;  // [layer] tasks with a further lane, behind those of layer_lanes
  int curvature_ = -1, zeros_ = -1;                // token of its coefficients; a row of zeros

  // adjoints under way
  struct Contribution {
    Region region;
    std::function<void(int buffer, bool accumulate, Activation)> emit;
  };
  struct Copy {
    Region region, from;
    int from_buffer, task;
    float coefficient;
    bool owned;  // nothing else reads the buffer: it may become the adjoint itself
  };
  std::map<std::pair<int, int>, std::vector<Contribution>> contributions_;  // (tensor, lane)
  std::map<std::pair<int, int>, std::vector<Copy>> copies_;
  std::map<std::pair<int, int>, int> adjoint_;  // finished
};

/// Throws Error(usage): offsets count in 32 bits.
[[noreturn]] void refuse_size();

/// Lays out phases and places (engine/lower/plan.cpp).
void plan(const Assembly& assembly, const PlanLimits& limits, bool keep, Program& program,
          const std::function<void(const Locator&)>& after);

}  // namespace equipoise
