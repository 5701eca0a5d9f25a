// host/text/json_number.h - a number in JSON, which knows no infinity and no NaN.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

namespace equipoise {

/// null where it is not finite.
inline nlohmann::ordered_json json_number(double x) {
  return std::isfinite(x) ? nlohmann::ordered_json(x) : nlohmann::ordered_json();
}

/// A count, at least 0, that an int holds; nothing of any other value (which the library would turn into some int).
inline std::optional<int> json_count(const nlohmann::ordered_json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  const bool fits = value.is_number_unsigned() ? value.get<uint64_t>() <= uint64_t{std::numeric_limits<int>::max()}
                                               : value.get<int64_t>() >= 0;
  return fits ? std::optional(value.get<int>()) : std::nullopt;
}

}  // namespace equipoise
