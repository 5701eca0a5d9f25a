// engine/systems/vaegan/vaegan_system.cpp - settings of VAE-GAN, and what it asks of data and config.
#include "engine/systems/vaegan/vaegan_system.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "engine/systems/evaluation.h"
#include "engine/systems/metadata.h"

namespace equipoise {

std::vector<Preset> VaeganSystem::presets() const {
  return {{"vaegan",
           "",
           "",
           "VAE-GAN: encoder, decoder and discriminator of one table; put your own in data.views.",
           {"features.csv"}}};
}

SystemTraits VaeganSystem::traits() const {
  return {.least_views = 1,
          .most_views = 1,
          .labels = true,
          .targets = false,
          .balanced = false,
          .weighs_classes = false,
          .tells_labels = false,
          .generates = true};
}

Setup VaeganSystem::published(std::string_view variant) const {
  if (!variant.empty() && variant != "routed")
    throw Error(ExitCode::usage, fmt::format("model.variant: '{}' is unknown; only \"routed\" is known", variant));
  Setup s;
  s.variant = "routed";
  s.system = std::make_unique<VaeganSystem>();
  s.balance[0].methods = {default_method(MethodKind::identity)};
  s.balance[0].over = "";
  s.optimizer = OptimizerKind::rmsprop;
  s.settings.lr = s.settings.task_lr = 3e-4;
  std::fill(std::begin(s.settings.initial_weights), std::end(s.settings.initial_weights), 1.0);
  return s;
}

Defaults VaeganSystem::defaults(const Chosen&) const {
  Defaults d;
  d.setup = published("");
  // Tables have few rows: a third of the published rate, twice the width of encoder and decoder, and a decoder that
  // listens more to the feature loss; chosen on the bundled and the speech data.
  d.setup.settings.lr = d.setup.settings.task_lr = 1e-4;
  VaeganModel& m = of_kind<VaeganSystem>(*d.setup.system).model;
  m.encoder = m.decoder = {128};
  m.gamma = 0.3;
  d.epochs = 2000;
  d.batch = 64;
  d.monitor = Monitor::none;
  return d;
}

std::vector<ModelKey> VaeganSystem::keys() {
  VaeganModel& m = model;
  const Rule widths{.range = range::kWidth, .most = range::kMostLayers, .some = true};
  return {{"latent", &m.latent, "latent dimensions", {.range = range::kWidth}},
          {"encoder", &m.encoder, "widths of its hidden layers", widths},
          {"decoder", &m.decoder, "widths of its hidden layers", widths},
          {"discriminator", &m.discriminator, "widths of its hidden layers", widths},
          {"feature_layer",
           &m.feature_layer,
           "hidden layer of the discriminator, from 1, that the feature loss compares",
           {.range = range::kWidth}},
          {"gamma",
           &m.gamma,
           "share of the feature loss in the decoder's; the adversarial loss has the rest",
           {.range = range::kUnit}},
          {"lambda", &m.lambda, "weight of the labels in the discriminator's loss", {.range = range::kNotNegative}},
          {"activation",
           activation_word(m.activation),
           "of the hidden layers: relu, tanh, sigmoid or identity",
           {.choices = names_in(kActivations)}},
          {"output_activation",
           activation_word(m.output_activation),
           "of the decoder: relu, tanh, sigmoid or identity",
           {.choices = names_in(kActivations)}},
          {"losses",
           &m.losses,
           "losses to train; leave some out for an ablation; auxiliary needs labels",
           {.choices = {kPrior, kFeature, kGenerator, kDiscriminator, kAuxiliary}, .some = true, .distinct = true}}};
}

std::vector<KeyUse> VaeganSystem::uses() const {
  return {{"data.source", "where rows come from: tables"},
          {"data.views", "the table of features", {}, 1},
          {"data.outcome", "table of labels; without it the label is a column of the views"},
          {"data.label"},
          {"balance.methods", "its losses are routed to their networks, not balanced", {"identity"}, 1}};
}

std::vector<std::pair<std::string, std::string>> VaeganSystem::contradictions() const {
  std::vector<std::pair<std::string, std::string>> found;
  if (model.feature_layer > static_cast<int>(model.discriminator.size()))
    found.emplace_back(
        "feature_layer",
        fmt::format("is {}, but model.discriminator has {} hidden layer{}; name one of them", model.feature_layer,
                    model.discriminator.size(), model.discriminator.size() == 1 ? "" : "s"));
  if (model.losses.size() == 1 && model.losses[0] == kAuxiliary)
    found.emplace_back("losses", "keeps the auxiliary loss alone, which trains no encoder and no decoder; add another");
  return found;
}

void VaeganSystem::take_sizes(const Dataset& data, Setup&) {
  model.features = data.features[0];
  model.labels = data.classes == 2 ? 1 : data.classes;  // two classes are one yes or no
}

std::string VaeganSystem::demands() const {
  return fmt::format("{} columns and {} labels", model.features, model.labels);
}

std::vector<TaskInfo> VaeganSystem::tasks() const {
  // -log(p + offset) of each row may lie a little below zero: no bound holds for every size of a batch.
  std::vector<TaskInfo> tasks;
  for (const std::string& loss : model.tasks()) {
    const bool adversarial = loss == kGenerator || loss == kDiscriminator;
    tasks.push_back({loss, adversarial ? -std::numeric_limits<double>::infinity() : 0.0});
  }
  return tasks;
}

std::vector<RunTables::Values> VaeganSystem::sources(const Dataset& data) const {
  // One column a label: 1 for its class (the second of two), 0 for the others, NaN where a row has no label.
  std::vector<float> labels;
  for (const int label : data.label)
    for (int c = 0; c < model.labels; ++c) {
      const bool here = model.labels == 1 ? label == 1 : label == c;
      labels.push_back(label < 0 ? std::numeric_limits<float>::quiet_NaN() : (here ? 1.0f : 0.0f));
    }
  return {{data.views[0], data.features[0]}, {labels, model.labels}};
}

void VaeganSystem::write(std::map<std::string, std::string>& to) const {
  to["tasks"] = fmt::format("{}", fmt::join(model.tasks(), " "));
  to["losses"] = fmt::format("{}", fmt::join(model.losses, " "));
  to["activation"] = name_in(kActivations, model.activation);
  to["output_activation"] = name_in(kActivations, model.output_activation);
  to["gamma"] = shortest(model.gamma);
  to["lambda"] = shortest(model.lambda);
  to["feature_layer"] = std::to_string(model.feature_layer);
}

void VaeganSystem::read(const Metadata& m, const Shapes& shapes) {
  model.losses = m.subset("losses", model.losses);  // a record's tasks are its three players
  m.activation("activation", model.activation);
  m.activation("output_activation", model.output_activation);
  m.number("gamma", model.gamma);
  m.number("lambda", model.lambda);
  const auto widths = [&](const std::string& group) {
    std::vector<int> found =
        shapes.widths([&](int i) { return group + ".hidden" + (i > 0 ? std::to_string(i + 1) : ""); });
    if (found.empty()) shapes.refuse(fmt::format("there is no layer '{}.hidden'", group));
    return found;
  };
  model.encoder = widths("encoder");
  model.decoder = widths("decoder");
  model.discriminator = widths("discriminator");
  model.features = shapes.in("encoder.hidden");
  model.latent = shapes.out("encoder.mu");
  model.labels = shapes.has("discriminator.aux") ? shapes.out("discriminator.aux") : 0;
  const auto layers = static_cast<int>(model.discriminator.size());
  if (m.find("feature_layer") && *m.find("feature_layer") == "discriminator.hidden") model.feature_layer = 1;
  else model.feature_layer = m.whole("feature_layer", model.feature_layer);
  if (model.feature_layer > layers)
    m.refuse("feature_layer", fmt::format("the discriminator has {} hidden layers", layers));
}

/// Of each row the latent means, the mean squared error of its reconstruction, and how far the discriminator takes the
/// row itself for real: both tell rows that are unlike those it was trained on.
std::vector<double> VaeganSystem::answers_of(const Said& said) const {
  const auto latent = static_cast<std::size_t>(model.latent);
  const int columns = said.data.features[0];
  std::vector<double> answers;
  for (std::size_t r = 0; r < said.rows.size(); ++r) {
    for (std::size_t i = 0; i < latent; ++i) answers.push_back(double{said.outputs[1][r * latent + i]});
    const auto reconstruction =
        std::span(said.outputs[0]).subspan(r * static_cast<std::size_t>(columns), static_cast<std::size_t>(columns));
    answers.push_back(mean_squared_error(reconstruction, said.data.views[0], said.rows.subspan(r, 1), columns));
    answers.push_back(sigmoid(said.outputs[2][3 * r]));
  }
  return answers;
}

/// No figure follows from them: latent means have no truth, the reconstruction's error is a mean over cells, which rows
/// do not give to the bit, and the discriminator is judged by reconstructed and sampled rows too.
void VaeganSystem::judge_answers(Answered said, Evaluation& e) const {
  take_answers(std::move(said.answers), said.rows.size(), model.latent + 2, e);
  e.labelled = static_cast<int>(std::count_if(said.rows.begin(), said.rows.end(), [&](int row) {
    return said.data.label[static_cast<std::size_t>(row)] >= 0;
  }));
}

void VaeganSystem::judge(const Said& said, Evaluation& e) const {
  // How often the discriminator takes original, reconstructed and sampled rows for real.
  Figure real{"discriminator_real", std::vector<double>(3, 0.0)};
  for (std::size_t i = 0; i < said.outputs[2].size(); ++i)
    real.values[i % 3] += sigmoid(said.outputs[2][i]) / static_cast<double>(said.rows.size());
  const double error = mean_squared_error(said.outputs[0], said.data.views[0], said.rows, said.data.features[0]);
  e.figures = {{"reconstruction_error", {error}}, real};
  e.parts[real.name] = {"original", "reconstructed", "sampled"};
  judge_answers({said.data, said.rows, answers_of(said), said.thresholds}, e);
}

// Its losses pull against each other, so that their sum says little.
double VaeganSystem::watched(const Evaluation& evaluation, const Monitored&) const {
  return -evaluation.figure("reconstruction_error");
}

Watch VaeganSystem::watch(const Monitored& by) const {
  Watch watch;
  if (by.monitor == Monitor::loss) {
    watch.watched = Watched::squared_error;
    watch.output = watch.source = 0;  // the first output reconstructs the first source
    watch.cols = model.features;
  }
  return watch;
}

std::vector<AnswerColumn> VaeganSystem::answer_columns(const AnswerNames&) const {
  std::vector<AnswerColumn> columns;
  for (const std::string& name : latent_names()) columns.push_back({name, columns.size()});
  columns.push_back({"reconstruction_error", columns.size()});
  columns.push_back({"discriminator_real", columns.size()});
  return columns;
}

std::vector<Decision> VaeganSystem::decisions(const AnswerNames&) const { return {}; }

std::vector<std::string> VaeganSystem::latent_names() const {
  std::vector<std::string> names;
  for (int i = 1; i <= model.latent; ++i) names.push_back(fmt::format("latent{}", i));
  return names;
}

std::vector<double> VaeganSystem::latents(const Said& said) const {
  return {said.outputs[1].begin(), said.outputs[1].end()};
}

}  // namespace equipoise
