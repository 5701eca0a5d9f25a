// host/run/prepared_data.h - from the files a config names to arrays ready to train on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "host/config/config.h"
#include "host/data/preprocess.h"

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

/// Reads and joins the tables, or generates rows; splits; fits imputation, scaling and selection on the training rows
/// alone. Multi-task data is split by its first task of classes, or at random. Throws Error(data) as the stages do, and
/// where nothing is labelled but a stratified split is asked for.
PreparedData prepare_data(const Config& config);

/// The same with the split and the fit that a run stored in `folder`.
PreparedData prepare_data_as(const Config& config, const std::filesystem::path& folder);

}  // namespace equipoise
