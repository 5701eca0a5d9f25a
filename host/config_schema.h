// host/config_schema.h - the one table of config keys: name, place in Config, range, meaning.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/config.h"

namespace equipoise {

struct NameOrNames {
  std::vector<std::string>* names;  ///< written as one string where it holds one
};

/// Where a key's value lives; the type says how it is read and written.
using Slot = std::variant<bool*, int*, uint64_t*, double*, std::optional<double>*, std::string*, std::vector<double>*,
                          std::vector<std::string>*, NameOrNames, std::vector<std::filesystem::path>*,
                          std::optional<std::filesystem::path>*, ClassWeights*>;

/// A range of finite numbers; `open` ends do not belong to it.
struct Range {
  double low = -std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::max();
  bool low_open = false;
  bool high_open = false;

  bool contains(double x) const {
    return (low_open ? x > low : x >= low) && (high_open ? x < high : x <= high);  // false for NaN
  }
};

/// What values a key takes.
struct Rule {
  Range range = {};                            ///< of a number, or of each number of a list
  std::vector<std::string_view> choices = {};  ///< of a string, or of each string of a list; {} = any; "" = by variant
  size_t count = 0;                            ///< of a list; 0 = any
  bool or_none = false;                        ///< the list may also be empty
  bool required = false;
  std::string_view example = "";  ///< shown, commented out, where the key has no value
};

struct ConfigKey {
  std::string_view section;
  std::string_view name;
  Slot (*slot)(Config&);
  std::string_view meaning;
  Rule rule = {};

  std::string dotted() const { return std::string(section) + "." + std::string(name); }
};

/// All keys, sections together, in the order they are written.
std::span<const ConfigKey> config_keys();

/// The key of that dotted name, or nullptr.
const ConfigKey* find_config_key(std::string_view dotted);

}  // namespace equipoise
