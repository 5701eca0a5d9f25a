// tests/engine/systems/network_cases.h - multi-task networks whose GradNorm loss is the network's loss too
// (network=on).
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {

/// A regression of one output, one of three, and a binary task, in turn.
inline std::vector<Target> reachable_tasks(int count) {
  std::vector<Target> tasks;
  int col = 0;
  for (int k = 0; k < count; ++k) {
    Target t{.name = "task" + std::to_string(k), .likelihood = &regression(), .first_col = col};
    if (k % 3 == 1) t.cols = 3;
    if (k % 3 == 2) t.likelihood = &binary();
    col += t.cols;
    tasks.push_back(t);
  }
  return tasks;
}

/// One network: its shape, and the habits under which GradNorm balances it.
struct NetworkCase {
  std::string name, habits;
  int tasks;
  std::vector<int> trunk, tower;
  double dropout, loss_scale;
  Activation activation = Activation::relu;
  std::string variant = "towers";
};
inline void PrintTo(const NetworkCase& c, std::ostream* to) { *to << c.name; }

inline const std::vector<NetworkCase> kNetworkCases = {
    {"Towers", "gradnorm:loss_ratio=weighted,renormalise=in_loss", 2, {7}, {5, 4}, 0.5, 1.0},
    {"TowersOfThreeTasks", "gradnorm:loss_ratio=weighted,renormalise=in_loss", 3, {9}, {6}, 0.3, 0.5},
    {"Trunk", "gradnorm:restart=each_step", 3, {6, 7, 5}, {}, 0.0, 1.0, Activation::relu, "trunk"},
    {"TrunkOfTenTasks", "gradnorm:restart=each_step", 10, {6, 5}, {}, 0.0, 0.5, Activation::relu, "trunk"},
    {"TrunkWithDropout", "gradnorm:renormalise=none", 2, {8, 6}, {}, 0.4, 0.5, Activation::relu, "trunk"},
    {"TowersOfTenTasks", "gradnorm:loss_ratio=weighted,renormalise=none", 10, {6, 5}, {4}, 0.2, 1.0},
    {"WithoutKinks",
     "gradnorm:renormalise=in_loss,restart=each_step",
     3,
     {5, 4},
     {4, 3},
     0.0,
     1.0,
     Activation::identity},
    {"WithoutKinksAndWithDropout", "gradnorm:form=softmax", 2, {5}, {4}, 0.5, 0.5, Activation::identity},
    {"TrunkOfSixteenTasks", "gradnorm:restart=each_step", 16, {4, 3}, {}, 0.0, 1.0, Activation::relu, "trunk"},
    {"Modified", "gradnorm_modified:form=weights", 3, {6, 5}, {5}, 0.25, 0.5}};

/// Its training; `network` ends the habits.
inline Setup setup_of(const NetworkCase& c, const std::string& network = ",network=on") {
  Setup setup = mtl_setup(c.variant);
  train_fast(setup);
  balance_by(setup, {c.habits + network});
  setup.loss_scale = c.loss_scale;
  setup.settings.seed = 5;
  MtlModel& m = mtl(setup);
  m.features = 6;
  m.trunk = c.trunk;
  m.tower = c.tower;
  m.dropout = c.dropout;
  m.activation = c.activation;
  m.tasks = reachable_tasks(c.tasks);
  for (int k = 0; k < c.tasks; ++k) setup.settings.initial_weights[k] = 0.6 + 0.3 * (k % 5);
  return setup;
}

}  // namespace equipoise::test
