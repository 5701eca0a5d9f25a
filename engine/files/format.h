// engine/files/format.h - the formats of a run's files: each says its own, by a name and a number that a declared
// change raises. Number 1 is what files of before these numbers are.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace equipoise {

struct FileFormat {
  std::string_view name;
  int number;  ///< that this version writes
  int oldest;  ///< that it still reads
};

namespace file_format {
// 2: model.losses; 3: methods with all their keys, train.warmup, evaluate.threshold; 4: data.empty_views;
// 5: train.monitor_task
inline constexpr FileFormat kConfig{"equipoise config", 5, 1};
// 3: selection, bounds of clipped values; 4: counts of missing and outlying values;
// 5: categories
inline constexpr FileFormat kPreprocess{"equipoise preprocessing", 5, 1};
inline constexpr FileFormat kSplit{"equipoise split", 1, 1};
inline constexpr FileFormat kMetrics{"equipoise metrics", 2, 2};  // 2: the first line is the format
inline constexpr FileFormat kModel{"equipoise model", 2, 1};
// 2: no moments of the best epoch; the control by field; 3: the losses of the epochs
inline constexpr FileFormat kCheckpoint{"equipoise checkpoint", 3, 2};
inline constexpr FileFormat kSummary{"equipoise run", 3, 1};  // 3: counts and sentences of the data
inline constexpr FileFormat kStudy{"equipoise study", 1, 1};
inline constexpr FileFormat kStudySummary{"equipoise study summary", 1, 1};
}  // namespace file_format

/// The format in a file: "equipoise model 2".
std::string mark(const FileFormat& format);

/// A file of a format number that this version does not read: sound, and so no reason to take an older file instead.
class UnreadFormat : public Error {
 public:
  explicit UnreadFormat(const std::string& sentence) : Error(ExitCode::checkpoint, sentence) {}
};

/// The number in a mark that stands in `file`; "" is 1. Throws UnreadFormat naming the file and both numbers if this
/// version does not read it, Error(checkpoint) if the mark is of another kind of file.
int expect_format(const std::string& file, const FileFormat& format, std::string_view mark);

}  // namespace equipoise
