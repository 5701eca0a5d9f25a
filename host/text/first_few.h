// host/text/first_few.h - a list of names in a sentence.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace equipoise {

/// "a, b, c", with "..." behind the fifth where there are more.
inline std::string first_few(std::span<const std::string> names) {
  constexpr std::size_t kListed = 5;
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < kListed; ++i) list += (i ? ", " : "") + names[i];
  return names.size() > kListed ? list + ", ..." : list;
}

}  // namespace equipoise
