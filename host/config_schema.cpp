// host/config_schema.cpp - every key of a config, once.
#include "host/config_schema.h"

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

#define EQ_SLOT(member) [](Config& c) -> Slot { return &c.member; }
#define EQ_NAMES_SLOT(member) [](Config& c) -> Slot { return NameOrNames{&c.member}; }

// One row per key.
// clang-format off
const std::vector<ConfigKey>& keys() {
  static const std::vector<ConfigKey> table = {
      {"data", "views", EQ_SLOT(data.views), "one table per view, joined on id", {.count = 2, .required = true}},
      {"data", "outcome", EQ_SLOT(data.outcome), "table of labels; without it the label is a column of the views",
       {.example = "\"outcome.csv\""}},
      {"data", "id", EQ_SLOT(data.id), "id column; ID, PatientID, patient_id, Case are found too"},
      {"data", "label", EQ_SLOT(data.label), "label column; an empty cell, NA or -1 = unlabelled; \"\" = no labels"},
      {"data", "validation", EQ_SLOT(data.validation), "share of the patients that choose the best epoch",
       {.range = kShare}},
      {"data", "test", EQ_SLOT(data.test), "share held out, never used for stopping or selection; 0 = none",
       {.range = kShare}},
      {"data", "seed", EQ_SLOT(data.seed), "of the stratified split", {.range = kSeed}},
      {"data", "split", EQ_SLOT(data.split), "table id,repeat,fold that replaces the three keys above",
       {.example = "\"split.csv\""}},

      {"model", "kind", EQ_SLOT(model.kind), "the system", {.choices = {"mldrl"}}},
      {"model", "variant", EQ_SLOT(model.variant), "paper, or code: as the authors' program does it",
       {.choices = {"paper", "code"}}},
      {"model", "hidden", EQ_SLOT(model.hidden), "width of the hidden layers", {.range = kWidth}},
      {"model", "shared", EQ_SLOT(model.shared), "latent dimensions common to the views (inherent)",
       {.range = kWidth}},
      {"model", "specific", EQ_SLOT(model.specific), "latent dimensions of each view's own (variational)",
       {.range = kWidth}},
      {"model", "output_activation", EQ_SLOT(model.output_activation),
       "of the decoders: identity, relu, tanh or sigmoid; \"\" = by variant",
       {.choices = {"", "identity", "relu", "tanh", "sigmoid"}}},
      {"model", "inherent_variational", EQ_SLOT(model.inherent_variational),
       "ratio or difference of the two distances; \"\" = by variant", {.choices = {"", "ratio", "difference"}}},

      {"balance", "methods", EQ_SLOT(balance.methods),
       "methods that act left to right, as in [\"gradnorm\", \"cagrad:c=0.4\"]; `equipoise balance --help` lists them"},
      {"balance", "alpha", EQ_SLOT(balance.alpha), "GradNorm's pull towards equal training rates",
       {.range = kNotNegative}},
      {"balance", "over", EQ_NAMES_SLOT(balance.over),
       "where gradients are measured: heads, head_biases_mean, shared (all that several tasks reach) or a list of "
       "parameters; \"\" = by variant"},
      {"balance", "at", EQ_SLOT(balance.at),
       "parameters, or latent: over the gradients by the encoders' output (MGDA-UB)",
       {.choices = {"parameters", "latent"}}},
      {"balance", "private", EQ_SLOT(balance.private_parts),
       "parts of one task get its own gradient, times its weight where a method weighs losses (own), or all of the "
       "step's coefficients (weights)", {.choices = {"own", "weights"}}},
      {"balance", "rescale", EQ_SLOT(balance.rescale), "give the step the norm of the plain sum of gradients"},
      {"balance", "initial_weights", EQ_SLOT(balance.initial_weights),
       "of reconstruction, inherent-variational, classification; [] = the published ones with gradnorm, else ones",
       {.range = kNotNegative, .count = 3, .or_none = true}},
      {"balance", "lr", EQ_SLOT(balance.lr), "learning rate of task weights that learn; default: the optimizer's",
       {.range = kNotNegative, .example = "8.5e-5"}},

      {"optimizer", "kind", EQ_SLOT(optimizer.kind), "the optimizer", {.choices = {"adam"}}},
      {"optimizer", "lr", EQ_SLOT(optimizer.lr), "learning rate", {.range = kPositive}},
      {"optimizer", "beta1", EQ_SLOT(optimizer.beta1), "decay of the mean gradient", {.range = kDecay}},
      {"optimizer", "beta2", EQ_SLOT(optimizer.beta2), "decay of the mean squared gradient", {.range = kDecay}},
      {"optimizer", "eps", EQ_SLOT(optimizer.eps), "added to the root of the mean square", {.range = kEps}},
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
       {.range = {0, 100e6}}},
      {"train", "monitor", EQ_SLOT(train.monitor), "auc or loss", {.choices = {"auc", "loss"}}},
      {"train", "class_weights", EQ_SLOT(train.class_weights),
       "in the cross-entropy: [] = none, \"balanced\" or one number per class",
       {.range = kPositive, .choices = {"balanced"}}},
      {"train", "on_nonfinite", EQ_SLOT(train.on_nonfinite),
       "when a loss or gradient is not finite: stop, skip the step, or freeze the run",
       {.choices = {"stop", "skip", "freeze"}}},
  };
  return table;
}
// clang-format on

#undef EQ_NAMES_SLOT
#undef EQ_SLOT

}  // namespace

std::span<const ConfigKey> config_keys() { return keys(); }

const ConfigKey* find_config_key(std::string_view dotted) {
  const auto found =
      std::find_if(keys().begin(), keys().end(), [&](const ConfigKey& key) { return key.dotted() == dotted; });
  return found == keys().end() ? nullptr : &*found;
}

}  // namespace equipoise
