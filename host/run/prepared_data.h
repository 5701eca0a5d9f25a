// host/run/prepared_data.h - from the files a config names to arrays ready to train on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "host/config/config.h"
#include "host/data/cohort.h"
#include "host/data/preprocess.h"
#include "host/data/strata.h"
#include "host/data/table/table.h"

namespace equipoise {

/// A file as it was read.
struct DataFile {
  std::string path;
  std::string sha256;
  std::string relative = {};  ///< as a run.json tells it: the path from the run's folder
};

/// The files that a config names, views (each once), outcome, split.
std::vector<std::filesystem::path> files_of(const DataConfig& data);

struct PreparedData {
  Dataset data;
  Split split;
  Preprocess preprocess;             ///< fitted on the training rows
  std::vector<DataFile> files;       ///< views, outcome, split; no views of generated data
  std::string sha256;                ///< of the prepared arrays: equal whatever the order of the files' rows
  std::vector<std::string> notices;  ///< sentences for the user
};

/// What a config names, read and joined, or generated: nothing is split yet and nothing fitted.
struct RawData {
  RawCohort cohort;
  std::optional<Table> split;  ///< the table of data.split
};
RawData read_raw_data(const Config& config);

/// What a split of these rows keeps the shares of: the label's classes, those of the first task that has any, or none.
Strata strata_of(const DataConfig& config, const RawCohort& cohort);

/// Splits; fits imputation, scaling and selection on the training rows alone. Multi-task data is split by its first
/// task of classes, or at random. Throws Error(data) as the stages do, and where nothing is labelled but a stratified
/// split is asked for.
PreparedData prepare_data(const Config& config, RawData raw);
/// The same of what the config names.
PreparedData prepare_data(const Config& config);

/// The same with the split and the fit that a run stored in `folder`.
PreparedData prepare_data_as(const Config& config, const std::filesystem::path& folder);

}  // namespace equipoise
