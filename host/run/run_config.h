// host/run/run_config.h - the config of a run as its folder keeps it.
#pragma once

#include <filesystem>
#include <string>

#include "host/config/config.h"

namespace equipoise {

/// The text of config.toml: the format in a comment, then everything resolved.
std::string run_config_text(const Config& config);

/// The config a run was started with, exactly; of an older format in today's words (host/config/older_config.h). Throws
/// Error(usage) where there is none, and where it does not read back as it was written (edited since, or overruled by
/// EQUIPOISE_SET).
Config read_run_config(const std::filesystem::path& folder);

}  // namespace equipoise
