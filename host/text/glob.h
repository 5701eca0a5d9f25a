// host/text/glob.h - names by patterns, as shells have them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace equipoise {

/// Whether the whole name fits a pattern, in which * stands for any characters, none included, and ? for one byte.
bool matches(std::string_view pattern, std::string_view name);
/// Whether it fits one of several.
bool matches_any(std::span<const std::string> patterns, std::string_view name);

}  // namespace equipoise
