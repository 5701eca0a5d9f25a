// host/run/run_folder.cpp - the order in which a run's files appear.
#include "host/run/run_folder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <sstream>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/train/metrics.h"
#include "host/config/config_checks.h"
#include "host/config/older_config.h"
#include "host/data/split.h"
#include "host/run/run_summary.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// The folder, made if need be; a fresh one must not hold a run. Checked under the lock.
fs::path made(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem || !fs::is_directory(path))
    throw Error(ExitCode::file_system,
                fmt::format("{}: cannot be made a folder ({}); choose another --out", path.string(),
                            problem ? problem.message() : "a file of that name exists"));
  expect_regular_files(path);
  return path;
}

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

/// `path`, once it is known that a fresh run may begin there.
fs::path unused(const fs::path& path, bool fresh) {
  if (fresh && failed_at_once(path)) remove_run(path);
  if (fresh && holds_run(path))
    throw Error(ExitCode::file_system, fmt::format("{}: holds a run already; go on with it by --resume --out {}, or "
                                                   "choose another --out",
                                                   path.string(), shell_word(path)));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    // Without a config, which is written last, a run has not begun, whatever of it is there.
    const bool of_a_run_cut_short =
        name.starts_with(".") || (name == run_file::kSummary && has_account_of_a_beginning(path)) ||
        name == run_file::kPreprocess || name == run_file::kSplit || name == run_file::kMetrics;
    if (fresh && !of_a_run_cut_short)
      throw Error(
          ExitCode::file_system,
          fmt::format("{}: holds {} already, and a run would write over it; choose a new or empty folder as --out",
                      path.string(), name));
  }
  return path;
}

/// Removes what a killed process left half-written (see write_file_atomically). Only the lock's owner may.
void remove_leftovers(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".equipoise-") && name.ends_with(".tmp")) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

fs::path default_run_folder(const fs::path& config) {
  return fs::path("runs") /
         fmt::format("{}-{:%Y%m%d-%H%M%S}", config.stem().string(), fmt::localtime(std::time(nullptr)));
}

bool holds_run(const fs::path& folder) {
  for (const char* name : {run_file::kConfig, run_file::kModel, run_file::kLast, run_file::kPrevious}) {
    std::error_code ignored;
    if (fs::exists(folder / name, ignored)) return true;
  }
  return false;
}

void expect_apart(const std::filesystem::path& run, const std::filesystem::path& out) {
  for (const char* name : run_file::kAll) {
    std::error_code absent;
    if (std::filesystem::equivalent(run / name, out, absent))
      throw Error(ExitCode::usage, fmt::format("--out {}: is a file of the run itself; choose another", out.string()));
  }
}

void expect_regular_files(const fs::path& folder) {
  std::vector<const char*> names(std::begin(run_file::kAll), std::end(run_file::kAll));
  names.push_back(RunLock::kName);
  for (const char* name : names) {
    std::error_code absent;
    const fs::file_status status = fs::symlink_status(folder / name, absent);
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

/// The first line of a run's config: its format, in a comment.
constexpr std::string_view kComment = "# ";

/// A key that older configs lack.
struct NewKey {
  std::string_view section, name;
  int since;  ///< format that brought it
};
constexpr NewKey kNewKeys[] = {
    {"model", "losses", 2}, {"train", "warmup", 3}, {"evaluate", "threshold", 3}, {"data", "empty_views", 4}};

/// Formats before this one have other words (host/config/older_config.h).
constexpr int kWordsOfToday = 4;

/// A config's text without the keys that are newer than `format`.
std::string without_newer(const std::string& text, int format) {
  std::istringstream lines(text);
  std::string older, section;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('[')) section = line.substr(line.find_first_not_of('['), line.find(']') - line.rfind('[') - 1);
    const bool newer = std::any_of(std::begin(kNewKeys), std::end(kNewKeys), [&](const NewKey& key) {
      return key.since > format && key.section == section && line.starts_with(fmt::format("{} = ", key.name));
    });
    if (!newer) older += line + "\n";
    else if (older.ends_with("\n\n[" + section + "]\n")) older.resize(older.size() - section.size() - 4);  // its first
  }
  return older;
}

/// The text after its first line, which says the format if it is a comment, and the format's number.
std::pair<int, std::string> taken_apart(const std::string& text, const std::string& file) {
  if (!text.starts_with(kComment)) return {expect_format(file, file_format::kConfig, ""), text};
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view first = std::string_view(text).substr(kComment.size(), end - kComment.size());
  if (first.ends_with('\r')) first.remove_suffix(1);  // an editor's; the comparison says that the file was changed
  return {expect_format(file, file_format::kConfig, first), text.substr(std::min(end + 1, text.size()))};
}

/// True if the text is what a run of that format wrote for this config.
bool as_written(const Config& config, const std::string& text, int format) {
  const std::string known = to_toml(config);
  // Files without a number are of before the keys of format 2, or have them already.
  for (int keys = format; keys < (format == 1 ? 3 : format + 1); ++keys)
    if (text == without_newer(known, keys)) return true;
  return false;
}

}  // namespace

Config read_run_config(const fs::path& folder) {
  const fs::path path = folder / run_file::kConfig;
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw Error(ExitCode::usage, fmt::format("{}: holds no run ({} is missing); give the folder a training wrote",
                                             folder.string(), run_file::kConfig));
  expect_regular_files(folder);
  const auto [format, text] = taken_apart(read_text(path), path.string());
  Config config = load_config_as_given(path);
  const bool older = format < kWordsOfToday;
  if (!older) spell_out(config);
  if (!as_written(config, text, format))
    throw Error(ExitCode::usage, fmt::format("{}: is not as the run wrote it; undo the changes, or unset EQUIPOISE_SET "
                                             "if that overrules it, and start a new run for new settings",
                                             path.string()));
  if (older) take_older_meaning(config, format);
  return config;
}

namespace {

/// Of a checkpoint's metadata.
constexpr const char* kMetricsHash = "metrics_sha256";

void add_line(Sha256& hash, std::string_view line) {
  hash.update(line);
  hash.update("\n");
}

}  // namespace

RunFolder::RunFolder(const fs::path& path, bool fresh)
    : path_(path), lock_(made(path)), metrics_(unused(path, fresh) / run_file::kMetrics) {
  if (fresh) empty_metrics();
  remove_leftovers(path);
}

RunFolder RunFolder::create(const fs::path& path) { return RunFolder(path, true); }

RunFolder RunFolder::open(const fs::path& path) {
  if (!holds_run(path))
    throw Error(ExitCode::usage,
                fmt::format("{}: holds no run to resume; leave --resume out to start one there", path.string()));
  return RunFolder(path, false);
}

void RunFolder::empty_metrics() {
  metrics_hash_ = Sha256();
  metrics_.truncate_after(0);
  metrics_.append_line(format_line());
}

void RunFolder::begin(const Config& config, const PreparedData& prepared, const std::string& summary) const {
  // The config last: a folder without it has not begun and is prepared again.
  write_file_atomically(file(run_file::kSummary), std::string_view(summary));
  write_file_atomically(file(run_file::kPreprocess), std::string_view(to_json(prepared.preprocess)));
  write_split_csv(file(run_file::kSplit), prepared.split, prepared.data.ids);
  write_config(config);
}

void RunFolder::write_config(const Config& config) const {
  write_file_atomically(
      file(run_file::kConfig),
      std::string_view(fmt::format("{}{}\n{}", kComment, mark(file_format::kConfig), to_toml(config))));
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

void RunFolder::append_metrics(const std::string& line) {
  metrics_.append_line(line);
  add_line(metrics_hash_, without_time(line));
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

void RunFolder::write_checkpoint(TensorFile checkpoint) {
  metrics_.sync();
  checkpoint.metadata[kMetricsHash] = metrics_hash_.hex();
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
  notice("no checkpoint was written yet; starting from the first step");
  empty_metrics();
  return false;
}

}  // namespace equipoise
