// host/study/study_run.h - a study in its folder, from its first member or from where it stands to the end or a signal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "engine/run/executor.h"
#include "host/study/study_folder.h"
#include "host/study/study_summary.h"
#include "host/text/progress.h"

namespace equipoise {

struct StudyWork {
  StudyRecord record;                 ///< with its plan
  std::unique_ptr<StudyData> data{};  ///< of that plan
};

/// Has the data of every split prepared, so that what is wrong with tables or folds is told before anything is made.
/// `folds` is the path of splits.csv, `told` what the table of folds is called in messages.
void take_data(StudyWork& work, const Config& config, RawData raw, const std::filesystem::path& folds,
               const std::string& told);

/// Trains what the record's part takes of the members, and, where that is all of them, chooses, judges the held-out
/// rows and writes the study's tables. A wave of members trains on each executor. `stop` is asked between launches.
/// Returns the summary of a study that is finished; nothing where it was stopped (the record says so) or is a part.
std::optional<StudySummary> run_study(const StudyFolder& folder, StudyWork& work,
                                      std::span<const std::unique_ptr<Executor>> executors, Log& log,
                                      const std::function<bool()>& stop);

}  // namespace equipoise
