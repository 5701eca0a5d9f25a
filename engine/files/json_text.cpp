// engine/files/json_text.cpp - the library's parser, stopped where it would only fill memory.
#include "engine/files/json_text.h"

#include <fmt/format.h>

#include "engine/base/error.h"

namespace equipoise {

nlohmann::ordered_json parse_json(std::string_view text, const std::string& file) {
  const auto shallow = [&](int depth, nlohmann::ordered_json::parse_event_t, const nlohmann::ordered_json&) {
    if (depth <= kDeepestJson) return true;
    throw Error(ExitCode::checkpoint, fmt::format("{}: is nested more deeply than {} levels, as no run writes it; "
                                                  "restore the file",
                                                  file, kDeepestJson));
  };
  return nlohmann::ordered_json::parse(text, shallow);
}

}  // namespace equipoise
