// host/text/glob.h - names by patterns, as shells have them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace equipoise {

/// Whether the whole name fits a pattern, in which * stands for any characters, none included, and ? for one byte.
bool matches(std::string_view pattern, std::string_view name);

/// Patterns of names, most of which may be names themselves: those are found without trying one after another.
class NamePatterns {
 public:
  NamePatterns() = default;
  NamePatterns(std::vector<std::string> patterns);  // from what a config or a caller lists

  const std::vector<std::string>& given() const { return given_; }
  bool empty() const { return given_.empty(); }
  /// Whether the name fits one of them.
  bool fit(std::string_view name) const;
  /// Whether one of them is this text, letter by letter.
  bool list(std::string_view text) const;
  /// The first that no name fits, or null.
  const std::string* without_name(std::span<const std::string> names) const;

 private:
  std::vector<std::string> given_, sorted_, wild_;
};

/// Patterns with * or ? that a list may have: each is tried on each name.
inline constexpr std::size_t kMostWildPatterns = 1000;
bool is_wild(std::string_view pattern);

}  // namespace equipoise
