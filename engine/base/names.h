// engine/base/names.h - values and the words for them, each pair written once.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace equipoise {

template <class Value>
struct Named {
  std::string_view name;
  Value value;
};

/// The word for a value that the table has.
template <class Value, std::size_t N>
std::string_view name_in(const Named<Value> (&table)[N], Value value) {
  for (const Named<Value>& entry : table)
    if (entry.value == value) return entry.name;
  return table[0].name;
}

/// Sets `value` to what a word means; false, and `value` untouched, if the table has no such word.
template <class Value, std::size_t N>
bool read_name(const Named<Value> (&table)[N], std::string_view name, Value& value) {
  for (const Named<Value>& entry : table)
    if (entry.name == name) return value = entry.value, true;
  return false;
}

/// All words, in the order of the table.
template <class Value, std::size_t N>
std::vector<std::string_view> names_in(const Named<Value> (&table)[N]) {
  std::vector<std::string_view> names;
  for (const Named<Value>& entry : table) names.push_back(entry.name);
  return names;
}

}  // namespace equipoise
