// host/study/study_progress.h - what a study tells while it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "host/text/progress.h"

namespace equipoise {

class StudyProgress {
 public:
  /// `members` in all, of which `done` were finished before. Keeps a reference to the log.
  StudyProgress(Log& log, std::size_t members, std::size_t done);

  /// Members finished and steps done since this process began, and which share of the work that is: of a member that
  /// trains, its steps of those it does at most.
  void advanced(std::size_t finished, int64_t steps, double share);

 private:
  Log& log_;
  std::size_t members_, before_;
  std::chrono::steady_clock::time_point begin_, told_{};
};

}  // namespace equipoise
