// engine/balance/method_table.h - the table of methods: names, meanings, and the keys each takes with their ranges.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/balance/method_list.h"

namespace equipoise::method_table {

inline constexpr std::string_view kNormalise = "normalise";  ///< the key of all methods that mix by the Gram matrix

/// Numbers that a key takes. Infinity is never among them.
struct Range {
  double least, most;
  bool with_least = true, with_most = true, whole = false;

  bool holds(double x) const;
  std::string text() const;
};

/// One key: a number or one of some words, held in the method (`get`, `set`; a word by its place) or by the run.
struct Key {
  std::string_view name;
  std::vector<std::string> words;  ///< empty: a number
  Range range;
  double (*get)(const Method&);
  void (*set)(Method&, double);
  std::optional<double> MethodList::*shared;

  std::string values() const;
  std::string text(double value) const;
};

struct Entry {
  MethodKind kind;
  std::string name;
  std::string_view meaning;
  std::vector<Key> keys;

  /// The key of that name, or null.
  const Key* find(std::string_view key) const;
};

/// All methods, in the order of the enumerators.
const std::vector<Entry>& entries();

inline const Entry& entry_of(MethodKind kind) { return entries()[static_cast<std::size_t>(kind)]; }

}  // namespace equipoise::method_table
