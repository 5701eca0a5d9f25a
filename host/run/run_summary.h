// host/run/run_summary.h - run.json: build, device, data, times and result of a run.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/systems/evaluation.h"
#include "host/run/prepared_data.h"

namespace equipoise {

struct RunSummary {
  std::filesystem::path folder;    ///< of the run; paths of the data are told relative to it, too
  std::string status = "running";  ///< running, stopped (resumable), failed or finished
  std::string finish_reason;       ///< why it ended, for people
  std::string device;
  std::string started, ended;            ///< UTC, such as 2024-05-01T12:00:00Z; `ended` of the last process
  int resumed = 0;                       ///< times it was gone on with
  std::string data_sha256;               ///< of the prepared arrays
  std::vector<std::string> notices;      ///< what was told of the data when the run began
  int epochs = 0;                        ///< done
  int64_t steps = 0;                     ///< done
  int skipped = 0;                       ///< steps that a non-finite value left without update
  int best_epoch = 0;                    ///< 0 = none
  bool selects = true;                   ///< the validation rows choose an epoch
  std::optional<Evaluation> best;        ///< of the validation rows in the best epoch
  std::vector<std::string> dead_layers;  ///< of the finished run's last state (engine/train/dead_layers.h)
  KernelUse kernel;                      ///< of a GPU, over all resumptions
  std::vector<std::string> warnings;     ///< what makes the model doubtful (host/run/outcome.h)
  std::string hash;                      ///< of the finished run
};

/// Now, in UTC.
std::string time_now();

/// The text of run.json. `task_names` name the losses.
std::string to_json(const RunSummary& summary, const PreparedData& prepared,
                    const std::vector<std::string>& task_names);

/// What going on with a run, and asking it, needs of its run.json.
struct EarlierRun {
  std::string status, finish_reason;
  int epochs = 0;
  std::string started;
  int resumed = 0;
  int64_t interpreted_steps = 0, generated_steps = 0;
  std::string data_sha256;
  std::vector<std::string> notices;  ///< of the data; none of formats 1 and 2
  std::vector<DataFile> files;
};
/// Throws Error(checkpoint) on a file that to_json could not have written.
EarlierRun read_earlier_run(const std::filesystem::path& run_json);

/// Throws Error(data) naming the changed files if the data are not those of the earlier run. Changed files that come to
/// the same arrays, such as rows in another order, are the same data.
void expect_same_data(const EarlierRun& earlier, const PreparedData& prepared);

/// Figures of an evaluation as a JSON object, undefined ones null: n, labelled, the system's figures (of MLDRL auc,
/// accuracy, sensitivity, specificity, and reconstruction_error and crossed_error per view), losses by task.
std::string evaluation_json(const Evaluation& evaluation, const std::vector<std::string>& task_names, int indent);

}  // namespace equipoise
