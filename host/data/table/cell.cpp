// host/data/table/cell.cpp - std::from_chars, and what it leaves open.
#include "host/data/table/cell.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

namespace equipoise {
namespace {

/// Whether a decimal number that no double can hold lies below all of them, not above: by the place of its first digit
/// that is not zero, and its exponent.
bool is_tiny(std::string_view text) {
  const size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view digits = text.substr(0, e), exponent = text.substr(std::min(e + 1, text.size()));
  const bool negative = exponent.starts_with('-');
  const std::string_view size = exponent.substr(!exponent.empty() && (negative || exponent[0] == '+') ? 1 : 0);
  double power = 0;  // of ten; infinity where it is beyond all numbers
  const auto [end, failure] = std::from_chars(size.data(), size.data() + size.size(), power);
  if (failure == std::errc::result_out_of_range) power = std::numeric_limits<double>::infinity();
  const size_t point = std::min(digits.find('.'), digits.size()), first = digits.find_first_of("123456789");
  const double place = static_cast<double>(point) - static_cast<double>(std::min(first, digits.size()));
  return place + (negative ? -power : power) < 0;
}

}  // namespace

bool is_missing(std::string_view text) {
  constexpr std::string_view kWords[] = {"", "?", ".", "NA", "N/A", "NAN", "#N/A", "<NA>", "NULL"};
  constexpr size_t kLongest = 4;
  if (text.size() > kLongest) return false;
  char upper[kLongest] = {};
  for (size_t i = 0; i < text.size(); ++i)
    upper[i] = text[i] >= 'a' && text[i] <= 'z' ? static_cast<char>(text[i] - 'a' + 'A') : text[i];
  // Written by Python alone, and so in one spelling: a class "none" beside "mild" and "severe" is a class.
  return text == "None" ||
         std::find(std::begin(kWords), std::end(kWords), std::string_view(upper, text.size())) != std::end(kWords);
}

Number parse_number(std::string_view text) {
  const std::string_view all = text;
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size();
  if (failure == std::errc() && whole && std::isfinite(value)) return {NumberKind::number, value};
  if (is_missing(all)) return {NumberKind::missing, 0};
  if (failure == std::errc::invalid_argument || !whole) return {NumberKind::text, 0};
  if (failure == std::errc::result_out_of_range && is_tiny(text)) return {NumberKind::number, 0};
  if (failure == std::errc::result_out_of_range || std::isinf(value)) return {NumberKind::out_of_range, 0};
  return {NumberKind::text, 0};  // "-nan", "nan(1)": not among the spellings of "missing"
}

Number parse_decimal_comma(std::string_view text) {
  const size_t comma = text.find(',');
  if (comma == text.npos || text.find('.') != text.npos || text.find_first_of("0123456789") == text.npos)
    return {NumberKind::text, 0};
  std::string pointed(text);
  pointed[comma] = '.';
  return parse_number(pointed);
}

MissingWords::MissingWords(std::vector<std::string> words) : words_(std::move(words)) {
  for (const std::string& word : words_)
    if (const Number number = parse_number(word); number.kind == NumberKind::number) numbers_.push_back(number.value);
  std::sort(words_.begin(), words_.end());
  std::sort(numbers_.begin(), numbers_.end());
}

bool MissingWords::hold(std::string_view text, const Number& number) const {
  if (number.kind == NumberKind::number && std::binary_search(numbers_.begin(), numbers_.end(), number.value))
    return true;
  return std::binary_search(words_.begin(), words_.end(), text, std::less<std::string_view>());
}

}  // namespace equipoise
