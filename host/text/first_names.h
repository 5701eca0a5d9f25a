// host/text/first_names.h - a list that may be long, in a sentence.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace equipoise {

/// The first five: "a, b", or "a, b, c, d, e, ..." where there are more.
inline std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t kTold = 5;
  std::string list;
  for (std::size_t i = 0; i < names.size() && i < kTold; ++i) list += (i > 0 ? ", " : "") + names[i];
  return names.size() > kTold ? list + ", ..." : list;
}

}  // namespace equipoise
