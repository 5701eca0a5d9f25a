// host/data/table/cutter.h - a source of bytes in blocks that are cut between records.
#pragma once

#include <string>
#include <string_view>

#include "host/data/table/byte_source.h"

namespace equipoise {

class Cutter {
 public:
  static constexpr size_t kBlock = size_t{1} << 20;  ///< that is read at once, at least

  Cutter(ByteSource& source, size_t longest_record) : source_(source), longest_record_(longest_record) { more(); }

  /// What is read and not given yet.
  std::string_view text() const { return text_; }
  /// Reads as much again as there is. False at the end.
  bool more();
  void drop(size_t bytes) { text_.erase(0, bytes); }
  /// The next records, whole, or all that is left where they never end; "" at the end.
  std::string next();

 private:
  ByteSource& source_;
  size_t longest_record_;
  std::string text_;
  bool ended_ = false;
};

}  // namespace equipoise
