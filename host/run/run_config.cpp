// host/run/run_config.cpp - configs of this format and of those before.
#include "host/run/run_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/format.h"
#include "host/config/config_checks.h"
#include "host/config/older_config.h"
#include "host/run/run_folder.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// The first line of a run's config: its format, in a comment.
constexpr std::string_view kComment = "# ";

/// A key that older configs lack.
struct NewKey {
  std::string_view section, name;
  int since;  ///< format that brought it
};
constexpr NewKey kNewKeys[] = {
    {"model", "losses", 2},     {"train", "warmup", 3},       {"evaluate", "threshold", 3},
    {"data", "empty_views", 4}, {"train", "monitor_task", 5},
};

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

std::string run_config_text(const Config& config) {
  return fmt::format("{}{}\n{}", kComment, mark(file_format::kConfig), to_toml(config));
}

Config read_run_config(const fs::path& folder) {
  const fs::path path = folder / run_file::kConfig;
  expect_regular_files(folder);
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw Error(ExitCode::usage, fmt::format("{}: holds no run ({} is missing); give the folder a training wrote",
                                             folder.string(), run_file::kConfig));
  const auto [format, text] = taken_apart(read_text(path, kLargestConfig), path.string());
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

}  // namespace equipoise
