// host/config/config_schema.h - the one table of config keys: name, place in Config, range, meaning, and where it is
// known.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/systems/keys.h"
#include "host/config/config.h"

namespace equipoise {

struct NameOrNames {
  std::vector<std::string>* names;  ///< written as one string where it holds one
};

/// Words of the tables, which may be numbers there: one, a list, or a table name = word, kept as "name=word".
struct Words {
  std::optional<std::vector<std::string>>* words;
};

/// Where a key's value lives; the type says how it is read and written.
using Slot = std::variant<bool*, int*, uint64_t*, double*, std::optional<double>*, std::string*, std::vector<int>*,
                          std::vector<double>*, std::vector<std::string>*, NameOrNames, Word, std::vector<ViewSource>*,
                          std::map<std::string, std::string>*, std::optional<std::filesystem::path>*, ClassWeights*,
                          ThresholdChoice*, Words, std::optional<std::string>*, std::optional<int>*>;

/// A setting besides the kind that decides which keys are known.
enum class Choice { source, selection, optimizer, monitor };

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
  std::function<Slot(Config&, BalanceConfig&)> slot;
  std::string_view meaning;
  Rule rule = {};
  std::vector<Condition> conditions = {};
  const System* owner = nullptr;  ///< whose key it is; null: of every system

  std::string dotted() const { return std::string(section) + "." + std::string(name); }
  /// Whether `text` is that name.
  bool called(std::string_view text) const {
    return text.size() == section.size() + 1 + name.size() && text.starts_with(section) && text.ends_with(name) &&
           text[section.size()] == '.';
  }
  /// The place in `config`; of a key of section balance, in that balancer.
  Slot at(Config& config, size_t balancer = 0) const { return slot(config, config.balance[balancer]); }
  bool owned_by(const Config& config) const { return !owner || owner->kind() == config.model.kind; }
  bool known_to(const Config& config) const;
};

/// Kinds of systems, in the order of their table.
std::vector<std::string_view> kinds_of_systems();

/// All keys, sections together, in the order they are written.
std::span<const ConfigKey> config_keys();

/// The row of that dotted name that is known to `config`, or to any without one; or nullptr.
const ConfigKey* find_config_key(std::string_view dotted, const Config* config = nullptr);

/// To whom a key belongs that `config` does not know, such as "kind mldrl".
std::string owner_of(std::string_view dotted, const Config& config);

/// What holds where nothing is given, as the system says; variant and source may be "" for the kind's first. A kind,
/// variant or source that is none counts as the first.
Config default_config(std::string_view kind, const Chosen& chosen = {});

/// "balance[1]" of a balancer after the first, else the section itself.
std::string section_name(std::string_view section, size_t balancer);

}  // namespace equipoise
