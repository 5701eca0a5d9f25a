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

  /// Members finished, and steps of all members done, since this process began.
  void advanced(std::size_t finished, int64_t steps);
  /// The best inner figure so far, and whose it is.
  void best(double inner, const std::string& setting);

 private:
  Log& log_;
  std::size_t members_, before_;
  std::chrono::steady_clock::time_point begin_, told_{};
  std::string best_;
  double best_value_ = 0;
};

}  // namespace equipoise
