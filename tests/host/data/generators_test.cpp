// tests/host/data/generators_test.cpp - generated rows have the published distributions and depend on the seed alone.
#include "host/data/generators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "host/run/prepared_data.h"
#include "tests/host/temporary_folder.h"

namespace equipoise::test {
namespace {

DataConfig towers(int rows = 10000, int features = 100) {
  DataConfig data;
  data.source = "gradnorm-towers";
  data.rows = rows;
  data.features = features;
  data.validation = data.test = 0.1;
  return data;
}

DataConfig toy(int rows, int features, int outputs, std::vector<double> sigmas) {
  DataConfig data;
  data.source = "gradnorm-toy";
  data.rows = rows;
  data.features = features;
  data.outputs = outputs;
  data.sigmas = std::move(sigmas);
  data.validation = data.test = 0;
  return data;
}

double mean(const std::vector<double>& values, const std::function<double(double)>& f) {
  double sum = 0;
  for (const double x : values) sum += f(x);
  return sum / static_cast<double>(values.size());
}

TEST(TowersData, HasStandardNormalFeatures) {
  const RawCohort cohort = generate_cohort(towers());
  const std::vector<double>& x = cohort.views[0].values;
  ASSERT_EQ(x.size(), 1000000u);
  // Of a million draws a mean's deviation is 1e-3, a second moment's 1.5e-3, a fourth's 1e-2: five of them each.
  EXPECT_NEAR(mean(x, [](double v) { return v; }), 0, 5e-3);
  EXPECT_NEAR(mean(x, [](double v) { return v * v; }), 1, 8e-3);
  EXPECT_NEAR(mean(x, [](double v) { return v * v * v * v; }), 3, 5e-2);
}

/// The mean of y x, which for normal x is w (1 + exp(-|w|^2 / 2)).
std::vector<double> moment(const RawCohort& cohort, size_t task) {
  const size_t rows = cohort.ids.size(), width = cohort.views[0].columns.size();
  std::vector<double> sum(width, 0.0);
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < width; ++i)
      sum[i] += cohort.targets[task].values[row] * cohort.views[0].values[row * width + i] / static_cast<double>(rows);
  return sum;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

TEST(TowersData, HasDirectionsOfLengthOneHalfAndCorrelationNineTenths) {
  const RawCohort cohort = generate_cohort(towers(200000, 10));
  const std::vector<double> first = moment(cohort, 0), second = moment(cohort, 1);
  // An entry of the mean deviates by about |y| / sqrt(rows) = 2e-3, lengths and cosine by as much.
  const double factor = 1 + std::exp(-0.125);
  EXPECT_NEAR(std::sqrt(dot(first, first)) / factor, 0.5, 0.01);
  EXPECT_NEAR(std::sqrt(dot(second, second)) / factor, 0.5, 0.01);
  EXPECT_NEAR(dot(first, second) / std::sqrt(dot(first, first) * dot(second, second)), 0.9, 0.01);
}

/// With two features, w and e follow from y = s + sin(s) + e, s = w x.
struct Bent {
  double w[2], e;
};

/// w to the accuracy of a fit, refined by Newton's steps on least squares.
Bent fitted_bend(const RawCohort& cohort, size_t task) {
  const std::vector<double> begin = moment(cohort, task);
  Bent b{{begin[0] / 1.88, begin[1] / 1.88}, 0};
  for (int step = 0; step < 20; ++step) {
    double a[3][4] = {};
    for (size_t row = 0; row < cohort.ids.size(); ++row) {
      const double *x = &cohort.views[0].values[2 * row], s = b.w[0] * x[0] + b.w[1] * x[1];
      const double g[3] = {x[0] * (1 + std::cos(s)), x[1] * (1 + std::cos(s)), 1};
      for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < 3; ++j) a[i][j] += g[i] * g[j];
        a[i][3] += g[i] * (cohort.targets[task].values[row] - s - std::sin(s) - b.e);
      }
    }
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 3; ++k)
        for (int j = 3; k != i && j >= i; --j) a[k][j] -= a[k][i] / a[i][i] * a[i][j];
    b.w[0] += a[0][3] / a[0][0], b.w[1] += a[1][3] / a[1][1], b.e += a[2][3] / a[2][2];
  }
  return b;
}

TEST(TowersData, IsTheBentProjectionPlusOneShiftForAllRows) {
  const RawCohort cohort = generate_cohort(towers(4000, 2));
  for (size_t task = 0; task < 2; ++task) {
    const Bent b = fitted_bend(cohort, task);
    EXPECT_NEAR(std::hypot(b.w[0], b.w[1]), 0.5, 1e-6);
    EXPECT_LT(std::fabs(b.e), 0.05);  // five deviations
    EXPECT_NE(b.e, 0);
    for (size_t row = 0; row < cohort.ids.size(); ++row) {
      const double s = b.w[0] * cohort.views[0].values[2 * row] + b.w[1] * cohort.views[0].values[2 * row + 1];
      // y is rounded to float32 near 4
      ASSERT_NEAR(cohort.targets[task].values[row], s + std::sin(s) + b.e, 1e-6) << row;
    }
  }
}

// The deviation of 400 draws is known to 3.5 percent, their mean to 5e-4, a correlation of 200 pairs to 0.07; five of
// each.
TEST(TowersData, HasShiftsOfOneHundredthThatTasksDoNotShare) {
  double sum = 0, squares = 0, products = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    DataConfig data = towers(300, 2);
    data.seed = seed;
    const RawCohort cohort = generate_cohort(data);
    const double first = fitted_bend(cohort, 0).e, second = fitted_bend(cohort, 1).e;
    sum += first + second;
    squares += first * first + second * second;
    products += first * second;
  }
  EXPECT_NEAR(std::sqrt(squares / 400), 0.01, 0.00175);
  EXPECT_NEAR(sum / 400, 0, 0.0025);
  EXPECT_NEAR(products / 200 / (squares / 400), 0, 0.35);
}

TEST(ToyData, HasUniformFeaturesAndBoundedTargetsOfEachScale) {
  const RawCohort cohort = generate_cohort(toy(2000, 50, 3, {1, 100}));
  const std::vector<double>& x = cohort.views[0].values;
  EXPECT_NEAR(mean(x, [](double v) { return v; }), 0.5, 5e-3);  // 100,000 draws: deviation 9e-4
  EXPECT_NEAR(mean(x, [](double v) { return v * v; }), 1.0 / 3, 5e-3);
  EXPECT_GE(*std::min_element(x.begin(), x.end()), 0);
  EXPECT_LT(*std::max_element(x.begin(), x.end()), 1);
  ASSERT_EQ(cohort.targets.size(), 2u);
  EXPECT_EQ(cohort.targets[1].columns, (std::vector<std::string>{"task1", "task1.2", "task1.3"}));
  for (size_t k = 0; k < 2; ++k) {
    const double sigma = k == 0 ? 1 : 100;
    ASSERT_EQ(cohort.targets[k].values.size(), 6000u);
    double largest = 0;
    for (const double y : cohort.targets[k].values) largest = std::max(largest, std::fabs(y));
    EXPECT_LE(largest, sigma);
    EXPECT_GT(largest, 0.99 * sigma);
  }
}

TEST(ToyData, HasMatricesThatShareABaseAndDifferByTheirOwnNoise) {
  // One feature: y = sigma tanh(m x), so every row gives m where tanh is not flat.
  const RawCohort cohort = generate_cohort(toy(400, 1, 2000, {2, 2}));
  const size_t row = static_cast<size_t>(
      std::min_element(cohort.views[0].values.begin(), cohort.views[0].values.end()) - cohort.views[0].values.begin());
  const double x = cohort.views[0].values[row];
  ASSERT_GT(x, 0);
  ASSERT_LT(x, 0.02);
  std::vector<double> sum(2000), difference(2000);
  for (size_t o = 0; o < 2000; ++o) {
    const double first = std::atanh(cohort.targets[0].values[row * 2000 + o] / 2) / x,
                 second = std::atanh(cohort.targets[1].values[row * 2000 + o] / 2) / x;
    sum[o] = (first + second) / 2;
    difference[o] = first - second;
  }
  const auto square = [](double v) { return v * v; };
  // Variances 100 + 3.5^2 / 2 and 2 * 3.5^2; that of 2000 draws deviates by 3 percent, five of them are allowed.
  EXPECT_NEAR(mean(sum, square), 106.1, 17);
  EXPECT_NEAR(mean(difference, square), 24.5, 4);
}

TEST(GeneratedData, DependsOnTheSeedAlone) {
  DataConfig data = towers(300, 7);
  const RawCohort one = generate_cohort(data), same = generate_cohort(data);
  EXPECT_EQ(one.views[0].values, same.views[0].values);
  EXPECT_EQ(one.targets[1].values, same.targets[1].values);
  data.seed = 2;
  const RawCohort other = generate_cohort(data);
  EXPECT_NE(one.views[0].values, other.views[0].values);
  EXPECT_NE(one.targets[1].values, other.targets[1].values);
  data = toy(300, 7, 3, {1, 1});
  const RawCohort tasks = generate_cohort(data);
  EXPECT_NE(tasks.targets[0].values, tasks.targets[1].values);
  data.sigmas = {1};
  EXPECT_EQ(generate_cohort(data).targets[0].values, tasks.targets[0].values) << "a task does not see the others";
}

TEST(GeneratedData, NumbersRowsSoThatIdsSort) {
  const std::vector<std::string> ids = generate_cohort(towers(100001, 2)).ids;
  EXPECT_EQ(ids.front(), "r000001");
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(generate_cohort(towers(9, 2)).ids.front(), "r00001");
}

TEST(GeneratedData, IsPreparedAsItIsAndSplitAtRandom) {
  Config config;
  config.model.kind = "mtl";
  config.data = towers(1000, 5);
  const RawCohort cohort = generate_cohort(config.data);
  const PreparedData p = prepare_data(config);
  EXPECT_EQ(p.split.train.size(), 800u);
  EXPECT_EQ(p.split.validation.size(), 100u);
  EXPECT_EQ(p.split.test.size(), 100u);
  EXPECT_TRUE(p.files.empty());
  const std::vector<Target> tasks{{"tower1", &regression(), 0, 1, 0}, {"tower2", &regression(), 1, 1, 0}};
  EXPECT_EQ(p.data.tasks, tasks);
  for (size_t row = 0; row < 1000; ++row) {
    for (size_t i = 0; i < 5; ++i) ASSERT_EQ(p.data.views[0][5 * row + i], cohort.views[0].values[5 * row + i]);
    for (size_t k = 0; k < 2; ++k) ASSERT_EQ(p.data.targets[2 * row + k], cohort.targets[k].values[row]);
  }
  EXPECT_EQ(prepare_data(config).sha256, p.sha256);
  config.data.seed = 2;
  const PreparedData other = prepare_data(config);
  EXPECT_NE(other.split.test, p.split.test);
  EXPECT_NE(other.sha256, p.sha256);
}

TEST(GeneratedData, KeepsSeveralOutputsOfATaskTogether) {
  Config config;
  config.model.kind = "mtl";
  config.data = toy(30, 4, 3, {1, 10});
  const PreparedData p = prepare_data(config);
  const std::vector<Target> tasks{{"task0", &regression(), 0, 3, 0}, {"task1", &regression(), 3, 3, 0}};
  EXPECT_EQ(p.data.tasks, tasks);
  EXPECT_EQ(p.data.targets.size(), 180u);
  const RawCohort cohort = generate_cohort(config.data);
  EXPECT_EQ(p.data.targets[6 * 29 + 4], cohort.targets[1].values[3 * 29 + 1]);
  EXPECT_EQ(p.split.train.size(), 30u);
}

}  // namespace
}  // namespace equipoise::test
