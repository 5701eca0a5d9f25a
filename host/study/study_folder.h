// host/study/study_folder.h - the folder of one study while a process owns it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "engine/files/atomic_file.h"
#include "host/config/config.h"
#include "host/study/study_record.h"

namespace equipoise {

/// studies/<stem of the config>-<YYYYmmdd-HHMMSS>; -2, -3, ... where that is taken.
std::filesystem::path default_study_folder(const std::filesystem::path& config);

/// True if `folder` holds a study, finished or not.
bool holds_study(const std::filesystem::path& folder);

class StudyFolder {
 public:
  /// Makes the folder and locks it. Throws Error(file_system) if anything is in it already or another process has it.
  static StudyFolder create(const std::filesystem::path& path);
  /// Locks that of an existing study. Throws Error(usage) where there is none.
  static StudyFolder open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }
  /// The same of a file that is written. Throws Error(file_system) if the folder of that name is another one by now.
  std::filesystem::path place(const std::string& name) const;

  /// Writes what a study begins with; its record, by which it is known to be one, last.
  void begin(const Config& config, const StudyRecord& record) const;
  void write_record(const StudyRecord& record) const;

 private:
  explicit StudyFolder(const std::filesystem::path& path);

  std::filesystem::path path_;
  RunLock lock_;
};

}  // namespace equipoise
