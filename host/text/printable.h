// host/text/printable.h - text from files and names as a terminal may be shown it.
#pragma once

#include <string>
#include <string_view>

namespace equipoise {

/// The text with what would move the cursor, colour, or turn round what follows written out: \n, \x1b, \u202e. Those
/// are the controls of ASCII but the tabulator, those of Latin-1 (as UTF-8 or as single bytes), and Unicode's line ends
/// and marks of direction. All other bytes stay.
std::string printable(std::string_view text);

}  // namespace equipoise
