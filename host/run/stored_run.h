// host/run/stored_run.h - a run folder that is asked: its config, its fit and its model, finished or not. Nothing of it
// but what lies in the folder is read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "host/config/config.h"
#include "host/run/prepared_data.h"
#include "host/run/run_summary.h"
#include "host/text/progress.h"

namespace equipoise {

struct StoredRun {
  std::filesystem::path folder;
  Config config;
  Preprocess preprocess;
  EarlierRun account;              ///< its run.json
  TensorFile model;                ///< of its best epoch, or of its last where none is chosen
  std::vector<double> thresholds;  ///< of its decisions; empty: 1/2
  std::string unfinished;          ///< a sentence to tell where the run has not finished, else ""

  std::string epoch() const { return model.metadata_at("epoch"); }
};

/// Reads a run. Of one that has not finished, the model is that of its newest checkpoint. Throws Error(usage) where
/// there is no run, Error(checkpoint) where it has no model yet (stopped, failed or killed in its first epoch) or files
/// are damaged.
StoredRun read_stored_run(const std::filesystem::path& folder);

/// The same for a command that writes to `out`, if it is given: that must be no file of the run, and none that is there
/// already without `force`. What is unfinished is told.
StoredRun run_to_ask(const std::filesystem::path& folder, const std::optional<std::filesystem::path>& out, bool force,
                     Log& log);

/// The rows that it was trained on, found by with_tables_found, checked to be the same.
PreparedData data_of_run(const StoredRun& run, const std::optional<std::filesystem::path>& root);

/// Rows that a run did not have.
struct NewRows {
  std::vector<std::string> ids;      ///< of all patients, rising
  std::vector<int> answerable;       ///< [data.rows] which of them answerable_rows names (host/data/new_rows.h)
  Dataset data;                      ///< of the answerable ones
  Split split;                       ///< all of them in the part train
  std::vector<std::string> notices;  ///< sentences for the user
};

/// Tables of new patients: one for each view in their order, or, where views shared tables in training, one for each of
/// those; "-" is standard input, where there is one table. Columns and ids are matched by name; transforms, imputation
/// and scaling are the run's. With `outcome`, labels or targets are read, from that table or, where the run had none,
/// from the views; else they are unknown. Throws Error(usage) for another number of tables, Error(data) as read_cohort
/// and apply do.
NewRows read_new_rows(const StoredRun& run, const std::vector<std::filesystem::path>& views, bool with_outcome,
                      const std::optional<std::filesystem::path>& outcome);

}  // namespace equipoise
