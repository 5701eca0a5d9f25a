// host/config_text.cpp - configs written out: resolved for the run folder, commented for a new user.
#include <fmt/format.h>

#include "host/config.h"
#include "host/config_schema.h"
#include "host/config_value.h"

namespace equipoise {
namespace {

template <class Line>
std::string by_section(Line line) {
  std::string text;
  std::string_view section;
  for (const ConfigKey& key : config_keys()) {
    if (key.section != section) text += fmt::format("{}[{}]\n", text.empty() ? "" : "\n", section = key.section);
    text += line(key);
  }
  return text;
}

}  // namespace

std::string to_toml(const Config& config) {
  return by_section([&](const ConfigKey& key) {
    const auto value = format_value(key, config);
    return value ? fmt::format("{} = {}\n", key.name, *value) : std::string();
  });
}

std::string commented_config_mldrl() {
  Config start;
  start.data.views = {"before.csv", "after.csv"};
  start.data.outcome = "outcome.csv";
  start.optimizer.lr = 1e-3;  // the published rate, the built-in default, is too small for a few hundred patients
  const std::string head =
      "# MLDRL: two views of the same patients, three balanced losses.\n"
      "# Paths are taken from this file's folder. Check with: equipoise train THIS_FILE --dry-run\n\n";
  return head + by_section([&](const ConfigKey& key) {
           const auto value = format_value(key, start);
           const std::string setting =
               value ? fmt::format("{} = {}", key.name, *value) : fmt::format("# {} = {}", key.name, key.rule.example);
           return fmt::format("{:<40} # {}\n", setting, key.meaning);
         });
}

}  // namespace equipoise
