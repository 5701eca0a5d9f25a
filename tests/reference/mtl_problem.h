// tests/reference/mtl_problem.h - random multi-task networks and batches, equal on every machine for equal seeds.
#pragma once

#include <limits>
#include <string>

#include "tests/reference/mtl.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {

struct MtlProblem {
  MtlNetwork network;
  MtlParameters parameters;
  MtlBatch batch;
};

/// 0 or 1, each with probability 1/2.
inline Matrix random_mask(int rows, int cols, Draws& draws) {
  Matrix mask(rows, cols);
  for (double& m : mask.values) m = draws.below(2);
  return mask;
}

/// Adds the parameters and the mask of a hidden layer and returns its width.
inline int add_hidden_layer(MtlProblem& p, const std::string& layer, int in, Draws& draws) {
  const int width = 2 + draws.below(5);
  add_layer(p.parameters, layer, in, width, draws);
  if (p.network.dropout > 0.0) p.batch.kept[layer] = random_mask(p.batch.x.rows, width, draws);
  return width;
}

/// Targets that fit the kind; about a quarter of those of binary, classes and count are missing.
inline Matrix random_target(TargetKind kind, int rows, int outputs, Draws& draws) {
  if (kind == TargetKind::regression) return draws.matrix(rows, outputs, -2.0, 2.0);
  Matrix target(rows, kind == TargetKind::classes ? 1 : outputs);
  for (double& t : target.values) {
    t = draws.below(kind == TargetKind::binary ? 2 : kind == TargetKind::count ? 5 : outputs);
    if (draws.below(4) == 0) t = std::numeric_limits<double>::quiet_NaN();
  }
  return target;
}

/// Up to three trunk layers, and towers of up to three layers for one to four tasks of mixed kinds.
inline MtlProblem random_mtl_problem(double dropout, Draws& draws) {
  MtlProblem p;
  p.network.dropout = dropout;
  const int rows = 2 + draws.below(6);
  p.batch.x = draws.matrix(rows, 1 + draws.below(5), -2.0, 2.0);
  int shared = p.batch.x.cols;
  for (int i = draws.below(4); i > 0; --i) {
    p.network.trunk.push_back("trunk." + std::to_string(p.network.trunk.size()));
    shared = add_hidden_layer(p, p.network.trunk.back(), shared, draws);
  }
  const int tasks = 1 + draws.below(4);
  for (int k = 0; k < tasks; ++k) {
    MtlTask task{"task" + std::to_string(k), static_cast<TargetKind>(draws.below(4)), {}};
    int width = shared;
    for (int i = draws.below(3); i > 0; --i) {
      task.layers.push_back(task.name + "." + std::to_string(task.layers.size()));
      width = add_hidden_layer(p, task.layers.back(), width, draws);
    }
    const int outputs = 2 + draws.below(3);
    task.layers.push_back(task.name + "." + std::to_string(task.layers.size()));
    add_layer(p.parameters, task.layers.back(), width, outputs, draws);
    p.batch.target.push_back(random_target(task.kind, rows, outputs, draws));
    p.network.tasks.push_back(std::move(task));
  }
  return p;
}

}  // namespace equipoise::reference
