// engine/systems/mldrl/mldrl_system.cpp - settings of MLDRL, and what it asks of data and config.
#include "engine/systems/mldrl/mldrl_system.h"

#include <fmt/format.h>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "engine/systems/metadata.h"
#include "engine/systems/weighted_loss.h"

namespace equipoise {

namespace {

constexpr int kClassesWithoutLabels = 2;
constexpr double kVanishing = 1e-6;
constexpr const char* kLogits = "crossentropy(log_softmax)";
constexpr const char* kTwice = "sigmoid softmax crossentropy(log_softmax)";

/// Weights before the first step, as published, in the order of the losses.
double published_weight(const std::string& loss) {
  if (loss == kReconstruction) return 1.4;
  return loss == kInherentVariational ? 3.0 : 0.3;
}

std::string encoder(int view) { return fmt::format("encoder{}.linear1", view + 1); }

}  // namespace

std::vector<Preset> MldrlSystem::presets() const {
  // The published rate, 8.5e-5, is too small for a few hundred patients: it leaves the model untrained.
  return {{"mldrl",
           "",
           "",
           "MLDRL: views of the same patients (here two; one to six), three balanced losses.",
           {"before.csv", "after.csv"},
           "outcome.csv",
           1e-3}};
}

SystemTraits MldrlSystem::traits() const {
  return {.least_views = 1,
          .most_views = kMostViews,
          .labels = true,
          .targets = false,
          .balanced = true,
          .weighs_classes = true,
          .tells_labels = true,
          .generates = false};
}

Setup MldrlSystem::published(std::string_view variant) const {
  const bool code = variant == "code";
  if (!code && variant != "paper" && !variant.empty())
    throw Error(ExitCode::usage, fmt::format("model.variant: '{}' is unknown; use \"paper\" or \"code\"", variant));
  auto system = std::make_unique<MldrlSystem>();
  Setup s;
  s.variant = code ? "code" : "paper";
  s.balance[0].methods = {default_method(MethodKind::gradnorm)};
  s.settings.lr = s.settings.task_lr = 8.5e-5;
  s.settings.alpha = 0.16;
  for (std::size_t k = 0; k < system->model.losses.size(); ++k)
    s.settings.initial_weights[k] = published_weight(system->model.losses[k]);
  if (code) {
    MldrlModel& m = system->model;
    m.output_activation = Activation::relu;
    m.ratio = false;
    m.crossed1_specific_first = true;
    m.softmax_twice = true;
    BalanceSetup& balance = s.balance[0];
    balance.over = "head_biases_mean";
    balance.methods[0].loss_ratio = LossRatio::weighted;
    balance.methods[0].renormalise = Normalise::none;
    s.loss_scale = 1.0 / 3.0;
  }
  s.system = std::move(system);
  return s;
}

Defaults MldrlSystem::defaults(const Chosen& chosen) const {
  Defaults d;
  d.setup = published(chosen.variant == "code" ? "code" : "paper");
  MldrlModel& m = mldrl(d.setup);
  if (chosen.views > 0) m.features.assign(static_cast<std::size_t>(chosen.views), 0);
  if (m.views() > 1) return d;
  std::erase(m.losses, kInherentVariational);
  for (std::size_t k = 0; k < m.losses.size(); ++k) d.setup.settings.initial_weights[k] = published_weight(m.losses[k]);
  return d;
}

std::vector<std::pair<std::string, std::string>> MldrlSystem::contradictions() const {
  std::vector<std::pair<std::string, std::string>> found;
  if (model.views() == 1 && model.has(kInherentVariational))
    found.emplace_back("losses", "names inherent_variational, which compares views, and there is one; leave it out");
  if (model.views() != 2 && model.crossed1_specific_first)
    found.emplace_back("variant",
                       fmt::format("is \"code\", the authors' program, which knows two views and not {}; set \"paper\"",
                                   model.views()));
  return found;
}

std::vector<ModelKey> MldrlSystem::keys() {
  MldrlModel& m = model;
  const Word form{[&m] { return m.ratio ? "ratio" : "difference"; },
                  [&m](std::string_view w) { m.ratio = w == "ratio"; }};
  return {{"hidden", &m.hidden, "width of the hidden layers", {.range = range::kWidth}},
          {"shared", &m.shared, "latent dimensions common to the views (inherent)", {.range = range::kWidth}},
          {"specific", &m.specific, "latent dimensions of each view's own (variational)", {.range = range::kWidth}},
          {"output_activation",
           activation_word(m.output_activation),
           "of the decoders: identity, relu, tanh or sigmoid; \"\" = by variant",
           {.choices = {"", "identity", "relu", "tanh", "sigmoid"}}},
          {"inherent_variational",
           form,
           "ratio or difference of the two distances; \"\" = by variant",
           {.choices = {"", "ratio", "difference"}}},
          {"losses",
           &m.losses,
           "losses to train, each balanced as a task; leave some out for an ablation",
           {.choices = {kReconstruction, kInherentVariational, kClassification}, .some = true, .distinct = true}}};
}

std::vector<KeyUse> MldrlSystem::uses() const {
  return {{"data.source", "where rows come from: tables"},
          {"data.views", "one table per view, one to six, joined on id"},
          {"data.outcome", "table of labels; without it the label is a column of the views"},
          {"data.label"},
          {"balance.methods"},
          {"balance.alpha"},
          {"balance.over",
           "where gradients are measured: heads, head_biases_mean, shared (all that several tasks reach) or a list of "
           "parameters; \"\" = by variant"},
          {"balance.at",
           "parameters, or latent: over the gradients by the encoders' output (MGDA-UB); latent1, latent2, ...: by one "
           "view's",
           {"parameters", "latent", "latent1", "latent2", "latent3", "latent4", "latent5", "latent6"}},
          {"balance.private"},
          {"balance.rescale"},
          {"balance.initial_weights", "of the losses in their order; [] = the published ones with gradnorm, else ones"},
          {"balance.lr"},
          {"balance.sum_rows"},
          {"train.class_weights"},
          {"evaluate.threshold"}};
}

std::vector<Monitor> MldrlSystem::monitors() const {
  if (model.has(kClassification)) return {Monitor::auc, Monitor::loss, Monitor::none};
  return {Monitor::loss, Monitor::none};
}

Watch MldrlSystem::watch(const Monitored& by) const {
  if (by.monitor == Monitor::loss) return watch_weighted_losses(by);
  Watch watch;
  if (by.monitor == Monitor::auc) {
    watch.watched = Watched::auc;
    watch.output = 0;  // the prediction
    watch.cols = model.classes;
    watch.logits = !model.softmax_twice;
  }
  return watch;
}

void MldrlSystem::take_sizes(const Dataset& data, Setup&) {
  model.features = data.features;
  model.classes = data.classes > 0 ? data.classes : kClassesWithoutLabels;
  if (data.classes == 0 && model.losses.size() == 1 && model.has(kClassification))
    throw Error(
        ExitCode::usage,
        "model.losses: the classification alone has nothing to learn from data without labels; add another loss");
}

std::string MldrlSystem::demands() const {
  return fmt::format("{} columns and {} classes", fmt::join(model.features, " and "), model.classes);
}

std::vector<TaskInfo> MldrlSystem::tasks() const {
  std::vector<TaskInfo> tasks;
  for (const std::string& loss : model.losses) {
    const bool unbounded = loss == kInherentVariational && !model.ratio;
    tasks.push_back({loss, unbounded ? -std::numeric_limits<double>::infinity() : 0.0});
  }
  return tasks;
}

std::vector<RunTables::Values> MldrlSystem::sources(const Dataset& data) const {
  std::vector<RunTables::Values> views;
  for (std::size_t v = 0; v < data.views.size(); ++v) views.push_back({data.views[v], data.features[v]});
  return views;
}

std::vector<NamedRegion> MldrlSystem::representations(const Graph& g) const {
  const int heads = g.find(kMldrlLatent);
  std::vector<NamedRegion> places{{"latent", g.all(heads)}};
  for (int v = 0; v < model.views(); ++v) places.push_back({fmt::format("latent{}", v + 1), g.block(heads, v)});
  return places;
}

std::vector<NamedStretches> MldrlSystem::parameter_groups() const {
  return {{"heads", mldrl_heads(model)}, {"head_biases_mean", mldrl_head_biases_mean(model)}};
}

void MldrlSystem::write(std::map<std::string, std::string>& to) const {
  to["tasks"] = fmt::format("{}", fmt::join(model.losses, " "));
  to["shared"] = std::to_string(model.shared);
  to["output_activation"] = name_in(kActivations, model.output_activation);
  to["inherent_variational"] = model.ratio ? "ratio" : "difference";
  to["cross_decoder1"] = model.crossed1_specific_first ? "specific1 shared2" : "shared2 specific1";
  to["classifier"] = model.softmax_twice ? kTwice : kLogits;
  if (model.has(kClassification)) return;
  to["classes"] = std::to_string(model.classes);
}

void MldrlSystem::read(const Metadata& m, const Shapes& shapes) {
  model.losses = m.subset("tasks", model.losses);
  m.activation("output_activation", model.output_activation);
  model.shared = m.whole("shared", model.shared);
  model.ratio = m.on("inherent_variational", "difference", "ratio", model.ratio);
  model.crossed1_specific_first =
      m.on("cross_decoder1", "shared2 specific1", "specific1 shared2", model.crossed1_specific_first);
  model.softmax_twice = m.on("classifier", kLogits, kTwice, model.softmax_twice);
  model.features.clear();
  while (model.views() < kMostViews && (model.views() == 0 || shapes.has(encoder(model.views()))))
    model.features.push_back(shapes.in(encoder(model.views())));
  model.hidden = shapes.out(encoder(0));
  model.specific = shapes.out("_enc_mu") - model.shared;
  model.classes = model.has(kClassification) ? shapes.out("fc1") : m.whole("classes", model.classes);
  if (model.specific < 1) m.refuse("shared", "it leaves no specific latents");
  for (const auto& [key, why] : contradictions()) m.refuse(key == "losses" ? "tasks" : key, "it " + why);
}

std::string MldrlSystem::warning(std::span<const std::string> names, std::span<const double> terms) const {
  if (!model.ratio) return "";
  for (std::size_t t = 0; t < names.size(); ++t)
    if (names[t] == "variational" && terms[t] < kVanishing)
      return fmt::format(
          "the variational term, by which the inherent one is divided, fell to {:.3g}; the views' "
          "specific latents collapse - lower optimizer.lr or set model.inherent_variational = "
          "\"difference\"",
          terms[t]);
  return "";
}

}  // namespace equipoise
