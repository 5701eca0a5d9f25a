// host/config/config_text.cpp - configs written out: resolved for the run folder, commented for a new user.
#include <fmt/format.h>

#include "engine/base/error.h"
#include "host/config/config.h"
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

struct System {
  const char* name;
  const char* head;
  Config start;
  Config tables = start;  ///< where `start` generates its data: its kind with one's own tables
};

constexpr const char* kOwnTables =
    "# As it stands it repeats the published experiment on generated rows. For your own tables set\n"
    "# data.source = \"tables\", delete the keys of generated rows, uncomment views and tasks, and take network=on out "
    "of\n"
    "# balance.methods (a habit of the published programs; the paper has the task weights alone minimise the GradNorm "
    "loss).\n";

System mldrl() {
  Config start = default_config("mldrl");
  start.data.views = {"before.csv", "after.csv"};
  start.data.outcome = "outcome.csv";
  start.optimizer.lr = 1e-3;  // the published rate, the built-in default, is too small for a few hundred patients
  return {"mldrl", "# MLDRL: two views of the same patients, three balanced losses.\n", start, start};
}

System towers() {
  return {"towers", "# Multi-task learning: a shared trunk, a tower for each of two regressions (GradNorm's towers).\n",
          default_config("mtl", "towers", "gradnorm-towers"), default_config("mtl", "towers")};
}

System trunk() {
  return {"trunk",
          "# Multi-task learning: a deep shared trunk, a linear head for each task (GradNorm's toy example).\n",
          default_config("mtl", "trunk", "gradnorm-toy"), default_config("mtl", "trunk")};
}

System vaegan() {
  Config start = default_config("vaegan");
  start.data.views = {"features.csv"};
  return {"vaegan", "# VAE-GAN: encoder, decoder and discriminator of one table; put your own in data.views.\n", start,
          start};
}

std::vector<System> systems() { return {mldrl(), towers(), trunk(), vaegan()}; }

std::string commented_line(const System& system, const ConfigKey& key) {
  const bool known = key.known_to(system.start);
  if (!known && !key.known_to(system.tables)) return "";
  if (!known && key.section == "data" && find_config_key(key.dotted(), &system.start))
    return "";  // shown in other words
  const auto value = format_value(key, known ? system.start : system.tables);
  const bool unset = !value || *value == "[]";
  std::string setting =
      fmt::format("{} = {}", key.name, unset && !key.rule.example.empty() ? key.rule.example : *value);
  if (!known || (unset && !key.rule.example.empty())) setting = "# " + setting;
  return fmt::format("{:<40} # {}\n", setting, key.meaning);
}

}  // namespace

std::string to_toml(const Config& config) {
  std::string text;
  std::string_view section;
  for (const ConfigKey& key : config_keys()) {
    if (key.section != section) {
      section = key.section;
      text += section == "balance" ? balancers(config) : fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section);
    }
    if (section == "balance" || !key.known_to(config)) continue;
    if (const auto value = format_value(key, config)) text += fmt::format("{} = {}\n", key.name, *value);
  }
  return text;
}

std::vector<std::string> system_names() {
  std::vector<std::string> names;
  for (const System& system : systems()) names.emplace_back(system.name);
  return names;
}

std::string commented_config(const std::string& name) {
  for (const System& system : systems()) {
    if (system.name != name) continue;
    std::string text = system.head;
    text += "# Paths are taken from this file's folder. Check with: equipoise train THIS_FILE --dry-run\n";
    if (system.start.data.generated()) text += kOwnTables;
    std::string_view section;
    for (const ConfigKey& key : config_keys()) {
      if (key.section != section) text += fmt::format("\n[{}]\n", section = key.section);
      text += commented_line(system, key);
    }
    return text;
  }
  throw Error(ExitCode::usage, fmt::format("init '{}': not a system; {}", name, did_you_mean(name, system_names())));
}

}  // namespace equipoise
