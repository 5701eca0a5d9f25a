// engine/systems/setup_metadata.cpp - settings of a training as text, and sizes off the shapes of its parameters.
#include "engine/systems/setup_metadata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <sstream>

#include "engine/balance/methods.h"
#include "engine/base/error.h"

namespace equipoise {

namespace {

constexpr const char* kLogits = "crossentropy(log_softmax)";
constexpr const char* kTwice = "sigmoid softmax crossentropy(log_softmax)";
constexpr const char* kOptimizers[] = {"adam", "rmsprop", "sgd"};
constexpr const char* kKinds[] = {"regression", "binary", "multiclass"};

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
  /// A whole number that draws are keyed by.
  template <class Integer>
  void integer(const std::string& key, Integer& value) const {
    const std::string* text = find(key);
    if (!text) return;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size())
      refuse(key, fmt::format("'{}' is not a whole number from 0", *text));
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

using Map = std::map<std::string, std::string>;

std::string method_texts(const BalanceSetup& balance) {
  std::vector<std::string> texts;
  for (const Method& method : balance.methods) texts.push_back(method_text(method));
  return fmt::format("{}", fmt::join(texts, " "));
}

/// Keys of balancer b begin so; the first one's have no prefix.
std::string balancer_prefix(std::size_t b) { return b == 0 ? "" : fmt::format("balance[{}].", b); }

void put_balance(const Setup& s, Map& to) {
  to["balancers"] = std::to_string(s.balance.size());
  for (std::size_t b = 0; b < s.balance.size(); ++b) {
    const BalanceSetup& balance = s.balance[b];
    const std::string prefix = balancer_prefix(b);
    to[prefix + "methods"] = method_texts(balance);
    to[prefix + "balance_at"] = balance.at;
    to[prefix + "balance_sum_rows"] = balance.sum_rows ? "on" : "off";
    to[prefix + "balance_private"] = balance.private_weights ? "weights" : "own";
    to[prefix + "balance_rescale"] = balance.rescale ? "on" : "off";
    to[prefix + "gradnorm_over"] = balance.over;
  }
}

void put_settings(const Setup& s, Map& to) {
  const Settings& t = s.settings;
  to["seed"] = std::to_string(t.seed);
  to["replica"] = std::to_string(t.replica);
  to["loss_scale"] = shortest(s.loss_scale);
  to["optimizer"] = kOptimizers[static_cast<int>(s.optimizer)];
  to["lr"] = shortest(t.lr);
  to["task_lr"] = shortest(t.task_lr);
  to["alpha"] = shortest(t.alpha);
  to["beta1"] = shortest(t.beta1);
  to["beta2"] = shortest(t.beta2);
  to["eps"] = shortest(t.eps);
  to["smoothing"] = shortest(t.smoothing);
  to["momentum"] = shortest(t.momentum);
  to["weight_decay"] = shortest(t.weight_decay);
  to["clip_norm"] = shortest(t.clip_norm);
  std::string weights;
  for (int k = 0; k < task_count(s.model); ++k) weights += (k > 0 ? " " : "") + shortest(t.initial_weights[k]);
  to["initial_task_weights"] = weights;
}

void put_model(const MldrlModel& m, Map& to) {
  to["tasks"] = "reconstruction inherent_variational classification";
  to["shared"] = std::to_string(m.shared);
  to["output_activation"] = activation_name(m.output_activation);
  to["inherent_variational"] = m.ratio ? "ratio" : "difference";
  to["cross_decoder1"] = m.crossed1_specific_first ? "specific1 shared2" : "shared2 specific1";
  to["classifier"] = m.softmax_twice ? kTwice : kLogits;
}

void put_model(const MtlModel& m, Map& to) {
  to["activation"] = activation_name(m.activation);
  to["dropout"] = shortest(m.dropout);
  // A line each: names of columns may hold blanks.
  for (std::size_t k = 0; k < m.tasks.size(); ++k)
    to[fmt::format("task.{}", k)] = fmt::format("{} {}", kKinds[static_cast<int>(m.tasks[k].kind)], m.tasks[k].name);
}

void put_model(const VaeganModel& m, Map& to) {
  to["tasks"] =
      m.labels > 0 ? "prior feature generator discriminator auxiliary" : "prior feature generator discriminator";
  to["activation"] = activation_name(m.activation);
  to["output_activation"] = activation_name(m.output_activation);
  to["gamma"] = shortest(m.gamma);
  to["lambda"] = shortest(m.lambda);
  to["feature_layer"] = std::to_string(m.feature_layer);
}

/// The methods of a balancer: listed by name, or GradNorm with the keys that describe its variants.
std::vector<Method> read_methods(const Metadata& m, const std::string& prefix, std::vector<Method> fallback) {
  if (const std::string* texts = m.find(prefix + "methods")) {
    std::istringstream words(*texts);
    const std::vector<std::string> specs{std::istream_iterator<std::string>(words), {}};
    try {
      return parse_methods(specs, "methods").methods;
    } catch (const Error& e) {
      m.refuse(prefix + "methods", e.what());
    }
  }
  Method& method = fallback.front();
  if (method.kind != MethodKind::gradnorm) return fallback;
  if (m.choice("gradnorm", {"off", "on"}, 1) == 0) return {default_method(MethodKind::identity)};
  method.loss_ratio =
      static_cast<LossRatio>(m.choice("loss_ratio", {"raw", "weighted"}, static_cast<int>(method.loss_ratio)));
  method.renormalise = static_cast<Normalise>(
      m.choice("renormalise", {"none", "after_step", "in_loss"}, static_cast<int>(method.renormalise)));
  method.restart = m.choice("restart_task_adam", {"never", "each_step"}, method.restart);
  return fallback;
}

void read_balance(const Metadata& m, Setup& s) {
  double count = 1;
  m.number("balancers", count);
  if (!(count >= 1 && count <= kMaxBalancers) || count != std::floor(count))
    m.refuse("balancers", fmt::format("a whole number from 1 to {} is needed", kMaxBalancers));
  s.balance.resize(static_cast<std::size_t>(count), s.balance.front());
  for (std::size_t b = 0; b < s.balance.size(); ++b) {
    BalanceSetup& balance = s.balance[b];
    const std::string prefix = balancer_prefix(b);
    balance.methods = read_methods(m, prefix, balance.methods);
    if (const std::string* at = m.find(prefix + "balance_at")) balance.at = *at;
    balance.sum_rows = m.choice(prefix + "balance_sum_rows", {"off", "on"}, 0) == 1;
    balance.private_weights = m.choice(prefix + "balance_private", {"own", "weights"}, 0) == 1;
    balance.rescale = m.choice(prefix + "balance_rescale", {"off", "on"}, 0) == 1;
    if (const std::string* over = m.find(prefix + "gradnorm_over")) balance.over = *over;
  }
}

void read_settings(const Metadata& m, Setup& s) {
  Settings& t = s.settings;
  s.optimizer = static_cast<OptimizerKind>(
      m.choice("optimizer", {kOptimizers[0], kOptimizers[1], kOptimizers[2]}, static_cast<int>(s.optimizer)));
  m.integer("seed", t.seed);
  m.integer("replica", t.replica);
  m.number("loss_scale", s.loss_scale);
  m.number("lr", t.lr);
  t.task_lr = t.lr;
  m.number("task_lr", t.task_lr);
  m.number("alpha", t.alpha);
  m.number("beta1", t.beta1);
  m.number("beta2", t.beta2);
  m.number("eps", t.eps);
  m.number("smoothing", t.smoothing);
  m.number("momentum", t.momentum);
  m.number("weight_decay", t.weight_decay);
  m.number("clip_norm", t.clip_norm);
  const std::string* weights = m.find("initial_task_weights");
  if (!weights) return;
  std::istringstream words(*weights);
  const int tasks = task_count(s.model);
  int k = 0;
  for (std::string word; words >> word; ++k) {
    if (k == tasks) break;
    t.initial_weights[k] = m.parse("initial_task_weights", word);
  }
  std::string rest;
  if (k != tasks || words >> rest) m.refuse("initial_task_weights", fmt::format("{} numbers are needed", tasks));
}

/// Shapes of a file's parameters, [out, in].
class Shapes {
 public:
  Shapes(const TensorFile& file, const std::string& prefix) : file_(file), prefix_(prefix) {}
  bool has(const std::string& layer) const { return file_.tensors.contains(name(layer)); }
  int out(const std::string& layer) const { return size(layer, 0); }
  int in(const std::string& layer) const { return size(layer, 1); }
  /// Widths of layers `name(0)`, `name(1)`, ... as far as there are such.
  template <class Name>
  std::vector<int> widths(Name&& name) const {
    std::vector<int> found;
    while (has(name(static_cast<int>(found.size())))) found.push_back(out(name(static_cast<int>(found.size()))));
    return found;
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ExitCode::checkpoint, fmt::format("{}: {}; re-create the file", file_.path, why));
  }

 private:
  std::string name(const std::string& layer) const { return prefix_ + layer + ".weight"; }
  int size(const std::string& layer, std::size_t axis) const {
    const StoredTensor& t = file_.at(name(layer));
    if (t.shape.size() != 2 || t.shape[axis] < 1 || t.shape[axis] > (1 << 24))
      refuse(fmt::format("tensor '{}' has an impossible shape", name(layer)));
    return static_cast<int>(t.shape[axis]);
  }
  const TensorFile& file_;
  std::string prefix_;
};

void read_activation(const Metadata& m, const std::string& key, Activation& activation) {
  if (const std::string* name = m.find(key); name && !parse_activation(*name, activation))
    m.refuse(key, fmt::format("'{}' is not an activation", *name));
}

int whole(const Metadata& m, const std::string& key, int fallback) {
  double value = fallback;
  m.number(key, value);
  if (!(value >= 1 && value <= 1e6) || value != std::floor(value))
    m.refuse(key, "a whole number of at least 1 is needed");
  return static_cast<int>(value);
}

void read_model(const Metadata& m, const Shapes& shapes, MldrlModel& model) {
  read_activation(m, "output_activation", model.output_activation);
  model.shared = whole(m, "shared", model.shared);
  model.ratio = m.choice("inherent_variational", {"ratio", "difference"}, model.ratio ? 0 : 1) == 0;
  model.crossed1_specific_first = m.choice("cross_decoder1", {"shared2 specific1", "specific1 shared2"},
                                           model.crossed1_specific_first ? 1 : 0) == 1;
  model.softmax_twice = m.choice("classifier", {kLogits, kTwice}, model.softmax_twice ? 1 : 0) == 1;
  model.features1 = shapes.in("encoder1.linear1");
  model.features2 = shapes.in("encoder2.linear1");
  model.hidden = shapes.out("encoder1.linear1");
  model.specific = shapes.out("_enc_mu") - model.shared;
  model.classes = shapes.out("fc1");
  if (model.specific < 1) m.refuse("shared", "it leaves no specific latents");
}

/// Names and kinds of the tasks; a record that names no kinds has regressions.
std::vector<Target> read_tasks(const Metadata& m) {
  std::vector<Target> tasks;
  for (std::string key = "task.0"; const std::string* text = m.find(key); key = fmt::format("task.{}", tasks.size())) {
    const std::size_t blank = text->find(' ');
    const auto kind = std::find(std::begin(kKinds), std::end(kKinds), text->substr(0, blank));
    if (kind == std::end(kKinds) || blank == text->npos) m.refuse(key, "a kind of task and its name are needed");
    tasks.push_back({.name = text->substr(blank + 1), .kind = static_cast<TargetKind>(kind - std::begin(kKinds))});
  }
  if (const std::string* names = m.find("tasks"); tasks.empty() && names) {
    std::istringstream words(*names);
    for (std::string name; words >> name;) tasks.push_back({.name = name});
  }
  if (tasks.empty() || tasks.size() > kMaxTasks) m.refuse("tasks", fmt::format("1 to {} names are needed", kMaxTasks));
  return tasks;
}

void read_model(const Metadata& m, const Shapes& shapes, MtlModel& model) {
  read_activation(m, "activation", model.activation);
  m.number("dropout", model.dropout);
  if (!(model.dropout >= 0 && model.dropout < 1)) m.refuse("dropout", "a number in [0, 1) is needed");
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
    const int outputs = shapes.out(names.tower(static_cast<int>(k), static_cast<int>(model.tower.size())));
    if (task.kind == TargetKind::multiclass) task.classes = outputs;
    else task.cols = outputs;
    task.first_col = col;
    col += task.cols;
  }
}

void read_model(const Metadata& m, const Shapes& shapes, VaeganModel& model) {
  read_activation(m, "activation", model.activation);
  read_activation(m, "output_activation", model.output_activation);
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
  else model.feature_layer = whole(m, "feature_layer", model.feature_layer);
  if (model.feature_layer > layers)
    m.refuse("feature_layer", fmt::format("the discriminator has {} hidden layers", layers));
}

Setup published(const Metadata& m, const std::string& system) {
  const std::string* variant = m.find("variant");
  try {
    if (system == "mldrl") return mldrl_setup(variant ? *variant : "paper");
    if (system == "mtl") return mtl_setup(variant ? *variant : "towers");
  } catch (const Error& e) {
    m.refuse("variant", e.what());
  }
  if (system != "vaegan") m.refuse("system", fmt::format("'{}' is not one of mldrl, mtl and vaegan", system));
  if (variant && *variant != "routed") m.refuse("variant", "only 'routed' is known");
  return vaegan_setup();
}

}  // namespace

std::map<std::string, std::string> to_metadata(const Setup& s) {
  Map to{{"system", system_name(s.model)}, {"variant", s.variant}};
  std::visit([&](const auto& model) { put_model(model, to); }, s.model);
  put_balance(s, to);
  put_settings(s, to);
  return to;
}

Setup read_setup(const TensorFile& file, const std::string& prefix) {
  const Metadata m(file.metadata, file.path);
  Setup s = published(m, file.metadata_at("system"));
  const Shapes shapes(file, prefix);
  std::visit([&](auto& model) { read_model(m, shapes, model); }, s.model);
  read_balance(m, s);
  read_settings(m, s);
  return s;
}

}  // namespace equipoise
