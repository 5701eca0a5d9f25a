// host/commands/option_numbers.cpp - finite numbers, one or several.
#include "host/commands/option_numbers.h"

#include <algorithm>
#include <cmath>

namespace equipoise {

namespace {

double finite(const char* option, const std::string& whole, std::string_view text, const char* hint) {
  const std::optional<double> value = number_in<double>(text);
  if (!value || !std::isfinite(*value))
    throw Error(ExitCode::usage, fmt::format("{} {}: '{}' is not a number{}", option, whole, text, hint));
  return *value;
}

}  // namespace

double finite_number(const char* option, const std::string& text) { return finite(option, text, text, ""); }

std::vector<double> finite_numbers(const char* option, const std::string& text) {
  std::vector<double> values;
  for (std::size_t at = 0; at < text.size() + 1 && !text.empty();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    values.push_back(
        finite(option, text, std::string_view(text).substr(at, end - at), "; write numbers with commas between them"));
    at = end + 1;
  }
  return values;
}

}  // namespace equipoise
