// engine/systems/metadata.cpp - settings of a training as text, and sizes off the shapes of its parameters.
#include "engine/systems/metadata.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

#include "engine/balance/methods.h"
#include "engine/base/error.h"

namespace equipoise {

const std::string* Metadata::find(const std::string& key) const {
  const auto it = map_.find(key);
  return it == map_.end() ? nullptr : &it->second;
}

void Metadata::refuse(const std::string& key, const std::string& why) const {
  throw Error(ExitCode::checkpoint, fmt::format("{}: metadata key '{}': {}; re-create the record", path_, key, why));
}

void Metadata::number(const std::string& key, double& value) const {
  if (const std::string* text = find(key)) value = parse(key, *text);
}

double Metadata::parse(const std::string& key, const std::string& text) const {
  const std::size_t slash = text.find('/');
  if (slash != std::string::npos) return plain(key, text.substr(0, slash)) / plain(key, text.substr(slash + 1));
  return plain(key, text);
}

double Metadata::plain(const std::string& key, const std::string& text) const {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    refuse(key, fmt::format("'{}' is not a finite number", text));
  return value;
}

int Metadata::whole(const std::string& key, int fallback) const {
  double value = fallback;
  number(key, value);
  if (!(value >= 1 && value <= 1e6) || value != std::floor(value))
    refuse(key, "a whole number of at least 1 is needed");
  return static_cast<int>(value);
}

int Metadata::choice(const std::string& key, const std::vector<std::string_view>& words, int fallback) const {
  const std::string* text = find(key);
  if (!text) return fallback;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found == words.end()) refuse(key, fmt::format("'{}' is not one of '{}'", *text, fmt::join(words, "', '")));
  return static_cast<int>(found - words.begin());
}

std::vector<std::string> Metadata::subset(const std::string& key, const std::vector<std::string>& all) const {
  const std::string* text = find(key);
  if (!text) return all;
  const std::vector<std::string> words = words_of(*text);
  for (const std::string& word : words)
    if (std::count(words.begin(), words.end(), word) > 1 || std::find(all.begin(), all.end(), word) == all.end())
      refuse(key, fmt::format("'{}' is not one of '{}', or is there twice", word, fmt::join(all, "', '")));
  if (words.empty()) refuse(key, "it is empty");
  return words;
}

void Metadata::activation(const std::string& key, Activation& activation) const {
  if (const std::string* name = find(key); name && !read_name(kActivations, *name, activation))
    refuse(key, fmt::format("'{}' is not an activation", *name));
}

void Shapes::refuse(const std::string& why) const {
  throw Error(ExitCode::checkpoint, fmt::format("{}: {}; re-create the file", file_.path, why));
}

int Shapes::size(const std::string& layer, std::size_t axis) const {
  const StoredTensor& t = file_.at(name(layer));
  if (t.shape.size() != 2 || t.shape[axis] < 1 || t.shape[axis] > (1 << 24))
    refuse(fmt::format("tensor '{}' has an impossible shape", name(layer)));
  return static_cast<int>(t.shape[axis]);
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream words(text);
  return {std::istream_iterator<std::string>(words), {}};
}

std::string shortest(double value) {
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

namespace {

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
  to["optimizer"] = name_in(kOptimizers, s.optimizer);
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
  for (int k = 0; k < task_count(s); ++k) weights += (k > 0 ? " " : "") + shortest(t.initial_weights[k]);
  to["initial_task_weights"] = weights;
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
  if (const std::string* name = m.find("optimizer"); name && !read_name(kOptimizers, *name, s.optimizer))
    m.refuse("optimizer", fmt::format("'{}' is not one of '{}'", *name, fmt::join(names_in(kOptimizers), "', '")));
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
  const int tasks = task_count(s);
  int k = 0;
  for (std::string word; words >> word; ++k) {
    if (k == tasks) break;
    t.initial_weights[k] = m.parse("initial_task_weights", word);
  }
  std::string rest;
  if (k != tasks || words >> rest) m.refuse("initial_task_weights", fmt::format("{} numbers are needed", tasks));
}

Setup published(const Metadata& m, const std::string& system) {
  const System* kind = find_system(system);
  if (!kind) {
    std::vector<std::string_view> kinds;
    for (const System* s : systems()) kinds.push_back(s->kind());
    m.refuse("system", fmt::format("'{}' is not one of {}", system, fmt::join(kinds, ", ")));
  }
  const std::string* variant = m.find("variant");
  try {
    return kind->published(variant ? *variant : "");
  } catch (const Error& e) {
    m.refuse("variant", e.what());
  }
}

}  // namespace

std::map<std::string, std::string> to_metadata(const Setup& s) {
  Map to{{"system", std::string(s.system->kind())}, {"variant", s.variant}};
  s.system->write(to);
  put_balance(s, to);
  put_settings(s, to);
  return to;
}

Setup read_setup(const TensorFile& file, const std::string& prefix) {
  return as_of_file(file.path, [&] {
    const Metadata m(file.metadata, file.path);
    Setup s = published(m, file.metadata_at("system"));
    s.system->read(m, Shapes(file, prefix));
    read_balance(m, s);
    read_settings(m, s);
    return s;
  });
}

}  // namespace equipoise
