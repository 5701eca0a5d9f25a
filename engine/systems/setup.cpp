// engine/systems/setup.cpp - what a setup means to lower().
#include "engine/systems/setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "engine/balance/methods.h"
#include "engine/base/error.h"

namespace equipoise {

namespace {

/// What is said of a name that is no parameter; it may be a group of another kind's.
std::string absence(const System& system, const std::string& name) {
  std::vector<std::string> own;
  for (const NamedStretches& group : system.parameter_groups()) own.push_back("\"" + group.name + "\"");
  for (const System* other : systems())
    for (const NamedStretches& group : other->parameter_groups())
      if (group.name == name)
        return fmt::format("'{}' is a group of kind {}; kind {} knows {}{}\"shared\" or a list of its parameters", name,
                           other->kind(), system.kind(), fmt::join(own, ", "), own.empty() ? "" : ", ");
  return fmt::format("the model has no parameter '{}'", name);
}

/// One named parameter of the model ("decoder1.linear1.weight").
Stretch find_parameter(const System& system, const Graph& graph, const std::string& name) {
  std::string known;
  for (std::size_t layer = 0; layer < graph.layers().size(); ++layer)
    for (const LayerSlice& s : graph.layers()[layer].slices)
      for (const bool bias : {false, true}) {
        const std::string here = s.name + (bias ? ".bias" : ".weight");
        if (name == here) return {static_cast<int>(layer), bias, s.first_row, s.rows, 1};
        known += (known.empty() ? "" : ", ") + here;
      }
  throw Error(ExitCode::usage, fmt::format("balance.over: {}; it has {}", absence(system, name), known));
}

std::vector<Stretch> stretches_of(const System& system, const Graph& graph, const std::string& over) {
  for (const NamedStretches& group : system.parameter_groups())
    if (over == group.name) return group.stretches;
  std::vector<Stretch> stretches;
  std::istringstream names(over);
  for (std::string name; names >> name;) stretches.push_back(find_parameter(system, graph, name));
  return stretches;
}

Region representation_of(const System& system, const Graph& graph, const std::string& at) {
  std::vector<std::string> known;
  for (const NamedRegion& r : system.representations(graph)) {
    if (at == r.name) return r.region;
    known.push_back(r.name);
  }
  throw Error(ExitCode::usage, fmt::format("balance.at: '{}' is no place of a model of kind {}; use parameters{}{}", at,
                                           system.kind(), known.empty() ? "" : " or ", fmt::join(known, " or ")));
}

/// What the GradNorm loss needs to be a loss of the network too (engine/lower/lower_curvature.cpp).
void expect_reachable(const Setup& setup, const std::vector<Balancer>& balancers) {
  const auto asks = [](const Method& m) { return m.network != 0; };
  bool any = false;
  for (const BalanceSetup& b : setup.balance) any = any || std::any_of(b.methods.begin(), b.methods.end(), asks);
  if (!any) return;
  const auto refuse = [](const std::string& why) {
    throw Error(ExitCode::usage,
                "balance.methods: gradnorm's network = on " + why + "; leave the key out of balance.methods");
  };
  const std::string obstacle = setup.system->network_obstacle(balancers[0].over);
  if (!obstacle.empty()) refuse(obstacle);
  if (balancers.size() > 1 || setup.balance[0].methods.size() > 1) refuse("stands alone, without other methods");
  if (setup.balance[0].rescale) refuse("needs balance.rescale = false");
  if (task_count(setup) * 2 > kMaxTasks) refuse(fmt::format("takes at most {} tasks", kMaxTasks / 2));
}

void expect_places_apart(const Setup& setup, const Graph& graph, const std::vector<Balancer>& balancers) {
  if (balancers.size() > 1 && setup.system->representations(graph).size() < 2)
    throw Error(ExitCode::usage, fmt::format("balance: several [[balance]] blocks need a model with several latents "
                                             "(kind mldrl: latent1, latent2, ...); kind {} takes one",
                                             setup.system->kind()));
  for (std::size_t b = 0; b < balancers.size(); ++b) {
    if (balancers.size() > 1 && balancers[b].at.tensor < 0)
      throw Error(ExitCode::usage,
                  "balance.at: several [[balance]] blocks must each stand at a latent of its own; "
                  "give each of them at = \"latent1\" or the like");
    for (std::size_t a = 0; a < b; ++a) {
      const Region &x = balancers[a].at, &y = balancers[b].at;
      if (x.tensor == y.tensor && x.block < y.block + y.blocks && y.block < x.block + x.blocks)
        throw Error(
            ExitCode::usage,
            fmt::format("balance.at: blocks {} and {} stand at the same latent; give each its own", a + 1, b + 1));
    }
  }
}

/// Methods that take logarithms or ratios of losses need losses that are never negative.
void expect_bounded_losses(const Setup& setup) {
  for (const BalanceSetup& balance : setup.balance)
    for (const Method& method : balance.methods) {
      if (!needs_positive_losses(method)) continue;
      for (const TaskInfo& task : setup.system->tasks())
        if (!(task.lower_bound >= 0))
          throw Error(ExitCode::usage,
                      fmt::format("balance.methods: {} takes logarithms or ratios of losses, but the loss of {} may be "
                                  "negative; choose another method or another form of that loss",
                                  method_text(method), task.name));
    }
}

}  // namespace

int task_count(const Setup& setup) { return static_cast<int>(setup.system->tasks().size()); }

Setup published_setup(std::string_view kind, std::string_view variant) {
  if (const System* system = find_system(kind)) return system->published(variant);
  throw Error(ExitCode::usage, fmt::format("model.kind: '{}' is no kind of model", kind));
}

std::vector<Balancer> balancers_of(const Setup& setup, Pass pass) {
  const Graph graph = setup.system->graph(pass);
  std::vector<Balancer> balancers;
  for (const BalanceSetup& words : setup.balance) {
    Balancer b;
    b.chain = make_chain(words.methods, task_count(setup));
    b.chain.private_weights = words.private_weights;
    b.chain.rescale = words.rescale;
    b.over_shared = words.at == "parameters" && words.over == "shared";
    b.sum_rows = words.sum_rows;
    if (words.at != "parameters") b.at = representation_of(*setup.system, graph, words.at);
    else if (!b.over_shared) b.over = stretches_of(*setup.system, graph, words.over);
    if (b.at.tensor < 0 && !b.over_shared && b.over.empty() && needs_gram(b.chain))
      throw Error(ExitCode::usage,
                  "balance.over: it names no parameters, but a method reads their gradients; name some");
    balancers.push_back(std::move(b));
  }
  expect_places_apart(setup, graph, balancers);
  expect_reachable(setup, balancers);
  expect_bounded_losses(setup);
  return balancers;
}

Settings replica_settings(const Setup& setup) {
  Settings settings = setup.settings;
  settings.dropout = setup.system->dropout();
  return settings;
}

LowerOptions evaluation_options(const Setup& setup, int batch, const PlanLimits& limits) {
  LowerOptions o;
  o.batch = batch;
  for (const Balancer& b : balancers_of(setup, Pass::train)) o.balancers.emplace_back().chain = b.chain;
  o.shuffle = false;
  o.trains = false;
  o.limits = limits;
  return o;
}

LowerOptions training_options(const Setup& setup, int batch, const PlanLimits& limits, Pass pass) {
  LowerOptions o;
  o.batch = batch;
  o.balancers = balancers_of(setup, pass);
  o.optimizer = setup.optimizer;
  o.loss_scale = static_cast<float>(setup.loss_scale);
  o.limits = limits;
  return o;
}

}  // namespace equipoise
