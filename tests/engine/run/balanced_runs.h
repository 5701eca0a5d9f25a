// tests/engine/run/balanced_runs.h - every balancing method, some compositions, and every place where gradients can be
// balanced, as MLDRL trainings.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "engine/balance/methods.h"
#include "engine/base/dataset.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/train/trainer.h"
#include "kernels/balance/chain.h"
#include "tests/engine/lower/graph_gradients.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {

struct BalancedRun {
  std::string name;
  std::vector<std::string> methods;
  std::string at = "parameters";
  bool private_weights = false, rescale = false;
  std::string over = "heads";
};
inline void PrintTo(const BalancedRun& run, std::ostream* to) { *to << run.name; }

inline std::vector<BalancedRun> balanced_runs() {
  std::vector<BalancedRun> runs;
  for (const std::string& name : method_names()) runs.push_back({name, {name}});
  runs.push_back({"gradnorm_then_pcgrad", {"gradnorm", "pcgrad"}});
  runs.push_back({"uw_then_cagrad", {"uw", "cagrad:c=0.6"}});
  runs.push_back({"nsgd_then_gradvac", {"nsgd", "gradvac:beta=0.1"}});
  runs.push_back({"gradnorm_then_graddrop", {"gradnorm:form=softmax", "graddrop:leak=0.2"}});
  runs.push_back({"famo_rlw_mgda_imtl_g", {"famo", "rlw", "mgda:normalise=loss+", "imtl_g"}});
  runs.push_back({"mgda_at_latent", {"mgda:normalise=l2"}, "latent"});
  runs.push_back({"graddrop_at_latent", {"graddrop"}, "latent"});
  runs.push_back({"pcgrad_over_shared", {"pcgrad"}, "parameters", true, true, "shared"});
  runs.push_back({"graddrop_over_encoder", {"graddrop"}, "parameters", false, false, "encoder1.linear1.weight"});
  return runs;
}

inline Setup setup_of(const BalancedRun& run) {
  Setup setup = synthetic_setup();
  mldrl(setup).features = {21, 13};
  mldrl(setup).hidden = 12;
  const MethodList list = parse_methods(run.methods, "test");
  setup.balance = {{.methods = list.methods,
                    .over = run.over,
                    .at = run.at,
                    .private_weights = run.private_weights,
                    .rescale = run.rescale}};
  return setup;
}

/// The synthetic tables as a data set, all of whose rows train.
struct SyntheticTraining {
  Dataset data;
  Split split;
  TrainingPlan plan;
};
inline SyntheticTraining synthetic_training(const Setup& setup, int batch) {
  SyntheticTraining t;
  const RunTables tables = synthetic_tables(setup);
  for (const RunTables::Values& s : tables.sources) {
    t.data.views.push_back(s.values);
    t.data.features.push_back(s.cols);
  }
  t.data.label.assign(tables.labels.begin(), tables.labels.end());
  t.data.rows = setup.settings.rows;
  t.data.classes = mldrl(setup).classes;
  for (int r = 0; r < setup.settings.rows; ++r) {
    t.data.ids.push_back(std::to_string(r));
    t.split.train.push_back(r);
  }
  t.plan.setup = setup;
  t.plan.batch = batch;
  t.plan.epochs = 100;
  t.plan.patience = 0;
  t.plan.monitor = Monitor::loss;
  t.plan.class_weights = tables.class_weights;
  return t;
}

/// Parameters after some steps of one squared error through two layers.
inline std::string one_task_hash(const std::vector<std::string>& methods) {
  RandomGraph r;
  r.source_cols[0] = r.source_cols[1] = 5;
  const int first = r.graph.layer(5, {{"first", 4}}), second = r.graph.layer(4, {{"second", 5}});
  const int x = r.graph.input("x", 0, 5), h = r.graph.tensor("h", 1, 4), y = r.graph.tensor("y", 1, 5);
  const int term = r.graph.term("error", Divisor::rows, 5);
  r.graph.task("error", TaskForm::sum, {term});
  r.graph.add(LinearNode{r.graph.all(x), r.graph.all(h), first, Activation::tanh});
  r.graph.add(LinearNode{r.graph.all(h), r.graph.all(y), second, Activation::identity});
  r.graph.add(SquaredErrorNode{r.graph.all(y), r.graph.all(x), term});
  r.over = {{first, false, 0, 4, 1}};
  Settings settings = settings_of(r);
  settings.initial_weights[0] = 1.0;
  HostExecutor executor(1);
  const LowerOptions options = options_of(r, 5, {}, methods);
  const Outcome out = outcome_of(r, options, settings, executor, 8, tables_of(r, 3));
  const Program program = lower(r.graph, options);
  Sha256 sha;
  for (const ParameterInfo& p : program.parameters) {
    const std::vector<float> values = read_parameter(program, p, StatePart::parameter, out.state);
    sha.update(values.data(), values.size() * sizeof(float));
  }
  return sha.hex();
}

}  // namespace equipoise::test
