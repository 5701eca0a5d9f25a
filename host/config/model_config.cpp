// host/config/model_config.cpp - the config's words in the engine's terms.
#include "host/config/model_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/balance/methods.h"
#include "engine/base/error.h"

namespace equipoise {

namespace {

constexpr int kClassesWithoutLabels = 2;

OnNonfinite policy_of(const std::string& name) {
  if (name == "skip") return OnNonfinite::skip;
  return name == "freeze" ? OnNonfinite::freeze : OnNonfinite::stop;
}

Settings settings_of(const Config& config, Settings s) {
  const BalanceConfig& balance = config.balance.front();
  s.seed = config.train.seed;
  s.on_nonfinite = policy_of(config.train.on_nonfinite);
  s.lr = config.optimizer.lr;
  s.beta1 = config.optimizer.beta1;
  s.beta2 = config.optimizer.beta2;
  s.eps = config.optimizer.eps;
  s.smoothing = config.optimizer.smoothing;
  s.momentum = config.optimizer.momentum;
  s.weight_decay = config.optimizer.weight_decay;
  s.clip_norm = config.optimizer.clip_norm;
  s.task_lr = balance.lr.value_or(config.optimizer.lr);
  s.alpha = balance.alpha;
  std::copy(balance.initial_weights.begin(), balance.initial_weights.end(), s.initial_weights);
  return s;
}

OptimizerKind optimizer_of(const std::string& name) {
  if (name == "rmsprop") return OptimizerKind::rmsprop;
  return name == "sgd" ? OptimizerKind::sgd : OptimizerKind::adam;
}

/// GradNorm by its bare name, without keys, is that of the variant.
std::vector<Method> methods_of(const BalanceConfig& balance, const Method& published) {
  std::vector<Method> methods = parse_methods(balance.methods, "balance.methods").methods;
  for (std::size_t m = 0; m < methods.size(); ++m)
    if (methods[m].kind == published.kind && balance.methods[m].find(':') == std::string::npos) methods[m] = published;
  return methods;
}

std::vector<BalanceSetup> balance_of(const Config& config, const Method& published) {
  std::vector<BalanceSetup> balance;
  for (const BalanceConfig& words : config.balance) {
    BalanceSetup b;
    b.methods = methods_of(words, published);
    b.over = fmt::format("{}", fmt::join(words.over, " "));
    b.at = words.at;
    b.sum_rows = words.sum_rows;
    b.private_weights = words.private_parts == "weights";
    b.rescale = words.rescale;
    balance.push_back(std::move(b));
  }
  return balance;
}

MldrlModel mldrl_of(const ModelConfig& config, const Dataset& data, MldrlModel m) {
  m.features1 = data.features[0];
  m.features2 = data.features[1];
  m.hidden = config.hidden;
  m.shared = config.shared;
  m.specific = config.specific;
  m.classes = data.classes > 0 ? data.classes : kClassesWithoutLabels;
  m.ratio = config.inherent_variational == "ratio";
  parse_activation(config.output_activation, m.output_activation);
  return m;
}

MtlModel mtl_of(const ModelConfig& config, const Dataset& data, MtlModel m) {
  m.features = data.features[0];
  m.trunk = config.trunk;
  m.tower = config.tower;
  m.dropout = config.dropout;
  m.tasks = data.tasks;
  parse_activation(config.activation, m.activation);
  return m;
}

VaeganModel vaegan_of(const ModelConfig& config, const Dataset& data, VaeganModel m) {
  m.features = data.features[0];
  m.labels = data.classes == 2 ? 1 : data.classes;  // two classes are one yes or no
  m.latent = config.latent;
  m.encoder = config.encoder;
  m.decoder = config.decoder;
  m.discriminator = config.discriminator;
  m.feature_layer = config.feature_layer;
  m.gamma = config.gamma;
  m.lambda = config.lambda;
  parse_activation(config.activation, m.activation);
  parse_activation(config.output_activation, m.output_activation);
  return m;
}

Setup setup_of(const Config& config, const Dataset& data) {
  const ModelConfig& words = config.model;
  Setup setup;
  if (words.kind == "mldrl") {
    setup = mldrl_setup(words.variant);
    setup.model = mldrl_of(words, data, mldrl(setup));
  } else if (words.kind == "mtl") {
    setup = mtl_setup(words.variant);
    setup.model = mtl_of(words, data, mtl(setup));
    // The published towers train on the mean of their weighted losses, the published trunk on the sum.
    if (words.variant == "towers") setup.loss_scale = 1.0 / static_cast<double>(data.tasks.size());
  } else {
    setup = vaegan_setup();
    setup.model = vaegan_of(words, data, vaegan(setup));
  }
  setup.balance = balance_of(config, setup.balance.front().methods.front());
  setup.optimizer = optimizer_of(config.optimizer.kind);
  setup.settings = settings_of(config, setup.settings);
  balancers_of(setup, Pass::train);  // refuses names the model does not have
  return setup;
}

Monitor monitor_of(const std::string& name) {
  if (name == "none") return Monitor::none;
  return name == "auc" ? Monitor::auc : Monitor::loss;
}

}  // namespace

std::vector<float> class_weights(const ClassWeights& wanted, const Dataset& data, const Split& split, int classes) {
  const auto count = static_cast<std::size_t>(classes);
  if (!wanted.balanced) {
    if (wanted.values.empty()) return std::vector<float>(count, 1.0f);
    if (wanted.values.size() != count)
      throw Error(ExitCode::usage, fmt::format("train.class_weights has {} numbers but the data have {} classes; give "
                                               "one number per class, in the order of the sorted labels",
                                               wanted.values.size(), classes));
    return {wanted.values.begin(), wanted.values.end()};
  }
  std::vector<int> rows(count, 0);
  int labelled = 0;
  for (const int row : split.train)
    if (const int label = data.label[static_cast<std::size_t>(row)]; label >= 0) {
      ++rows[static_cast<std::size_t>(label)];
      ++labelled;
    }
  std::vector<float> weights;
  for (std::size_t k = 0; k < count; ++k) {
    if (rows[k] == 0)
      throw Error(ExitCode::usage, fmt::format("train.class_weights: class {} has no labelled training row to balance "
                                               "by; give the weights as numbers",
                                               k));
    weights.push_back(static_cast<float>(labelled / (double{1} * classes * rows[k])));
  }
  return weights;
}

TrainingPlan training_plan(const Config& config, const Dataset& data, const Split& split) {
  if (config.model.kind != "mldrl" && config.train.monitor == "auc")
    throw Error(
        ExitCode::usage,
        fmt::format("train.monitor: an AUC chooses epochs of kind mldrl alone, not of {}; set \"loss\" or \"none\"",
                    config.model.kind));
  if (data.tasks.size() > kMaxTasks)
    throw Error(ExitCode::usage,
                fmt::format("{}: {} tasks, but at most {} can be balanced; name fewer",
                            config.data.generated() ? "data.sigmas" : "data.tasks", data.tasks.size(), kMaxTasks));
  if (config.model.kind == "mldrl" && data.classes == 0 && !split.validation.empty() && config.train.monitor == "auc")
    throw Error(ExitCode::usage, "train.monitor: an AUC needs labels and the data have none; set monitor = \"loss\"");
  TrainingPlan plan;
  plan.setup = setup_of(config, data);
  // A batch larger than the training part is the training part; nothing is planned for rows that do not exist.
  plan.batch = std::min(config.train.batch, std::max(1, static_cast<int>(split.train.size())));
  plan.epochs = config.train.epochs;
  plan.patience = split.validation.empty() ? 0 : config.train.patience;
  plan.monitor = monitor_of(config.train.monitor);
  const auto* two_views = std::get_if<MldrlModel>(&plan.setup.model);
  plan.class_weights = class_weights(config.train.class_weights, data, split,
                                     two_views ? two_views->classes : std::max(1, data.classes));
  return plan;
}

}  // namespace equipoise
