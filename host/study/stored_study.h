// host/study/stored_study.h - a finished study that is asked: its chosen members as runs.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "host/run/stored_run.h"
#include "host/study/choice.h"
#include "host/study/study_data.h"
#include "host/study/study_folder.h"

namespace equipoise {

struct StoredStudy {
  std::filesystem::path folder;
  Config config;
  StudyRecord record;
  std::map<int, MemberResult> results;
};

/// Writes every member's model and result: members.safetensors, and members-2.safetensors, ... of further structures.
void write_models(const StudyFolder& folder, const std::map<int, MemberResult>& results, const std::string& identity);
/// Writes what was fitted on the training rows of members that were chosen, and returns its SHA-256.
std::string write_preprocessing(const StudyFolder& folder, const StudyPlan& plan,
                                const std::vector<OuterChoice>& choices, StudyData& data);

/// Reads record, config and folds of any study. Throws Error(checkpoint) where they do not belong together.
StoredStudy read_study(const std::filesystem::path& folder);
/// A finished one's models, too. Throws Error(checkpoint) where it has not finished.
StoredStudy read_finished_study(const std::filesystem::path& folder);

/// The study's config with the places at which its tables are found now (with_tables_found), and without the table of
/// folds that a cross-validation was given: its folds are in splits.csv.
Config with_study_tables(const StoredStudy& study, const std::optional<std::filesystem::path>& root);

/// A chosen member as a run is stored: to be asked about new patients.
struct ChosenRun {
  int number = 0;  ///< of the member
  StoredRun run;
};
/// All of them, by outer part. Throws Error(numerics) where no member can be relied on.
std::vector<ChosenRun> chosen_runs(const StoredStudy& study);

}  // namespace equipoise
