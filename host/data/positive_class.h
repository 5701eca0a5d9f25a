// host/data/positive_class.h - which of two classes is the positive one, as a config names it.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace equipoise {

/// The positive class of each column, from entries "class", where there is one column, or "column=class". `columns` are
/// those that may have one. Throws Error(usage) on an entry without a column where there are several, a column that is
/// none of them (with the nearest name), and one named twice.
std::map<std::string, std::string> positive_classes(const std::vector<std::string>& entries,
                                                    const std::vector<std::string>& columns);

}  // namespace equipoise
