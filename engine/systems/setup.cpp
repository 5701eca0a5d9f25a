// engine/systems/setup.cpp - published settings, and what a setup means to lower().
#include "engine/systems/setup.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "engine/balance/methods.h"
#include "engine/base/error.h"

namespace equipoise {

namespace {

struct ActivationName {
  const char* name;
  Activation activation;
};
constexpr ActivationName kActivations[] = {{"identity", Activation::identity},
                                           {"relu", Activation::relu},
                                           {"tanh", Activation::tanh},
                                           {"sigmoid", Activation::sigmoid}};

/// A representation by its name in configs.
struct NamedRegion {
  std::string name;
  Region region;
};

int tensor_named(const Graph& graph, const std::string& name) {
  const auto found =
      std::find_if(graph.tensors().begin(), graph.tensors().end(), [&](const Tensor& t) { return t.name == name; });
  return static_cast<int>(found - graph.tensors().begin());
}

std::vector<NamedRegion> representations(const MldrlModel&, const Graph& g) {
  const int heads = tensor_named(g, kMldrlLatent);
  return {{"latent", g.all(heads)}, {"latent1", g.block(heads, 0)}, {"latent2", g.block(heads, 1)}};
}
std::vector<NamedRegion> representations(const MtlModel&, const Graph& g) {
  return {{"latent", g.all(tensor_named(g, kMtlLatent))}};
}
// Its losses are routed to groups of parameters; where they meet nothing is left to balance.
std::vector<NamedRegion> representations(const VaeganModel&, const Graph&) { return {}; }

struct NamedStretches {
  std::string name;
  std::vector<Stretch> stretches;
};
std::vector<NamedStretches> parameter_groups(const MldrlModel& m) {
  return {{"heads", mldrl_heads(m)}, {"head_biases_mean", mldrl_head_biases_mean(m)}};
}
std::vector<NamedStretches> parameter_groups(const MtlModel& m) {
  return {{"last_trunk_weight", mtl_last_trunk_weight(m)}};
}
std::vector<NamedStretches> parameter_groups(const VaeganModel&) { return {}; }

/// One named parameter of the model ("decoder1.linear1.weight").
Stretch find_parameter(const Graph& graph, const std::string& name) {
  std::string known;
  for (std::size_t layer = 0; layer < graph.layers().size(); ++layer)
    for (const LayerSlice& s : graph.layers()[layer].slices)
      for (const bool bias : {false, true}) {
        const std::string here = s.name + (bias ? ".bias" : ".weight");
        if (name == here) return {static_cast<int>(layer), bias, s.first_row, s.rows, 1};
        known += (known.empty() ? "" : ", ") + here;
      }
  throw Error(ExitCode::usage, "balance.over: the model has no parameter '" + name + "'; it has " + known);
}

std::vector<Stretch> stretches_of(const Model& model, const Graph& graph, const std::string& over) {
  for (const NamedStretches& group : std::visit([](const auto& m) { return parameter_groups(m); }, model))
    if (over == group.name) return group.stretches;
  std::vector<Stretch> stretches;
  std::istringstream names(over);
  for (std::string name; names >> name;) stretches.push_back(find_parameter(graph, name));
  return stretches;
}

Region representation_of(const Model& model, const Graph& graph, const std::string& at) {
  std::vector<std::string> known;
  for (const NamedRegion& r : std::visit([&](const auto& m) { return representations(m, graph); }, model)) {
    if (at == r.name) return r.region;
    known.push_back(r.name);
  }
  throw Error(ExitCode::usage, fmt::format("balance.at: '{}' is no place of a model of kind {}; use parameters{}{}", at,
                                           system_name(model), known.empty() ? "" : " or ", fmt::join(known, " or ")));
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
  const auto* m = std::get_if<MtlModel>(&setup.model);
  if (!m) refuse("is known to multi-task networks alone");
  if (balancers.size() > 1 || setup.balance[0].methods.size() > 1) refuse("stands alone, without other methods");
  if (setup.balance[0].rescale) refuse("needs balance.rescale = false");
  const std::vector<Stretch>& over = balancers[0].over;
  if (over.size() != 1 || over[0].bias || over[0].layer >= static_cast<int>(m->trunk.size()))
    refuse("needs balance.over = \"last_trunk_weight\"");
  if (over[0].layer + 1 != static_cast<int>(m->trunk.size())) refuse("is measured on the last trunk layer");
  if (m->activation != Activation::relu && m->activation != Activation::identity)
    refuse("has second derivatives of relu and identity alone");
  if (m->tasks.size() * 2 > kMaxTasks) refuse(fmt::format("takes at most {} tasks", kMaxTasks / 2));
  for (const Target& t : m->tasks)
    if (t.kind == TargetKind::multiclass) refuse("has second derivatives of regressions and binary tasks alone");
}

void expect_places_apart(const Setup& setup, const std::vector<Balancer>& balancers) {
  if (balancers.size() > 1 && !std::holds_alternative<MldrlModel>(setup.model))
    throw Error(ExitCode::usage, fmt::format("balance: several [[balance]] blocks need a model with several latents "
                                             "(kind mldrl: latent1 and latent2); kind {} takes one",
                                             system_name(setup.model)));
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

}  // namespace

std::string activation_name(Activation activation) {
  for (const ActivationName& a : kActivations)
    if (a.activation == activation) return a.name;
  return "identity";
}

bool parse_activation(const std::string& name, Activation& activation) {
  for (const ActivationName& a : kActivations)
    if (name == a.name) return activation = a.activation, true;
  return false;
}

Setup mldrl_setup(const std::string& variant) {
  Setup s;
  s.model = MldrlModel{};
  s.variant = variant;
  s.balance[0].methods = {default_method(MethodKind::gradnorm)};
  s.settings.lr = s.settings.task_lr = 8.5e-5;
  s.settings.alpha = 0.16;
  s.settings.initial_weights[0] = 1.4;
  s.settings.initial_weights[1] = 3.0;
  s.settings.initial_weights[2] = 0.3;
  if (variant == "paper") return s;
  if (variant != "code")
    throw Error(ExitCode::usage, fmt::format("model.variant: '{}' is unknown; use \"paper\" or \"code\"", variant));
  MldrlModel& m = mldrl(s);
  m.output_activation = Activation::relu;
  m.ratio = false;
  m.crossed1_specific_first = true;
  m.softmax_twice = true;
  BalanceSetup& balance = s.balance[0];
  balance.over = "head_biases_mean";
  balance.methods[0].loss_ratio = LossRatio::weighted;
  balance.methods[0].renormalise = Normalise::none;
  s.loss_scale = 1.0 / 3.0;
  return s;
}

Setup mtl_setup(const std::string& variant) {
  Setup s;
  s.variant = variant;
  MtlModel m;
  Method gradnorm = default_method(MethodKind::gradnorm);
  if (variant == "towers") {
    gradnorm.loss_ratio = LossRatio::weighted;
    gradnorm.renormalise = Normalise::in_loss;
    s.settings.lr = s.settings.task_lr = 1e-3;
    s.settings.alpha = 0.16;
  } else if (variant == "trunk") {
    m.trunk = {100, 100, 100, 100};
    m.tower = {};
    m.dropout = 0;
    m.names = MtlNames::trunk;
    gradnorm.restart = 1;
    s.settings.lr = 1e-5;
    s.settings.task_lr = 5e-4;
    s.settings.alpha = 0.12;
  } else {
    throw Error(ExitCode::usage, fmt::format("model.variant: '{}' is unknown; use \"towers\" or \"trunk\"", variant));
  }
  s.model = m;
  s.balance[0].methods = {gradnorm};
  s.balance[0].over = "last_trunk_weight";
  std::fill(std::begin(s.settings.initial_weights), std::end(s.settings.initial_weights), 1.0);
  return s;
}

Setup vaegan_setup() {
  Setup s;
  s.variant = "routed";
  s.model = VaeganModel{};
  s.balance[0].methods = {default_method(MethodKind::identity)};
  s.balance[0].over = "";
  s.optimizer = OptimizerKind::rmsprop;
  s.settings.lr = 3e-4;
  std::fill(std::begin(s.settings.initial_weights), std::end(s.settings.initial_weights), 1.0);
  return s;
}

std::string system_name(const Model& model) {
  constexpr const char* kNames[] = {"mldrl", "mtl", "vaegan"};
  return kNames[model.index()];
}

Graph model_graph(const Model& model, Pass pass) {
  struct Visitor {
    Pass pass;
    Graph operator()(const MldrlModel& m) const { return mldrl_graph(m, pass); }
    Graph operator()(const MtlModel& m) const { return mtl_graph(m, pass); }
    Graph operator()(const VaeganModel& m) const { return vaegan_graph(m, pass); }
  };
  return std::visit(Visitor{pass}, model);
}

int task_count(const Model& model) {
  struct Visitor {
    int operator()(const MldrlModel&) const { return 3; }
    int operator()(const MtlModel& m) const { return static_cast<int>(m.tasks.size()); }
    int operator()(const VaeganModel& m) const { return m.labels > 0 ? 5 : 4; }
  };
  return std::visit(Visitor{}, model);
}

std::vector<Balancer> balancers_of(const Setup& setup, Pass pass) {
  const Graph graph = model_graph(setup.model, pass);
  std::vector<Balancer> balancers;
  for (const BalanceSetup& words : setup.balance) {
    Balancer b;
    b.chain = make_chain(words.methods, task_count(setup.model));
    b.chain.private_weights = words.private_weights;
    b.chain.rescale = words.rescale;
    b.over_shared = words.at == "parameters" && words.over == "shared";
    b.sum_rows = words.sum_rows;
    if (words.at != "parameters") b.at = representation_of(setup.model, graph, words.at);
    else if (!b.over_shared) b.over = stretches_of(setup.model, graph, words.over);
    if (b.at.tensor < 0 && !b.over_shared && b.over.empty() && needs_gram(b.chain))
      throw Error(ExitCode::usage,
                  "balance.over: it names no parameters, but a method reads their gradients; name some");
    balancers.push_back(std::move(b));
  }
  expect_places_apart(setup, balancers);
  expect_reachable(setup, balancers);
  return balancers;
}

Settings replica_settings(const Setup& setup) {
  Settings settings = setup.settings;
  if (const auto* m = std::get_if<MtlModel>(&setup.model)) settings.dropout = m->dropout;
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
