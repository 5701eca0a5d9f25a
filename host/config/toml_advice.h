// host/config/toml_advice.h - what to do about a line that is no TOML, where the mistake is one that many make.
#pragma once

#include <string>
#include <string_view>

namespace equipoise {

/// Advice on the line (counted from 1) of a config at which its parser stopped: a word without quotes, or a backslash
/// in double quotes, as paths of Windows have them. "correct the TOML" where the line shows neither.
std::string toml_advice(std::string_view text, unsigned line);

/// What is said of a path that holds a character which only an escape in double quotes makes, as "\t" does; "" if it
/// holds none.
std::string path_advice(std::string_view path);

}  // namespace equipoise
