// host/data/table/date.cpp - three groups of digits, one of them the year.
#include "host/data/table/date.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "host/text/lower_case.h"

namespace equipoise {
namespace {

/// One or two digits, or four; how many, 0 if there are none.
size_t take_digits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  if (count == 3 || count > 4) return 0;
  text.remove_prefix(count);
  return count;
}

size_t take_month_name(std::string_view& text) {
  constexpr std::string_view kMonths[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
  const std::string start = lower_case(text.substr(0, 3));
  if (std::find(std::begin(kMonths), std::end(kMonths), start) == std::end(kMonths)) return 0;
  text.remove_prefix(3);
  return 2;
}

}  // namespace

bool is_date(std::string_view text) {
  const size_t first = take_digits(text);
  if (first == 0 || text.empty()) return false;
  const char separator = text.front();
  if (separator != '-' && separator != '/' && separator != '.' && separator != ' ') return false;
  text.remove_prefix(1);
  size_t second = take_month_name(text);
  const bool named = second > 0;
  if (!named) second = take_digits(text);
  if ((second != 1 && second != 2) || text.empty() || text.front() != separator || (separator == ' ' && !named))
    return false;
  text.remove_prefix(1);
  const size_t third = take_digits(text);
  const bool one_year = first == 4 ? third == 1 || third == 2 : third == 2 || third == 4;
  if (!one_year) return false;
  const bool time_follows =
      text.size() >= 5 && (text.front() == 'T' || text.front() == ' ') && text.find(':') != text.npos;
  return text.empty() || time_follows;
}

}  // namespace equipoise
