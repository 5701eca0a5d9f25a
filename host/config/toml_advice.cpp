// host/config/toml_advice.cpp - reads the line again, less strictly than TOML does.
#include "host/config/toml_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "host/text/trimmed.h"

namespace equipoise {
namespace {

std::string_view line_of(std::string_view text, unsigned line) {
  for (; line > 1; --line) {
    const size_t end = text.find('\n');
    if (end == text.npos) return "";
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         std::string_view("_-./*?").find(c) != std::string_view::npos || (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// The part of the line in double quotes that holds a backslash; "" if there is none.
std::string_view with_backslash(std::string_view line) {
  for (size_t open = line.find_first_of("\"'#"); open != line.npos; open = line.find_first_of("\"'#", open)) {
    if (line[open] == '#') return "";
    const size_t close = line.find(line[open], open + 1);
    const std::string_view inside = line.substr(open + 1, close == line.npos ? line.npos : close - open - 1);
    if (line[open] == '"' && inside.find('\\') != inside.npos) return inside;
    if (close == line.npos) return "";
    open = close + 1;
  }
  return "";
}

}  // namespace

std::string toml_advice(std::string_view text, unsigned line_number) {
  const std::string_view line = line_of(text, line_number);
  if (const std::string_view inside = with_backslash(line); !inside.empty()) {
    std::string slashes(inside);
    std::replace(slashes.begin(), slashes.end(), '\\', '/');
    return fmt::format("a backslash in double quotes begins an escape; write '{}' in single quotes, or \"{}\"", inside,
                       slashes);
  }
  const size_t equals = line.find('=');
  const std::string_view key = trimmed(line.substr(0, std::min(equals, line.size())), " \t\r");
  if (equals == line.npos || key.empty() || key.starts_with('#')) return "correct the TOML";
  std::string_view value = trimmed(line.substr(equals + 1), " \t\r");
  const bool list = value.starts_with('[');
  if (list) value = trimmed(value.substr(1), " \t");
  const auto end = std::find_if_not(value.begin(), value.end(), is_word_character);
  const std::string_view word = value.substr(0, static_cast<size_t>(end - value.begin()));
  const std::string_view rest = trimmed(value.substr(word.size()), " \t\r");
  const bool alone = rest.empty() || rest.front() == '#' || (list && (rest.front() == ',' || rest.front() == ']'));
  if (word.empty() || !alone) return "correct the TOML";
  return list ? fmt::format("words stand in quotes: {} = [\"{}\"]", key, word)
              : fmt::format("words stand in quotes: {} = \"{}\"", key, word);
}

std::string path_advice(std::string_view path) {
  const auto found =
      std::find_if(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (found == path.end()) return "";
  constexpr std::string_view kMade = "\b\t\n\f\r", kLetters = "btnfr";
  const size_t escape = kMade.find(*found);
  return fmt::format("holds a control character{}; write the path in single quotes, or with / in place of \\",
                     escape == kMade.npos ? "" : fmt::format(", as \\{} in double quotes makes", kLetters[escape]));
}

}  // namespace equipoise
