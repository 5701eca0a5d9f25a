// tests/engine/generate/field_text_test.cpp - values as text that makes them again, and fields that none is missing
// from.
#include "engine/generate/field_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "kernels/program/launch.h"
#include "kernels/program/operation.h"

namespace equipoise {
namespace {

TEST(FieldText, TellsAValueSoThatItIsReadAgain) {
  EXPECT_EQ(field_text(true), "true");
  EXPECT_EQ(field_text(int32_t{-3}), "-3");
  EXPECT_EQ(field_text(int8_t{65}), "65") << "a number, not a letter";
  EXPECT_EQ(field_text(uint64_t{1} << 63), "9223372036854775808u");
  EXPECT_EQ(field_text(1.0f), "1.0f");
  EXPECT_EQ(field_text(0.1f), "0.1f");
  EXPECT_EQ(field_text(0.1), "0.1");
  EXPECT_EQ(field_text(1e-30f), "1e-30f");
  EXPECT_EQ(field_text(2.0), "2.0");
  EXPECT_EQ(field_text(-0.0f), "-0.0f");
  EXPECT_EQ(field_text(-std::numeric_limits<double>::infinity()), "-__builtin_huge_val()");
  EXPECT_EQ(field_text(Activation::tanh), "Activation::tanh");
  EXPECT_EQ(field_text(Divisor::none), "Divisor::none");
  EXPECT_EQ(field_text(MethodKind::mgda), "MethodKind(8)");
  const float values[] = {1.5f, -2.0f};
  EXPECT_EQ(field_text(values), "{1.5f, -2.0f}");
  EXPECT_EQ(field_text(View{{128, Space::work}, 84, 81, 1, 2}), "{{128, Space::work}, 84, 81, 1, 2}");
}

TEST(FieldText, IsReadAsTheSameFloat) {
  for (uint32_t bits = 0x00000001u; bits < 0x7f800000u; bits += 0x0012345u) {
    float value, again;
    std::memcpy(&value, &bits, sizeof value);
    again = std::strtof(field_text(value).c_str(), nullptr);
    ASSERT_EQ(std::memcmp(&value, &again, sizeof value), 0) << field_text(value);
  }
}

TEST(FieldText, TakesNamesApart) {
  const std::vector<std::string_view> names = field_names("x, parameters,\n y");
  ASSERT_EQ(names.size(), 3u);
  EXPECT_EQ(names[0], "x");
  EXPECT_EQ(names[1], "parameters");
  EXPECT_EQ(names[2].substr(names[2].size() - 1), "y");
}

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define EQ_KNOWS_PADDING 1
#endif
#endif

#ifdef EQ_KNOWS_PADDING

/// Marks the bytes at `base + where the field lies` of plain values, and goes into structs.
template <class T>
void mark(const std::byte* base, const T& field, std::vector<bool>& covered) {
  if constexpr (HasFields<T>) {
    field.each_field([&](const char*, const auto&... inner) { (mark(base, inner, covered), ...); });
  } else if constexpr (std::is_array_v<T>) {
    for (const auto& element : field) mark(base, element, covered);
  } else {
    const auto first = reinterpret_cast<const std::byte*>(&field) - base;
    for (std::size_t i = 0; i < sizeof field; ++i) covered[static_cast<std::size_t>(first) + i] = true;
  }
}

/// Bytes of a struct that belong to no field, as the compiler knows them.
template <class T>
int padding_of() {
  alignas(T) std::byte bytes[sizeof(T)];
  std::memset(bytes, 0xff, sizeof bytes);
  T value;
  std::memcpy(&value, bytes, sizeof value);
  __builtin_clear_padding(&value);
  std::memcpy(bytes, &value, sizeof value);
  int padding = 0;
  for (const std::byte b : bytes) padding += b == std::byte{0};
  return padding;
}

template <class T>
int uncovered_by_fields() {
  std::vector<bool> covered(sizeof(T));
  const T value{};
  mark(reinterpret_cast<const std::byte*>(&value), value, covered);
  return static_cast<int>(std::count(covered.begin(), covered.end(), false));
}

// Behind an array of structs g++ 12's builtin counts wrongly: what those have of padding is counted by hand.
constexpr int kPlacePadding = 3;

TEST(Fields, CoverEveryByteThatIsNoPadding) {
#define EQ_COVERED(tag, Struct)                                                                                \
  if constexpr (!std::is_same_v<Struct, SumViews> && !std::is_same_v<Struct, TaskLoss>) {                      \
    EXPECT_EQ(uncovered_by_fields<Struct>(), padding_of<Struct>()) << #Struct " has a field it does not name"; \
  }
  EQ_OPERATIONS(EQ_COVERED)
#undef EQ_COVERED
  EXPECT_EQ(uncovered_by_fields<View>(), kPlacePadding);
  EXPECT_EQ(uncovered_by_fields<SumViews>(), (1 + kMaxSummands) * kPlacePadding + 3);
  EXPECT_EQ(uncovered_by_fields<TaskLoss>(), 2 * kMaxTaskTerms * kPlacePadding + 4);
  EXPECT_EQ(uncovered_by_fields<Resident>(), 2 * kPlacePadding);
  EXPECT_EQ(uncovered_by_fields<Phase>(), 0);
  EXPECT_EQ(uncovered_by_fields<Method>(), 0);
  EXPECT_EQ(uncovered_by_fields<Chain>(), 4);
}

#endif

}  // namespace
}  // namespace equipoise
