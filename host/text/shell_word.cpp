// host/text/shell_word.cpp - quoting, as POSIX has it (Shell Command Language, 2.2.2: single quotes keep all but
// themselves).
#include "host/text/shell_word.h"

#include <algorithm>

namespace equipoise {
namespace {

bool is_plain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  return letter || (static_cast<unsigned char>(c) & 0x80) != 0 ||
         std::string_view("/._-+,:=@%^").find(c) != std::string_view::npos;
}

}  // namespace

std::string shell_word(const std::string& text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace equipoise
