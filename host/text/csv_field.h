// host/text/csv_field.h - fields of tables as they are written.
#pragma once

#include <string>

namespace equipoise {

/// A field as it is written to a table: quoted where it holds a delimiter, a quote or a line end.
std::string csv_field(const std::string& text);

}  // namespace equipoise
