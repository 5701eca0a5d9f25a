// host/run/run_folder.h - the folder of one run: what it holds, who holds it, and how it is left whole at any moment.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/files/atomic_file.h"
#include "engine/files/safetensors.h"
#include "engine/files/sha256.h"
#include "host/config/config.h"
#include "host/run/prepared_data.h"
#include "host/run/run_files.h"

namespace equipoise {

/// <parent>/<stem of the config>-<YYYYmmdd-HHMMSS>, in the current folder and local time; -2, -3, ... where that is
/// taken. Runs lie in "runs".
std::filesystem::path default_folder(const char* parent, const std::filesystem::path& config);
inline std::filesystem::path default_run_folder(const std::filesystem::path& config) {
  return default_folder("runs", config);
}

/// Removes what a killed process left half-written (see write_file_atomically). Only the folder's owner may.
void remove_leftovers(const std::filesystem::path& folder);

/// True if `folder` holds a run that can be gone on with.
bool holds_run(const std::filesystem::path& folder);

/// Throws Error(file_system) if a file of the run is a link, a folder, a pipe or a device: a run writes regular files
/// alone, and what else bears their names may lead anywhere, or never end. So it does where the folder cannot be looked
/// into.
void expect_regular_files(const std::filesystem::path& folder);

/// Throws Error(usage) if the folder is that of a study, whose members can be made runs.
void expect_no_study(const std::filesystem::path& folder);

/// Throws Error(usage) if `out` is a file that the run consists of.
void expect_apart(const std::filesystem::path& run, const std::filesystem::path& out);

/// Throws Error(checkpoint) if a model or checkpoint was told of another preprocess.json than the one of this text.
/// Those of before were told of none.
void expect_same_run(const TensorFile& file, const std::string& preprocess, const std::filesystem::path& folder);

/// True if the folder holds a run that failed before its first epoch had ended: nothing in it is worth keeping, and a
/// new run may begin there.
bool failed_at_once(const std::filesystem::path& folder);

/// A run folder that this process owns while it lives.
class RunFolder {
 public:
  /// Makes the folder and locks it; what failed at once is removed. Throws Error(file_system) if it holds another run
  /// already or another process has it.
  static RunFolder create(const std::filesystem::path& path);
  /// Locks the folder of an existing run.
  static RunFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const char* name) const { return path_ / name; }
  /// The same of a file that is written. Throws Error(file_system) if the folder of that name is another one by now.
  std::filesystem::path place(const char* name) const;

  /// Writes the config, the split, the preprocessing and the first run.json: all that is needed to start again.
  void begin(const Config& config, const PreparedData& prepared, const std::string& summary) const;

  /// Writes the config anew: a key of it that may change in a run has.
  void write_config(const Config& config) const;

  /// Adds a line to the metrics, which is given without its time.
  void append_metrics(const std::string& line, double seconds);
  /// Hands over the metrics' lines of epochs, without their times, one after another.
  using LineVisitor = std::function<void(std::string_view)>;
  void each_metric_without_time(const LineVisitor& visit) const;

  /// Brings the metrics to disk, then makes `checkpoint` the newest one and keeps the one before. It is told the
  /// SHA-256 of the metrics so far, without their times.
  void write_checkpoint(TensorFile checkpoint);
  /// It and checkpoints are told the SHA-256 of preprocess.json, so that those of two runs are not mixed up.
  void write_model(TensorFile model) const;

  /// Hands `restore` the newest checkpoint, or the one before if that is missing or refused with Error(checkpoint),
  /// and cuts the metrics to the epochs `restore` returns; where these are not those that the checkpoint was told of,
  /// it is refused too. What was passed over is told to `notice`. False if there is no checkpoint at all: the metrics
  /// are emptied, the run starts over; but where a model or run.json tells that there was one, it is refused
  /// with Error(checkpoint). Throws the newest one's Error(checkpoint) if none is good.
  bool resume(const std::function<int(const TensorFile&)>& restore,
              const std::function<void(const std::string&)>& notice);

 private:
  explicit RunFolder(const std::filesystem::path& path, bool fresh);
  /// Leaves the line that says the format.
  void empty_metrics();
  void expect_format_of_metrics() const;
  void bind(TensorFile& file) const;
  void visit_metrics(uint64_t lines, const LineVisitor& visit) const;
  /// Keeps the metrics of so many epochs. Throws Error(checkpoint) if their SHA-256 is not the one that `checkpoint`
  /// was told; those of before were told none.
  void keep_metrics(int epochs, const TensorFile& checkpoint);

  std::filesystem::path path_;
  RunLock lock_;
  AppendLog metrics_;
  mutable std::string fit_hash_;  ///< of preprocess.json, once it is asked for
  Sha256 metrics_hash_;           ///< of the epochs' lines without their times, each with a newline
};

}  // namespace equipoise
