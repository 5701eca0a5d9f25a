// host/text/offenders.h - collects what is wrong with a file and refuses it once, with the first five offenders.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace equipoise {

/// A cell as an error shows it: in quotes, on one line, cut after some 60 bytes between two characters.
inline std::string excerpt(std::string_view text) {
  constexpr size_t kLongest = 60;
  size_t length = text.size() <= kLongest ? text.size() : kLongest;
  while (length > 0 && length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  std::string shown(text.substr(0, length));
  for (char& c : shown) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return "'" + shown + (length < text.size() ? "...'" : "'");
}

class Offenders {
 public:
  /// Notes one offender; only the first five sentences are kept, all are counted.
  void add(std::string sentence) {
    if (sentences_.size() < kListed) sentences_.push_back(std::move(sentence));
    ++count_;
  }

  /// Counts further ones without their sentences.
  void count_further(size_t count) { count_ += count; }

  bool full() const { return count_ >= kListed; }

  /// Throws Error(code) with one offender a line if there was any.
  void refuse(ExitCode code) const {
    if (count_ == 0) return;
    std::string text;
    for (const std::string& sentence : sentences_) {
      if (!text.empty()) text += kNextSentence;
      text += sentence;
    }
    if (count_ > sentences_.size())
      text += fmt::format("{}... and {} more like these", kNextSentence, count_ - sentences_.size());
    throw Error(code, text);
  }

 private:
  static constexpr size_t kListed = 5;
  std::vector<std::string> sentences_;
  size_t count_ = 0;
};

}  // namespace equipoise
