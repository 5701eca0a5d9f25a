// tests/reference/gram_test.cpp - task gradients laid end to end, their norms and inner products.
#include "tests/reference/gram.h"

#include <gtest/gtest.h>

namespace equipoise::reference {
namespace {

const GradientByName kGradient = {{"a", Matrix(2, 2, {1, 2, 3, 4})}, {"b", Matrix(2, 2, {5, 0, -3, 1})}};

TEST(Gram, LaysTensorsEndToEndInTheOrderAskedFor) {
  EXPECT_EQ(concatenated(kGradient, {"b", "a"}), (std::vector<double>{5, 0, -3, 1, 1, 2, 3, 4}));
}

TEST(Gram, AveragesTensorsOfOneShapeOnly) {
  EXPECT_EQ(averaged(kGradient, {"a", "b"}), (std::vector<double>{3, 1, 0, 2.5}));
  EXPECT_THROW(averaged({{"a", Matrix(1, 2)}, {"b", Matrix(2, 1)}}, {"a", "b"}), std::invalid_argument);
}

TEST(Gram, HoldsEveryInnerProduct) {
  const Matrix g = gram({{1, 2, 3}, {-1, 0, 2}});
  EXPECT_EQ(g.values, (std::vector<double>{14, 5, 5, 5}));
}

TEST(Gram, RefusesRowsOfDifferentLengths) { EXPECT_THROW(gram({{1, 2}, {1}}), std::invalid_argument); }

TEST(Gram, NormIsTheRootOfTheSumOfSquares) { EXPECT_EQ(norm({3, 4, 12}), 13.0); }

}  // namespace
}  // namespace equipoise::reference
