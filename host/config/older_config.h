// host/config/older_config.h - configs of run folders of formats before today's, whose words meant something else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/config/config.h"

namespace equipoise {

/// As load_config, but methods and words of before stand as they were given and balance.lr may be open: what a run of
/// an older format wrote down.
Config load_config_as_given(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// Says in today's words what a config of that format meant: before 3, a gradnorm without keys was that of the variant,
/// and patience counted from the first epoch; before 4, empty views were imputed, and outliers that are told were
/// called kept.
void take_older_meaning(Config& config, int format);

}  // namespace equipoise
