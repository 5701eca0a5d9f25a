// host/text/trimmed.h - a text without the blanks around it.
#pragma once

#include <string_view>

namespace equipoise {

/// Within `text`; empty where there is nothing else. Ends of lines are no blanks unless they are named.
inline std::string_view trimmed(std::string_view text, std::string_view blanks = " \t") {
  const auto first = text.find_first_not_of(blanks);
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace equipoise
