// host/text/shell_word.h - words of commands that a message suggests, so that they can be pasted into a shell.
#pragma once

#include <filesystem>
#include <string>

namespace equipoise {

/// The text as a POSIX shell reads it back as one word: as it is where nothing in it is special, else in single quotes.
std::string shell_word(const std::string& text);
inline std::string shell_word(const std::filesystem::path& path) { return shell_word(path.string()); }

}  // namespace equipoise
