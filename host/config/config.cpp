// host/config/config.cpp - merges defaults, file, environment and command line, and finds everything wrong with them.
#include "host/config/config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/format.h"
#include "engine/systems/words.h"
#include "host/config/config_checks.h"
#include "host/config/config_schema.h"
#include "host/config/config_value.h"
#include "host/config/older_config.h"
#include "host/config/toml_advice.h"
#include "host/config/toml_guard.h"
#include "host/data/table/encoding.h"
#include "host/text/nearest_name.h"
#include "host/text/trimmed.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;

std::string at(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

/// "did you mean ...?" for a dotted name no key has: the same key of another section first, then the nearest spelling.
std::string suggest_key(const std::string& dotted, const Config& config) {
  const size_t dot = dotted.find('.');
  const std::string section = dot == dotted.npos ? "" : dotted.substr(0, dot);
  const std::string name = dot == dotted.npos ? dotted : dotted.substr(dot + 1);
  std::vector<std::string> of_section, same_name, all;
  for (const ConfigKey& key : config_keys()) {
    if (!key.known_to(config)) continue;
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

/// A key by its dotted name, and which balancer's it is.
using KeyName = std::pair<std::string, size_t>;

/// "balance[1].at" is the key balance.at of balancer 1; any other text names a key of the first.
KeyName parse_name(const std::string& text) {
  constexpr std::string_view kOpen = "balance[", kClose = "].";
  const size_t close = text.find(kClose);
  if (!text.starts_with(kOpen) || close != kOpen.size() + 1 || text[kOpen.size()] < '0' || text[kOpen.size()] > '9')
    return {text, 0};
  return {"balance." + text.substr(close + kClose.size()), static_cast<size_t>(text[kOpen.size()] - '0')};
}

/// A document with the single key `value`. Text that is not a TOML value, or not one the key could take, is a string.
toml::table parse_override(const std::string& dotted, const std::string& text) {
  const ConfigKey* key = find_config_key(dotted);
  Config scratch = key && key->owner ? default_config(key->owner->kind()) : Config();
  const bool wants_text =
      key && (std::holds_alternative<std::string*>(key->at(scratch)) ||
              std::holds_alternative<std::optional<fs::path>*>(key->at(scratch)) ||
              std::holds_alternative<std::optional<std::string>*>(key->at(scratch)) ||
              std::holds_alternative<Words>(key->at(scratch)) || std::holds_alternative<Word>(key->at(scratch)));
  const std::string setting = "value = " + text;
  if (find_toml_trouble(setting).line > 0) return toml::table{{"value", text}};
  try {
    toml::table document = toml::parse(setting);
    const toml::node* value = document.get("value");
    if (document.size() == 1 && (!wants_text || value->is_string() || value->is_array() || value->is_table()))
      return document;
  } catch (const toml::parse_error&) {
    // plain text: model.variant=code
  }
  return toml::table{{"value", text}};
}

/// Whether an override takes back what was said of a key: nothing stands after the equals sign, and the key has no use
/// for an empty text of its own.
bool unsets(const std::string& dotted, const std::string& text) {
  if (!text.empty() && text != "\"\"" && text != "''") return false;
  const ConfigKey* key = find_config_key(dotted);
  if (!key) return false;
  Config scratch = key->owner ? default_config(key->owner->kind()) : Config();
  const Slot slot = key->at(scratch);
  const auto& choices = key->rule.choices;
  const bool is_text = std::holds_alternative<std::string*>(slot) || std::holds_alternative<NameOrNames>(slot) ||
                       std::holds_alternative<Word>(slot);
  return !is_text || (!choices.empty() && std::find(choices.begin(), choices.end(), "") == choices.end());
}

/// Whether a line begins with [section], or [[section]], or a key of it.
bool names_a_section(std::string_view text, const std::vector<std::string>& sections) {
  for (size_t begin = 0; begin < text.size(); begin = std::min(text.find('\n', begin), text.size()) + 1) {
    const std::string_view line = trimmed(text.substr(begin, text.find('\n', begin) - begin), " \t\r[");
    if (std::any_of(sections.begin(), sections.end(), [&](const std::string& section) {
          return line == section ||
                 (line.starts_with(section) && line.find_first_of("].= ", section.size()) == section.size());
        }))
      return true;
  }
  return false;
}

/// Unknown names that are told one by one: a file that is no config at all has any number of them.
constexpr size_t kMostErrors = 20;

/// Gathers the last word on each key, then checks them all.
class Loader {
 public:
  /// `text` is that of the file `path`.
  Loader(const fs::path& path, const std::string& text)
      : file_(path.string()), folder_(fs::absolute(path).parent_path()) {
    read_file(text);
    of_file_ = settings_;
  }

  /// `text` is key=value; `origin` says where it was given.
  void read_override(const std::string& text, const std::string& origin) {
    // Else it would stand in the run's config, which could not be read again.
    if (find_broken_byte(text) != text.npos) {
      errors_.push_back(fmt::format("{} '{}': is not UTF-8; write it so", origin, text));
      return;
    }
    const size_t equals = text.find('=');
    if (equals == text.npos) {
      errors_.push_back(fmt::format("{} '{}': not a setting; write section.key=value", origin, text));
      return;
    }
    const std::string named(trimmed(std::string_view(text).substr(0, equals)));
    const std::string value(trimmed(std::string_view(text).substr(equals + 1)));
    const KeyName name = parse_name(named);
    const std::string where = origin + " " + named;
    if (name.second >= balancers_) {
      errors_.push_back(fmt::format("{}: the config has {} balancer{}, counted from 0; add a [[balance]] to it", where,
                                    balancers_, balancers_ == 1 ? "" : "s"));
      return;
    }
    if (unsets(name.first, value)) {
      settings_.erase(name);
      return;
    }
    documents_.push_back(parse_override(name.first, value));
    add(name, where, *documents_.back().get("value"), where, fs::current_path(), false);
  }

  Config finish() {
    const Config choices = choose(settings_);
    Config config = choices;
    config.balance.resize(balancers_, config.balance.front());
    for (const auto& [dotted, where] : unknown_) {
      if (errors_.size() < kMostErrors)
        errors_.push_back(fmt::format("{}: unknown key '{}'; {}", where, dotted, suggest_key(dotted, choices)));
      else ++further_errors_;
    }
    if (has_study_) config.study.emplace();
    for (const ConfigKey& key : config_keys())
      if (key.known_to(choices))
        for (size_t b = 0; b < (key.section == "balance" ? balancers_ : 1); ++b) store(key, b, config);
    if (!choice_is_wrong_) {  // else the keys of another kind would be asked for
      errors_.insert(errors_.end(), missing_.begin(), missing_.end());
      refuse_keys_of_others(choices);
    }
    leave_out_labels(config);
    for (std::string& sentence : contradictions(config, given())) errors_.push_back(std::move(sentence));
    if (further_errors_ > 0) errors_.push_back(fmt::format("... and {} more like these", further_errors_));
    if (!errors_.empty()) throw Error(ExitCode::usage, fmt::format("{}", fmt::join(errors_, kNextSentence)));
    fill_in(config);
    return config;
  }

 private:
  struct Setting {
    const toml::node* value;
    std::string where;
    fs::path folder;
    bool of_file;
  };
  using Settings = std::map<KeyName, Setting>;

  void read_file(const std::string& text) {
    of_a_run_ = text.starts_with(fmt::format("# {} ", file_format::kConfig.name));
    if (const TomlTrouble trouble = find_toml_trouble(text); trouble.line > 0)
      throw Error(ExitCode::usage, fmt::format("{}:{}:1: {}", file_, trouble.line, trouble.what));
    try {
      documents_.push_back(toml::parse(text));
    } catch (const toml::parse_error& problem) {
      if (!names_a_section(text, section_names()))  // of a file of somebody nothing is told
        throw Error(ExitCode::usage,
                    fmt::format("{}: is no config: it is not TOML, and names none of the sections {}; equipoise init "
                                "prints a config to start from",
                                file_, fmt::join(section_names(), ", ")));
      throw Error(ExitCode::usage, fmt::format("{}: {}; {}", at(file_, problem.source()), problem.description(),
                                               toml_advice(text, problem.source().begin.line)));
    }
    const std::vector<std::string> sections = section_names();
    for (const auto& [section, node] : documents_.back()) {
      const std::string name(section.str());
      const bool known = std::find(sections.begin(), sections.end(), name) != sections.end();
      if (!known && errors_.size() >= kMostErrors) {
        ++further_errors_;
      } else if (!known) {
        const std::string hint = node.is_table() ? did_you_mean(name, sections) : suggest_key(name, Config());
        errors_.push_back(fmt::format("{}: unknown {} '{}'; {}", at(file_, section.source()),
                                      node.is_table() ? "section" : "key", name, hint));
      } else if (name == "balance" && node.is_array_of_tables()) {
        read_balancers(*node.as_array());
      } else if (!node.is_table()) {
        errors_.push_back(fmt::format("{}: '{}' is a section; write [{}] and its keys below",
                                      at(file_, section.source()), name, name));
      } else {
        has_study_ |= name == "study";
        read_section(name, *node.as_table(), 0);
      }
    }
  }

  void read_balancers(const toml::array& sections) {
    if (sections.size() > kMaxBalanceSections) {
      errors_.push_back(fmt::format("{}: there are {} sections [[balance]]; keep at most {}",
                                    at(file_, sections[kMaxBalanceSections].source()), sections.size(),
                                    kMaxBalanceSections));
    }
    balancers_ = std::min(sections.size(), kMaxBalanceSections);
    for (size_t b = 0; b < balancers_; ++b) read_section("balance", *sections[b].as_table(), b);
    several_balancers_ = at(file_, sections[balancers_ - 1].source());
  }

  void read_section(const std::string& section, const toml::table& table, size_t balancer) {
    for (const auto& [key, value] : table)
      add({section + "." + std::string(key.str()), balancer}, at(file_, key.source()), value, at(file_, value.source()),
          folder_, true);
  }

  void add(const KeyName& name, const std::string& key_where, const toml::node& value, const std::string& value_where,
           const fs::path& folder, bool of_file) {
    if (find_config_key(name.first)) settings_[name] = {&value, value_where, folder, of_file};
    else unknown_.emplace_back(name.first, key_where);
  }

  /// The defaults of the kind, variant and source that are given, with the choices that decide which keys are known.
  static Config choose(const Settings& settings) {
    Config config;
    const auto take = [&](const char* dotted) {
      const auto given = settings.find({dotted, 0});
      const ConfigKey* key = find_config_key(dotted, &config);
      if (key && given != settings.end()) store_value(*key, *given->second.value, given->second.folder, config);
    };
    take("model.kind");
    config = default_config(config.model.kind);
    take("model.variant");
    take("data.source");
    take("data.views");
    config = default_config(config.model.kind,
                            {config.model.variant, config.data.source, static_cast<int>(config.data.views.size())});
    take("select.methods");
    take("optimizer.kind");
    take("train.monitor");
    config.train.patience = config.train.monitor == "none" ? 0 : TrainConfig().patience;
    return config;
  }

  void store(const ConfigKey& key, size_t balancer, Config& config) {
    const auto given = settings_.find({key.dotted(), balancer});
    if (given == settings_.end()) {
      if (key.rule.required)
        missing_.push_back(fmt::format("{}: {} is missing; add it: {}", file_, key.dotted(), key.meaning));
    } else if (const auto complaint = store_value(key, *given->second.value, given->second.folder, config, balancer)) {
      errors_.push_back(given->second.where + ": " + *complaint);
      settings_.erase(given);  // what is wrong by itself is not compared with other keys
      choice_is_wrong_ |= kChoices.contains(key.dotted());
    }
  }

  /// A key of the file that fitted the file's own source, optimizer and monitor has only been overtaken by an override.
  void refuse_keys_of_others(const Config& choices) {
    Config before = choices;
    const Config of_file = choose(of_file_);
    before.data.source = of_file.data.source;
    before.select.methods = of_file.select.methods;
    before.optimizer.kind = of_file.optimizer.kind;
    before.train.monitor = of_file.train.monitor;
    for (const auto& [name, setting] : settings_) {
      const auto& [dotted, balancer] = name;
      if (find_config_key(dotted, &choices) || (setting.of_file && find_config_key(dotted, &before))) continue;
      const size_t dot = dotted.find('.');
      errors_.push_back(fmt::format("{}: {}{} belongs to {}; remove it", setting.where,
                                    section_name(dotted.substr(0, dot), balancer), dotted.substr(dot),
                                    owner_of(dotted, choices)));
    }
    if (balancers_ > 1 && !choices.model.system->traits().balanced) {
      std::vector<std::string_view> kinds;
      for (const System* system : systems())
        if (system->traits().balanced) kinds.push_back(system->kind());
      errors_.push_back(fmt::format("{}: several balancers belong to kind {}; keep one at most", several_balancers_,
                                    fmt::join(kinds, " or ")));
    }
  }

  /// Without labels there is no loss that learns them, unless it was asked for, and no AUC to choose an epoch.
  void leave_out_labels(Config& config) const {
    if (!config.data.label.empty() || !config.model.system->traits().labels) return;
    if (!settings_.contains({"model.losses", 0})) leave_out_classification(config);
    const bool by_auc = config.train.monitor == name_in(kMonitors, Monitor::auc);
    if (by_auc && !settings_.contains({"train.monitor", 0}) && !knows_auc(config))
      config.train.monitor = name_in(kMonitors, config.model.system->monitors().front());
  }

  GivenKeys given() const {
    GivenKeys keys{file_, of_a_run_, {}};
    for (const auto& [name, setting] : settings_) keys.places[name] = setting.where;
    return keys;
  }

  inline static const std::set<std::string> kChoices{"model.kind", "data.source", "select.methods", "optimizer.kind",
                                                     "train.monitor"};

  std::string file_;
  fs::path folder_;
  std::deque<toml::table> documents_;  // the settings point into them
  Settings settings_, of_file_;
  size_t balancers_ = 1;
  std::string several_balancers_;                             // the place of the last of them
  std::vector<std::pair<std::string, std::string>> unknown_;  // dotted name and place
  std::vector<std::string> errors_, missing_;
  size_t further_errors_ = 0;  // of unknown names
  bool choice_is_wrong_ = false;
  bool has_study_ = false;  // a section without keys says the defaults
  bool of_a_run_ = false;   // the file is a run's own
};

/// Splits at semicolons outside quotes; empty pieces are dropped.
std::vector<std::string> split_settings(const std::string& text) {
  std::vector<std::string> pieces(1);
  char quote = '\0';  // '#' in a comment
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
  Config config = load_config_as_given(path, overrides);
  spell_out(config);
  return config;
}

Config load_config_as_given(const fs::path& path, const std::vector<std::string>& overrides) {
  Loader loader(path, read_text(path, kLargestConfig));
  if (const char* settings = std::getenv("EQUIPOISE_SET")) {
    for (const std::string& setting : split_settings(settings)) loader.read_override(setting, "EQUIPOISE_SET");
  }
  for (const std::string& setting : overrides) loader.read_override(setting, "--set");
  return loader.finish();
}

Config changed_config(const Config& config, const std::string& file, const std::vector<std::string>& overrides) {
  Loader loader(file, to_toml(config));
  for (const std::string& setting : overrides) loader.read_override(setting, "--set");
  Config changed = loader.finish();
  spell_out(changed);
  return changed;
}

Config config_of_text(const std::string& text, const std::string& file) {
  Config config = Loader(file, text).finish();
  spell_out(config);
  return config;
}

}  // namespace equipoise
