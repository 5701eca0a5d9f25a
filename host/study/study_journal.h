// host/study/study_journal.h - how far a study has come, on disk: members that are finished, wave by wave, and where
// those of the running waves stand.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/files/safetensors.h"
#include "host/study/member_result.h"

namespace equipoise {

/// Writes results with models of one structure as one file, and reads such a file back. `study` is the identity of the
/// study. The latter throws Error(checkpoint) on a file that was damaged, and on one of another study.
void write_results(const std::filesystem::path& path, std::span<const MemberResult* const> results,
                   const std::string& study);
std::vector<MemberResult> read_results(const std::filesystem::path& path, const std::string& study);

class StudyJournal {
 public:
  /// `folder` is that of the journal alone, made if need be; `study` the identity of the study, whose files alone
  /// count.
  StudyJournal(std::filesystem::path folder, std::string study);

  /// Results of finished members by number. A file that is damaged is told, and its members count as not finished.
  std::map<int, MemberResult> finished(const std::function<void(const std::string&)>& notice) const;
  /// Adds results of a wave's members, in its order. Several threads may add to the journal, each of a wave of its own.
  void finish(std::span<const MemberResult> results);

  /// Checkpoints of members by number, of waves that are not finished: what each saved last.
  std::map<int, TensorFile> running(const std::function<void(const std::string&)>& notice) const;
  /// `first` is the number of the wave's first member, by which it is known.
  void save(int first, const std::map<int, TensorFile>& checkpoints);

  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::string study_;
};

}  // namespace equipoise
