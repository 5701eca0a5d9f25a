// host/config/config_text.cpp - configs written out: resolved for the run folder, commented for a new user.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/error.h"
#include "host/config/config.h"
#include "host/config/config_checks.h"
#include "host/config/config_schema.h"
#include "host/config/config_value.h"
#include "host/text/nearest_name.h"

namespace equipoise {
namespace {

/// Settings of the run, which stand in the first [[balance]] alone.
bool common_to_balancers(const ConfigKey& key) {
  return key.name == "alpha" || key.name == "lr" || key.name == "initial_weights";
}

std::string balancers(const Config& config) {
  std::string text;
  for (size_t b = 0; b < config.balance.size(); ++b) {
    text += config.balance.size() > 1 ? "\n[[balance]]\n" : "\n[balance]\n";
    for (const ConfigKey& key : config_keys()) {
      if (key.section != "balance" || !key.known_to(config) || (b > 0 && common_to_balancers(key))) continue;
      if (const auto value = format_value(key, config, b)) text += fmt::format("{} = {}\n", key.name, *value);
    }
  }
  return text;
}

/// A preset as a config to start from.
struct Start {
  const System* system;
  Preset preset;
  Config start;
  Config tables;  ///< where `start` generates its data: its kind with one's own tables
};

constexpr const char* kOwnTables =
    "# As it stands it repeats the published experiment on generated rows. For your own tables set\n"
    "# data.source = \"tables\", delete the keys of generated rows, uncomment views and tasks, and take network=on out "
    "of\n"
    "# balance.methods (a habit of the published programs; the paper has the task weights alone minimise the GradNorm "
    "loss).\n";

std::vector<Start> starts() {
  std::vector<Start> all;
  for (const System* system : systems())
    for (const Preset& preset : system->presets()) {
      Start s{system, preset, default_config(system->kind(), {preset.variant, preset.source}),
              default_config(system->kind(), {preset.variant})};
      for (const std::string_view view : preset.views) s.start.data.views.emplace_back(view);
      if (!preset.outcome.empty()) s.start.data.outcome = preset.outcome;
      name_places(s.start);
      name_places(s.tables);
      if (preset.source.empty()) s.tables = s.start;
      s.tables.select = {{"forest"}, 81, "view"};  // shown as an example
      all.push_back(std::move(s));
    }
  return all;
}

std::string commented_line(const Start& of, const ConfigKey& key) {
  const bool known = key.known_to(of.start);
  if (!known && !key.known_to(of.tables)) return "";
  if (!known && key.section == "data" && find_config_key(key.dotted(), &of.start)) return "";  // shown in other words
  const auto value = format_value(key, known ? of.start : of.tables);
  const bool unset = !value || *value == "[]";
  std::string setting =
      fmt::format("{} = {}", key.name, unset && !key.rule.example.empty() ? key.rule.example : *value);
  if (!known || (unset && !key.rule.example.empty())) setting = "# " + setting;
  return fmt::format("{:<40} # {}\n", setting, key.meaning);
}

/// A key of [study] with its default, commented out as the whole section is: it belongs to no single model.
std::string study_line(const ConfigKey& key) {
  const std::string value = *format_value(key, Config());
  return fmt::format("{:<40} # {}\n",
                     fmt::format("# {} = {}", key.name, key.rule.example.empty() ? value : key.rule.example),
                     key.meaning);
}

/// What is said of a name that is no preset's, though it may name something else.
std::string no_preset(const std::string& name) {
  if (const System* kind = find_system(name)) {
    std::vector<std::string> presets;
    for (const Preset& preset : kind->presets()) presets.push_back(fmt::format("equipoise init {}", preset.name));
    return fmt::format("is a kind of model, and its configs are those of its presets: {}", fmt::join(presets, " or "));
  }
  if (name == "balancers" || name == "balance" || name == "balancer")
    return "needs no config: equipoise balance FILE --method NAME balances gradients of your own (equipoise balance "
           "--help lists the methods), and in a training balance.methods names them, a key of the configs of " +
           fmt::format("{}", fmt::join(preset_names(), ", "));
  return "not a system; " + did_you_mean(name, preset_names());
}

}  // namespace

std::string to_toml(const Config& config) {
  std::string text;
  std::string_view section;
  for (const ConfigKey& key : config_keys()) {
    if (key.section == "select" && config.select.methods.empty()) continue;  // as before there was selection
    if (key.section == "study" && !config.study) continue;                   // its slots would make one
    if (key.section != section && (key.section == "balance" || key.known_to(config))) {
      section = key.section;
      text += section == "balance" ? balancers(config) : fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    if (key.section == "balance" || !key.known_to(config)) continue;
    if (const auto value = format_value(key, config)) text += fmt::format("{} = {}\n", key.name, *value);
  }
  return text;
}

Config without_study(Config config) {
  config.study.reset();
  return config;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const Start& of : starts()) names.emplace_back(of.preset.name);
  return names;
}

std::string commented_config(const std::string& name) {
  for (const Start& of : starts()) {
    if (of.preset.name != name) continue;
    std::string text = fmt::format("# {}\n", of.preset.head);
    text += "# Paths are taken from this file's folder. Check with: equipoise train THIS_FILE --dry-run\n";
    if (of.start.data.generated()) text += kOwnTables;
    std::string_view section;
    for (const ConfigKey& key : config_keys()) {
      const bool of_study = key.section == "study";
      const std::string line = of_study ? study_line(key) : commented_line(of, key);
      if (line.empty()) continue;
      if (key.section != section) text += fmt::format("\n{}[{}]\n", of_study ? "# " : "", section = key.section);
      text += line;
    }
    return text;
  }
  throw Error(ExitCode::usage, fmt::format("init '{}': {}", name, no_preset(name)));
}

}  // namespace equipoise
