// host/config/config_defaults.cpp - what holds where a config says nothing: the system's answers, in the config's
// words.
#include "engine/balance/methods.h"
#include "engine/systems/setup.h"
#include "engine/systems/words.h"
#include "host/config/config_schema.h"
#include "host/config/config_value.h"

namespace equipoise {

namespace {

/// The rate of the config that `init` prints for this variant and source, which may be another than the published one.
double rate_of(const System& system, const Defaults& d) {
  for (const Preset& preset : system.presets()) {
    const bool of_source = (preset.source.empty() ? "tables" : preset.source) == d.source;
    const bool of_variant = preset.variant.empty() || preset.variant == d.setup.variant;
    if (preset.lr > 0 && of_source && of_variant) return preset.lr;
  }
  return d.setup.settings.lr;
}

}  // namespace

ModelConfig::ModelConfig() {
  const System& first = *systems().front();
  const Setup setup = first.defaults({}).setup;
  kind = first.kind();
  variant = first.variants().empty() ? "" : setup.variant;
  system = setup.system;
}

bool ModelConfig::operator==(const ModelConfig& other) const {
  if (kind != other.kind || variant != other.variant) return false;
  Config one, two;  // slots are writable
  one.model = *this;
  two.model = other;
  for (const ConfigKey& key : config_keys())
    if (key.section == "model" && key.owned_by(one) && format_value(key, one) != format_value(key, two)) return false;
  return true;
}

Config default_config(std::string_view kind, const Chosen& chosen) {
  const System* known = find_system(kind);
  const System& system = known ? *known : *systems().front();
  const Defaults d = system.defaults(chosen);
  const Setup& setup = d.setup;
  Config config;
  config.model.kind = system.kind();
  config.model.variant = system.variants().empty() ? "" : setup.variant;
  config.model.system = setup.system;
  config.data.source = d.source;
  config.data.validation = d.validation;
  config.data.test = d.test;
  config.data.features = d.generated.features;
  config.data.sigmas = d.generated.sigmas;
  BalanceConfig& balance = config.balance.front();
  balance.methods.clear();
  for (const Method& method : setup.balance.front().methods) balance.methods.push_back(method_text(method));
  balance.alpha = setup.settings.alpha;
  if (setup.settings.task_lr != setup.settings.lr) balance.lr = setup.settings.task_lr;
  config.optimizer.kind = name_in(kOptimizers, setup.optimizer);
  config.optimizer.lr = rate_of(system, d);
  config.train.epochs = d.epochs;
  config.train.batch = d.batch;
  config.train.monitor = name_in(kMonitors, d.monitor);
  if (d.monitor == Monitor::none) config.train.patience = 0;
  return config;
}

}  // namespace equipoise
