// host/config/config_schema.cpp - every key of a config: those of all systems, and those that each brings.
#include "host/config/config_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

#include "engine/systems/words.h"
#include "host/config/study_keys.h"
#include "host/data/transform.h"

namespace equipoise {
namespace {

constexpr double kLargestSeed = 9223372036854774784.0;  // the largest double below 2^63: TOML's integers have 63 bits
// A decay that float32 rounds to 1 or an eps that it rounds to 0 would divide 0 by 0.
constexpr Range kDecay{0, 0.999999};
constexpr Range kEps{1e-30, 1};
constexpr Range kSeed{0, kLargestSeed};
constexpr Range kOpenUnit{0, 1, true, true};
constexpr Range kRows{1, 100e6};
constexpr std::string_view kNamed = "that are not empty";  // methods that select
using range::kNotNegative;
using range::kPositive;
using range::kShare;
using range::kWidth;

const Condition kTables{Choice::source, {"tables"}}, kGenerated{Choice::source, {"gradnorm-towers", "gradnorm-toy"}},
    kToy{Choice::source, {"gradnorm-toy"}};
const Condition kAdam{Choice::optimizer, {"adam"}}, kRmsprop{Choice::optimizer, {"rmsprop"}},
    kWithEps{Choice::optimizer, {"adam", "rmsprop"}}, kWithMomentum{Choice::optimizer, {"rmsprop", "sgd"}};
const Condition kSelecting{Choice::monitor, {"auc", "loss", "deviance"}}, kWithMethods{Choice::selection, {kNamed}};

/// Whether every system knows a key of the common table, or only those that say so.
enum class Known { to_all, to_users };
constexpr Known kUsers = Known::to_users, kAll = Known::to_all;

struct Row {
  Known known;
  ConfigKey key;
};

#define EQ_SLOT(member) [](Config& c, BalanceConfig&) -> Slot { return &c.member; }
#define EQ_WORDS(member) [](Config& c, BalanceConfig&) -> Slot { return Words{&c.member}; }
#define EQ_OF_BALANCER(member) [](Config&, BalanceConfig& b) -> Slot { return &b.member; }
#define EQ_NAMES_OF_BALANCER(member) [](Config&, BalanceConfig& b) -> Slot { return NameOrNames{&b.member}; }

/// What a task is written like, with every likelihood there is.
std::string_view tasks_meaning() {
  static const std::string text = [] {
    std::string kinds;
    for (const Likelihood* l : likelihoods())
      kinds += fmt::format("{}{} ({})", kinds.empty() ? "" : ", ", l->name(), l->meaning());
    return "targets as kind:column; kinds: " + kinds;
  }();
  return text;
}

std::string_view select_meaning() {
  static const std::string text = [] {
    std::vector<std::string_view> names;
    for (const SelectMethod& method : select_methods()) names.push_back(method.name);
    return fmt::format("which columns to keep, by the training rows; methods act left to right: {}",
                       fmt::join(names, ", "));
  }();
  return text;
}

std::vector<std::string_view> names_of_transforms() {
  std::vector<std::string_view> names;
  for (const Transform& transform : transforms()) names.push_back(transform.name);
  return names;
}

// One row per key; the rows of a name that has several exclude each other by their conditions. Section [model] ends
// with the keys that each system has for itself.
// clang-format off
std::vector<Row> common_rows() {
  return {
      {kUsers, {"data", "source", EQ_SLOT(data.source), "where rows come from"}},
      {kUsers, {"data", "views", EQ_SLOT(data.views), "the tables of features", {.required = true,
       .example = "[\"features.csv\"]"}, {kTables}}},
      {kUsers, {"data", "outcome", EQ_SLOT(data.outcome), "table of what is learned", {.example = "\"outcome.csv\""},
       {kTables}}},
      {kAll, {"data", "id", EQ_SLOT(data.id), "id column; ID, PatientID, patient_id, Case are found too", {}, {kTables}}},
      {kUsers, {"data", "label", EQ_SLOT(data.label),
       "label column; an empty cell or NA = unlabelled; \"\" = no labels"}},
      {kUsers, {"data", "tasks", EQ_SLOT(data.tasks), tasks_meaning(), {.some = true, .required = true,
       .example = "[\"regression:stay\", \"count:visits\", \"binary:died\", \"multiclass:stage\"]"}, {kTables}}},
      {kAll, {"data", "missing", EQ_WORDS(data.missing), "further words for a missing value, in every column but the id",
       {.example = "[\"unknown\", -9]"}, {kTables}}},
      {kAll, {"data", "columns", EQ_WORDS(data.columns), "features of all views, by names or patterns; without the key all",
       {.example = "[\"age\", \"*_mean\"]"}, {kTables}}},
      {kAll, {"data", "leave_out", EQ_WORDS(data.leave_out), "columns that are no features, by names or patterns",
       {.example = "[\"*_sd\"]"}, {kTables}}},
      {kAll, {"data", "categorical", EQ_WORDS(data.categorical),
       "features whose cells are words, by names or patterns: a column for each word of the training rows, one of 0 and 1 "
       "for two; \"auto\" = all columns of few words",
       {.example = "[\"site\", \"sex\"]"}, {kTables}}},
      {kAll, {"data", "empty_views", EQ_SLOT(data.empty_views),
       "patients without any value in a view: leave_out, or impute the training rows' medians in it", {.choices = {"leave_out", "impute"}}, {kTables}}},
      {kAll, {"data", "unlabelled", EQ_WORDS(data.unlabelled),
       "classes that mean unlabelled; without the key it is -1 where a label's other classes are 0 and 1; [] = none",
       {.example = "-1"}, {kTables}}},
      {kAll, {"data", "positive", EQ_WORDS(data.positive),
       "of two classes the one that probabilities, AUC and sensitivity are of; without the key the last when sorted; "
       "of a task: {task = \"class\"}", {.example = "\"case\""}, {kTables}}},
      {kUsers, {"data", "rows", EQ_SLOT(data.rows), "generated rows", {.range = kRows}, {kGenerated}}},
      {kUsers, {"data", "features", EQ_SLOT(data.features), "generated features", {.range = kWidth}, {kGenerated}}},
      {kUsers, {"data", "outputs", EQ_SLOT(data.outputs), "of each generated task", {.range = kWidth}, {kToy}}},
      {kUsers, {"data", "sigmas", EQ_SLOT(data.sigmas), "scales of the generated tasks, one each",
       {.range = kPositive, .some = true}, {kToy}}},
      {kAll, {"data", "transform", EQ_SLOT(data.transform),
       "functions of features, done before they are scaled: a pattern of names = log1p, log or sqrt",
       {.choices = names_of_transforms(), .example = "{\"*_count\" = \"log1p\"}"}, {kTables}}},
      {kAll, {"data", "allow", EQ_WORDS(data.allow),
       "features, by names or patterns, that are let in although they look like the label or tell it",
       {.example = "[\"Label\"]"}, {kTables}}},
      {kAll, {"data", "outliers", EQ_SLOT(data.outliers),
       "training values beyond 30 robust deviations: tell them and keep them, clip them there, or refuse them",
       {.choices = {"tell", "clip", "refuse"}, .older = {"keep"}, .example = "\"tell\""}, {kTables}}},
      {kAll, {"data", "group", EQ_SLOT(data.group),
       "column whose equal values stay in one part, such as the family or the patient of a visit; no feature",
       {.example = "\"family\""}, {kTables}}},
      {kAll, {"data", "validation", EQ_SLOT(data.validation),
       "share of the rows that figures are told of; they choose the epoch where train.monitor says so",
       {.range = kShare}}},
      {kAll, {"data", "test", EQ_SLOT(data.test), "share held out, never used for stopping or selection; 0 = none",
       {.range = kShare}}},
      {kAll, {"data", "seed", EQ_SLOT(data.seed), "of the stratified split, and of forests that select columns", {.range = kSeed}, {kTables}}},
      {kAll, {"data", "seed", EQ_SLOT(data.seed), "of the generated rows and their split", {.range = kSeed},
       {kGenerated}}},
      {kAll, {"data", "split", EQ_SLOT(data.split), "table id,repeat,fold that replaces the three keys above",
       {.example = "\"split.csv\""}, {kTables}}},
      {kAll, {"data", "split", EQ_SLOT(data.split), "table id,repeat,fold that replaces the shares",
       {.example = "\"split.csv\""}, {kGenerated}}},
      {kAll, {"data", "repeat", EQ_SLOT(data.repeat), "of several repeats in the split table the one to use",
       {.range = {0, 1e9}, .example = "1"}, {kTables}}},
      {kAll, {"data", "fold", EQ_SLOT(data.fold),
       "of k folds in the split table the one that tests; of the others' rows the share `validation` validates",
       {.example = "1"}, {kTables}}},
      {kAll, {"data", "inner_fold", EQ_SLOT(data.inner_fold),
       "of the rows outside the test fold, dealt to inner folds by `seed`, the fold that validates, in place of the share "
       "`validation`: \"2/5\" = the second of five", {.example = "\"2/5\""}, {kTables}}},

      {kAll, {"select", "methods", EQ_SLOT(select.methods), select_meaning(), {.example = "[\"forest\"]"}, {kTables}}},
      {kAll, {"select", "keep", EQ_SLOT(select.keep), "columns that the last method keeps; 0 = all that pass",
       {.range = {0, 1e6}}, {kTables, kWithMethods}}},
      {kAll, {"select", "per", EQ_SLOT(select.per), "what keep counts, and what is compared: columns of each view, or of all",
       {.choices = {"view", "all"}}, {kTables, kWithMethods}}},

      {kAll, {"model", "kind", EQ_SLOT(model.kind), "the system"}},
      {kUsers, {"model", "variant", EQ_SLOT(model.variant), ""}},

      {kUsers, {"balance", "methods", EQ_OF_BALANCER(methods),
       "methods that act left to right, as in [\"gradnorm\", \"cagrad:c=0.4\"]; `equipoise balance --help` lists them"}},
      {kUsers, {"balance", "alpha", EQ_OF_BALANCER(alpha), "GradNorm's pull towards equal training rates",
       {.range = kNotNegative}}},
      {kUsers, {"balance", "over", EQ_NAMES_OF_BALANCER(over), "where gradients are measured"}},
      {kUsers, {"balance", "at", EQ_OF_BALANCER(at), "parameters, or the place where gradients are balanced"}},
      {kUsers, {"balance", "private", EQ_OF_BALANCER(private_parts),
       "parts of one task get its own gradient, times its weight where a method weighs losses (own), or all of the "
       "step's coefficients (weights)", {.choices = {"own", "weights"}}}},
      {kUsers, {"balance", "rescale", EQ_OF_BALANCER(rescale), "give the step the norm of the plain sum of gradients"}},
      {kUsers, {"balance", "initial_weights", EQ_OF_BALANCER(initial_weights), "one number a task",
       {.range = kNotNegative}}},
      {kUsers, {"balance", "lr", EQ_OF_BALANCER(lr), "learning rate of task weights that learn; default: the optimizer's",
       {.range = kNotNegative, .example = "8.5e-5"}}},
      {kUsers, {"balance", "sum_rows", EQ_OF_BALANCER(sum_rows),
       "at a latent: balance over the gradient summed over the batch's rows, one vector of the latent's width; else "
       "each row's gradient counts by itself"}},

      {kAll, {"optimizer", "kind", EQ_SLOT(optimizer.kind), "the optimizer: adam, rmsprop or sgd",
       {.choices = names_in(kOptimizers)}}},
      {kAll, {"optimizer", "lr", EQ_SLOT(optimizer.lr), "learning rate", {.range = kPositive}}},
      {kAll, {"optimizer", "beta1", EQ_SLOT(optimizer.beta1), "decay of the mean gradient", {.range = kDecay}, {kAdam}}},
      {kAll, {"optimizer", "beta2", EQ_SLOT(optimizer.beta2), "decay of the mean squared gradient", {.range = kDecay},
       {kAdam}}},
      {kAll, {"optimizer", "smoothing", EQ_SLOT(optimizer.smoothing), "decay of the mean squared gradient",
       {.range = kDecay}, {kRmsprop}}},
      {kAll, {"optimizer", "eps", EQ_SLOT(optimizer.eps), "added to the root of the mean square", {.range = kEps},
       {kWithEps}}},
      {kAll, {"optimizer", "momentum", EQ_SLOT(optimizer.momentum), "decay of the sum of steps; 0 = none",
       {.range = kDecay}, {kWithMomentum}}},
      {kAll, {"optimizer", "weight_decay", EQ_SLOT(optimizer.weight_decay), "decoupled, as in AdamW",
       {.range = kNotNegative}}},
      {kAll, {"optimizer", "clip_norm", EQ_SLOT(optimizer.clip_norm), "longest gradient allowed; 0 = no clipping",
       {.range = kNotNegative}}},

      {kAll, {"train", "epochs", EQ_SLOT(train.epochs), "passes over the training rows, at most", {.range = {1, 100e6}}}},
      {kAll, {"train", "batch", EQ_SLOT(train.batch), "rows per step", {.range = {1, 1e6}}}},
      {kAll, {"train", "seed", EQ_SLOT(train.seed), "of the initial parameters, the noise and the order of rows",
       {.range = kSeed}}},
      {kAll, {"train", "patience", EQ_SLOT(train.patience),
       "epochs without a better monitor on the validation rows; 0 = never stop early",
       {.range = {0, 100e6}}, {kSelecting}}},
      {kAll, {"train", "warmup", EQ_SLOT(train.warmup),
       "epochs before patience counts; 0 = until the training loss has fallen by more than its noise",
       {.range = {0, 100e6}}, {kSelecting}}},
      {kAll, {"train", "monitor", EQ_SLOT(train.monitor), "",
       {.choices = names_in(kMonitors)}}},
      {kUsers, {"train", "monitor_task", EQ_SLOT(train.monitor_task),
       "the task that the monitor is of; \"\" = the mean over tasks, of losses the sum by their weights",
       {}, {kSelecting}}},
      {kUsers, {"train", "class_weights", EQ_SLOT(train.class_weights),
       "in the cross-entropy: [] = none, \"balanced\" or one number per class",
       {.range = kPositive, .choices = {"balanced"}}, {kTables}}},
      {kAll, {"train", "on_nonfinite", EQ_SLOT(train.on_nonfinite),
       "when a loss or gradient is not finite: stop, skip the step, or freeze the run",
       {.choices = names_in(kPolicies)}}},

      {kUsers, {"evaluate", "threshold", EQ_SLOT(evaluate.threshold),
       "of two classes: the probability of the second from which on a row is called by it, or \"youden\": the one with "
       "the largest sensitivity + specificity on the validation rows", {.range = kOpenUnit, .choices = {"youden"}}}},
  };
}
// clang-format on

#undef EQ_NAMES_OF_BALANCER
#undef EQ_OF_BALANCER
#undef EQ_WORDS
#undef EQ_SLOT

/// The common row as one system uses it.
ConfigKey used_by(const System& system, const ConfigKey& common, const KeyUse& use) {
  ConfigKey key = common;
  key.owner = &system;
  if (!use.meaning.empty()) key.meaning = use.meaning;
  if (!use.choices.empty()) key.rule.choices = use.choices;
  if (use.count > 0) key.rule.count = use.count;
  if (!use.example.empty()) key.rule.example = use.example;
  if (key.called("data.source")) key.rule.choices = system.sources();
  return key;
}

/// Keys that a system has for itself in [model].
void add_model_keys(const System& system, std::vector<ConfigKey>& keys) {
  const AnySystem sample(system.clone());
  AnySystem scratch = sample;
  const std::vector<ModelKey> own = scratch->keys();
  for (std::size_t k = 0; k < own.size(); ++k)
    keys.push_back({"model",
                    own[k].name,
                    [k, kind = system.kind()](Config& c, BalanceConfig&) {
                      if (c.model.system->kind() != kind) throw std::logic_error("a key of another kind of model");
                      return std::visit([](auto slot) { return Slot(std::move(slot)); },
                                        c.model.system->keys()[k].slot);
                    },
                    own[k].meaning,
                    own[k].rule,
                    {},
                    &system});
}

/// Of train.monitor: a system's own monitors, not those of all.
std::string_view monitor_meaning(const System& system) {
  static std::map<std::string_view, std::string> meanings;
  std::string choosing;
  for (const Monitor monitor : system.monitors())
    if (monitor != Monitor::none)
      choosing += fmt::format("{}{}", choosing.empty() ? "" : " or ", name_in(kMonitors, monitor));
  return meanings[system.kind()] =
             fmt::format("{}: by it the validation rows choose the epoch; none: the last state is the model", choosing);
}

std::vector<ConfigKey> all_keys() {
  static const std::string kinds = fmt::format("the system: {}", fmt::join(kinds_of_systems(), ", "));
  static std::deque<std::string> of_variants;  // meanings point into it
  std::vector<ConfigKey> keys;
  for (const Row& row : common_rows()) {
    const std::string dotted = row.key.dotted();
    if (dotted == "model.kind") {
      keys.push_back(row.key);
      keys.back().meaning = kinds;
      keys.back().rule.choices = kinds_of_systems();
    } else if (dotted == "model.variant") {
      for (const System* system : systems()) {
        if (system->variants().empty()) continue;
        keys.push_back(row.key);
        keys.back().meaning =
            of_variants.emplace_back(fmt::format("{}; keys that are left out follow it", system->variant_meaning()));
        keys.back().rule.choices = system->variants();
        keys.back().owner = system;
      }
      for (const System* system : systems()) add_model_keys(*system, keys);
    } else if (dotted == "train.monitor") {
      for (const System* system : systems()) {
        keys.push_back(row.key);
        keys.back().meaning = monitor_meaning(*system);
        keys.back().owner = system;
      }
    } else if (row.known == kAll) {
      keys.push_back(row.key);
    } else {
      for (const System* system : systems())
        for (const KeyUse& use : system->uses())
          if (use.key == dotted) keys.push_back(used_by(*system, row.key, use));
    }
  }
  const std::vector<ConfigKey> of_study = study_keys();
  keys.insert(keys.end(), of_study.begin(), of_study.end());
  return keys;
}

const std::vector<ConfigKey>& keys() {
  static const std::vector<ConfigKey> table = all_keys();
  return table;
}

std::string_view chosen(const Config& config, Choice choice) {
  switch (choice) {
    case Choice::source:
      return config.data.source;
    case Choice::selection:
      return config.select.methods.empty() ? "" : kNamed;
    case Choice::optimizer:
      return config.optimizer.kind;
    case Choice::monitor:
      break;
  }
  return config.train.monitor;
}

std::string_view name_of(Choice choice) {
  switch (choice) {
    case Choice::source:
      return "data.source";
    case Choice::selection:
      return "select.methods";
    case Choice::optimizer:
      return "optimizer.kind";
    case Choice::monitor:
      break;
  }
  return "train.monitor";
}

}  // namespace

std::vector<std::string_view> kinds_of_systems() {
  std::vector<std::string_view> kinds;
  for (const System* system : systems()) kinds.push_back(system->kind());
  return kinds;
}

bool Condition::holds(const Config& config) const {
  return std::find(values.begin(), values.end(), chosen(config, choice)) != values.end();
}

bool ConfigKey::known_to(const Config& config) const {
  return owned_by(config) &&
         std::all_of(conditions.begin(), conditions.end(), [&](const Condition& c) { return c.holds(config); });
}

std::span<const ConfigKey> config_keys() { return keys(); }

const ConfigKey* find_config_key(std::string_view dotted, const Config* config) {
  const auto found = std::find_if(keys().begin(), keys().end(), [&](const ConfigKey& key) {
    return key.called(dotted) && (!config || key.known_to(*config));
  });
  return found == keys().end() ? nullptr : &*found;
}

std::string owner_of(std::string_view dotted, const Config& config) {
  // What fails first, the kind or a condition, of the row that holds longest; values of several such rows are joined.
  ptrdiff_t longest = -1;
  std::string_view what;
  std::vector<std::string_view> owners;
  for (const ConfigKey& key : keys()) {
    if (!key.called(dotted) || key.known_to(config)) continue;
    const auto failed = std::find_if_not(key.conditions.begin(), key.conditions.end(),
                                         [&](const Condition& c) { return c.holds(config); });
    const ptrdiff_t held = key.owned_by(config) ? 1 + (failed - key.conditions.begin()) : 0;
    if (held > longest) owners.clear();
    if (held < longest) continue;
    longest = held;
    what = held == 0 ? "kind" : name_of(failed->choice);
    const std::vector<std::string_view> values = held == 0 ? std::vector{key.owner->kind()} : failed->values;
    for (const std::string_view value : values)
      if (std::find(owners.begin(), owners.end(), value) == owners.end()) owners.push_back(value);
  }
  return fmt::format("{} {}", what, fmt::join(owners, " or "));
}

std::string section_name(std::string_view section, size_t balancer) {
  return balancer == 0 ? std::string(section) : fmt::format("{}[{}]", section, balancer);
}

}  // namespace equipoise
