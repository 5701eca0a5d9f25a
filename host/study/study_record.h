// host/study/study_record.h - study.json: a study's plan, build, device, data, times and status.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/run/prepared_data.h"
#include "host/study/study_plan.h"

namespace equipoise {

/// The members that one process trains: those whose number leaves `index` - 1 when divided by `of`, counted from 0.
struct StudyPart {
  int index = 1, of = 1;

  bool takes(int member_number) const { return (member_number - 1) % of == index - 1; }
  bool whole() const { return of == 1; }
  bool operator==(const StudyPart&) const = default;
};

/// "2/8". Throws Error(usage) naming the option for any other text.
StudyPart study_part(const std::string& text);

struct StudyRecord {
  StudyPlan plan;  ///< its folds are those of splits.csv
  StudyPart part{};
  std::string status = "running";  ///< running, stopped (resumable), trained (a part that is whole) or finished
  std::string device;
  std::string started, ended;  ///< UTC
  int resumed = 0;
  std::string data_sha256;       ///< of the rows as they were read
  std::string identity = {};     ///< identity_of(): files are known by it to be of this study, whatever its part
  std::string fits_sha256 = {};  ///< of preprocess.jsonl, once the study is finished
  std::vector<DataFile> files;   ///< that they were read from
  std::vector<std::string> notices;
};

/// SHA-256 of rows as they were read: equal whatever the order of the files' rows.
std::string hash_of(const RawCohort& cohort);

/// SHA-256 over the config, but for the folders of its tables, the plan with its folds, and the data.
std::string identity_of(const Config& config, const StudyRecord& record);
/// The config without the folders in which its tables lie, which are others on other machines.
Config without_places(Config config);

/// The text of study.json; paths are told relative to `folder`, too.
std::string to_json(const StudyRecord& record, const std::filesystem::path& folder);
/// Reads it back, without the folds. Throws Error(checkpoint) on a file that to_json could not have written.
StudyRecord read_study_record(const std::filesystem::path& study_json);

}  // namespace equipoise
