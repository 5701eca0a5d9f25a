// host/config/older_config.cpp - what the words of older configs meant.
#include "host/config/older_config.h"

#include "engine/balance/methods.h"
#include "engine/systems/setup.h"
#include "host/config/config_checks.h"

namespace equipoise {

namespace {

/// Of formats 1 and 2.
void take_first_meaning(Config& config) {
  const Method published = published_setup(config.model.kind, config.model.variant).balance.front().methods.front();
  for (BalanceConfig& balance : config.balance) {
    const std::vector<Method> given = parse_methods(balance.methods, "balance.methods").methods;
    for (std::size_t m = 0; m < given.size(); ++m)
      if (given[m].kind == published.kind && balance.methods[m].find(':') == std::string::npos)
        balance.methods[m] = method_text(published);
  }
  if (config.train.monitor != "none") config.train.warmup = 1;
}

}  // namespace

void take_older_meaning(Config& config, int format) {
  if (format < 3) take_first_meaning(config);
  if (format < 4 && !config.data.generated()) config.data.empty_views = "impute";
  spell_out(config);
}

}  // namespace equipoise
