// engine/train/dead_layers.cpp - evaluates a model with its hidden layers as outputs.
#include "engine/train/dead_layers.h"

#include <algorithm>
#include <map>

#include "engine/lower/lower.h"
#include "engine/train/evaluator.h"

namespace equipoise {
namespace {

constexpr int kRowsOfARun = 16 * kEvaluationBatch;

/// Where units of a layer lie: in one block of a tensor.
struct Units {
  std::string layer;
  Region region;
};

std::vector<Units> relu_units(const Graph& graph) {
  std::vector<Units> all;
  for (const Node& node : graph.nodes()) {
    const auto* linear = std::get_if<LinearNode>(&node);
    if (!linear || linear->activation != Activation::relu) continue;
    for (const LayerSlice& slice : graph.layers()[static_cast<std::size_t>(linear->layer)].slices)
      for (int block = 0; block < linear->y.blocks; ++block)
        all.push_back(
            {slice.name, {linear->y.tensor, linear->y.block + block, 1, linear->y.col + slice.first_row, slice.rows}});
  }
  return all;
}

/// lives[layer][replica]: whether a unit was positive on some row.
using Lives = std::map<std::string, std::vector<bool>>;

bool all_live(std::span<const Units> units, const Lives& lives) {
  return std::all_of(units.begin(), units.end(), [&](const Units& u) {
    const std::vector<bool>& of = lives.at(u.layer);
    return std::all_of(of.begin(), of.end(), [](bool alive) { return alive; });
  });
}

void note(std::span<const Units> units, const Emitted& emitted, Lives& lives) {
  for (std::size_t i = 0; i < units.size(); ++i) {
    const std::vector<float>& values = emitted.values[i];
    std::vector<bool>& of = lives.at(units[i].layer);
    const std::size_t share = values.size() / of.size();  // rows that a replica has not are zero
    for (std::size_t r = 0; r < of.size(); ++r) {
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(r * share);
      if (!of[r])
        of[r] = std::any_of(begin, begin + static_cast<std::ptrdiff_t>(share), [](float x) { return !(x <= 0); });
    }
  }
}

}  // namespace

std::vector<std::vector<std::string>> dead_layers(const Setup& setup, std::span<const Settings> replicas,
                                                  Executor& executor) {
  Graph graph = setup.system->graph(Pass::evaluate);
  const std::vector<Units> units = relu_units(graph);
  Lives lives;
  int rows = 0;             // of the replica with most
  std::vector<bool> known;  // a replica without rows has no dead layer
  for (const Settings& s : replicas) {
    rows = std::max(rows, s.rows);
    known.push_back(s.rows == 0);
  }
  for (const Units& u : units) lives[u.layer] = known;
  for (std::size_t from = 0; from < units.size(); from += kMaxOutputs) {
    const std::span<const Units> some =
        std::span(units).subspan(from, std::min<std::size_t>(kMaxOutputs, units.size() - from));
    if (all_live(some, lives)) continue;
    std::vector<Region> shown;
    for (const Units& u : some) shown.push_back(u.region);
    graph.output_only(std::move(shown));
    const Program program = lower(graph, evaluation_options(setup, kEvaluationBatch, executor.plan_limits()));
    for (int done = 0; done < rows && !all_live(some, lives); done += kRowsOfARun) {
      std::vector<Settings> settings(replicas.begin(), replicas.end());
      std::vector<Control> controls;
      Emitted emitted{std::min(kRowsOfARun, rows - done), {}};
      for (Settings& s : settings) {
        s.first_row += done;
        s.rows = std::clamp(s.rows - done, 0, emitted.rows);
        controls.push_back(fresh_control(s, static_cast<int>(program.task_names.size())));
      }
      const int steps = (emitted.rows + program.batch - 1) / program.batch;
      executor.run(program, settings, controls, {steps, true}, &emitted);
      note(some, emitted, lives);
    }
  }
  std::vector<std::vector<std::string>> dead(replicas.size());
  for (const Units& u : units)
    for (std::size_t r = 0; r < replicas.size(); ++r)
      if (!lives.at(u.layer)[r] && std::find(dead[r].begin(), dead[r].end(), u.layer) == dead[r].end())
        dead[r].push_back(u.layer);
  return dead;
}

}  // namespace equipoise
