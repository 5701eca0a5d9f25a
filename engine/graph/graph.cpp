// engine/graph/graph.cpp - building a graph.
#include "engine/graph/graph.h"

#include <stdexcept>
#include <utility>

namespace equipoise {

int Graph::tensor(std::string name, int blocks, int cols) {
  tensors_.push_back({std::move(name), blocks, cols});
  return static_cast<int>(tensors_.size()) - 1;
}

int Graph::input(std::string name, int source, int cols) {
  tensors_.push_back({std::move(name), 1, cols, TensorOrigin::gathered, source});
  return static_cast<int>(tensors_.size()) - 1;
}

int Graph::noise(std::string name, int blocks, int cols) {
  tensors_.push_back({std::move(name), blocks, cols, TensorOrigin::drawn, -1, streams_++});
  return static_cast<int>(tensors_.size()) - 1;
}

int Graph::mask(std::string name, int blocks, int cols, float rate) {
  tensors_.push_back({std::move(name), blocks, cols, TensorOrigin::masked, -1, streams_++, rate});
  return static_cast<int>(tensors_.size()) - 1;
}

void Graph::route(int layer, std::vector<float> coefficient) {
  if (routes_.size() <= static_cast<std::size_t>(layer)) routes_.resize(static_cast<std::size_t>(layer) + 1);
  routes_[static_cast<std::size_t>(layer)] = std::move(coefficient);
}

float Graph::route(int layer, int task) const {
  if (routes_.size() <= static_cast<std::size_t>(layer)) return 1.0f;
  const std::vector<float>& line = routes_[static_cast<std::size_t>(layer)];
  return line.size() > static_cast<std::size_t>(task) ? line[static_cast<std::size_t>(task)] : 1.0f;
}

int Graph::layer(int in, std::vector<std::pair<std::string, int>> names_and_outputs) {
  Layer layer;
  layer.in = in;
  for (auto& [name, rows] : names_and_outputs) {
    layer.slices.push_back({std::move(name), layer.out, rows});
    layer.out += rows;
  }
  layers_.push_back(std::move(layer));
  return static_cast<int>(layers_.size()) - 1;
}

int Graph::term(std::string name, Divisor divisor, double per_row) {
  terms_.push_back({std::move(name), -1, divisor, per_row});
  return static_cast<int>(terms_.size()) - 1;
}

int Graph::task(std::string name, TaskForm form, std::vector<int> terms) {
  expect_one_task(terms);
  const int number = static_cast<int>(tasks_.size());
  for (int t : terms) terms_[t].task = number;
  tasks_.push_back({std::move(name), form, std::move(terms)});
  expect_known_slopes(tasks_.back());
  for (const Node& node : nodes_) expect_known_slopes(node);
  return number;
}

int Graph::find(const std::string& tensor) const {
  for (std::size_t t = 0; t < tensors_.size(); ++t)
    if (tensors_[t].name == tensor) return static_cast<int>(t);
  throw std::logic_error("the graph has no tensor '" + tensor + "'");
}

void Graph::add(Node node) {
  expect_own_mean(node);
  expect_one_maker(node);
  nodes_.push_back(std::move(node));
  expect_known_slopes(nodes_.back());
  for (const Task& task : tasks_) expect_known_slopes(task);
}

Region Graph::all(int tensor) const { return {tensor, 0, tensors_[tensor].blocks, 0, tensors_[tensor].cols}; }
Region Graph::block(int tensor, int block) const { return {tensor, block, 1, 0, tensors_[tensor].cols}; }
Region Graph::columns(Region region, int col, int cols) {
  region.col += col;
  region.cols = cols;
  return region;
}

NodeAccess access_of(const Graph& graph, const Node& node) {
  struct Visitor {
    const Graph& graph;
    NodeAccess operator()(const LinearNode& o) const { return {{o.x}, {o.y}}; }
    NodeAccess operator()(const LatentNode& o) const {
      return {{graph.all(o.heads), graph.all(o.noise)}, {graph.all(o.sigma), graph.all(o.z)}};
    }
    NodeAccess operator()(const SumNode& o) const { return {o.from, {o.to}}; }
    NodeAccess operator()(const SoftmaxNode& o) const { return {{o.x}, {o.y}}; }
    NodeAccess operator()(const MultiplyNode& o) const { return {{o.a, o.b}, {o.y}}; }
    NodeAccess operator()(const SquaredErrorNode& o) const { return {{o.y, o.target}, {}}; }
    NodeAccess operator()(const TargetNode& o) const { return {{o.x, o.target}, {}}; }
    NodeAccess operator()(const TargetCrossEntropyNode& o) const { return {{o.x, o.target}, {}}; }
    NodeAccess operator()(const AdversarialNode& o) const { return {{o.x}, {}}; }
    NodeAccess operator()(const CrossEntropyNode& o) const { return {{o.x}, {}}; }
    NodeAccess operator()(const InherentVariationalNode& o) const { return {{o.z}, {}}; }
  };
  return std::visit(Visitor{graph}, node);
}

std::vector<int> terms_of(const Node& node) {
  struct Visitor {
    std::vector<int> operator()(const LatentNode& o) const {
      return o.kl_term < 0 ? std::vector<int>{} : std::vector<int>{o.kl_term};
    }
    std::vector<int> operator()(const InherentVariationalNode& o) const {
      return {o.inherent_term, o.variational_term};
    }
    std::vector<int> operator()(const SquaredErrorNode& o) const { return {o.term}; }
    std::vector<int> operator()(const TargetNode& o) const { return {o.term}; }
    std::vector<int> operator()(const TargetCrossEntropyNode& o) const { return {o.term}; }
    std::vector<int> operator()(const AdversarialNode& o) const { return {o.term}; }
    std::vector<int> operator()(const CrossEntropyNode& o) const { return {o.term}; }
    std::vector<int> operator()(const LinearNode&) const { return {}; }
    std::vector<int> operator()(const SumNode&) const { return {}; }
    std::vector<int> operator()(const MultiplyNode&) const { return {}; }
    std::vector<int> operator()(const SoftmaxNode&) const { return {}; }
  };
  return std::visit(Visitor{}, node);
}

}  // namespace equipoise
