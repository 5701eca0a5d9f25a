// engine/generate/field_text.h - plain values as C++ that makes them again: the initialisers of made code.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "kernels/balance/chain.h"
#include "kernels/ops/forms.h"
#include "kernels/product/product.h"
#include "kernels/state/memory.h"

namespace equipoise {

template <class T>
concept HasFields = requires(const T& value) {
  value.each_field([](const char*, const auto&...) {});
};

/// An enumerator by its type's name and number: MethodKind(3).
#define EQ_ENUM_TEXT(Enum) \
  inline std::string field_text(Enum value) { return fmt::format(#Enum "({})", static_cast<int>(value)); }
EQ_ENUM_TEXT(LossRatio)
EQ_ENUM_TEXT(MethodKind)
EQ_ENUM_TEXT(Normalise)
EQ_ENUM_TEXT(Normaliser)
#undef EQ_ENUM_TEXT
/// The same by the enumerators' names.
#define EQ_ENUM_TEXT(Enum, ...)                                       \
  inline std::string field_text(Enum value) {                         \
    constexpr const char* kNames[] = {__VA_ARGS__};                   \
    return std::string(#Enum "::") + kNames[static_cast<int>(value)]; \
  }
EQ_ENUM_TEXT(Space, "fast", "work", "state")
EQ_ENUM_TEXT(Activation, "identity", "relu", "tanh", "sigmoid")
EQ_ENUM_TEXT(TargetForm, "squared", "logistic", "poisson")
EQ_ENUM_TEXT(Divisor, "rows", "label_weight", "counted", "none")
EQ_ENUM_TEXT(TileShape, "square", "small", "tall")
EQ_ENUM_TEXT(TaskForm, "sum", "ratio", "difference")
#undef EQ_ENUM_TEXT
inline std::string field_text(bool value) { return value ? "true" : "false"; }
template <std::integral Integer>
std::string field_text(Integer value) {
  return fmt::format("{}{}", value, std::is_same_v<Integer, uint64_t> ? "u" : "");
}
/// The shortest text that is read as the same value.
template <std::floating_point Real>
std::string field_text(Real value) {
  if (std::isnan(value)) return "__builtin_nan(\"\")";
  if (std::isinf(value)) return value < 0 ? "-__builtin_huge_val()" : "__builtin_huge_val()";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return std::is_same_v<Real, float> ? text + "f" : text;
}
template <class T, std::size_t Count>
std::string field_text(const T (&values)[Count]);
template <HasFields T>
std::string field_text(const T& value);

template <class T, std::size_t Count>
std::string field_text(const T (&values)[Count]) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "{" : ", ") + field_text(value);
  return text + "}";
}
template <HasFields T>
std::string field_text(const T& value) {
  return value.each_field([](const char*, const auto&... fields) {
    std::string text;
    ((text += (text.empty() ? "{" : ", ") + field_text(fields)), ...);
    return text + "}";
  });
}

/// The names that each_field gives, one by one.
inline std::vector<std::string_view> field_names(std::string_view names) {
  std::vector<std::string_view> all;
  for (std::size_t begin = 0; begin < names.size();) {
    const std::size_t end = std::min(names.find(',', begin), names.size());
    all.push_back(names.substr(begin, end - begin));
    begin = names.find_first_not_of(", ", end);
  }
  return all;
}

}  // namespace equipoise
