// host/text/json_number.h - a number in JSON, which knows no infinity and no NaN.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

namespace equipoise {

/// null where it is not finite.
inline nlohmann::ordered_json json_number(double x) {
  return std::isfinite(x) ? nlohmann::ordered_json(x) : nlohmann::ordered_json();
}

}  // namespace equipoise
