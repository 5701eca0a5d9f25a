// host/text/lower_case.h - letters of ASCII in lower case; all other characters stay as they are.
#pragma once

#include <string>
#include <string_view>

namespace equipoise {

constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = lower_case(c);
  return lower;
}

}  // namespace equipoise
