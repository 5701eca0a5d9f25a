// tests/engine/statistics/auc_test.cpp - area under the ROC curve against R's pROC, a count of all pairs, and its edge
// cases.
#include "engine/statistics/auc.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace equipoise {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Bilirubin {
  std::vector<double> before, after;
  std::vector<int> label;
};

Bilirubin read_bilirubin() {
  std::ifstream file(EQUIPOISE_SOURCE_DIR "/tests/data/pbcseq_bili.csv");
  Bilirubin data;
  std::string line, id, before, after, label;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    label.clear();
    std::getline(fields, id, ',');
    std::getline(fields, before, ',');
    std::getline(fields, after, ',');
    std::getline(fields, label);
    data.before.push_back(std::stod(before));
    data.after.push_back(std::stod(after));
    data.label.push_back(label.empty() ? -1 : std::stoi(label));
  }
  return data;
}

/// The definition: every pair of a positive and a negative, compared.
double auc_by_pairs(const std::vector<double>& score, const std::vector<int>& label) {
  double wins = 0, pairs = 0;
  for (size_t i = 0; i < score.size(); ++i) {
    for (size_t j = 0; j < score.size(); ++j) {
      if (label[i] != 1 || label[j] != 0) continue;
      wins += score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0;
      ++pairs;
    }
  }
  return wins / pairs;
}

TEST(Auc, AgreesWithPRocOnBilirubinOfRealPatients) {
  const Bilirubin data = read_bilirubin();
  ASSERT_EQ(data.label.size(), 250u);
  EXPECT_EQ(std::count_if(data.label.begin(), data.label.end(), [](int label) { return label >= 0; }), 231);
  EXPECT_NEAR(auc(data.before, data.label), 0.8592257416, 1e-9);  // R prints ten digits
  EXPECT_NEAR(auc(data.after, data.label), 0.8946287917, 1e-9);
}

TEST(Auc, EqualsACountOfAllPairsOnTiedScores) {
  std::mt19937 random(20);
  for (int trial = 0; trial < 200; ++trial) {
    const size_t rows = 2 + random() % 60;
    const unsigned levels = 1 + random() % 12;
    std::vector<double> score(rows);
    std::vector<int> label(rows);
    for (size_t i = 0; i < rows; ++i) {
      score[i] = static_cast<double>(random() % levels) - 3;
      label[i] = static_cast<int>(random() % 3) - 1;
    }
    label[0] = 0;
    label[1] = 1;
    EXPECT_DOUBLE_EQ(auc(score, label), auc_by_pairs(score, label)) << "trial " << trial;
  }
}

TEST(Auc, IsOneHalfWhenAllScoresAreTied) {
  EXPECT_EQ(auc(std::vector<double>(7, 0.3), std::vector<int>{0, 1, 1, 0, 0, 1, 1}), 0.5);
  EXPECT_EQ(auc(std::vector<double>{0.0, -0.0}, std::vector<int>{0, 1}), 0.5);
}

TEST(Auc, IsOneForAPerfectOrderAndZeroForItsReverse) {
  const std::vector<int> label{0, 0, 1, 1};
  EXPECT_EQ(auc(std::vector<double>{-INFINITY, 2, 3, INFINITY}, label), 1.0);
  EXPECT_EQ(auc(std::vector<double>{4, 3, 2, 1}, label), 0.0);
}

TEST(Auc, IsNanUnlessBothClassesAreThere) {
  EXPECT_TRUE(std::isnan(auc({}, {})));
  EXPECT_TRUE(std::isnan(auc(std::vector<double>{1, 2}, std::vector<int>{1, 1})));
  EXPECT_TRUE(std::isnan(auc(std::vector<double>{1, 2}, std::vector<int>{0, -1})));
}

TEST(Auc, RefusesANanScoreOnALabelledRowAlone) {
  const std::vector<double> score{1, kNan, 3};
  EXPECT_EQ(auc(score, std::vector<int>{0, -1, 1}), 1.0);
  try {
    auc(score, std::vector<int>{0, 1, 1});
    FAIL() << "a NaN score was ranked";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::numerics);
    EXPECT_NE(std::string(error.what()).find("row 1"), std::string::npos) << error.what();
  }
}

TEST(Auc, RefusesUnequalLengthsAndStrangeLabels) {
  EXPECT_THROW(auc(std::vector<double>{1, 2}, std::vector<int>{1}), std::invalid_argument);
  EXPECT_THROW(auc(std::vector<double>{1, 2}, std::vector<int>{1, 2}), std::invalid_argument);
  EXPECT_THROW(multiclass_auc(std::vector<double>{1, 2, 3}, std::vector<int>{1}, 2), std::invalid_argument);
  EXPECT_THROW(multiclass_auc(std::vector<double>{1}, std::vector<int>{0}, 1), std::invalid_argument);
}

TEST(MulticlassAuc, OfTwoClassesIsTheAucOfTheSecondColumn) {
  const std::vector<double> score{9, 0.1, 8, 0.4, 7, 0.35, 6, 0.8};
  const std::vector<int> label{0, 0, 1, 1};
  EXPECT_EQ(multiclass_auc(score, label, 2), 0.75);
}

TEST(MulticlassAuc, AveragesOneAgainstRestOverTheClassesPresent) {
  // Columns: class 0 separated perfectly (1), class 1 with half of its four pairs won (1/2), class 2 absent.
  const std::vector<double> score{0.9, 0.3, 9, 0.8, 0.1, 9, 0.2, 0.2, 9, 0.1, 0.2, 9};
  EXPECT_EQ(multiclass_auc(score, std::vector<int>{0, 0, 1, 1}, 3), 0.75);
  EXPECT_TRUE(std::isnan(multiclass_auc(score, std::vector<int>{1, 1, 1, 1}, 3)));
}

TEST(BinaryCounts, CallsARowPositiveFromTheThresholdOn) {
  const std::vector<double> score{0.1, 0.5, 0.7, 0.4, 0.5, 0.9, 0.2};
  const std::vector<int> label{0, 0, 0, 1, 1, 1, -1};
  const BinaryCounts counts = count_binary(score, label, 0.5);
  EXPECT_EQ(counts, (BinaryCounts{.tp = 2, .fp = 2, .tn = 1, .fn = 1}));
  EXPECT_EQ(counts.accuracy(), 3.0 / 6);
  EXPECT_EQ(counts.sensitivity(), 2.0 / 3);
  EXPECT_EQ(counts.specificity(), 1.0 / 3);
}

TEST(BinaryCounts, HaveNoRateWithoutRows) {
  const BinaryCounts none = count_binary({}, {}, 0.5);
  EXPECT_TRUE(std::isnan(none.accuracy()) && std::isnan(none.sensitivity()) && std::isnan(none.specificity()));
}

}  // namespace
}  // namespace equipoise
