// tests/engine/statistics/youden_test.cpp - Youden's point beside R and by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/statistics/auc.h"

namespace equipoise {
namespace {

/// A column of a table of the bundled data, by id; empty cells are left out.
std::map<std::string, double> column_of(const std::string& file, const std::string& column) {
  std::ifstream table(EQUIPOISE_SOURCE_DIR "/tools/demo-data/pbcseq/" + file);
  std::map<std::string, double> values;
  std::size_t wanted = 0;
  for (std::string line; std::getline(table, line);) {
    std::vector<std::string> cells;
    std::istringstream text(line);
    for (std::string cell; std::getline(text, cell, ',');) cells.push_back(cell);
    if (values.empty() && wanted == 0) {
      while (cells.at(wanted) != column) ++wanted;
    } else if (wanted < cells.size() && !cells[wanted].empty()) {
      values[cells[0]] = std::stod(cells[wanted]);
    }
  }
  return values;
}

double point_of(const std::string& file, const std::string& column, double& index) {
  const std::map<std::string, double> label = column_of("outcome.csv", "label"), scores = column_of(file, column);
  std::vector<double> score;
  std::vector<int> truth;
  for (const auto& [id, value] : scores)
    if (label.contains(id)) {
      score.push_back(value);
      truth.push_back(static_cast<int>(label.at(id)));
    }
  const double point = youden_threshold(score, truth);
  const BinaryCounts counts = count_binary(score, truth, point);
  index = counts.sensitivity() + counts.specificity() - 1;
  return point;
}

// Thresholds and indices by pROC 1.18.0 in R, which names the midpoint to the next value, and by NumPy.
TEST(YoudensPoint, IsThatOfRInTheBundledTables) {
  double index = 0;
  EXPECT_EQ(point_of("before.csv", "bili", index), 1.6);
  EXPECT_NEAR(index, 0.585218702865762, 1e-12);
  EXPECT_EQ(point_of("after.csv", "bili", index), 1.9);
  EXPECT_NEAR(index, 0.637506284565108, 1e-12);
  EXPECT_EQ(point_of("after.csv", "stage", index), 4.0);
  EXPECT_NEAR(index, 0.365510306686777, 1e-12);
  EXPECT_EQ(point_of("after.csv", "albumin", index), 1.97);  // low values are the ill: none is better than calling all
  EXPECT_EQ(index, 0.0);
}

// At 0.8 one of two positives is called and no negative, at 0.4 both and one of two negatives: 1/2 either way.
TEST(YoudensPoint, IsTheLargestOfEqualOnes) {
  EXPECT_EQ(youden_threshold(std::vector<double>{0.8, 0.4, 0.6, 0.1, 0.9}, std::vector<int>{1, 1, 0, 0, -1}), 0.8);
}

TEST(YoudensPoint, IsUndefinedWithoutBothClasses) {
  EXPECT_TRUE(std::isnan(youden_threshold(std::vector<double>{1, 2}, std::vector<int>{1, 1})));
  EXPECT_TRUE(std::isnan(youden_threshold({}, {})));
}

}  // namespace
}  // namespace equipoise
