// host/commands/option_numbers.h - numbers of the command line, which CLI11 hands over as they were written: it would
// take 010 for eight, and the largest number for what is beyond it.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace equipoise {

/// All of the text as a decimal number that the type holds; none else.
template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

/// Throws Error(usage) naming the option if the text is no whole number of that range.
template <class Whole>
Whole whole_number(const char* option, const std::string& text, Whole least, Whole most) {
  const std::optional<Whole> value = number_in<Whole>(text);
  if (!value || *value < least || *value > most)
    throw Error(ExitCode::usage, fmt::format("{} {}: must be a whole number from {} to {}", option, text, least, most));
  return *value;
}

/// The same of a finite number.
double finite_number(const char* option, const std::string& text);
/// The same of finite numbers with commas between them; none of an empty text.
std::vector<double> finite_numbers(const char* option, const std::string& text);

}  // namespace equipoise
