// host/text/glob.cpp - one pass with one way back: linear in the name for each star.
#include "host/text/glob.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace equipoise {

bool matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = pattern.npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != pattern.npos) {  // the last star takes one character more
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

NamePatterns::NamePatterns(std::vector<std::string> patterns) : given_(std::move(patterns)), sorted_(given_) {
  std::sort(sorted_.begin(), sorted_.end());
  std::copy_if(given_.begin(), given_.end(), std::back_inserter(wild_), is_wild);
}

bool NamePatterns::fit(std::string_view name) const {
  return list(name) ||
         std::any_of(wild_.begin(), wild_.end(), [&](const auto& pattern) { return matches(pattern, name); });
}

bool NamePatterns::list(std::string_view text) const {
  return std::binary_search(sorted_.begin(), sorted_.end(), text, std::less<std::string_view>());
}

const std::string* NamePatterns::without_name(std::span<const std::string> names) const {
  const std::unordered_set<std::string_view> known(names.begin(), names.end());
  const auto found = std::find_if(given_.begin(), given_.end(), [&](const std::string& pattern) {
    return !known.contains(pattern) &&
           (!is_wild(pattern) ||
            std::none_of(names.begin(), names.end(), [&](const auto& name) { return matches(pattern, name); }));
  });
  return found == given_.end() ? nullptr : &*found;
}

bool is_wild(std::string_view pattern) { return pattern.find_first_of("*?") != pattern.npos; }

}  // namespace equipoise
