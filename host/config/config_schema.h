// host/config/config_schema.h - the one table of config keys: name, place in Config, range, meaning, and where it is
// known.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/config/config.h"

namespace equipoise {

struct NameOrNames {
  std::vector<std::string>* names;  ///< written as one string where it holds one
};

/// Where a key's value lives; the type says how it is read and written.
using Slot = std::variant<bool*, int*, uint64_t*, double*, std::optional<double>*, std::string*, std::vector<int>*,
                          std::vector<double>*, std::vector<std::string>*, NameOrNames,
                          std::vector<std::filesystem::path>*, std::optional<std::filesystem::path>*, ClassWeights*>;

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
  bool some = false;                           ///< the list may not be empty
  bool required = false;
  std::string_view example = "";  ///< shown, commented out, where the key has no value
};

/// A setting that decides which keys are known.
enum class Choice { kind, source, optimizer, monitor };

/// A key is known where each of its conditions holds: the choice is one of the values.
struct Condition {
  Choice choice;
  std::vector<std::string_view> values;

  bool holds(const Config& config) const;
};

/// One name may have several rows, for different kinds; at most one of them is known to a config.
struct ConfigKey {
  std::string_view section;
  std::string_view name;
  Slot (*slot)(Config&, BalanceConfig&);
  std::string_view meaning;
  Rule rule = {};
  std::vector<Condition> conditions = {};

  std::string dotted() const { return std::string(section) + "." + std::string(name); }
  /// The place in `config`; of a key of section balance, in that balancer.
  Slot at(Config& config, size_t balancer = 0) const { return slot(config, config.balance[balancer]); }
  bool known_to(const Config& config) const;
};

/// All keys, sections together, in the order they are written.
std::span<const ConfigKey> config_keys();

/// The row of that dotted name that is known to `config`, or to any without one; or nullptr.
const ConfigKey* find_config_key(std::string_view dotted, const Config* config = nullptr);

/// To whom a key belongs that `config` does not know, such as "kind mldrl".
std::string owner_of(std::string_view dotted, const Config& config);

/// What holds where nothing is given; variant and source may be "" for the kind's first. A kind, variant or source that
/// is none counts as that of the first kind.
Config default_config(std::string_view kind, std::string_view variant = "", std::string_view source = "");

/// "balance[1]" of a balancer after the first, else the section itself.
std::string section_name(std::string_view section, size_t balancer);

}  // namespace equipoise
