// engine/systems/mldrl/mldrl_system.cpp - settings of MLDRL, and what it asks of data and config.
#include "engine/systems/mldrl/mldrl_system.h"

#include <fmt/format.h>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "engine/systems/metadata.h"

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

}  // namespace

std::vector<Preset> MldrlSystem::presets() const {
  // The published rate, the built-in default, is too small for a few hundred patients.
  return {{"mldrl",
           "",
           "",
           "MLDRL: two views of the same patients, three balanced losses.",
           {"before.csv", "after.csv"},
           "outcome.csv",
           1e-3}};
}

SystemTraits MldrlSystem::traits() const {
  return {.least_views = 2,
          .most_views = 2,
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

Defaults MldrlSystem::defaults(std::string_view variant, std::string_view) const {
  Defaults d;
  d.setup = published(variant == "code" ? "code" : "paper");
  return d;
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
  return {
      {"data.source", "where rows come from: tables"},
      {"data.views", "one table per view, joined on id", {}, 2},
      {"data.outcome", "table of labels; without it the label is a column of the views"},
      {"data.label"},
      {"balance.methods"},
      {"balance.alpha"},
      {"balance.over",
       "where gradients are measured: heads, head_biases_mean, shared (all that several tasks reach) or a list of "
       "parameters; \"\" = by variant"},
      {"balance.at",
       "parameters, or latent: over the gradients by the encoders' output (MGDA-UB); latent1, latent2: by one view's",
       {"parameters", "latent", "latent1", "latent2"}},
      {"balance.private"},
      {"balance.rescale"},
      {"balance.initial_weights", "of the losses in their order; [] = the published ones with gradnorm, else ones"},
      {"balance.lr"},
      {"balance.sum_rows"},
      {"train.class_weights"}};
}

std::vector<Monitor> MldrlSystem::monitors() const {
  if (model.has(kClassification)) return {Monitor::auc, Monitor::loss, Monitor::none};
  return {Monitor::loss, Monitor::none};
}

void MldrlSystem::take_sizes(const Dataset& data, Setup&) {
  model.features1 = data.features[0];
  model.features2 = data.features[1];
  model.classes = data.classes > 0 ? data.classes : kClassesWithoutLabels;
  if (data.classes == 0 && model.losses.size() == 1 && model.has(kClassification))
    throw Error(
        ExitCode::usage,
        "model.losses: the classification alone has nothing to learn from data without labels; add another loss");
}

std::string MldrlSystem::demands() const {
  return fmt::format("{} and {} columns and {} classes", model.features1, model.features2, model.classes);
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
  return {{data.views[0], data.features[0]}, {data.views[1], data.features[1]}};
}

std::vector<NamedRegion> MldrlSystem::representations(const Graph& g) const {
  const int heads = g.find(kMldrlLatent);
  return {{"latent", g.all(heads)}, {"latent1", g.block(heads, 0)}, {"latent2", g.block(heads, 1)}};
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
  model.features1 = shapes.in("encoder1.linear1");
  model.features2 = shapes.in("encoder2.linear1");
  model.hidden = shapes.out("encoder1.linear1");
  model.specific = shapes.out("_enc_mu") - model.shared;
  model.classes = model.has(kClassification) ? shapes.out("fc1") : m.whole("classes", model.classes);
  if (model.specific < 1) m.refuse("shared", "it leaves no specific latents");
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
