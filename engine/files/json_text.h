// engine/files/json_text.h - JSON of a run's files, which is never deep.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace equipoise {

/// Levels of nesting that a run's files may have; they have six.
inline constexpr int kDeepestJson = 32;

/// Throws Error(checkpoint) naming `file` where it is nested more deeply, as soon as it is, and the library's exception
/// where the text is no JSON.
nlohmann::ordered_json parse_json(std::string_view text, const std::string& file);

}  // namespace equipoise
