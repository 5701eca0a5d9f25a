// engine/files/format.cpp - marks of formats, written and checked.
#include "engine/files/format.h"

#include <fmt/format.h>

#include <charconv>

namespace equipoise {

std::string mark(const FileFormat& format) { return fmt::format("{} {}", format.name, format.number); }

int expect_format(const std::string& file, const FileFormat& format, std::string_view mark) {
  int number = 1;
  if (!mark.empty()) {
    number = 0;
    const bool of_kind = mark.starts_with(format.name) && mark.substr(format.name.size()).starts_with(' ');
    const std::string_view digits = of_kind ? mark.substr(format.name.size() + 1) : std::string_view();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (!of_kind || error != std::errc{} || end != digits.data() + digits.size() || number < 1)
      throw Error(ExitCode::checkpoint, fmt::format("{}: says to be '{}' where '{} {}' belongs; restore the file", file,
                                                    mark.substr(0, 60), format.name, format.number));
  }
  if (number > format.number)
    throw UnreadFormat(
        fmt::format("{}: is {} {}, and this version reads numbers up to {}; use the "
                    "version that wrote it, or a later one",
                    file, format.name, number, format.number));
  if (number < format.oldest)
    throw UnreadFormat(
        fmt::format("{}: is {} {}, and this version reads numbers from {}; use the "
                    "version that wrote it",
                    file, format.name, number, format.oldest));
  return number;
}

}  // namespace equipoise
