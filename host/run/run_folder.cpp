// host/run/run_folder.cpp - the order in which a run's files appear.
#include "host/run/run_folder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/train/checkpoint.h"
#include "engine/train/metrics.h"
#include "host/data/split.h"
#include "host/run/run_config.h"
#include "host/run/run_summary.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// run.json, by which the folder is known to be free, last.
void remove_run(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : run_file::kAll)
    if (std::string_view(name) != run_file::kSummary) fs::remove(folder / name, ignored);
  fs::remove(folder / run_file::kSummary, ignored);
}

/// Whether the folder has the account of a run that has written no epoch.
bool has_account_of_a_beginning(const fs::path& folder) {
  try {
    return read_earlier_run(folder / run_file::kSummary).epochs == 0;
  } catch (const Error&) {
    return false;
  }
}

/// Whether the metrics are as a run leaves them that has written no epoch: the line of the format, or the first bytes
/// of it.
bool holds_no_epoch(const fs::path& metrics) {
  const std::string first = format_line() + "\n";
  std::error_code absent;
  return fs::file_size(metrics, absent) <= first.size() && first.starts_with(read_text(metrics));
}

/// Throws if a run would write over anything. Without a config, which is written last, a run has not begun, and what it
/// left may be: the metrics first, then its account, and beside that account the rest.
void expect_free(const fs::path& path) {
  if (holds_run(path))
    throw Error(ExitCode::file_system, fmt::format("{}: holds a run already; go on with it by --resume --out {}, or "
                                                   "choose another --out",
                                                   path.string(), shell_word(path)));
  const bool accounted = has_account_of_a_beginning(path);
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool of_a_run_cut_short =
        name.starts_with(".") || (name == run_file::kMetrics && holds_no_epoch(entry.path())) ||
        (accounted && (name == run_file::kSummary || name == run_file::kPreprocess || name == run_file::kSplit));
    if (!of_a_run_cut_short)
      throw Error(
          ExitCode::file_system,
          fmt::format("{}: holds {} already, and a run would write over it; choose a new or empty folder as --out",
                      path.string(), name));
  }
}

/// The folder, made if need be; a fresh one must be free. Nothing is left in one that is
/// refused.
fs::path made(const fs::path& path, bool fresh) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem || !fs::is_directory(path))
    throw Error(ExitCode::file_system,
                fmt::format("{}: cannot be made a folder ({}); choose another --out", path.string(),
                            problem ? problem.message() : "a file of that name exists"));
  expect_regular_files(path);
  if (fresh && !failed_at_once(path)) expect_free(path);
  return path;
}

/// The folder under its lock, without what failed at once; a fresh one is free, still.
fs::path cleared(const fs::path& path, bool fresh) {
  if (fresh && failed_at_once(path)) remove_run(path);
  if (fresh) expect_free(path);
  return path;
}

}  // namespace

void remove_leftovers(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".equipoise-") && name.ends_with(".tmp")) fs::remove(entry.path(), ignored);
  }
}

fs::path default_folder(const char* parent, const fs::path& config) {
  const std::string name =
      fmt::format("{}-{:%Y%m%d-%H%M%S}", config.stem().string(), fmt::localtime(std::time(nullptr)));
  fs::path folder = fs::path(parent) / name;
  std::error_code ignored;
  for (int number = 2; fs::exists(folder, ignored); ++number)
    folder = fs::path(parent) / fmt::format("{}-{}", name, number);
  return folder;
}

bool holds_run(const fs::path& folder) {
  for (const char* name : {run_file::kConfig, run_file::kModel, run_file::kLast, run_file::kPrevious}) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) return true;
  }
  return false;
}

namespace {

/// Of all files of a run.
std::vector<const char*> names_of_run() {
  std::vector<const char*> names(std::begin(run_file::kAll), std::end(run_file::kAll));
  names.push_back(RunLock::kName);
  return names;
}

}  // namespace

void expect_apart(const std::filesystem::path& run, const std::filesystem::path& out) {
  for (const char* name : names_of_run()) {
    std::error_code absent;
    if (std::filesystem::equivalent(run / name, out, absent))
      throw Error(ExitCode::usage, fmt::format("--out {}: is a file of the run itself; choose another", out.string()));
  }
}

void expect_regular_files(const fs::path& folder) {
  for (const char* name : names_of_run()) {
    std::error_code absent;
    const fs::file_status status = fs::symlink_status(folder / name, absent);
    if (absent == std::errc::permission_denied)
      throw Error(ExitCode::file_system,
                  fmt::format("{}: cannot be looked into: {}", folder.string(), absent.message()));
    if (!fs::exists(status) || fs::is_regular_file(status)) continue;
    const char* what = fs::is_symlink(status)     ? "a link"
                       : fs::is_directory(status) ? "a folder"
                       : fs::is_fifo(status)      ? "a pipe"
                                                  : "a device or socket";
    throw Error(ExitCode::file_system,
                fmt::format("{}: is {}, but a run folder holds regular files alone; put the file itself there",
                            (folder / name).string(), what));
  }
}

bool failed_at_once(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_regular_file(fs::symlink_status(folder / run_file::kSummary, ignored))) return false;
  try {
    const EarlierRun run = read_earlier_run(folder / run_file::kSummary);
    return run.status == "failed" && run.epochs == 0;
  } catch (const Error&) {
    return false;  // not known to be worthless
  }
}

namespace {

/// Of a checkpoint's metadata.
constexpr const char* kMetricsHash = "metrics_sha256";
/// Of the metadata of models and checkpoints.
constexpr const char* kFitHash = "preprocess_sha256";

void add_line(Sha256& hash, std::string_view line) {
  hash.update(line);
  hash.update("\n");
}

}  // namespace

RunFolder::RunFolder(const fs::path& path, bool fresh)
    : path_(path), lock_(made(path, fresh)), metrics_(cleared(path, fresh) / run_file::kMetrics) {
  if (fresh) empty_metrics();
  remove_leftovers(path);
}

void expect_same_run(const TensorFile& file, const std::string& preprocess, const fs::path& folder) {
  Sha256 hash;
  hash.update(preprocess);
  const auto told = file.metadata.find(kFitHash);
  if (told != file.metadata.end() && told->second != hash.hex())
    throw Error(ExitCode::checkpoint, fmt::format("{}: was not trained with {} as it is now; take both from one run",
                                                  file.path, (folder / run_file::kPreprocess).string()));
}

RunFolder RunFolder::create(const fs::path& path) { return RunFolder(path, true); }

void expect_no_study(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / "study.json", ignored))
    throw Error(ExitCode::usage, fmt::format("{}: is a study and no run; a member becomes one by: equipoise member {} "
                                             "NUMBER",
                                             folder.string(), shell_word(folder)));
}

RunFolder RunFolder::open(const fs::path& path) {
  expect_no_study(path);
  expect_regular_files(path);
  if (!holds_run(path))
    throw Error(ExitCode::usage,
                fmt::format("{}: holds no run to resume; leave --resume out to start one there", path.string()));
  return RunFolder(path, false);
}

fs::path RunFolder::place(const char* name) const {
  lock_.expect_held();
  return path_ / name;
}

void RunFolder::empty_metrics() {
  metrics_hash_ = Sha256();
  metrics_.truncate_after(0);
  metrics_.append_line(format_line());
}

void RunFolder::begin(const Config& config, const PreparedData& prepared, const std::string& summary) const {
  // The config last: a folder without it has not begun and is prepared again.
  write_file_atomically(place(run_file::kSummary), std::string_view(summary));
  write_file_atomically(place(run_file::kPreprocess), std::string_view(to_json(prepared.preprocess)));
  write_split_csv(place(run_file::kSplit), prepared.split, prepared.data.ids);
  write_config(config);
}

void RunFolder::write_config(const Config& config) const {
  write_file_atomically(place(run_file::kConfig), std::string_view(run_config_text(config)));
}

void RunFolder::expect_format_of_metrics() const {
  metrics_.each_line(
      1, [&](std::string_view first) { expect_metrics(file(run_file::kMetrics).string(), std::string(first)); });
}

void RunFolder::each_metric_without_time(const LineVisitor& visit) const { visit_metrics(metrics_.lines(), visit); }

void RunFolder::visit_metrics(uint64_t lines, const LineVisitor& visit) const {
  expect_format_of_metrics();
  bool first = true;
  metrics_.each_line(lines, [&](std::string_view line) {
    if (!first) visit(without_time(line));
    first = false;
  });
}

void RunFolder::append_metrics(const std::string& line, double seconds) {
  metrics_.append_line(with_time(line, seconds));
  add_line(metrics_hash_, line);
}

void RunFolder::keep_metrics(int epochs, const TensorFile& checkpoint) {
  const uint64_t lines = 1 + static_cast<uint64_t>(epochs);  // the format stands before them
  Sha256 hash;
  visit_metrics(lines, [&](std::string_view line) { add_line(hash, line); });
  const auto told = checkpoint.metadata.find(kMetricsHash);
  if (lines <= metrics_.lines() && told != checkpoint.metadata.end() && told->second != hash.hex())
    throw Error(ExitCode::checkpoint, fmt::format("{}: its first {} epochs are not those that {} was written after; "
                                                  "restore the log",
                                                  file(run_file::kMetrics).string(), epochs, checkpoint.path));
  metrics_.truncate_after(lines);
  metrics_hash_ = std::move(hash);
}

void RunFolder::bind(TensorFile& file) const {
  if (fit_hash_.empty()) {
    Sha256 hash;
    hash.update(read_text(path_ / run_file::kPreprocess, kLargestPreprocess));
    fit_hash_ = hash.hex();
  }
  file.metadata[kFitHash] = fit_hash_;
  sign_metadata(file);
}

void RunFolder::write_model(TensorFile model) const {
  bind(model);
  write_safetensors(place(run_file::kModel), model);
}

void RunFolder::write_checkpoint(TensorFile checkpoint) {
  lock_.expect_held();
  metrics_.sync();
  checkpoint.metadata[kMetricsHash] = metrics_hash_.hex();
  bind(checkpoint);
  std::error_code problem;
  const fs::path last = file(run_file::kLast);
  if (fs::exists(last, problem)) fs::rename(last, file(run_file::kPrevious), problem);
  if (problem)
    throw Error(ExitCode::file_system, fmt::format("{}: cannot be renamed to {} ({}); make the folder writable",
                                                   last.string(), run_file::kPrevious, problem.message()));
  write_safetensors(last, checkpoint);
}

bool RunFolder::resume(const std::function<int(const TensorFile&)>& restore,
                       const std::function<void(const std::string&)>& notice) {
  expect_format_of_metrics();
  std::optional<Error> refused;
  for (const char* name : {run_file::kLast, run_file::kPrevious}) {
    std::error_code ignored;
    if (!fs::exists(file(name), ignored)) continue;
    try {
      const TensorFile checkpoint = read_safetensors(file(name));
      keep_metrics(restore(checkpoint), checkpoint);
      if (refused) notice(fmt::format("going on from {}, the checkpoint before", file(name).string()));
      return true;
    } catch (const UnreadFormat&) {
      throw;
    } catch (const Error& error) {
      if (error.code() != ExitCode::checkpoint) throw;
      notice(error.what());
      if (!refused) refused = error;
    }
  }
  if (refused) throw *refused;
  // A model is written after a checkpoint, and a run that ended well or was stopped has written one. One that failed or
  // was killed may have had epochs and none.
  std::error_code absent;
  const std::string status = read_earlier_run(file(run_file::kSummary)).status;
  if (fs::exists(file(run_file::kModel), absent) || status == "finished" || status == "stopped")
    throw Error(ExitCode::checkpoint,
                fmt::format("{}: is missing, and the run had written it; restore it, or start a new run",
                            file(run_file::kLast).string()));
  notice("no checkpoint was written yet; starting from the first step");
  empty_metrics();
  return false;
}

}  // namespace equipoise
