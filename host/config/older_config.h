// host/config/older_config.h - configs of run folders of formats 1 and 2, whose words meant something else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/config/config.h"

namespace equipoise {

/// As load_config, but methods stand as they were given and balance.lr may be open: what a run of format 1 or 2 wrote
/// down.
Config load_config_as_given(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// Says in today's words what such a config meant: a gradnorm without keys was that of the variant, and patience
/// counted from the first epoch.
void take_older_meaning(Config& config);

}  // namespace equipoise
