// host/data/table/date.h - cells that are dates, which are no numbers to learn from.
#pragma once

#include <string_view>

namespace equipoise {

/// Whether a text is a date ("2024-03-31", "31.3.24", "3/31/2024", "31-Mar-2024"), perhaps with a time.
bool is_date(std::string_view text);

}  // namespace equipoise
