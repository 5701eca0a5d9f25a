// host/text/glob.h - names by patterns, as shells have them.
#pragma once

#include <string_view>

namespace equipoise {

/// Whether the whole name fits a pattern, in which * stands for any characters, none included, and ? for one byte.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace equipoise
