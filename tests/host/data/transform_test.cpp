// tests/host/data/transform_test.cpp - features transformed before they are scaled: by hand, refused where a function
// is not defined, the same once stored, undone where rows are told in the data's units.
#include "host/data/transform.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "host/data/preprocess.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

/// Four patients with two counts and a score.
RawCohort counts() {
  RawCohort cohort;
  cohort.ids = {"a", "b", "c", "d"};
  cohort.label = {0, 1, 0, 1};
  cohort.label_names = {"0", "1"};
  cohort.views = {{"v.csv", {"red_count", "white_count", "score"}, {0, 3, -1, 1, kAbsent, 2, 3, 8, -3, 7, 1, 4}}};
  return cohort;
}

const std::vector<int> kRows = {0, 1, 2};

TEST(Transforms, AreUndoneByTheirInverses) {
  for (const Transform& t : transforms()) {
    EXPECT_EQ(find_transform(t.name), &t);
    for (const double x : {0.001, 0.5, 1.0, 3.25, 1e6}) EXPECT_NEAR(t.inverse(t.forward(x)), x, 1e-12 * x) << t.name;
  }
  EXPECT_EQ(find_transform("sqrt")->inverse(-2), 0) << "no root is negative: the number nearest to one that is";
  EXPECT_EQ(find_transform("exp"), nullptr);
  EXPECT_FALSE(find_transform("log")->defined(0));
  EXPECT_TRUE(find_transform("log1p")->defined(0));
  EXPECT_FALSE(find_transform("log1p")->defined(-1));
  EXPECT_FALSE(find_transform("sqrt")->defined(-1e-9));
}

// Where the C library of Debian 12 rounds otherwise: by a last place of the strict functions, which are within two.
TEST(Transforms, HaveTheBitsOfTheStrictFunctions) {
  EXPECT_EQ(find_transform("log")->forward(12.75), 0x1.45d3f7fd3e408p+1);
  EXPECT_EQ(find_transform("log")->inverse(1), 0x1.5bf0a8b14576ap+1);
  EXPECT_EQ(find_transform("log1p")->forward(2), 0x1.193ea7aad030bp+0);
  EXPECT_EQ(find_transform("log1p")->inverse(1), 0x1.b7e151628aed3p+0);
}

// log1p of 0, 1, 3 is 0, log 2, 2 log 2: mean log 2, population deviation log 2 sqrt(2/3).
TEST(Transforms, ComeBeforeImputationAndScaling) {
  const RawCohort cohort = counts();
  const Preprocess fitted = fit_preprocess(cohort, kRows, nullptr, {{"*_count", "log1p"}});
  const FittedView& view = fitted.views[0];
  EXPECT_EQ(view.transform, (std::vector<std::string>{"log1p", "log1p", ""}));
  EXPECT_NEAR(view.mean[0], std::log(2.0), 1e-15);
  EXPECT_NEAR(view.scale[0], std::log(2.0) * std::sqrt(2.0 / 3), 1e-15);
  EXPECT_NEAR(view.median[1], (std::log(4.0) + std::log(9.0)) / 2, 1e-15) << "of transformed values";
  const Dataset data = apply(cohort, fitted);
  EXPECT_NEAR(data.views[0][9], (3 * std::log(2.0) - view.mean[0]) / view.scale[0], 1e-6)
      << "of a row that did not train";
  EXPECT_NEAR(view.in_units(double{data.views[0][9]}, 0), 7, 1e-5);
  EXPECT_NEAR(view.in_units(double{data.views[0][2]}, 2), -1, 1e-6) << "of a column without transform";
}

TEST(Transforms, AreKeptInPreprocessJson) {
  const Preprocess fitted = fit_preprocess(counts(), kRows, nullptr, {{"red*", "sqrt"}});
  EXPECT_EQ(preprocess_from_json(to_json(fitted), "p.json"), fitted);
  std::string text = to_json(fitted);
  text.replace(text.find("\"sqrt\""), 6, "\"cube\"");
  EXPECT_CONTAINS(refusal(ExitCode::checkpoint, [&] { preprocess_from_json(text, "p.json"); }), "no transform");
  EXPECT_EQ(to_json(fit_preprocess(counts(), kRows)).find("transform"), std::string::npos);
}

TEST(Transforms, AreRefusedWhereTheyAreNotDefined) {
  const auto refused = [](const std::map<std::string, std::string>& patterns) {
    return refusal(ExitCode::data, [&] { fit_preprocess(counts(), kRows, nullptr, patterns); });
  };
  EXPECT_CONTAINS(refused({{"score", "sqrt"}}),
                  "v.csv: -1 of a in the column 'score' has no sqrt, which is for numbers that are not negative");
  EXPECT_CONTAINS(refused({{"score", "sqrt"}}), "-3 of c");
  EXPECT_CONTAINS(refused({{"x*", "log"}}), "data.transform: no feature fits 'x*'");
  EXPECT_CONTAINS(refused({{"red*", "log1p"}, {"*_count", "sqrt"}}),
                  "the column 'red_count' of v.csv fits both '*_count' and 'red*'");
  const Preprocess fitted = fit_preprocess(counts(), kRows, nullptr, {{"red_count", "log1p"}});
  RawCohort later = counts();
  later.views[0].values[9] = -2;
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { apply(later, fitted); }),
                  "-2 of d in the column 'red_count' has no log1p");
}

TEST(Transforms, MustStayThoseOfTheFit) {
  const Preprocess fitted = fit_preprocess(counts(), kRows, nullptr, {{"red*", "log1p"}});
  const auto refused = [&](const std::map<std::string, std::string>& patterns) {
    return refusal(ExitCode::usage, [&] { expect_transforms(counts(), fitted, patterns); });
  };
  EXPECT_NO_THROW(expect_transforms(counts(), fitted, {{"red_count", "log1p"}})) << "another pattern, the same columns";
  EXPECT_CONTAINS(refused({}), "'red_count' was fitted with log1p and is now to have none");
  EXPECT_CONTAINS(refused({{"red*", "sqrt"}}), "'red_count' was fitted with log1p and is now to have sqrt");
  EXPECT_CONTAINS(refused({{"*_count", "log1p"}}), "'white_count' was fitted with none and is now to have log1p");
}

}  // namespace
}  // namespace equipoise
