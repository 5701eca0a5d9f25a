// tests/engine/lower/graph_reference.h - the task losses of any graph in double, by plain loops over its nodes.
#pragma once

#include <cmath>
#include <variant>
#include <vector>

#include "engine/graph/graph.h"
#include "tests/reference/activations.h"
#include "tests/reference/linear.h"

namespace equipoise::test {

/// One batch of a graph: sources by their numbers, what is drawn by tensor.
struct GraphBatch {
  int n = 0;
  std::vector<reference::Matrix> sources;  // [n, cols]
  std::vector<reference::Matrix> drawn;    // [tensors], [blocks * n, cols] of noise and masks
  std::vector<int> labels;                 // [n]
  std::vector<double> class_weights;
};
/// W [out, in] and b [1, out] of each layer.
struct GraphLayer {
  reference::Matrix weight, bias;
};

class GraphReference {
 public:
  GraphReference(const Graph& graph, const std::vector<GraphLayer>& layers, const GraphBatch& batch)
      : graph_(graph), layers_(layers), batch_(batch), terms_(graph.terms().size(), 0.0) {
    for (std::size_t t = 0; t < graph.tensors().size(); ++t) {
      const Tensor& tensor = graph.tensors()[t];
      values_.emplace_back(tensor.blocks * batch.n, tensor.cols, 0.0);
      if (tensor.origin == TensorOrigin::gathered)
        values_.back() = batch.sources[static_cast<std::size_t>(tensor.source)];
      if (tensor.origin == TensorOrigin::drawn || tensor.origin == TensorOrigin::masked)
        values_.back() = batch.drawn[t];
    }
    for (const Node& node : graph.nodes()) std::visit([this](const auto& o) { run(o); }, node);
  }

  /// The loss of each task.
  std::vector<double> losses() const {
    std::vector<double> losses;
    for (const Task& task : graph_.tasks()) {
      const auto term = [&](std::size_t i) { return terms_[static_cast<std::size_t>(task.terms[i])]; };
      double loss = term(0);
      if (task.form == TaskForm::ratio) loss /= term(1);
      if (task.form == TaskForm::difference) loss -= term(1);
      if (task.form == TaskForm::sum)
        for (std::size_t i = 1; i < task.terms.size(); ++i) loss += term(i);
      losses.push_back(loss);
    }
    return losses;
  }

 private:
  double& at(const Region& r, int row, int col) {
    return values_[static_cast<std::size_t>(r.tensor)].at(r.block * batch_.n + row, r.col + col);
  }
  int rows(const Region& r) const { return r.blocks * batch_.n; }
  void add(int term, double sum, double rows) {
    const Term& t = graph_.terms()[static_cast<std::size_t>(term)];
    terms_[static_cast<std::size_t>(term)] = sum / ((t.divisor == Divisor::none ? 1.0 : rows) * t.per_row);
  }
  static reference::Activation same(Activation a) { return static_cast<reference::Activation>(a); }

  void run(const LinearNode& o) {
    const GraphLayer& layer = layers_[static_cast<std::size_t>(o.layer)];
    for (int r = 0; r < rows(o.x); ++r)
      for (int out = 0; out < o.y.cols; ++out) {
        double sum = layer.bias.at(0, out);
        for (int i = 0; i < o.x.cols; ++i) sum += at(o.x, r, i) * layer.weight.at(out, i);
        at(o.y, r, out) = reference::activate(same(o.activation), sum);
      }
  }
  void run(const LatentNode& o) {
    const Region heads = graph_.all(o.heads), noise = graph_.all(o.noise), z = graph_.all(o.z);
    double sum = 0;
    for (int r = 0; r < rows(z); ++r)
      for (int j = 0; j < z.cols; ++j) {
        const double mu = at(heads, r, j), log_sigma = double{o.log_factor} * at(heads, r, z.cols + j),
                     sigma = std::exp(log_sigma);
        at(z, r, j) = mu + (o.use_noise ? sigma * at(noise, r, j) : 0.0);
        sum += 0.5 * (mu * mu + sigma * sigma - 2 * log_sigma - 1);
      }
    add(o.kl_term, sum, batch_.n);
  }
  void run(const SumNode& o) {
    for (int r = 0; r < rows(o.to); ++r)
      for (int c = 0; c < o.to.cols; ++c) {
        double sum = 0;
        for (std::size_t s = 0; s < o.from.size(); ++s) sum += double{o.coefficient[s]} * at(o.from[s], r, c);
        at(o.to, r, c) = sum;
      }
  }
  void run(const MultiplyNode& o) {
    for (int r = 0; r < rows(o.y); ++r)
      for (int c = 0; c < o.y.cols; ++c) at(o.y, r, c) = at(o.a, r, c) * at(o.b, r, c);
  }
  void run(const SoftmaxNode& o) {
    reference::Matrix x(rows(o.x), o.x.cols);
    for (int r = 0; r < x.rows; ++r)
      for (int c = 0; c < x.cols; ++c) x.at(r, c) = at(o.x, r, c);
    const reference::Matrix y = reference::softmax(x);
    for (int r = 0; r < x.rows; ++r)
      for (int c = 0; c < x.cols; ++c) at(o.y, r, c) = y.at(r, c);
  }
  void run(const SquaredErrorNode& o) {
    double sum = 0;
    for (int r = 0; r < rows(o.y); ++r)
      for (int c = 0; c < o.y.cols; ++c) sum += std::pow(at(o.y, r, c) - at(o.target, r % batch_.n, c), 2);
    add(o.term, sum, batch_.n);
  }
  double weight(int first, double t) const {
    return first < 0 ? 1.0 : batch_.class_weights.at(static_cast<std::size_t>(first) + static_cast<std::size_t>(t));
  }
  void run(const TargetNode& o) {
    double sum = 0, known = 0;
    for (int r = 0; r < rows(o.x); ++r)
      for (int c = 0; c < o.x.cols; ++c) {
        const double x = at(o.x, r, c), t = at(o.target, r, c);
        if (std::isnan(t)) continue;
        double loss = 0;
        switch (o.form) {
          case TargetForm::squared:
            loss = (x - t) * (x - t);
            break;
          case TargetForm::logistic:
            loss = std::log1p(std::exp(x)) - t * x;
            break;
          case TargetForm::poisson:
            loss = std::exp(x) - t * x + std::lgamma(t + 1);
            break;
        }
        sum += weight(o.first_weight, t) * loss;
        known += weight(o.first_weight, t);
      }
    add(o.term, sum, known > 0 ? known : 1.0);
  }
  void run(const TargetCrossEntropyNode& o) {
    double sum = 0, known = 0;
    for (int r = 0; r < rows(o.x); ++r) {
      if (std::isnan(at(o.target, r, 0))) continue;
      const double w = weight(o.first_weight, at(o.target, r, 0));
      sum += w * surprise(o.x, r, static_cast<int>(at(o.target, r, 0)));
      known += w;
    }
    add(o.term, sum, known > 0 ? known : 1.0);
  }
  void run(const AdversarialNode& o) {
    double sum = 0;
    for (int r = 0; r < rows(o.x); ++r)
      for (int c = 0; c < o.x.cols; ++c) {
        const double p = 1 / (1 + std::exp(-at(o.x, r, c)));
        sum -= std::log((o.real ? p : 1 - p) + double{o.offset});
      }
    add(o.term, sum, batch_.n);
  }
  /// -log softmax(x)_label of a row
  double surprise(const Region& x, int row, int label) {
    double exponentials = 0;
    for (int c = 0; c < x.cols; ++c) exponentials += std::exp(at(x, row, c));
    return std::log(exponentials) - at(x, row, label);
  }
  void run(const CrossEntropyNode& o) {
    double sum = 0, weight = 0;
    for (int r = 0; r < batch_.n; ++r) {
      const int label = batch_.labels[static_cast<std::size_t>(r)];
      if (label < 0) continue;
      const double w = batch_.class_weights[static_cast<std::size_t>(label)];
      sum += w * surprise(o.x, r, label);
      weight += w;
    }
    add(o.term, sum, weight > 0 ? weight : 1.0);
  }
  void run(const InherentVariationalNode& o) {
    double sums[2] = {};
    for (int one = 0; one < o.z.blocks; ++one)
      for (int other = 0; other < one; ++other)
        for (int r = 0; r < batch_.n; ++r)
          for (int c = 0; c < o.z.cols; ++c)
            sums[c < o.shared ? 0 : 1] +=
                std::pow(at(o.z, one * batch_.n + r, c) - at(o.z, other * batch_.n + r, c), 2);
    add(o.inherent_term, sums[0], batch_.n);
    add(o.variational_term, sums[1], batch_.n);
  }

  const Graph& graph_;
  const std::vector<GraphLayer>& layers_;
  const GraphBatch& batch_;
  std::vector<reference::Matrix> values_;
  std::vector<double> terms_;
};

}  // namespace equipoise::test
