// host/study/study_files.h - names of the files of a study folder.
#pragma once

namespace equipoise::study_file {

inline constexpr const char* kStudy = "study.json";             // what it is, its plan, build, device, times, status
inline constexpr const char* kConfig = "config.toml";           // resolved, with [study]
inline constexpr const char* kSplits = "splits.csv";            // id, repeat, fold
inline constexpr const char* kPreprocess = "preprocess.jsonl";  // what was fitted on each split's training rows
inline constexpr const char* kMembers = "members.csv";          // a row a member
inline constexpr const char* kPredictions = "predictions.csv";  // out of fold, of the chosen members
inline constexpr const char* kSummary = "summary.json";         // figures
inline constexpr const char* kText = "summary.txt";             // the same for people
inline constexpr const char* kModels = "members";     // .safetensors: members, stacked; -2, ... further structures
inline constexpr const char* kProgress = "progress";  // a folder, while not all members are finished

}  // namespace equipoise::study_file
