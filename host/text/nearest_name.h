// host/text/nearest_name.h - "did you mean ...?" for keys, columns and options.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace equipoise {

/// Edits (insert, delete, replace, swap of neighbours; letter case ignored) that turn `a` into `b`: the
/// optimal string alignment distance.
int edit_distance(std::string_view a, std::string_view b);

/// The name with the fewest edits from `wanted`, the first of equals; none if even that one is more than a third of
/// the word away (two edits are always allowed for words of four letters or more). Names longer than 200 bytes are not
/// tried. Where none is near: the only name that begins with `wanted` (two letters at least), as "val" for validation.
std::optional<std::string> nearest_name(std::string_view wanted, std::span<const std::string> names);

/// "did you mean 'label'?" when a name is near, otherwise "the names are a, b, c" (at most eight of them).
std::string did_you_mean(std::string_view wanted, std::span<const std::string> names);

}  // namespace equipoise
