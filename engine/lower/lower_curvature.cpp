// engine/lower/lower_curvature.cpp - lower(): the gradient of the GradNorm loss by the network, where a method asks for
// it (kernels/ops/norm_curvature.h). It is balanced over the weight of one layer; what follows that layer is, for each
// task, a path of linear layers, masks and copies that ends in a loss against targets.
#include <algorithm>
#include <stdexcept>

#include "engine/lower/lowering.h"

namespace equipoise {

bool Lowering::reaches_network() const {
  return options_.trains && balances(0) && tasks_ > 1 && balancer(0).chain.methods[0].network != 0;
}

// Lanes beyond those of the tasks hold R_k of a layer's gradient.
void Lowering::find_paths() {
  curvature_lanes_.assign(layout_.size(), {});
  if (!reaches_network()) return;
  const Balancer& b = balancer(0);
  if (balancers() != 1 || b.at.tensor >= 0 || b.over.size() != 1 || b.over[0].bias || b.over[0].fold != 1 ||
      b.over[0].rows != graph_.layers()[b.over[0].layer].out || 2 * tasks_ > kMaxTasks)
    throw std::logic_error("the GradNorm loss reaches the network from one layer's weight, with 16 tasks at most");
  const int layer = b.over[0].layer;
  const LinearNode* source = nullptr;
  for (const Node& node : graph_.nodes())
    if (const auto* o = std::get_if<LinearNode>(&node); o && o->layer == layer) source = o;
  for (int k = 0; source && k < tasks_; ++k) {
    paths_.push_back(path_of(*source, k));
    curvature_lanes_[layer].push_back(k);
    for (const Node* node : paths_.back())
      if (const auto* o = std::get_if<LinearNode>(node)) curvature_lanes_[o->layer].push_back(k);
  }
}

/// The nodes from a layer's output to the loss of task k.
std::vector<const Node*> Lowering::path_of(const LinearNode& source, int k) const {
  std::vector<const Node*> path;
  int tensor = source.y.tensor;
  while (path.empty() || !std::holds_alternative<TargetNode>(*path.back())) {
    const Node* next = nullptr;
    for (const Node& node : graph_.nodes()) {
      const NodeAccess a = access_of(graph_, node);
      const bool reads =
          std::any_of(a.reads.begin(), a.reads.end(), [&](const Region& r) { return r.tensor == tensor; });
      const std::vector<int> terms = terms_of(node);
      bool mine = std::any_of(terms.begin(), terms.end(), [&](int t) { return graph_.terms()[t].task == k; });
      for (const Region& w : a.writes) mine = mine || reach_[w.tensor][k];
      if (!reads || !mine) continue;
      if (next) throw std::logic_error("the GradNorm loss reaches the network along one path a task");
      next = &node;
    }
    if (!next) throw std::logic_error("the GradNorm loss reaches the network from tasks with targets");
    path.push_back(next);
    tensor = tangent_output(*next);
  }
  return path;
}

int Lowering::tangent_output(const Node& node) const {
  if (const auto* o = std::get_if<LinearNode>(&node); o && piecewise_linear(o->activation)) return o->y.tensor;
  if (const auto* o = std::get_if<MultiplyNode>(&node)) return o->y.tensor;
  if (const auto* o = std::get_if<SumNode>(&node); o && o->from.size() == 1) return o->to.tensor;
  if (std::holds_alternative<TargetNode>(node)) return -1;
  throw std::logic_error("the GradNorm loss reaches the network through linear layers, relu and masks alone");
}

bool Lowering::piecewise_linear(Activation a) { return a == Activation::identity || a == Activation::relu; }

int Lowering::curvature_matrix(const std::string& what, int tensor, int k) {
  const Tensor& t = graph_.tensors()[tensor];
  return assembly_.matrix(what + t.name + " along task " + graph_.tasks()[k].name, t.blocks, t.cols);
}

void Lowering::slope_in_place(int tensor, int buffer) {
  const Activation activation = made_by_[tensor];
  if (activation == Activation::identity) return;
  const Access y = whole(tensor_buffer_[tensor]), d = whole(buffer);
  assembly_.add({y, d}, {d}, [this, y, d, activation](const Locator& at) {
    return operation(ActivationGradient{assembly_.view(at, y), assembly_.view(at, d), activation});
  });
}

/// y = x W^T without a bias, W from `make`.
int Lowering::tangent_linear(Access x, Access weights, int y_tensor, int k,
                             std::function<LinearPlace(const Locator&)> place) {
  if (zeros_ < 0) {
    int widest = 1;
    for (const Layer& layer : graph_.layers()) widest = std::max(widest, layer.out);
    zeros_ = assembly_.matrix("zeros", 1, widest);
    const Access to = whole(zeros_);
    assembly_.add({}, {to}, [this, to](const Locator& at) {
      SumViews none{};
      none.to = assembly_.view(at, to);
      return operation(none);
    });
  }
  const int buffer = curvature_matrix("tangent of ", y_tensor, k);
  const Access y = whole(buffer);
  assembly_.add({x, weights, whole(zeros_)}, {y}, [this, x, y, place = std::move(place)](const Locator& at) {
    LinearPlace p = place(at);
    p.bias = at.place(zeros_);
    return operation(Linear{assembly_.view(at, x), p, assembly_.view(at, y), Activation::identity});
  });
  slope_in_place(y_tensor, buffer);
  return buffer;
}

Access Lowering::lane_access(int layer, std::size_t lane) const {
  return {gradient_[layer], 0, 1, static_cast<int>(lane), static_cast<int>(lane) + 1};
}

/// Adds x^T dy to the lane of R_k of a layer's gradient; the bias only has a share in the adjoint of the tangent.
void Lowering::curvature_gradient(int layer, int k, Access x, Access dy, bool accumulate) {
  const std::vector<int>& mine = curvature_lanes_[layer];
  const std::size_t lane =
      layer_lanes(layer).size() + static_cast<std::size_t>(std::find(mine.begin(), mine.end(), k) - mine.begin());
  assembly_.add({x, dy}, {lane_access(layer, lane)}, [this, x, dy, layer, lane, accumulate](const Locator& at) {
    return operation(LinearWeightGradient{assembly_.view(at, x), assembly_.view(at, dy),
                                          linear_place(at, layer, gradient_[layer], static_cast<int>(lane)), accumulate,
                                          !accumulate});
  });
}

/// Tangents of the nodes' outputs, and of the last one's input.
std::vector<int> Lowering::tangents_along(const std::vector<const Node*>& path, int first, int k) {
  std::vector<int> tangents{first};
  for (const Node* node : path) {
    const int from = tangents.back();
    if (const auto* o = std::get_if<LinearNode>(node)) {
      tangents.push_back(tangent_linear(
          access(o->x, from), whole(parameter_[o->layer]), o->y.tensor, k,
          [this, layer = o->layer](const Locator& at) { return linear_place(at, layer, parameter_[layer], 0); }));
    } else if (const auto* m = std::get_if<MultiplyNode>(node)) {
      tangents.push_back(masked(*m, from, curvature_matrix("tangent of ", m->y.tensor, k)));
    } else if (const auto* s = std::get_if<SumNode>(node)) {
      tangents.push_back(from);
      if (s->coefficient[0] != 1.0f) throw std::logic_error("a path of tangents copies without a factor");
    }
  }
  return tangents;
}

int Lowering::masked(const MultiplyNode& o, int from, int to) {
  const Access a = whole(from), b = access(o.b), y = whole(to);
  assembly_.add({a, b}, {y}, [this, a, b, y](const Locator& at) {
    return operation(Multiply{assembly_.view(at, a), assembly_.view(at, b), assembly_.view(at, y), false});
  });
  return to;
}

/// R_k of the gradient by the source's output, before its activation.
int Lowering::adjoint_along(const LinearNode& source, const std::vector<const Node*>& path,
                            const std::vector<int>& tangents, int k) {
  const auto& loss = std::get<TargetNode>(*path.back());
  int d = curvature_matrix("curvature by ", loss.x.tensor, k);
  const Access x = access(loss.x), target = access(loss.target), tangent = whole(tangents.back()), to = whole(d);
  const int count = term_count_.at(loss.term);
  assembly_.add({x, target, tangent, whole(count)}, {to},
                [=, this, form = loss.form, first_weight = loss.first_weight](const Locator& at) {
                  const Assembly& a = assembly_;
                  return operation(TargetCurvature{a.view(at, x), a.view(at, target), a.view(at, tangent),
                                                   at.place(count), a.view(at, to), form, first_weight});
                });
  for (std::size_t i = path.size() - 1; i-- > 0;) {
    if (const auto* m = std::get_if<MultiplyNode>(path[i])) {
      d = masked(*m, d, curvature_matrix("curvature by ", m->a.tensor, k));
    } else if (const auto* o = std::get_if<LinearNode>(path[i])) {
      slope_in_place(o->y.tensor, d);
      curvature_gradient(o->layer, k, access(o->x), whole(d), false);
      curvature_gradient(o->layer, k, access(o->x, tangents[i]), access(o->y, adjoint(o->y.tensor, k)), true);
      d = input_gradient(whole(d), *o, parameter_[o->layer], 0, curvature_matrix("curvature by ", o->x.tensor, k),
                         false);
    }
  }
  slope_in_place(source.y.tensor, d);
  return d;
}

int Lowering::input_gradient(Access dy, const LinearNode& o, int weights, int lane, int to, bool accumulate) {
  const Access dx = whole(to), x = access(o.x);
  std::vector<Access> reads{dy};
  reads.push_back(weights == gradient_[o.layer] ? lane_access(o.layer, static_cast<std::size_t>(lane))
                                                : whole(weights));
  assembly_.add(std::move(reads), {dx}, [this, dy, x, dx, o, weights, lane, accumulate](const Locator& at) {
    return operation(LinearInputGradient{assembly_.view(at, dy), linear_place(at, o.layer, weights, lane),
                                         assembly_.view(at, x), assembly_.view(at, dx), Activation::identity,
                                         accumulate});
  });
  return to;
}

void Lowering::curvature_operations(const LinearNode& source) {
  const bool goes_on = graph_.tensors()[source.x.tensor].origin == TensorOrigin::computed;
  for (int k = 0; k < tasks_; ++k) {
    const std::vector<const Node*>& path = paths_[static_cast<std::size_t>(k)];
    const std::vector<int> lanes_of = layer_lanes(source.layer);
    const auto lane = static_cast<int>(std::find(lanes_of.begin(), lanes_of.end(), k) - lanes_of.begin());
    const int first = tangent_linear(access(source.x), lane_access(source.layer, static_cast<std::size_t>(lane)),
                                     source.y.tensor, k, [this, layer = source.layer, lane](const Locator& at) {
                                       return linear_place(at, layer, gradient_[layer], lane);
                                     });
    const int d = adjoint_along(source, path, tangents_along(path, first, k), k);
    curvature_gradient(source.layer, k, access(source.x), whole(d), false);
    if (!goes_on) continue;
    int dx = curvature_matrix("curvature by ", source.x.tensor, k);
    input_gradient(whole(d), source, parameter_[source.layer], 0, dx, false);
    input_gradient(access(source.y, adjoint(source.y.tensor, k)), source, gradient_[source.layer], lane, dx, true);
    Region from = source.x;
    from.block = from.col = 0;
    copies_[{source.x.tensor, kMerged}].push_back({source.x, from, dx, tasks_ + k, 1.0f, false});
  }
}

void Lowering::curvature_weights() {
  if (!reaches_network()) return;
  const Balancing& here = balancing_[0];
  assembly_.add({whole(here.gram), whole(here.next), whole(here.weights)}, {whole(curvature_)}, [this](const Locator&) {
    return operation(CurvatureWeights{tasks_, options_.loss_scale});
  });
}

}  // namespace equipoise
