// host/config/config_schema.cpp - every key of a config, once for each meaning it has.
#include "host/config/config_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace equipoise {
namespace {

constexpr double kMost = 1e30;                          // far inside float32, in which the engine computes
constexpr double kLargestSeed = 9223372036854774784.0;  // the largest double below 2^63: TOML's integers have 63 bits
constexpr Range kPositive{0, kMost, true};
constexpr Range kNotNegative{0, kMost};
constexpr Range kShare{0, 1, false, true};
// A decay that float32 rounds to 1 or an eps that it rounds to 0 would divide 0 by 0.
constexpr Range kDecay{0, 0.999999};
constexpr Range kEps{1e-30, 1};
constexpr Range kSeed{0, kLargestSeed};
constexpr Range kWidth{1, 65536};
constexpr Range kRows{1, 100e6};

const Condition kMldrl{Choice::kind, {"mldrl"}}, kMtl{Choice::kind, {"mtl"}}, kVaegan{Choice::kind, {"vaegan"}},
    kLabelled{Choice::kind, {"mldrl", "vaegan"}}, kBalanced{Choice::kind, {"mldrl", "mtl"}},
    kNetworks{Choice::kind, {"mtl", "vaegan"}};
const Condition kTables{Choice::source, {"tables"}}, kGenerated{Choice::source, {"gradnorm-towers", "gradnorm-toy"}},
    kToy{Choice::source, {"gradnorm-toy"}};
const Condition kAdam{Choice::optimizer, {"adam"}}, kRmsprop{Choice::optimizer, {"rmsprop"}},
    kWithEps{Choice::optimizer, {"adam", "rmsprop"}}, kWithMomentum{Choice::optimizer, {"rmsprop", "sgd"}};
const Condition kSelecting{Choice::monitor, {"auc", "loss"}};

const std::vector<std::string_view> kActivations{"relu", "tanh", "sigmoid", "identity"};

#define EQ_SLOT(member) [](Config& c, BalanceConfig&) -> Slot { return &c.member; }
#define EQ_OF_BALANCER(member) [](Config&, BalanceConfig& b) -> Slot { return &b.member; }
#define EQ_NAMES_OF_BALANCER(member) [](Config&, BalanceConfig& b) -> Slot { return NameOrNames{&b.member}; }

// One row per key; the rows of a name that has several exclude each other.
// clang-format off
const std::vector<ConfigKey>& keys() {
  static const std::vector<ConfigKey> table = {
      {"data", "source", EQ_SLOT(data.source), "where rows come from: tables", {.choices = {"tables"}}, {kLabelled}},
      {"data", "source", EQ_SLOT(data.source),
       "where rows come from: tables, or generated: gradnorm-towers (2 tasks) or gradnorm-toy (one task per sigma)",
       {.choices = {"tables", "gradnorm-towers", "gradnorm-toy"}}, {kMtl}},
      {"data", "views", EQ_SLOT(data.views), "one table per view, joined on id", {.count = 2, .required = true},
       {kMldrl}},
      {"data", "views", EQ_SLOT(data.views), "the table of features", {.count = 1, .required = true,
       .example = "[\"features.csv\"]"}, {kNetworks, kTables}},
      {"data", "outcome", EQ_SLOT(data.outcome), "table of labels; without it the label is a column of the views",
       {.example = "\"outcome.csv\""}, {kLabelled}},
      {"data", "outcome", EQ_SLOT(data.outcome), "table of targets; without it they are columns of the features' table",
       {.example = "\"outcome.csv\""}, {kMtl, kTables}},
      {"data", "id", EQ_SLOT(data.id), "id column; ID, PatientID, patient_id, Case are found too", {}, {kTables}},
      {"data", "label", EQ_SLOT(data.label), "label column; an empty cell, NA or -1 = unlabelled; \"\" = no labels", {},
       {kLabelled}},
      {"data", "tasks", EQ_SLOT(data.tasks),
       "targets as kind:column, kind regression (also of several columns: a,b), binary or multiclass",
       {.some = true, .required = true, .example = "[\"regression:stay\", \"binary:died\", \"multiclass:stage\"]"},
       {kMtl, kTables}},
      {"data", "rows", EQ_SLOT(data.rows), "generated rows", {.range = kRows}, {kMtl, kGenerated}},
      {"data", "features", EQ_SLOT(data.features), "generated features", {.range = kWidth}, {kMtl, kGenerated}},
      {"data", "outputs", EQ_SLOT(data.outputs), "of each generated task", {.range = kWidth}, {kMtl, kToy}},
      {"data", "sigmas", EQ_SLOT(data.sigmas), "scales of the generated tasks, one each",
       {.range = kPositive, .some = true}, {kMtl, kToy}},
      {"data", "validation", EQ_SLOT(data.validation), "share of the rows that choose the best epoch",
       {.range = kShare}, {kTables}},
      {"data", "validation", EQ_SLOT(data.validation), "share of the rows that choose the best epoch",
       {.range = kShare}, {kGenerated}},
      {"data", "test", EQ_SLOT(data.test), "share held out, never used for stopping or selection; 0 = none",
       {.range = kShare}},
      {"data", "seed", EQ_SLOT(data.seed), "of the stratified split", {.range = kSeed}, {kTables}},
      {"data", "seed", EQ_SLOT(data.seed), "of the generated rows and their split", {.range = kSeed}, {kGenerated}},
      {"data", "split", EQ_SLOT(data.split), "table id,repeat,fold that replaces the three keys above",
       {.example = "\"split.csv\""}, {kTables}},
      {"data", "split", EQ_SLOT(data.split), "table id,repeat,fold that replaces the shares",
       {.example = "\"split.csv\""}, {kGenerated}},

      {"model", "kind", EQ_SLOT(model.kind), "the system: mldrl, mtl or vaegan", {.choices = {"mldrl", "mtl", "vaegan"}}},
      {"model", "variant", EQ_SLOT(model.variant), "paper, or code: as the authors' program does it",
       {.choices = {"paper", "code"}}, {kMldrl}},
      {"model", "variant", EQ_SLOT(model.variant), "towers or trunk: names of layers and defaults as published",
       {.choices = {"towers", "trunk"}}, {kMtl}},
      {"model", "hidden", EQ_SLOT(model.hidden), "width of the hidden layers", {.range = kWidth}, {kMldrl}},
      {"model", "shared", EQ_SLOT(model.shared), "latent dimensions common to the views (inherent)",
       {.range = kWidth}, {kMldrl}},
      {"model", "specific", EQ_SLOT(model.specific), "latent dimensions of each view's own (variational)",
       {.range = kWidth}, {kMldrl}},
      {"model", "trunk", EQ_SLOT(model.trunk), "widths of the layers that the tasks share",
       {.range = kWidth, .some = true}, {kMtl}},
      {"model", "tower", EQ_SLOT(model.tower), "widths of each task's hidden layers; [] = none", {.range = kWidth},
       {kMtl}},
      {"model", "latent", EQ_SLOT(model.latent), "latent dimensions", {.range = kWidth}, {kVaegan}},
      {"model", "encoder", EQ_SLOT(model.encoder), "widths of its hidden layers", {.range = kWidth, .some = true},
       {kVaegan}},
      {"model", "decoder", EQ_SLOT(model.decoder), "widths of its hidden layers", {.range = kWidth, .some = true},
       {kVaegan}},
      {"model", "discriminator", EQ_SLOT(model.discriminator), "widths of its hidden layers",
       {.range = kWidth, .some = true}, {kVaegan}},
      {"model", "feature_layer", EQ_SLOT(model.feature_layer),
       "hidden layer of the discriminator, from 1, that the feature loss compares", {.range = kWidth}, {kVaegan}},
      {"model", "gamma", EQ_SLOT(model.gamma),
       "share of the feature loss in the decoder's; the adversarial loss has the rest", {.range = {0, 1}}, {kVaegan}},
      {"model", "lambda", EQ_SLOT(model.lambda), "weight of the labels in the discriminator's loss",
       {.range = kNotNegative}, {kVaegan}},
      {"model", "activation", EQ_SLOT(model.activation), "of the hidden layers: relu, tanh, sigmoid or identity",
       {.choices = kActivations}, {kNetworks}},
      {"model", "dropout", EQ_SLOT(model.dropout), "share of units dropped after each hidden layer in training",
       {.range = kShare}, {kMtl}},
      {"model", "output_activation", EQ_SLOT(model.output_activation),
       "of the decoders: identity, relu, tanh or sigmoid; \"\" = by variant",
       {.choices = {"", "identity", "relu", "tanh", "sigmoid"}}, {kMldrl}},
      {"model", "output_activation", EQ_SLOT(model.output_activation),
       "of the decoder: relu, tanh, sigmoid or identity", {.choices = kActivations}, {kVaegan}},
      {"model", "inherent_variational", EQ_SLOT(model.inherent_variational),
       "ratio or difference of the two distances; \"\" = by variant", {.choices = {"", "ratio", "difference"}},
       {kMldrl}},

      {"balance", "methods", EQ_OF_BALANCER(methods),
       "methods that act left to right, as in [\"gradnorm\", \"cagrad:c=0.4\"]; `equipoise balance --help` lists them",
       {}, {kBalanced}},
      {"balance", "methods", EQ_OF_BALANCER(methods), "its losses are routed to their networks, not balanced",
       {.choices = {"identity"}, .count = 1}, {kVaegan}},
      {"balance", "alpha", EQ_OF_BALANCER(alpha), "GradNorm's pull towards equal training rates",
       {.range = kNotNegative}, {kBalanced}},
      {"balance", "over", EQ_NAMES_OF_BALANCER(over),
       "where gradients are measured: heads, head_biases_mean, shared (all that several tasks reach) or a list of "
       "parameters; \"\" = by variant", {}, {kMldrl}},
      {"balance", "over", EQ_NAMES_OF_BALANCER(over),
       "where gradients are measured: last_trunk_weight, shared (all that several tasks reach) or a list of parameters",
       {}, {kMtl}},
      {"balance", "at", EQ_OF_BALANCER(at),
       "parameters, or latent: over the gradients by the encoders' output (MGDA-UB); latent1, latent2: by one view's",
       {.choices = {"parameters", "latent", "latent1", "latent2"}}, {kMldrl}},
      {"balance", "at", EQ_OF_BALANCER(at),
       "parameters, or latent: over the gradients by the trunk's output (MGDA-UB)",
       {.choices = {"parameters", "latent"}}, {kMtl}},
      {"balance", "private", EQ_OF_BALANCER(private_parts),
       "parts of one task get its own gradient, times its weight where a method weighs losses (own), or all of the "
       "step's coefficients (weights)", {.choices = {"own", "weights"}}, {kBalanced}},
      {"balance", "rescale", EQ_OF_BALANCER(rescale), "give the step the norm of the plain sum of gradients", {},
       {kBalanced}},
      {"balance", "initial_weights", EQ_OF_BALANCER(initial_weights),
       "of reconstruction, inherent-variational, classification; [] = the published ones with gradnorm, else ones",
       {.range = kNotNegative, .count = 3, .or_none = true}, {kMldrl}},
      {"balance", "initial_weights", EQ_OF_BALANCER(initial_weights), "one number a task; [] = ones",
       {.range = kNotNegative}, {kMtl}},
      {"balance", "lr", EQ_OF_BALANCER(lr), "learning rate of task weights that learn; default: the optimizer's",
       {.range = kNotNegative, .example = "8.5e-5"}, {kBalanced}},
      {"balance", "sum_rows", EQ_OF_BALANCER(sum_rows),
       "at a latent: balance over the gradient summed over the batch's rows, one vector of the latent's width; else "
       "each row's gradient counts by itself", {}, {kBalanced}},

      {"optimizer", "kind", EQ_SLOT(optimizer.kind), "the optimizer: adam, rmsprop or sgd",
       {.choices = {"adam", "rmsprop", "sgd"}}},
      {"optimizer", "lr", EQ_SLOT(optimizer.lr), "learning rate", {.range = kPositive}},
      {"optimizer", "beta1", EQ_SLOT(optimizer.beta1), "decay of the mean gradient", {.range = kDecay}, {kAdam}},
      {"optimizer", "beta2", EQ_SLOT(optimizer.beta2), "decay of the mean squared gradient", {.range = kDecay}, {kAdam}},
      {"optimizer", "smoothing", EQ_SLOT(optimizer.smoothing), "decay of the mean squared gradient", {.range = kDecay},
       {kRmsprop}},
      {"optimizer", "eps", EQ_SLOT(optimizer.eps), "added to the root of the mean square", {.range = kEps}, {kWithEps}},
      {"optimizer", "momentum", EQ_SLOT(optimizer.momentum), "decay of the sum of steps; 0 = none", {.range = kDecay},
       {kWithMomentum}},
      {"optimizer", "weight_decay", EQ_SLOT(optimizer.weight_decay), "decoupled, as in AdamW",
       {.range = kNotNegative}},
      {"optimizer", "clip_norm", EQ_SLOT(optimizer.clip_norm), "longest gradient allowed; 0 = no clipping",
       {.range = kNotNegative}},

      {"train", "epochs", EQ_SLOT(train.epochs), "passes over the training rows, at most", {.range = {1, 100e6}}},
      {"train", "batch", EQ_SLOT(train.batch), "rows per step", {.range = {1, 1e6}}},
      {"train", "seed", EQ_SLOT(train.seed), "of the initial parameters, the noise and the order of rows",
       {.range = kSeed}},
      {"train", "patience", EQ_SLOT(train.patience),
       "epochs without a better monitor on the validation rows; 0 = never stop early",
       {.range = {0, 100e6}}, {kSelecting}},
      {"train", "monitor", EQ_SLOT(train.monitor), "auc, loss, or none: the last state is the model",
       {.choices = {"auc", "loss", "none"}}},
      {"train", "class_weights", EQ_SLOT(train.class_weights),
       "in the cross-entropy: [] = none, \"balanced\" or one number per class",
       {.range = kPositive, .choices = {"balanced"}}, {kMldrl}},
      {"train", "on_nonfinite", EQ_SLOT(train.on_nonfinite),
       "when a loss or gradient is not finite: stop, skip the step, or freeze the run",
       {.choices = {"stop", "skip", "freeze"}}},
  };
  return table;
}
// clang-format on

#undef EQ_NAMES_OF_BALANCER
#undef EQ_OF_BALANCER
#undef EQ_SLOT

std::string_view chosen(const Config& config, Choice choice) {
  switch (choice) {
    case Choice::kind:
      return config.model.kind;
    case Choice::source:
      return config.data.source;
    case Choice::optimizer:
      return config.optimizer.kind;
    case Choice::monitor:
      break;
  }
  return config.train.monitor;
}

std::string_view name_of(Choice choice) {
  switch (choice) {
    case Choice::kind:
      return "kind";
    case Choice::source:
      return "data.source";
    case Choice::optimizer:
      return "optimizer.kind";
    case Choice::monitor:
      break;
  }
  return "train.monitor";
}

}  // namespace

bool Condition::holds(const Config& config) const {
  return std::find(values.begin(), values.end(), chosen(config, choice)) != values.end();
}

bool ConfigKey::known_to(const Config& config) const {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& c) { return c.holds(config); });
}

std::span<const ConfigKey> config_keys() { return keys(); }

const ConfigKey* find_config_key(std::string_view dotted, const Config* config) {
  const auto found = std::find_if(keys().begin(), keys().end(), [&](const ConfigKey& key) {
    return key.dotted() == dotted && (!config || key.known_to(*config));
  });
  return found == keys().end() ? nullptr : &*found;
}

std::string owner_of(std::string_view dotted, const Config& config) {
  // The first condition that fails, of the row whose conditions hold longest; values of several such rows are joined.
  ptrdiff_t longest = -1;
  Choice choice{};
  std::vector<std::string_view> owners;
  for (const ConfigKey& key : keys()) {
    if (key.dotted() != dotted || key.known_to(config)) continue;
    const auto failed = std::find_if_not(key.conditions.begin(), key.conditions.end(),
                                         [&](const Condition& c) { return c.holds(config); });
    const ptrdiff_t held = failed - key.conditions.begin();
    if (held > longest) owners.clear();
    if (held < longest) continue;
    longest = held;
    choice = failed->choice;
    for (const std::string_view value : failed->values)
      if (std::find(owners.begin(), owners.end(), value) == owners.end()) owners.push_back(value);
  }
  return fmt::format("{} {}", name_of(choice), fmt::join(owners, " or "));
}

std::string section_name(std::string_view section, size_t balancer) {
  return balancer == 0 ? std::string(section) : fmt::format("{}[{}]", section, balancer);
}

}  // namespace equipoise
