// engine/systems/mtl/mtl_system.cpp - settings of multi-task networks, and what they ask of data and config.
#include "engine/systems/mtl/mtl_system.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "engine/systems/metadata.h"

namespace equipoise {

std::vector<Preset> MtlSystem::presets() const {
  return {{"towers", "towers", "gradnorm-towers",
           "Multi-task learning: a shared trunk, a tower for each of two regressions (GradNorm's towers)."},
          {"trunk", "trunk", "gradnorm-toy",
           "Multi-task learning: a deep shared trunk, a linear head for each task (GradNorm's toy example)."}};
}

SystemTraits MtlSystem::traits() const {
  return {.least_views = 1,
          .most_views = 1,
          .labels = false,
          .targets = true,
          .balanced = true,
          .weighs_classes = true,
          .tells_labels = false,
          .generates = false};
}

Setup MtlSystem::published(std::string_view variant) const {
  const bool trunk = variant == "trunk";
  if (!trunk && variant != "towers" && !variant.empty())
    throw Error(ExitCode::usage, fmt::format("model.variant: '{}' is unknown; use \"towers\" or \"trunk\"", variant));
  auto system = std::make_unique<MtlSystem>();
  Setup s;
  s.variant = trunk ? "trunk" : "towers";
  Method gradnorm = default_method(MethodKind::gradnorm);
  if (trunk) {
    MtlModel& m = system->model;
    m.trunk = {100, 100, 100, 100};
    m.tower = {};
    m.dropout = 0;
    m.names = MtlNames::trunk;
    gradnorm.restart = 1;
    s.settings.lr = 1e-5;
    s.settings.task_lr = 5e-4;
    s.settings.alpha = 0.12;
  } else {
    gradnorm.loss_ratio = LossRatio::weighted;
    gradnorm.renormalise = Normalise::in_loss;
    s.settings.lr = s.settings.task_lr = 1e-3;
    s.settings.alpha = 0.16;
  }
  s.balance[0].methods = {gradnorm};
  s.balance[0].over = "last_trunk_weight";
  std::fill(std::begin(s.settings.initial_weights), std::end(s.settings.initial_weights), 1.0);
  s.system = std::move(system);
  return s;
}

std::vector<Monitor> MtlSystem::monitors() const {
  std::vector<Monitor> monitors = {Monitor::auc, Monitor::loss, Monitor::deviance, Monitor::none};
  const bool numbers_alone = std::none_of(model.tasks.begin(), model.tasks.end(),
                                          [](const Target& target) { return classes_of(target) > 0; });
  if (!model.tasks.empty() && numbers_alone) monitors.erase(monitors.begin());
  return monitors;
}

Defaults MtlSystem::defaults(const Chosen& chosen) const {
  const std::string_view source = chosen.source;
  const bool trunk = chosen.variant == "trunk";
  Defaults d;
  d.setup = published(trunk ? "trunk" : "towers");
  d.epochs = trunk ? 250 : 50;
  d.batch = 100;
  d.monitor = Monitor::none;
  if (source != "gradnorm-towers" && source != "gradnorm-toy") return d;
  d.source = source;
  // The published programs minimise the GradNorm loss by the network too; the paper, and one's own tables, do not.
  d.setup.balance[0].methods[0].network = 1;
  if (source == "gradnorm-toy") {
    d.generated = {250, {48, 3, 54, 16, 9, 30, 52, 26, 47, 81}};  // of the ten published tasks
    d.validation = d.test = 0;
  } else {
    d.validation = d.test = 0.1;
  }
  return d;
}

std::vector<ModelKey> MtlSystem::keys() {
  MtlModel& m = model;
  return {
      {"trunk",
       &m.trunk,
       "widths of the layers that the tasks share",
       {.range = range::kWidth, .most = range::kMostLayers, .some = true}},
      {"tower",
       &m.tower,
       "widths of each task's hidden layers; [] = none",
       {.range = range::kWidth, .most = range::kMostLayers}},
      {"activation",
       activation_word(m.activation),
       "of the hidden layers: relu, tanh, sigmoid or identity",
       {.choices = names_in(kActivations)}},
      {"dropout", &m.dropout, "share of units dropped after each hidden layer in training", {.range = range::kShare}}};
}

std::vector<KeyUse> MtlSystem::uses() const {
  return {
      {"data.source",
       "where rows come from: tables, or generated: gradnorm-towers (2 tasks) or gradnorm-toy (one task per sigma)"},
      {"data.views", "the table of features", {}, 1},
      {"data.outcome", "table of targets; without it they are columns of the features' table"},
      {"data.tasks"},
      {"data.rows"},
      {"data.features"},
      {"data.outputs"},
      {"data.sigmas"},
      {"balance.methods"},
      {"balance.alpha"},
      {"balance.over",
       "where gradients are measured: last_trunk_weight, shared (all that several tasks reach) or a list of "
       "parameters"},
      {"balance.at",
       "parameters, or latent: over the gradients by the trunk's output (MGDA-UB)",
       {"parameters", "latent"}},
      {"balance.private"},
      {"balance.rescale"},
      {"balance.initial_weights", "one number a task; [] = ones"},
      {"balance.lr"},
      {"balance.sum_rows"},
      {"train.monitor_task"},
      {.key = "train.class_weights",
       .meaning = "in the losses of classes: \"balanced\", one number per class where one task has classes, or of each "
                  "task: {task = \"balanced\", other = [1, 3]}",
       .example = "\"balanced\""},
      {"evaluate.threshold"}};
}

void MtlSystem::take_sizes(const Dataset& data, Setup& setup) {
  model.features = data.features[0];
  model.tasks = data.tasks;
  // The published towers train on the mean of their weighted losses, the published trunk on the sum.
  if (model.names == MtlNames::towers) setup.loss_scale = 1.0 / static_cast<double>(data.tasks.size());
}

std::string MtlSystem::demands() const {
  std::string text = fmt::format("{} columns", model.features);
  for (const Target& t : model.tasks) text += fmt::format(", {} answers for {}", answers_of(t), t.name);
  return text;
}

std::vector<TaskInfo> MtlSystem::tasks() const {
  std::vector<TaskInfo> tasks;
  for (const Target& t : model.tasks) tasks.push_back({t.name, t.likelihood->lower_bound()});
  return tasks;
}

std::vector<RunTables::Values> MtlSystem::sources(const Dataset& data) const {
  return {{data.views[0], data.features[0]}, {data.targets, data.target_cols}};
}

std::vector<TaskClasses> MtlSystem::task_classes(const Dataset& data) const {
  std::vector<TaskClasses> found;
  for (const Target& target : model.tasks) {
    if (classes_of(target) == 0) continue;
    TaskClasses task{target.name, classes_of(target), {}};
    for (std::size_t at = static_cast<std::size_t>(target.first_col); at < data.targets.size();
         at += static_cast<std::size_t>(data.target_cols))
      task.of_row.push_back(std::isnan(data.targets[at]) ? -1 : static_cast<int>(data.targets[at]));
    found.push_back(std::move(task));
  }
  return found;
}

bool MtlSystem::rows_at_once() const {
  return std::any_of(model.tasks.begin(), model.tasks.end(),
                     [](const Target& t) { return !t.likelihood->over_rows(); });
}

std::vector<NamedRegion> MtlSystem::representations(const Graph& g) const {
  return {{"latent", g.all(g.find(kMtlLatent))}};
}

std::vector<NamedStretches> MtlSystem::parameter_groups() const {
  return {{"last_trunk_weight", mtl_last_trunk_weight(model)}};
}

std::string MtlSystem::network_obstacle(const std::vector<Stretch>& over) const {
  const auto layers = static_cast<int>(model.trunk.size());
  if (over.size() != 1 || over[0].bias || over[0].layer >= layers) return "needs balance.over = \"last_trunk_weight\"";
  if (over[0].layer + 1 != layers) return "is measured on the last trunk layer";
  if (model.activation != Activation::relu && model.activation != Activation::identity)
    return "has second derivatives of relu and identity alone";
  std::vector<std::string_view> known;
  for (const Likelihood* l : likelihoods())
    if (l->has_curvature()) known.push_back(l->name());
  for (const Target& t : model.tasks)
    if (!t.likelihood->has_curvature())
      return fmt::format("has second derivatives of these tasks alone: {}", fmt::join(known, ", "));
  return "";
}

void MtlSystem::write(std::map<std::string, std::string>& to) const {
  to["activation"] = name_in(kActivations, model.activation);
  to["dropout"] = shortest(model.dropout);
  if (model.weighs_classes) to["weighs_classes"] = "yes";  // a file without is what it was before there were weights
  // A line each: names of columns may hold blanks.
  for (std::size_t k = 0; k < model.tasks.size(); ++k)
    to[fmt::format("task.{}", k)] = fmt::format("{} {}", model.tasks[k].likelihood->name(), model.tasks[k].name);
}

namespace {

/// Names and likelihoods of the tasks; a record that names none has regressions.
std::vector<Target> read_tasks(const Metadata& m) {
  std::vector<Target> tasks;
  for (std::string key = "task.0"; const std::string* text = m.find(key); key = fmt::format("task.{}", tasks.size())) {
    const std::size_t blank = text->find(' ');
    const Likelihood* likelihood = find_likelihood(std::string_view(*text).substr(0, blank));
    if (!likelihood || blank == text->npos) m.refuse(key, "a kind of task and its name are needed");
    tasks.push_back({.name = text->substr(blank + 1), .likelihood = likelihood});
  }
  if (const std::string* names = m.find("tasks"); tasks.empty() && names)
    for (const std::string& name : words_of(*names)) tasks.push_back({.name = name, .likelihood = &regression()});
  if (tasks.empty() || tasks.size() > kMaxTasks) m.refuse("tasks", fmt::format("1 to {} names are needed", kMaxTasks));
  return tasks;
}

}  // namespace

void MtlSystem::read(const Metadata& m, const Shapes& shapes) {
  m.activation("activation", model.activation);
  m.number("dropout", model.dropout);
  if (!(model.dropout >= 0 && model.dropout < 1)) m.refuse("dropout", "a number in [0, 1) is needed");
  model.weighs_classes = m.on("weighs_classes", "no", "yes", false);
  model.tasks = read_tasks(m);
  const MtlLayerNames names(model);
  model.trunk = shapes.widths([&](int i) { return names.trunk(i); });
  if (model.trunk.empty()) shapes.refuse(fmt::format("there is no layer '{}'", names.trunk(0)));
  model.features = shapes.in(names.trunk(0));
  // The layers of the first tower tell how many hidden ones each has.
  model.tower = {0};  // names of a tower with hidden layers differ from those without
  const bool deep = shapes.has(names.tower(0, 0)) && shapes.has(names.tower(0, 1));
  if (deep) {
    model.tower = shapes.widths([&](int i) { return names.tower(0, i); });
    model.tower.pop_back();
  } else {
    model.tower.clear();
  }
  int col = 0;
  for (std::size_t k = 0; k < model.tasks.size(); ++k) {
    Target& task = model.tasks[k];
    task.likelihood->size_by_answers(shapes.out(names.tower(static_cast<int>(k), static_cast<int>(model.tower.size()))),
                                     task);
    task.first_col = col;
    col += task.cols;
  }
}

}  // namespace equipoise
