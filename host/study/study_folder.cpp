// host/study/study_folder.cpp - makes, finds and keeps study folders.
#include "host/study/study_folder.h"

#include <fmt/format.h>

#include "engine/base/error.h"
#include "host/run/run_config.h"
#include "host/run/run_folder.h"
#include "host/study/study_files.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

void expect_free(const fs::path& path) {
  if (holds_study(path))
    throw Error(ExitCode::file_system, fmt::format("{}: holds a study already; go on with it by --resume --out {}, or "
                                                   "choose another --out",
                                                   path.string(), shell_word(path)));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) {
    // Without a record a study has not begun: what it left may be.
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(".") && name != study_file::kConfig && name != study_file::kSplits)
      throw Error(ExitCode::file_system,
                  fmt::format("{}: holds {} already; choose a new or empty folder as --out", path.string(), name));
  }
}

}  // namespace

fs::path default_study_folder(const fs::path& config) { return default_folder("studies", config); }

bool holds_study(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / study_file::kStudy, ignored);
}

StudyFolder StudyFolder::create(const fs::path& path) {
  std::error_code problem;
  fs::create_directories(path, problem);
  if (problem || !fs::is_directory(path))
    throw Error(ExitCode::file_system,
                fmt::format("{}: cannot be made a folder ({}); choose another --out", path.string(),
                            problem ? problem.message() : "a file of that name exists"));
  expect_free(path);
  StudyFolder folder(path);
  expect_free(path);
  return folder;
}

StudyFolder StudyFolder::open(const fs::path& path) {
  if (!holds_study(path))
    throw Error(ExitCode::usage, fmt::format("{}: holds no study ({} is missing); give the folder that cross-validate "
                                             "or sweep wrote",
                                             path.string(), study_file::kStudy));
  return StudyFolder(path);
}

StudyFolder::StudyFolder(const fs::path& path) : path_(path), lock_(path) {
  remove_leftovers(path);
  remove_leftovers(path / study_file::kProgress);
}

fs::path StudyFolder::place(const std::string& name) const {
  lock_.expect_held();
  return path_ / name;
}

void StudyFolder::begin(const Config& config, const StudyRecord& record) const {
  write_file_atomically(place(study_file::kConfig), run_config_text(config));
  if (!record.plan.folds.empty()) write_file_atomically(place(study_file::kSplits), record.plan.folds);
  write_record(record);
}

void StudyFolder::write_record(const StudyRecord& record) const {
  write_file_atomically(place(study_file::kStudy), to_json(record, path_));
}

}  // namespace equipoise
