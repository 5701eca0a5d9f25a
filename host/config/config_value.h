// host/config/config_value.h - one value of a config: checked and stored, or written as TOML.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "host/config/config_schema.h"
#include "host/config/toml.h"

namespace equipoise {

/// Stores `node` where `key` belongs in `config`; relative paths are taken from `base`. Returns what is wrong with the
/// value and what to write instead, in which case `config` is untouched. `balancer` counts the sections [[balance]].
std::optional<std::string> store_value(const ConfigKey& key, const toml::node& node, const std::filesystem::path& base,
                                       Config& config, size_t balancer = 0);

/// The text in quotes, as TOML has it.
std::string toml_string(const std::string& text);

/// The value of `key` in TOML; none if it is unset.
std::optional<std::string> format_value(const ConfigKey& key, const Config& config, size_t balancer = 0);

}  // namespace equipoise
