// host/run/data_places.cpp - old paths to new ones.
#include "host/run/data_places.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "engine/base/error.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

/// The longest end of `old` that exists under `root`; of none its name there.
fs::path under(const fs::path& root, const fs::path& old) {
  for (auto first = old.begin(); first != old.end(); ++first) {
    fs::path end;
    for (auto part = first; part != old.end(); ++part) end /= *part;
    if (!end.is_absolute() && is_there(root / end)) return root / end;
  }
  return root / old.filename();
}

/// Where a file is now; `told` is what the run's own account last said of it.
fs::path place_of(const fs::path& old, const DataFile* told, const fs::path& run, const std::optional<fs::path>& root) {
  if (root) return under(*root, old);
  if (is_there(old) || !told) return old;
  // An account can be anybody's: what it names must be a file, not a pipe that is waited for.
  std::error_code ignored;
  if (fs::is_regular_file(told->path, ignored)) return told->path;
  if (told->relative.empty()) return old;
  const fs::path beside = (fs::absolute(run) / told->relative).lexically_normal();
  return fs::is_regular_file(beside, ignored) ? beside : old;
}

}  // namespace

Config with_tables_found(Config config, const fs::path& run, const EarlierRun& earlier,
                         const std::optional<fs::path>& root) {
  std::map<fs::path, fs::path> places;
  std::vector<std::string> missing;
  const std::vector<fs::path> files = files_of(config.data);
  for (std::size_t f = 0; f < files.size(); ++f) {  // told in the same order
    const fs::path place = place_of(files[f], f < earlier.files.size() ? &earlier.files[f] : nullptr, run, root);
    if (!is_there(place)) missing.push_back(place.string());
    places[files[f]] = place;
  }
  for (ViewSource& view : config.data.views) view.file = places[view.file];
  for (std::optional<fs::path>* table : {&config.data.outcome, &config.data.split})
    if (*table) *table = places[**table];
  if (missing.empty()) return config;
  throw Error(
      ExitCode::data,
      fmt::format("{}: the run was trained on {} not there; name the folder that holds {} by --data-root",
                  fmt::join(missing, ", "), missing.size() == 1 ? "this table, which is" : "these tables, which are",
                  missing.size() == 1 ? "it" : "them"));
}

}  // namespace equipoise
