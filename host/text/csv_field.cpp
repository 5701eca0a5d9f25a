// host/text/csv_field.cpp - quoting, as RFC 4180 has it.
#include "host/text/csv_field.h"

namespace equipoise {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",;\t\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace equipoise
