// tests/engine/lower/graph_gradients.h - runs any small graph through lower() and compares its gradient with
// differences.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/balance/methods.h"
#include "engine/lower/lower.h"
#include "engine/run/executor.h"
#include "engine/run/parameters.h"
#include "kernels/balance/chain.h"
#include "kernels/base/philox.h"
#include "tests/engine/lower/graph_reference.h"
#include "tests/engine/lower/random_graph.h"
#include "tests/engine/run/team_executor.h"

namespace equipoise::test {

/// Training that balances over what the graph names, by GradNorm if it names any, or by the methods given.
inline LowerOptions options_of(const RandomGraph& r, int batch, const PlanLimits& limits = {},
                               std::vector<std::string> methods = {}) {
  LowerOptions o;
  o.batch = batch;
  if (methods.empty() && !r.over.empty()) methods = {"gradnorm"};
  if (!methods.empty())
    o.balancers = {
        {.chain = make_chain(parse_methods(methods, "test").methods, static_cast<int>(r.graph.tasks().size())),
         .over = r.over}};
  o.limits = limits;
  return o;
}

/// The tasks that each tensor and each layer feeds, told from what nodes read and write.
struct Reach {
  std::vector<std::set<int>> by_tensor, by_layer;
};
inline Reach reach_of(const Graph& graph) {
  Reach reach{std::vector<std::set<int>>(graph.tensors().size()), std::vector<std::set<int>>(graph.layers().size())};
  auto& [by_tensor, by_layer] = reach;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    std::set<int> tasks;
    const NodeAccess access = access_of(graph, *node);
    for (const Region& w : access.writes) tasks.insert(by_tensor[w.tensor].begin(), by_tensor[w.tensor].end());
    const auto ends = [&](int term) { tasks.insert(graph.terms()[static_cast<std::size_t>(term)].task); };
    if (const auto* o = std::get_if<LatentNode>(&*node)) ends(o->kl_term);
    if (const auto* o = std::get_if<TargetNode>(&*node)) ends(o->term);
    if (const auto* o = std::get_if<TargetCrossEntropyNode>(&*node)) ends(o->term);
    if (const auto* o = std::get_if<AdversarialNode>(&*node)) ends(o->term);
    if (const auto* o = std::get_if<SquaredErrorNode>(&*node)) ends(o->term);
    if (const auto* o = std::get_if<CrossEntropyNode>(&*node)) ends(o->term);
    if (const auto* o = std::get_if<InherentVariationalNode>(&*node)) ends(o->inherent_term);
    for (const Region& r : access.reads) by_tensor[r.tensor].insert(tasks.begin(), tasks.end());
    if (const auto* o = std::get_if<LinearNode>(&*node))
      for (int task : tasks)
        if (graph.route(o->layer, task) != 0) by_layer[o->layer].insert(task);
  }
  return reach;
}
inline std::vector<int> tasks_of_layers(const Graph& graph) {
  std::vector<int> counts;
  for (const std::set<int>& tasks : reach_of(graph).by_layer) counts.push_back(static_cast<int>(tasks.size()));
  return counts;
}
inline int tasks_through(const Graph& graph, int tensor) {
  return static_cast<int>(reach_of(graph).by_tensor[static_cast<std::size_t>(tensor)].size());
}

inline constexpr int kTableRows = 13;

/// Values of both sources, and labels of which some are missing.
inline RunTables tables_of(const RandomGraph& r, uint64_t seed) {
  reference::Draws draws(seed + 1000);
  RunTables tables;
  for (int cols : r.source_cols) {
    tables.sources.push_back({{}, cols});
    for (int i = 0; i < kTableRows * cols; ++i)
      tables.sources.back().values.push_back(static_cast<float>(draws.uniform(-1.5, 1.5)));
  }
  std::vector<float>& targets = tables.sources[1].values;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (r.target_classes > 0)
      targets[i] = std::floor((targets[i] + 1.5f) / 3.001f * static_cast<float>(r.target_classes));
    if (r.gaps && i % 4 == 1) targets[i] = std::numeric_limits<float>::quiet_NaN();
  }
  for (int i = 0; i < kTableRows; ++i) {
    tables.labels.push_back(draws.below(r.classes + 1) - 1);
    tables.row_list.push_back(i);
  }
  for (int c = 0; c < r.classes; ++c) tables.class_weights.push_back(0.5f + 0.5f * static_cast<float>(c));
  return tables;
}

/// Another initial weight for every task, so that a gradient weighted by the wrong one shows.
inline Settings settings_of(const RandomGraph& r) {
  Settings s;
  s.rows = kTableRows;
  s.seed = 6;
  s.lr = s.task_lr = 2e-3;
  for (std::size_t k = 0; k < r.graph.tasks().size(); ++k) s.initial_weights[k] = 0.5 + 0.75 * static_cast<double>(k);
  for (const Tensor& t : r.graph.tensors())
    if (t.origin == TensorOrigin::masked) s.dropout = double{t.rate};
  return s;
}

/// State and control after some steps under one plan, as bytes.
struct Outcome {
  std::vector<float> state;
  Control control;
  bool operator==(const Outcome& o) const {
    return std::memcmp(state.data(), o.state.data(), state.size() * sizeof(float)) == 0 &&
           std::memcmp(&control, &o.control, sizeof control) == 0;
  }
};
inline Outcome outcome_of(const RandomGraph& r, const LowerOptions& options, const Settings& settings,
                          Executor& executor, int steps, const RunTables& tables) {
  const Program program = lower(r.graph, options);
  Outcome out{std::vector<float>(static_cast<std::size_t>(program.state_floats)),
              fresh_control(settings, static_cast<int>(r.graph.tasks().size()),
                            std::max(static_cast<int>(options.balancers.size()), 1))};
  initialise(program, out.state, settings.seed, 0);
  executor.load_tables(tables);
  executor.load_state(out.state, program.state_floats);
  executor.run(program, {&settings, 1}, {&out.control, 1}, {steps, false});
  executor.store_state(out.state);
  return out;
}

/// The layers of a graph from a replica's state.
inline std::vector<GraphLayer> layers_of(const Graph& graph, const Program& program, std::span<const float> state) {
  std::vector<GraphLayer> layers;
  for (const Layer& l : graph.layers()) layers.push_back({reference::Matrix(0, l.in), reference::Matrix(1, 0)});
  for (const ParameterInfo& p : program.parameters) {
    const std::vector<float> values = read_parameter(program, p, StatePart::parameter, state);
    GraphLayer& layer = layers[static_cast<std::size_t>(p.layer)];
    reference::Matrix& m = p.shape.size() == 2 ? layer.weight : layer.bias;
    m.values.insert(m.values.end(), values.begin(), values.end());
    (p.shape.size() == 2 ? m.rows : m.cols) += static_cast<int>(p.shape[0]);
  }
  return layers;
}

/// The first batch of a run over the tables, in the order of the row list.
inline GraphBatch batch_of(const RandomGraph& r, const RunTables& tables, const Settings& settings, int batch) {
  GraphBatch b;
  b.n = batch;
  for (const RunTables::Values& s : tables.sources)
    b.sources.emplace_back(batch, s.cols, std::vector<double>(s.values.begin(), s.values.begin() + batch * s.cols));
  for (std::size_t t = 0; t < r.graph.tensors().size(); ++t) {
    const Tensor& tensor = r.graph.tensors()[t];
    b.drawn.emplace_back(tensor.blocks * batch, tensor.cols);
    const bool masked = tensor.origin == TensorOrigin::masked;
    if (tensor.origin != TensorOrigin::drawn && !masked) continue;
    const uint32_t purpose = purpose_of(masked ? Purpose::dropout : Purpose::noise, tensor.stream);
    for (int row = 0; row < tensor.blocks * batch; ++row)
      for (int c = 0; c < tensor.cols; ++c) {
        const PhiloxBlock words = draw({settings.seed, settings.replica, 0, purpose},
                                       static_cast<uint32_t>(row * ((tensor.cols + 3) / 4) + c / 4));
        float four[4];
        normals(words, four);
        const bool kept = uniform01(words.v[c % 4]) >= tensor.rate;
        b.drawn.back().at(row, c) = masked ? (kept ? 1 / (1 - double{tensor.rate}) : 0.0) : four[c % 4];
      }
  }
  b.labels.assign(tables.labels.begin(), tables.labels.begin() + batch);
  b.class_weights.assign(tables.class_weights.begin(), tables.class_weights.end());
  return b;
}

/// Derivatives of every task by one layer's parameters, by central differences: [task][element of W then of b].
inline std::vector<std::vector<double>> differences(const Graph& graph, std::vector<GraphLayer> layers,
                                                    std::size_t layer, const GraphBatch& batch) {
  constexpr double kStep = 1e-5;
  std::vector<std::vector<double>> by_task(graph.tasks().size());
  for (reference::Matrix* m : {&layers[layer].weight, &layers[layer].bias})
    for (double& value : m->values) {
      const double middle = value;
      value = middle + kStep;
      const std::vector<double> above = GraphReference(graph, layers, batch).losses();
      value = middle - kStep;
      const std::vector<double> below = GraphReference(graph, layers, batch).losses();
      value = middle;
      for (std::size_t k = 0; k < by_task.size(); ++k) by_task[k].push_back((above[k] - below[k]) / (2 * kStep));
    }
  return by_task;
}

/// Expects the losses of one step and its total gradient to be those of GraphReference. With beta1 = 0 Adam's first
/// moment after one step is the total gradient itself. `seed` chooses the values; `change` what is balanced and how;
/// `balancer_of` says by layer whose coefficients a shared one takes, if not all the first's.
inline void expect_total_gradient(
    const RandomGraph& r, uint64_t seed, const std::vector<std::string>& methods = {},
    const std::function<void(LowerOptions&)>& change = [](LowerOptions&) {}, std::vector<int> balancer_of = {}) {
  balancer_of.resize(r.graph.layers().size(), 0);
  LowerOptions options = options_of(r, 5, {}, methods);
  change(options);
  options.shuffle = false;
  options.loss_scale = 0.5f;
  Settings settings = settings_of(r);
  settings.beta1 = 0;
  settings.lr = 0;
  const RunTables tables = tables_of(r, seed);
  HostExecutor executor(1);
  const Outcome out = outcome_of(r, options, settings, executor, 1, tables);
  const Program program = lower(r.graph, options);
  const std::vector<GraphLayer> layers = layers_of(r.graph, program, out.state);
  const GraphBatch batch = batch_of(r, tables, settings, 5);

  const bool alone = !options.balancers.empty() && r.graph.tasks().size() == 1;  // one task alone weighs 1
  for (std::size_t k = 0; methods.empty() && k < r.graph.tasks().size(); ++k)
    EXPECT_EQ(out.control.shared_weights[k], alone ? 1.0 : settings.initial_weights[k]);
  const std::vector<double> losses = GraphReference(r.graph, layers, batch).losses();
  for (std::size_t k = 0; k < losses.size(); ++k)
    EXPECT_NEAR(out.control.losses[k], losses[k], 1e-5 * (1 + std::fabs(losses[k])))
        << "seed " << seed << ", task " << k;

  const std::vector<int> tasks_of = tasks_of_layers(r.graph);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const double* coefficient = tasks_of[layer] > 1 ? out.control.shared_weights : out.control.private_weights;
    coefficient += static_cast<std::size_t>(balancer_of[layer]) * r.graph.tasks().size();
    const auto by_task = differences(r.graph, layers, layer, batch);
    std::vector<double> expected(by_task[0].size(), 0.0);
    double largest = 0;
    for (std::size_t k = 0; k < by_task.size(); ++k)
      for (std::size_t e = 0; e < expected.size(); ++e) {
        const double part =
            coefficient[k] * double{r.graph.route(static_cast<int>(layer), static_cast<int>(k))} * by_task[k][e];
        expected[e] += 0.5 * part;
        largest = std::max(largest, std::fabs(part));
      }
    std::size_t e = 0;
    for (bool bias : {false, true})
      for (const ParameterInfo& p : program.parameters) {
        if (p.layer != static_cast<int>(layer) || (p.shape.size() == 1) != bias) continue;
        for (float g : read_parameter(program, p, StatePart::moment1, out.state)) {
          // Dot products of up to 20 terms through at most five layers; differences off by some 1e-9.
          EXPECT_NEAR(g, expected[e], 4e-6 * largest + 1e-7) << "seed " << seed << ", " << p.name << ", element " << e;
          ++e;
        }
      }
  }
}

}  // namespace equipoise::test
