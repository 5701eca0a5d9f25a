// host/config/tables_config.h - a config for given tables, each value with its reason.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace equipoise {

/// A config of a preset of `init` that loads and trains on these tables, one to six of features and at most one of what
/// is learned, in any order. Paths are written absolute. Throws Error(usage) for a preset that is not known and a
/// number of tables that the system does not take; Error(data) where no column can be the ids, or nothing is there to
/// learn, and as read_cohort does.
std::string config_for_tables(const std::string& preset, const std::vector<std::filesystem::path>& tables);

}  // namespace equipoise
