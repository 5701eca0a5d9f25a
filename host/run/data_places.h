// host/run/data_places.h - finds the tables that a run was trained on, where the run or they were moved since.
#pragma once

#include <filesystem>
#include <optional>

#include "host/config/config.h"
#include "host/run/run_summary.h"

namespace equipoise {

/// The config with the places at which its tables are found now. With a root: under it, by as much of the old path as
/// is there, else by name alone. Without: where they were, or as far from the run's folder as they were when it was
/// trained, so that a study that was moved whole is found. Throws Error(data) naming every table that is not found.
/// Whether what is found is what was trained on, expect_same_data says.
Config with_tables_found(Config config, const std::filesystem::path& run, const EarlierRun& earlier,
                         const std::optional<std::filesystem::path>& root);

}  // namespace equipoise
