// tests/engine/balance/gradient_range_test.cpp - float64 gradients beyond float32's range.
#include "engine/balance/gradient_range.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/base/error.h"

namespace equipoise::test {
namespace {

using Doubles = std::vector<double>;

StoredTensor two_rows(const Doubles& values) {
  return StoredTensor::from_doubles({2, static_cast<int64_t>(values.size() / 2)}, values);
}

/// The gradients that are meant.
Doubles undone(const ScaledFloats& scaled) {
  Doubles values;
  for (const float x : scaled.values) values.push_back(std::ldexp(double{x}, scaled.exponent));
  return values;
}

std::string refusal(const StoredTensor& tensor) {
  try {
    scaled_gradients(tensor, "g");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::data);
    return error.what();
  }
  return "nothing was refused";
}

TEST(ScaledGradients, AreRoundedAsTheyAreWithinFloat32) {
  const ScaledFloats scaled = scaled_gradients(two_rows({0.1, -3e38, 0, 1.2e-38}), "g");
  EXPECT_EQ(scaled.exponent, 0);
  EXPECT_EQ(scaled.values, (std::vector<float>{0.1f, -3e38f, 0.0f, 1.2e-38f}));
  const StoredTensor floats = StoredTensor::from_floats({2, 1}, std::vector<float>{1e-45f, 3e38f});
  EXPECT_EQ(scaled_gradients(floats, "g").exponent, 0) << "float32 stays as it is, subnormal numbers included";
}

TEST(ScaledGradients, KeepEveryBitThatFloat32HasRoomFor) {
  for (const double unit : {0x1p-380, 0x1p-200, 0x1p-140, 0x1p+130, 0x1p+380}) {
    const Doubles values{3 * unit, 0, -0x1.fffffep-20 * unit, unit};
    const ScaledFloats scaled = scaled_gradients(two_rows(values), "g");
    EXPECT_NE(scaled.exponent, 0);
    EXPECT_EQ(undone(scaled), values) << unit;
  }
  // Rounded to 24 bits, as within float32: 0.1f is 0.1 + 1.49e-9.
  EXPECT_EQ(undone(scaled_gradients(two_rows({0.1 * 0x1p-300, 0x1p-300}), "g"))[0], double{0.1f} * 0x1p-300);
}

TEST(ScaledGradients, KeepSmallElementsBesideLargeOnes) {
  EXPECT_EQ(undone(scaled_gradients(two_rows({1, 0x1p-200, 1, 1}), "g")), (Doubles{1, 0x1p-200, 1, 1}));
  EXPECT_EQ(undone(scaled_gradients(two_rows({0x1p+200, 1, 0, 1}), "g")), (Doubles{0x1p+200, 1, 0, 1}));
}

TEST(ScaledGradients, RefuseWhatNoScaleHolds) {
  EXPECT_NE(refusal(two_rows({1e40, 1e-40})).find("g: row 1 reaches to 1e-40 and another one to 1e+40, too far apart"),
            std::string::npos);
  EXPECT_EQ(refusal(two_rows({1e36, 1e-36, 1, 1e-40})), "nothing was refused");
  EXPECT_NE(refusal(two_rows({1e-130, 1e-130})).find("g: row 0 reaches to 1e-130"), std::string::npos);
  EXPECT_NE(refusal(two_rows({1e130, 1})).find("row 0 reaches to 1e+130"), std::string::npos);
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  EXPECT_NE(refusal(two_rows({1, 1e-60, nan, 1})).find("element 0 of row 1 is nan"), std::string::npos);
  EXPECT_NE(refusal(two_rows({1e300, infinity})).find("element 0 of row 0"), std::string::npos);
}

}  // namespace
}  // namespace equipoise::test
