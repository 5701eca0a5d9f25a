// engine/mldrl_setup.cpp - variants of MLDRL and their metadata.
#include "engine/mldrl_setup.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>
#include <sstream>

#include "engine/error.h"
#include "engine/methods.h"

namespace equipoise {

namespace {

struct ActivationName {
  const char* name;
  Activation activation;
};
constexpr ActivationName kActivations[] = {{"identity", Activation::identity},
                                           {"relu", Activation::relu},
                                           {"tanh", Activation::tanh},
                                           {"sigmoid", Activation::sigmoid}};

constexpr const char* kLogits = "crossentropy(log_softmax)";
constexpr const char* kTwice = "sigmoid softmax crossentropy(log_softmax)";

/// Reads keys of a record's metadata with errors that name file and key.
class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& map, const std::string& path) : map_(map), path_(path) {}

  const std::string* find(const std::string& key) const {
    const auto it = map_.find(key);
    return it == map_.end() ? nullptr : &it->second;
  }
  [[noreturn]] void refuse(const std::string& key, const std::string& why) const {
    throw Error(ExitCode::checkpoint, fmt::format("{}: metadata key '{}': {}; re-create the record", path_, key, why));
  }
  /// A decimal number or a fraction such as 1/3.
  void number(const std::string& key, double& value) const {
    if (const std::string* text = find(key)) value = parse(key, *text);
  }
  double parse(const std::string& key, const std::string& text) const {
    const std::size_t slash = text.find('/');
    if (slash != std::string::npos) return plain(key, text.substr(0, slash)) / plain(key, text.substr(slash + 1));
    return plain(key, text);
  }
  /// One of the given words; returns its number.
  int choice(const std::string& key, std::initializer_list<const char*> words, int fallback) const {
    const std::string* text = find(key);
    if (!text) return fallback;
    int number = 0;
    for (const char* word : words) {
      if (*text == word) return number;
      ++number;
    }
    refuse(key, fmt::format("'{}' is not one of '{}'", *text, fmt::join(words, "', '")));
  }

 private:
  double plain(const std::string& key, const std::string& text) const {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
      refuse(key, fmt::format("'{}' is not a finite number", text));
    return value;
  }
  const std::map<std::string, std::string>& map_;
  const std::string& path_;
};

/// The shortest decimal that reads back as the same double.
std::string shortest(double value) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

std::string activation_name(Activation activation) {
  for (const ActivationName& a : kActivations)
    if (a.activation == activation) return a.name;
  return "identity";
}

bool parse_activation(const std::string& name, Activation& activation) {
  for (const ActivationName& a : kActivations)
    if (name == a.name) return activation = a.activation, true;
  return false;
}

MldrlSetup mldrl_setup(const std::string& variant) {
  MldrlSetup s;
  s.variant = variant;
  s.methods = {Method{.kind = MethodKind::gradnorm}};
  s.settings.lr = s.settings.task_lr = 8.5e-5;
  s.settings.alpha = 0.16;
  s.settings.initial_weights[0] = 1.4;
  s.settings.initial_weights[1] = 3.0;
  s.settings.initial_weights[2] = 0.3;
  if (variant == "paper") return s;
  if (variant != "code")
    throw Error(ExitCode::usage, fmt::format("model.variant: '{}' is unknown; use \"paper\" or \"code\"", variant));
  s.model.output_activation = Activation::relu;
  s.model.ratio = false;
  s.model.crossed1_specific_first = true;
  s.model.softmax_twice = true;
  s.over = "head_biases_mean";
  s.methods[0].loss_ratio = LossRatio::weighted;
  s.methods[0].renormalise = Normalise::none;
  s.loss_scale = 1.0 / 3.0;
  return s;
}

std::vector<Stretch> balanced_stretches(const MldrlSetup& setup) {
  if (setup.over == "shared") return {};
  if (setup.over == "heads") return mldrl_heads(setup.model);
  if (setup.over == "head_biases_mean") return mldrl_head_biases_mean(setup.model);
  const Graph graph = mldrl_graph(setup.model, LatentNoise::drawn);
  std::vector<Stretch> stretches;
  std::istringstream names(setup.over);
  for (std::string name; names >> name;) stretches.push_back(find_parameter(graph, name));
  return stretches;
}

Chain balance_chain(const MldrlSetup& setup) {
  constexpr int kTasks = 3;
  Chain chain = make_chain(setup.methods, kTasks);
  chain.private_weights = setup.private_weights;
  chain.rescale = setup.rescale;
  return chain;
}

LowerOptions training_options(const MldrlSetup& setup, int batch, const PlanLimits& limits) {
  LowerOptions o;
  o.batch = batch;
  o.chain = balance_chain(setup);
  if (setup.at_latent) o.balance_at = kMldrlRepresentation;
  else o.balance_over = balanced_stretches(setup);
  o.over_shared = !setup.at_latent && setup.over == "shared";
  o.loss_scale = static_cast<float>(setup.loss_scale);
  o.limits = limits;
  return o;
}

namespace {

std::string method_texts(const MldrlSetup& setup) {
  std::vector<std::string> texts;
  for (const Method& method : setup.methods) texts.push_back(method_text(method));
  return fmt::format("{}", fmt::join(texts, " "));
}

/// The methods of a record: listed by name, or GradNorm with the keys that describe its variants.
std::vector<Method> methods_from(const Metadata& m, std::vector<Method> fallback) {
  if (const std::string* texts = m.find("methods")) {
    std::istringstream words(*texts);
    const std::vector<std::string> specs{std::istream_iterator<std::string>(words), {}};
    try {
      return parse_methods(specs, "methods").methods;
    } catch (const Error& e) {
      m.refuse("methods", e.what());
    }
  }
  if (m.choice("gradnorm", {"off", "on"}, 1) == 0) return {Method{.kind = MethodKind::identity}};
  Method& gradnorm = fallback.front();
  gradnorm.loss_ratio = m.choice("loss_ratio", {"raw", "weighted"}, gradnorm.loss_ratio == LossRatio::raw ? 0 : 1) == 0
                            ? LossRatio::raw
                            : LossRatio::weighted;
  gradnorm.renormalise =
      m.choice("renormalise", {"none", "after_step"}, gradnorm.renormalise == Normalise::none ? 0 : 1) == 0
          ? Normalise::none
          : Normalise::after_step;
  return fallback;
}

}  // namespace

std::map<std::string, std::string> to_metadata(const MldrlSetup& s) {
  const Settings& t = s.settings;
  return {{"system", "mldrl"},
          {"variant", s.variant},
          {"shared", std::to_string(s.model.shared)},
          {"output_activation", activation_name(s.model.output_activation)},
          {"inherent_variational", s.model.ratio ? "ratio" : "difference"},
          {"cross_decoder1", s.model.crossed1_specific_first ? "specific1 shared2" : "shared2 specific1"},
          {"classifier", s.model.softmax_twice ? kTwice : kLogits},
          {"loss_scale", shortest(s.loss_scale)},
          {"methods", method_texts(s)},
          {"balance_at", s.at_latent ? "latent" : "parameters"},
          {"balance_private", s.private_weights ? "weights" : "own"},
          {"balance_rescale", s.rescale ? "on" : "off"},
          {"gradnorm_over", s.over},
          {"optimizer", "adam"},
          {"lr", shortest(t.lr)},
          {"task_lr", shortest(t.task_lr)},
          {"alpha", shortest(t.alpha)},
          {"beta1", shortest(t.beta1)},
          {"beta2", shortest(t.beta2)},
          {"eps", shortest(t.eps)},
          {"weight_decay", shortest(t.weight_decay)},
          {"clip_norm", shortest(t.clip_norm)},
          {"tasks", "reconstruction inherent_variational classification"},
          {"initial_task_weights", shortest(t.initial_weights[0]) + " " + shortest(t.initial_weights[1]) + " " +
                                       shortest(t.initial_weights[2])}};
}

MldrlSetup setup_from_metadata(const std::map<std::string, std::string>& map, const std::string& path) {
  const Metadata m(map, path);
  const std::string* variant = m.find("variant");
  if (variant && *variant != "paper" && *variant != "code") m.refuse("variant", "only 'paper' and 'code' are known");
  MldrlSetup s = mldrl_setup(variant ? *variant : "paper");
  if (const std::string* name = m.find("output_activation");
      name && !parse_activation(*name, s.model.output_activation))
    m.refuse("output_activation", fmt::format("'{}' is not an activation", *name));
  double shared = s.model.shared;
  m.number("shared", shared);
  if (shared < 1 || shared != std::floor(shared)) m.refuse("shared", "a whole number of at least 1 is needed");
  s.model.shared = static_cast<int>(shared);
  s.model.ratio = m.choice("inherent_variational", {"ratio", "difference"}, s.model.ratio ? 0 : 1) == 0;
  s.model.crossed1_specific_first = m.choice("cross_decoder1", {"shared2 specific1", "specific1 shared2"},
                                             s.model.crossed1_specific_first ? 1 : 0) == 1;
  s.model.softmax_twice = m.choice("classifier", {kLogits, kTwice}, s.model.softmax_twice ? 1 : 0) == 1;
  s.methods = methods_from(m, s.methods);
  s.at_latent = m.choice("balance_at", {"parameters", "latent"}, 0) == 1;
  s.private_weights = m.choice("balance_private", {"own", "weights"}, 0) == 1;
  s.rescale = m.choice("balance_rescale", {"off", "on"}, 0) == 1;
  m.choice("optimizer", {"adam"}, 0);
  if (const std::string* over = m.find("gradnorm_over")) s.over = *over;
  m.number("loss_scale", s.loss_scale);
  Settings& t = s.settings;
  m.number("lr", t.lr);
  t.task_lr = t.lr;
  m.number("task_lr", t.task_lr);
  m.number("alpha", t.alpha);
  m.number("beta1", t.beta1);
  m.number("beta2", t.beta2);
  m.number("eps", t.eps);
  m.number("weight_decay", t.weight_decay);
  m.number("clip_norm", t.clip_norm);
  if (const std::string* weights = m.find("initial_task_weights")) {
    std::istringstream words(*weights);
    int k = 0;
    for (std::string word; words >> word; ++k) {
      if (k == 3) m.refuse("initial_task_weights", "three numbers are needed");
      t.initial_weights[k] = m.parse("initial_task_weights", word);
    }
    if (k != 3) m.refuse("initial_task_weights", "three numbers are needed");
  }
  return s;
}

}  // namespace equipoise
