// host/model_config.cpp - the config's words in the engine's terms.
#include "host/model_config.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/methods.h"

namespace equipoise {

namespace {

constexpr int kClassesWithoutLabels = 2;

OnNonfinite policy_of(const std::string& name) {
  if (name == "skip") return OnNonfinite::skip;
  return name == "freeze" ? OnNonfinite::freeze : OnNonfinite::stop;
}

Settings settings_of(const Config& config, Settings s) {
  s.seed = config.train.seed;
  s.on_nonfinite = policy_of(config.train.on_nonfinite);
  s.lr = config.optimizer.lr;
  s.beta1 = config.optimizer.beta1;
  s.beta2 = config.optimizer.beta2;
  s.eps = config.optimizer.eps;
  s.weight_decay = config.optimizer.weight_decay;
  s.clip_norm = config.optimizer.clip_norm;
  s.task_lr = config.balance.lr.value_or(config.optimizer.lr);
  s.alpha = config.balance.alpha;
  std::copy(config.balance.initial_weights.begin(), config.balance.initial_weights.end(), s.initial_weights);
  return s;
}

/// GradNorm by its bare name, without keys, is that of the variant.
std::vector<Method> methods_of(const Config& config, const Method& published) {
  std::vector<Method> methods = parse_methods(config.balance.methods, "balance.methods").methods;
  for (std::size_t m = 0; m < methods.size(); ++m)
    if (methods[m].kind == published.kind && config.balance.methods[m].find(':') == std::string::npos)
      methods[m] = published;
  return methods;
}

MldrlSetup setup_of(const Config& config, const Dataset& data) {
  MldrlSetup setup = mldrl_setup(config.model.variant);
  MldrlModel& m = setup.model;
  m.features1 = data.features[0];
  m.features2 = data.features[1];
  m.hidden = config.model.hidden;
  m.shared = config.model.shared;
  m.specific = config.model.specific;
  m.classes = data.classes > 0 ? data.classes : kClassesWithoutLabels;
  m.ratio = config.model.inherent_variational == "ratio";
  parse_activation(config.model.output_activation, m.output_activation);
  setup.methods = methods_of(config, setup.methods.front());
  setup.at_latent = config.balance.at == "latent";
  setup.private_weights = config.balance.private_parts == "weights";
  setup.rescale = config.balance.rescale;
  setup.over = fmt::format("{}", fmt::join(config.balance.over, " "));
  setup.settings = settings_of(config, setup.settings);
  balanced_stretches(setup);  // refuses names the model does not have
  return setup;
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
  if (data.classes == 0 && !split.validation.empty() && config.train.monitor == "auc")
    throw Error(ExitCode::usage, "train.monitor: an AUC needs labels and the data have none; set monitor = \"loss\"");
  TrainingPlan plan;
  plan.setup = setup_of(config, data);
  // A batch larger than the training part is the training part; nothing is planned for rows that do not exist.
  plan.batch = std::min(config.train.batch, std::max(1, static_cast<int>(split.train.size())));
  plan.epochs = config.train.epochs;
  plan.patience = split.validation.empty() ? 0 : config.train.patience;
  plan.monitor = config.train.monitor == "auc" ? Monitor::auc : Monitor::loss;
  plan.class_weights = class_weights(config.train.class_weights, data, split, plan.setup.model.classes);
  return plan;
}

}  // namespace equipoise
