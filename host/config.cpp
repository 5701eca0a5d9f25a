// host/config.cpp - merges defaults, file, environment and command line, and finds everything wrong with them.
#include "host/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <numeric>

#include "engine/atomic_file.h"
#include "engine/error.h"
#include "engine/methods.h"
#include "host/config_schema.h"
#include "host/config_value.h"
#include "host/nearest_name.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestConfig = size_t{1} << 20;

std::string at(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

/// "did you mean ...?" for a dotted name no key has: the same key of another section first, then the nearest spelling.
std::string suggest_key(const std::string& dotted) {
  const size_t dot = dotted.find('.');
  const std::string section = dot == dotted.npos ? "" : dotted.substr(0, dot);
  const std::string name = dot == dotted.npos ? dotted : dotted.substr(dot + 1);
  std::vector<std::string> of_section, same_name, all;
  for (const ConfigKey& key : config_keys()) {
    if (key.section == section) of_section.emplace_back(key.name);
    if (key.name == name) same_name.push_back(key.dotted());
    all.push_back(key.dotted());
  }
  if (const auto near = nearest_name(name, of_section)) return "did you mean '" + section + "." + *near + "'?";
  if (!same_name.empty()) return "did you mean '" + same_name.front() + "'?";
  return did_you_mean(of_section.empty() ? dotted : name, of_section.empty() ? all : of_section);
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys()) {
    if (names.empty() || names.back() != key.section) names.emplace_back(key.section);
  }
  return names;
}

/// Gathers the last word on each key, then checks them all.
class Loader {
 public:
  explicit Loader(const fs::path& path) : file_(path.string()) {}

  void read_file(const fs::path& path) {
    const std::string text = read_text(path, kLargestConfig);
    try {
      documents_.push_back(toml::parse(text));
    } catch (const toml::parse_error& problem) {
      throw Error(ExitCode::usage,
                  fmt::format("{}: {}; correct the TOML", at(file_, problem.source()), problem.description()));
    }
    const fs::path folder = fs::absolute(path).parent_path();
    const std::vector<std::string> sections = section_names();
    for (const auto& [section, node] : documents_.back()) {
      const std::string name(section.str());
      if (std::find(sections.begin(), sections.end(), name) == sections.end()) {
        const std::string hint = node.is_table() ? did_you_mean(name, sections) : suggest_key(name);
        errors_.push_back(fmt::format("{}: unknown {} '{}'; {}", at(file_, section.source()),
                                      node.is_table() ? "section" : "key", name, hint));
      } else if (!node.is_table()) {
        errors_.push_back(fmt::format("{}: '{}' is a section; write [{}] and its keys below",
                                      at(file_, section.source()), name, name));
      } else {
        for (const auto& [key, value] : *node.as_table()) {
          add(name + "." + std::string(key.str()), at(file_, key.source()), value, at(file_, value.source()), folder);
        }
      }
    }
  }

  /// `text` is key=value; `origin` says where it was given.
  void read_override(const std::string& text, const std::string& origin) {
    const size_t equals = text.find('=');
    if (equals == text.npos) {
      errors_.push_back(fmt::format("{} '{}': not a setting; write section.key=value", origin, text));
      return;
    }
    const std::string dotted = trimmed(text.substr(0, equals)), value = trimmed(text.substr(equals + 1));
    documents_.push_back(parse_override(dotted, value));
    const std::string where = origin + " " + dotted;
    add(dotted, where, *documents_.back().get("value"), where, fs::current_path());
  }

  Config finish() {
    Config config;
    for (const ConfigKey& key : config_keys()) {
      const auto given = settings_.find(key.dotted());
      if (given == settings_.end()) {
        if (key.rule.required)
          errors_.push_back(fmt::format("{}: {} is missing; add it: {}", file_, key.dotted(), key.meaning));
      } else if (const auto complaint = store_value(key, *given->second.value, given->second.folder, config)) {
        errors_.push_back(given->second.where + ": " + *complaint);
        settings_.erase(given);  // what is wrong by itself is not compared with other keys
      }
    }
    check_together(config);
    if (!errors_.empty()) {
      throw Error(ExitCode::usage, std::accumulate(std::next(errors_.begin()), errors_.end(), errors_.front(),
                                                   [](const auto& all, const auto& one) { return all + "\n" + one; }));
    }
    fill_in_variant(config);
    return config;
  }

 private:
  struct Setting {
    const toml::node* value;
    std::string where;
    fs::path folder;
  };

  static std::string trimmed(const std::string& text) {
    const size_t first = text.find_first_not_of(" \t");
    return first == text.npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }

  /// A document with the single key `value`. Text that is not a TOML value, or not one the key could take, is a string.
  static toml::table parse_override(const std::string& dotted, const std::string& text) {
    const ConfigKey* key = find_config_key(dotted);
    Config scratch;
    const bool wants_text = key && (std::holds_alternative<std::string*>(key->slot(scratch)) ||
                                    std::holds_alternative<std::optional<fs::path>*>(key->slot(scratch)));
    try {
      toml::table document = toml::parse("value = " + text);
      const toml::node* value = document.get("value");
      if (document.size() == 1 && (!wants_text || value->is_string() || value->is_array())) return document;
    } catch (const toml::parse_error&) {
      // plain text: model.variant=code
    }
    return toml::table{{"value", text}};
  }

  void add(const std::string& dotted, const std::string& key_where, const toml::node& value,
           const std::string& value_where, const fs::path& folder) {
    if (find_config_key(dotted)) {
      settings_[dotted] = {&value, value_where, folder};
    } else {
      errors_.push_back(fmt::format("{}: unknown key '{}'; {}", key_where, dotted, suggest_key(dotted)));
    }
  }

  std::string where(const std::string& dotted) const {
    const auto given = settings_.find(dotted);
    return given == settings_.end() ? file_ : given->second.where;
  }

  void check_together(const Config& config) {
    const auto& [views, outcome, id, label, validation, test, seed, split] = config.data;
    if (!split && validation + test >= 1) {
      errors_.push_back(fmt::format("{}: data.validation {} and data.test {} leave no row to train; make them smaller",
                                    where("data.validation"), validation, test));
    }
    if (id.empty()) errors_.push_back(where("data.id") + ": data.id is empty; name a column");
    check_balance(config.balance);
    const auto& weights = config.balance.initial_weights;
    if (!weights.empty() && std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; })) {
      errors_.push_back(where("balance.initial_weights") +
                        ": balance.initial_weights are all 0; make one of them positive");
    }
  }

  void check_balance(const BalanceConfig& balance) {
    const auto refuse = [&](const std::string& key, const std::string& why) {
      errors_.push_back(where(key) + ": " + key + " " + why);
    };
    if (balance.at == "latent" && !balance.over.empty())
      refuse("balance.over",
             "names parameters, but balance.at = \"latent\" measures no parameter's gradient; "
             "drop one, or set balance.over = \"\"");
    check_over(balance.over, refuse);
    MethodList list;
    try {
      list = parse_methods(balance.methods, "balance.methods", did_you_mean);
    } catch (const Error& e) {
      errors_.push_back(where("balance.methods") + ": " + e.what());
      return;
    }
    if (balance.rescale && list.methods.back().kind == MethodKind::graddrop)
      refuse("balance.rescale",
             "needs a step that is known from the Gram matrix, and graddrop drops single elements; "
             "drop one");
    const auto alpha_given = settings_.contains("balance.alpha") ? std::optional(balance.alpha) : std::nullopt;
    check_shared("alpha", list.alpha, alpha_given, refuse);
    check_shared("lr", list.task_lr, balance.lr, refuse);
  }

  using Refuse = std::function<void(const std::string& key, const std::string& why)>;

  /// A setting of the run that a method names must fit the key of that name, where the resolved config writes it.
  static void check_shared(const std::string& name, std::optional<double> of_method, std::optional<double> given,
                           const Refuse& refuse) {
    if (!of_method) return;
    const std::string dotted = "balance." + name;
    const Range& range = find_config_key(dotted)->rule.range;
    if (!range.contains(*of_method))
      refuse("balance.methods", fmt::format("says {} = {}; it must be at most {}", name, *of_method, range.high));
    if (given && *given != *of_method)
      refuse(dotted, fmt::format("is {} but balance.methods says {}; drop one", *given, *of_method));
  }

  static void check_over(const std::vector<std::string>& names, const Refuse& refuse) {
    for (auto name = names.begin(); name != names.end(); ++name) {
      if (trimmed(*name).empty()) refuse("balance.over", "has an empty name; name a parameter or leave it out");
      else if (std::find(names.begin(), name, *name) != name)
        refuse("balance.over", fmt::format("names '{}' twice; keep one", *name));
    }
  }

  static void fill_in_variant(Config& config) {
    const bool paper = config.model.variant == "paper";
    if (config.model.output_activation.empty()) config.model.output_activation = paper ? "identity" : "relu";
    if (config.model.inherent_variational.empty()) config.model.inherent_variational = paper ? "ratio" : "difference";
    BalanceConfig& balance = config.balance;
    const MethodList list = parse_methods(balance.methods, "balance.methods");
    if (balance.over.empty() && balance.at != "latent") balance.over = {paper ? "heads" : "head_biases_mean"};
    balance.alpha = list.alpha.value_or(balance.alpha);
    if (list.task_lr) balance.lr = list.task_lr;
    if (!balance.initial_weights.empty()) return;
    const bool gradnorm = std::any_of(list.methods.begin(), list.methods.end(),
                                      [](const Method& m) { return m.kind == MethodKind::gradnorm; });
    balance.initial_weights = gradnorm ? std::vector{1.4, 3.0, 0.3} : std::vector{1.0, 1.0, 1.0};
  }

  std::string file_;
  std::deque<toml::table> documents_;  // settings_ points into them
  std::map<std::string, Setting> settings_;
  std::vector<std::string> errors_;
};

/// Splits at semicolons outside quotes; empty pieces are dropped.
std::vector<std::string> split_settings(const std::string& text) {
  std::vector<std::string> pieces(1);
  char quote = '\0';
  for (const char c : text) {
    if (quote == '\0' && c == ';') {
      pieces.emplace_back();
      continue;
    }
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    }
    pieces.back() += c;
  }
  std::erase_if(pieces, [](const std::string& piece) { return piece.find_first_not_of(" \t") == piece.npos; });
  return pieces;
}

}  // namespace

Config load_config(const fs::path& path, const std::vector<std::string>& overrides) {
  Loader loader(path);
  loader.read_file(path);
  if (const char* settings = std::getenv("EQUIPOISE_SET")) {
    for (const std::string& setting : split_settings(settings)) loader.read_override(setting, "EQUIPOISE_SET");
  }
  for (const std::string& setting : overrides) loader.read_override(setting, "--set");
  return loader.finish();
}

}  // namespace equipoise
