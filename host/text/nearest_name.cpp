// host/text/nearest_name.cpp - edit distance and the sentence made from it.
#include "host/text/nearest_name.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "host/text/lower_case.h"

namespace equipoise {
namespace {

constexpr size_t kLongestName = 200;  // the table below is quadratic: a hostile name must not cost seconds
constexpr size_t kNamesListed = 8;
constexpr size_t kShortestBeginning = 2;

/// The only name that begins so.
std::optional<std::string> begun_name(std::string_view beginning, std::span<const std::string> names) {
  std::optional<std::string> found;
  for (const std::string& name : names) {
    if (beginning.size() < kShortestBeginning || name.size() <= beginning.size() ||
        !std::equal(beginning.begin(), beginning.end(), name.begin(),
                    [](char a, char b) { return lower_case(a) == lower_case(b); }))
      continue;
    if (found) return std::nullopt;
    found = name;
  }
  return found;
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  const size_t columns = b.size() + 1;
  std::vector<int> edits((a.size() + 1) * columns);  // [a.size() + 1, b.size() + 1]: edits between prefixes
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      int& here = edits[i * columns + j];
      if (i == 0 || j == 0) {
        here = static_cast<int>(i + j);
        continue;
      }
      const bool same = lower_case(a[i - 1]) == lower_case(b[j - 1]);
      here = std::min({edits[(i - 1) * columns + j] + 1, edits[i * columns + j - 1] + 1,
                       edits[(i - 1) * columns + j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower_case(a[i - 1]) == lower_case(b[j - 2]) &&
                           lower_case(a[i - 2]) == lower_case(b[j - 1]);
      if (swapped) here = std::min(here, edits[(i - 2) * columns + j - 2] + 1);
    }
  }
  return edits.back();
}

std::optional<std::string> nearest_name(std::string_view wanted, std::span<const std::string> names) {
  if (wanted.empty() || wanted.size() > kLongestName) return std::nullopt;
  const int length = static_cast<int>(wanted.size());
  int best = (length >= 4 ? std::max(2, length / 3) : 1) + 1;
  const std::string* nearest = nullptr;
  for (const std::string& name : names) {
    const int longer = static_cast<int>(name.size()) - length;
    if (name.size() > kLongestName || longer >= best || -longer >= best) continue;  // each letter too many is an edit
    const int edits = edit_distance(wanted, name);
    // A name of which nothing is left after the edits is no hint.
    if (edits < best && edits < static_cast<int>(std::max(name.size(), wanted.size()))) {
      best = edits;
      nearest = &name;
    }
  }
  return nearest ? std::optional(*nearest) : begun_name(wanted, names);
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> names) {
  if (const auto near = nearest_name(wanted, names)) return "did you mean '" + *near + "'?";
  if (names.empty()) return "there are no names to choose from";
  std::string list = "the names are ";
  for (size_t i = 0; i < std::min(names.size(), kNamesListed); ++i) list += (i ? ", " : "") + names[i];
  return names.size() > kNamesListed ? list + ", ..." : list;
}

}  // namespace equipoise
