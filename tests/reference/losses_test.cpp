// tests/reference/losses_test.cpp - the values and derivatives of MLDRL's losses.
#include "tests/reference/losses.h"

#include <gtest/gtest.h>

#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

TEST(MeanSquaredError, AveragesOverAllEntries) {
  EXPECT_DOUBLE_EQ(mean_squared_error(Matrix(2, 2, {1, 2, 3, 4}), Matrix(2, 2, {1, 0, 0, 4})), 13.0 / 4.0);
}

TEST(MeanSquaredError, DerivativesByBothSidesAgreeWithCentralDifferences) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Draws draws(seed);
    const int rows = 1 + draws.below(4);
    const int cols = 1 + draws.below(6);
    const Matrix a = draws.matrix(rows, cols);
    const Matrix b = draws.matrix(rows, cols);
    Matrix by_b(rows, cols);
    accumulate(by_b, mean_squared_error_gradient(a, b), -1.0);
    EXPECT_EQ(mismatch(mean_squared_error_gradient(a, b),
                       central_difference(a, [&](const Matrix& m) { return mean_squared_error(m, b); }), 1.0),
              "")
        << "a";
    EXPECT_EQ(mismatch(by_b, central_difference(b, [&](const Matrix& m) { return mean_squared_error(a, m); }), 1.0), "")
        << "b";
  }
}

TEST(NormalDivergence, IsZeroForTheStandardNormalAndKnownElsewhere) {
  EXPECT_EQ(normal_divergence(Matrix(2, 3), Matrix(2, 3)), 0.0);
  // mu = 2, sigma = 3: (4 + 9 - log 9 - 1) / 2
  EXPECT_NEAR(normal_divergence(Matrix(1, 1, 2.0), Matrix(1, 1, std::log(3.0))), 6.0 - std::log(3.0), 1e-14);
}

TEST(NormalDivergence, DerivativesAgreeWithCentralDifferences) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Draws draws(seed);
    const int rows = 1 + draws.below(4);
    const int cols = 1 + draws.below(6);
    const Matrix mu = draws.matrix(rows, cols, -2.0, 2.0);
    const Matrix log_sigma = draws.matrix(rows, cols, -2.0, 1.0);
    const DivergenceGradient d = normal_divergence_gradient(mu, log_sigma);
    const double scale = normal_divergence(mu, log_sigma);
    EXPECT_EQ(
        mismatch(d.mu, central_difference(mu, [&](const Matrix& m) { return normal_divergence(m, log_sigma); }), scale),
        "")
        << "mu";
    EXPECT_EQ(mismatch(d.log_sigma,
                       central_difference(log_sigma, [&](const Matrix& m) { return normal_divergence(mu, m); }), scale),
              "")
        << "log_sigma";
  }
}

TEST(CrossEntropy, OfEqualScoresIsTheLogOfTheNumberOfClasses) {
  const CrossEntropy ce = cross_entropy(Matrix(2, 5, 7.0), {0, 4});
  EXPECT_NEAR(ce.loss, std::log(5.0), 1e-15);
  EXPECT_TRUE(ce.labelled);
}

TEST(CrossEntropy, StaysFiniteForScoresThatOverflowAnExponential) {
  const CrossEntropy ce = cross_entropy(Matrix(1, 2, {2000.0, -2000.0}), {1});
  EXPECT_EQ(ce.loss, 4000.0);
  EXPECT_EQ(ce.gradient.values, (std::vector<double>{1.0, -1.0}));
}

TEST(CrossEntropy, IsTheMeanWeightedByTheClassOfEachRow) {
  const Matrix scores(2, 2, {1.0, 0.0, 0.0, 2.0});
  const double first = std::log1p(std::exp(-1.0));  // label 0 of [1, 0]
  const double second = std::log1p(std::exp(2.0));  // label 0 of [0, 2]
  const double third = std::log1p(std::exp(-2.0));  // label 1 of [0, 2]
  EXPECT_NEAR(cross_entropy(scores, {0, 0}, {3.0, 1.0}).loss, (first + second) / 2.0, 1e-15);
  EXPECT_NEAR(cross_entropy(scores, {0, 1}, {3.0, 1.0}).loss, (3.0 * first + third) / 4.0, 1e-15);
}

TEST(CrossEntropy, IgnoresRowsWithoutALabel) {
  const Matrix scores(3, 2, {1.0, 0.0, 50.0, -7.0, 0.0, 2.0});
  const CrossEntropy with = cross_entropy(scores, {0, -1, 1});
  const CrossEntropy without = cross_entropy(Matrix(2, 2, {1.0, 0.0, 0.0, 2.0}), {0, 1});
  EXPECT_EQ(with.loss, without.loss);
  EXPECT_EQ(with.gradient.at(1, 0), 0.0);
  EXPECT_EQ(with.gradient.at(1, 1), 0.0);
  EXPECT_EQ(with.gradient.at(2, 1), without.gradient.at(1, 1));
}

TEST(CrossEntropy, OfABatchWithoutLabelsIsAbsentAndZero) {
  const CrossEntropy ce = cross_entropy(Matrix(2, 2, {1.0, 0.0, 0.0, 2.0}), {-1, -1});
  EXPECT_FALSE(ce.labelled);
  EXPECT_EQ(ce.loss, 0.0);
  EXPECT_EQ(max_abs(ce.gradient), 0.0);
}

TEST(CrossEntropy, RefusesALabelThatIsNoClassAndAWrongNumberOfLabelsOrWeights) {
  EXPECT_THROW(cross_entropy(Matrix(1, 2), {2}), std::invalid_argument);
  EXPECT_THROW(cross_entropy(Matrix(1, 2), {-2}), std::invalid_argument);
  EXPECT_THROW(cross_entropy(Matrix(1, 2), {0, 1}), std::invalid_argument);
  EXPECT_THROW(cross_entropy(Matrix(1, 2), {0}, {1.0}), std::invalid_argument);
}

TEST(CrossEntropy, DerivativesAgreeWithCentralDifferencesWithWeightsAndUnlabelledRows) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Draws draws(seed);
    const int rows = 1 + draws.below(8);
    const int classes = 2 + draws.below(4);
    const Matrix scores = draws.matrix(rows, classes, -3.0, 3.0);
    const std::vector<double> weights = draws.matrix(1, classes, 0.2, 4.0).values;
    std::vector<int> label{0};
    while (static_cast<int>(label.size()) < rows) label.push_back(draws.below(classes + 1) - 1);
    const auto scalar = [&](const Matrix& m) { return cross_entropy(m, label, weights).loss; };
    EXPECT_EQ(
        mismatch(cross_entropy(scores, label, weights).gradient, central_difference(scores, scalar), scalar(scores)),
        "")
        << "scores";
  }
}

TEST(InherentVariational, TakesTheRatioOrTheDifference) {
  EXPECT_EQ(inherent_variational(InherentVariational::ratio, 3.0, 4.0), 0.75);
  EXPECT_EQ(inherent_variational(InherentVariational::difference, 3.0, 4.0), -1.0);
}

TEST(InherentVariational, DerivativesAgreeWithCentralDifferences) {
  for (InherentVariational form : {InherentVariational::ratio, InherentVariational::difference}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const Matrix at = Draws(seed).matrix(1, 2, 0.3, 4.0);
      const auto scalar = [&](const Matrix& m) { return inherent_variational(form, m.at(0, 0), m.at(0, 1)); };
      const InherentVariationalGradient d = inherent_variational_gradient(form, at.at(0, 0), at.at(0, 1));
      EXPECT_EQ(mismatch(Matrix(1, 2, {d.by_inherent, d.by_variational}), central_difference(at, scalar), scalar(at)),
                "")
          << "form " + std::to_string(static_cast<int>(form));
    }
  }
}

}  // namespace
}  // namespace equipoise::reference
