// host/run/run_files.h - names of the files of a run folder.
#pragma once

namespace equipoise {

/// Files of a run folder.
namespace run_file {
inline constexpr const char* kConfig = "config.toml";                  // resolved: defaults and overrides filled in
inline constexpr const char* kPreprocess = "preprocess.json";          // what was fitted on the training rows
inline constexpr const char* kSplit = "split.csv";                     // id, repeat, fold
inline constexpr const char* kMetrics = "metrics.jsonl";               // its format, then a line per epoch
inline constexpr const char* kModel = "model.safetensors";             // parameters of the best epoch
inline constexpr const char* kLast = "last.safetensors";               // newest checkpoint
inline constexpr const char* kPrevious = "last.previous.safetensors";  // the one before
inline constexpr const char* kPredictions = "predictions.csv";         // of the best epoch
inline constexpr const char* kSummary = "run.json";                    // build, device, data, times, result

inline constexpr const char* kAll[] = {kConfig, kPreprocess, kSplit,       kMetrics, kModel,
                                       kLast,   kPrevious,   kPredictions, kSummary};
}  // namespace run_file

}  // namespace equipoise
