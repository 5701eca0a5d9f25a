// host/config/model_config.cpp - the config's words in the engine's terms.
#include "host/config/model_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "engine/systems/words.h"
#include "host/config/class_weights.h"
#include "host/config/config_checks.h"
#include "host/text/nearest_name.h"

namespace equipoise {

namespace {

Settings settings_of(const Config& config, Settings s) {
  const BalanceConfig& balance = config.balance.front();
  s.seed = config.train.seed;
  read_name(kPolicies, config.train.on_nonfinite, s.on_nonfinite);
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

std::vector<BalanceSetup> balance_of(const Config& config) {
  std::vector<BalanceSetup> balance;
  for (const BalanceConfig& words : config.balance) {
    BalanceSetup b;
    b.methods = parse_methods(words.methods, "balance.methods").methods;
    b.over = fmt::format("{}", fmt::join(words.over, " "));
    b.at = words.at;
    b.sum_rows = words.sum_rows;
    b.private_weights = words.private_parts == "weights";
    b.rescale = words.rescale;
    balance.push_back(std::move(b));
  }
  return balance;
}

Setup setup_of(const Config& config, const Dataset& data) {
  Setup setup = published_setup(config.model.kind, config.model.variant);
  setup.system = config.model.system;
  setup.system->take_sizes(data, setup);
  setup.balance = balance_of(config);
  read_name(kOptimizers, config.optimizer.kind, setup.optimizer);
  setup.settings = settings_of(config, setup.settings);
  balancers_of(setup, Pass::train);  // refuses names the model does not have
  return setup;
}

/// Throws Error(usage) for a monitor that the model or the data do not have.
Monitor monitor_of(const Config& config, const System& system, const Dataset& data, const Split& split) {
  Monitor monitor = Monitor::none;
  read_name(kMonitors, config.train.monitor, monitor);
  const std::vector<Monitor> known = system.monitors();
  std::vector<std::string> words;
  for (const Monitor m : known) words.push_back(fmt::format("\"{}\"", name_in(kMonitors, m)));
  if (std::find(known.begin(), known.end(), monitor) == known.end()) {
    const bool auc_of_others = monitor == Monitor::auc && knows_auc(config);
    throw Error(ExitCode::usage,
                fmt::format("train.monitor: {}; set {}",
                            !auc_of_others
                                ? fmt::format("\"{}\" chooses no epoch of kind {}", config.train.monitor, system.kind())
                            : system.traits().labels ? "an AUC needs the classification, which model.losses leaves out"
                                                     : "an AUC needs a task of classes, and these are all of numbers",
                            fmt::join(words, " or ")));
  }
  if (monitor == Monitor::auc && system.traits().labels && data.classes == 0 && !split.validation.empty())
    throw Error(ExitCode::usage, "train.monitor: an AUC needs labels and the data have none; set monitor = \"loss\"");
  return monitor;
}

/// Number of the task that train.monitor_task names; -1 for none. Throws Error(usage) if the model has no such task, or
/// the monitor says nothing of it.
int monitor_task_of(const Config& config, Monitor monitor, const Dataset& data, const System& system) {
  const std::string& name = config.train.monitor_task;
  if (name.empty()) return -1;
  const std::vector<TaskInfo> tasks = system.tasks();
  const auto found = std::find_if(tasks.begin(), tasks.end(), [&](const TaskInfo& t) { return t.name == name; });
  if (found == tasks.end()) {
    std::vector<std::string> names;
    for (const TaskInfo& task : tasks) names.push_back(task.name);
    throw Error(ExitCode::usage,
                fmt::format("train.monitor_task: there is no task '{}'; {}", name, did_you_mean(name, names)));
  }
  if (monitor == Monitor::auc) {
    const std::vector<TaskClasses> classes = system.task_classes(data);
    if (std::none_of(classes.begin(), classes.end(), [&](const TaskClasses& of) { return of.task == name; }))
      throw Error(ExitCode::usage, fmt::format("train.monitor_task: {} is a task of numbers, which have no AUC; set "
                                               "monitor = \"loss\" or \"deviance\"",
                                               name));
  }
  return static_cast<int>(found - tasks.begin());
}

}  // namespace

TrainingPlan training_plan(const Config& config, const Dataset& data, const Split& split) {
  if (data.tasks.size() > kMaxTasks)
    throw Error(ExitCode::usage,
                fmt::format("{}: {} tasks, but at most {} can be balanced; name fewer",
                            config.data.generated() ? "data.sigmas" : "data.tasks", data.tasks.size(), kMaxTasks));
  TrainingPlan plan;
  plan.setup = setup_of(config, data);
  // A batch larger than the training part is the training part; nothing is planned for rows that do not exist.
  plan.batch = std::min(config.train.batch, std::max(1, static_cast<int>(split.train.size())));
  plan.epochs = config.train.epochs;
  plan.patience = split.validation.empty() ? 0 : config.train.patience;
  plan.warmup = config.train.warmup;
  plan.monitor = monitor_of(config, *plan.setup.system, data, split);
  plan.monitor_task = monitor_task_of(config, plan.monitor, data, *plan.setup.system);
  if (config.train.class_weights != ClassWeights{}) {
    const std::vector<TaskClasses> classes = plan.setup.system->task_classes(data);
    plan.class_weights = class_weights(config.train.class_weights, classes, split.train);
    plan.setup.system->weigh_classes();
  } else {
    plan.class_weights.assign(static_cast<std::size_t>(plan.setup.system->weighed_classes(data)), 1.0f);
  }
  return plan;
}

}  // namespace equipoise
