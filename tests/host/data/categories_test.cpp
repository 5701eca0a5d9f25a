// tests/host/data/categories_test.cpp - columns of words of a few rows, and the numbers that must come of them.
#include "host/data/categories.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using Lines = std::vector<std::string>;
constexpr double kGap = -99;  // stands for NaN

class Categories : public ::testing::Test {
 protected:
  RawCohort read(const std::string& table, const Lines& categorical, const Lines& missing = {}) {
    CohortSpec spec{{folder_.write("v.csv", table)}, std::nullopt, "id", ""};
    spec.categorical = categorical;
    spec.missing = missing;
    return read_cohort(spec);
  }
  /// Encodes by the rows `train`, and returns the values, [rows, columns].
  std::vector<double> encoded(RawCohort& cohort, const std::vector<int>& train) {
    fitted_ = fit_categories(cohort, train);
    told_.clear();
    tell_categories(cohort, fitted_, told_);
    encode(cohort, fitted_, told_);
    std::vector<double> values = cohort.views[0].values;
    for (double& x : values) x = std::isnan(x) ? kGap : x;
    return values;
  }
  static std::vector<int> all_of(const RawCohort& cohort) {
    std::vector<int> rows(cohort.ids.size());
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
  }
  bool told(const std::string& part) const {
    return std::any_of(told_.begin(), told_.end(),
                       [&](const auto& notice) { return notice.find(part) != Lines::value_type::npos; });
  }

  testing::TemporaryFolder folder_;
  std::vector<std::vector<FittedCategory>> fitted_;
  Lines told_;
};

const std::string kSites = "id,site,sex,x,smoker\na,Ulm,f,1.5,TRUE\nb,Bonn,m,2,false\nc,,f,3,\nd,Kiel,,4,True\n";

TEST_F(Categories, BecomeAColumnForEachWordAndOneForTwo) {
  RawCohort cohort = read(kSites, {"auto"});
  ASSERT_EQ(cohort.views[0].categories.size(), 3u);
  EXPECT_EQ(encoded(cohort, all_of(cohort)), (std::vector<double>{0,    0,    1,    0,    1.5, 1,     //
                                                                  1,    0,    0,    1,    2,   0,     //
                                                                  kGap, kGap, kGap, 0,    3,   kGap,  //
                                                                  0,    1,    0,    kGap, 4,   1}));
  EXPECT_EQ(cohort.views[0].columns, (Lines{"site=Bonn", "site=Kiel", "site=Ulm", "sex=m", "x", "smoker=true"}));
  EXPECT_TRUE(cohort.views[0].categories.empty());
  EXPECT_TRUE(
      told("v.csv: 3 columns of words as numbers: site (a column for each of 3 words), sex (f = 0, m = 1), "
           "smoker (false = 0, true = 1)"));
}

TEST_F(Categories, AreToldWhereTheyAreLeftOutUnasked) {
  EXPECT_EQ(read(kSites, {}).notices,
            (Lines{(folder_.path() / "v.csv").string() +
                   ": 3 text columns left out: site, sex, smoker (of few words: data.categorical takes such as "
                   "features)"}));
}

TEST_F(Categories, KnowTheWordsOfTrainingRowsAlone) {
  RawCohort cohort = read("id,site,sex\na,Ulm,f\nb,Bonn,m\nc,Kiel,f\nd,Rom,u\ne,Mainz,m\n", {"site", "sex"});
  EXPECT_EQ(encoded(cohort, {0, 1, 2}), (std::vector<double>{0, 0, 1, 0,     //
                                                             1, 0, 0, 1,     //
                                                             0, 1, 0, 0,     //
                                                             0, 0, 0, kGap,  //
                                                             0, 0, 0, 1}));
  EXPECT_EQ(fitted_[0], (std::vector<FittedCategory>{{"site", {"Bonn", "Kiel", "Ulm"}}, {"sex", {"f", "m"}}}));
  EXPECT_TRUE(told("v.csv: 2 rows have in 'site' a word that no training row has: Mainz, Rom"));
}

TEST_F(Categories, TakeNumbersForWordsWhereTheyAreNamed) {
  RawCohort cohort = read("id,code,x\na,10,1\nb,2,2\nc,2.0,3\nd,-7,4\ne,,5\n", {"co*"}, {"-7"});
  EXPECT_EQ(encoded(cohort, all_of(cohort)), (std::vector<double>{1, 1, 0, 2, 0, 3, kGap, 4, kGap, 5}));
  EXPECT_EQ(fitted_[0], (std::vector<FittedCategory>{{"code", {"2", "10"}}})) << "by value, 2.0 and 2 are one";
}

TEST_F(Categories, OfFreeTextOrDatesAreNone) {
  std::string table = "id,note,day,x\n";
  for (int row = 0; row < 21; ++row)
    table += "p" + std::to_string(row) + ",w" + std::to_string(row) + ",2024-01-0" + std::to_string(row % 9 + 1) + "," +
             std::to_string(row) + "\n";
  const RawCohort cohort = read(table, {"auto"});
  EXPECT_EQ(cohort.views[0].columns, Lines{"x"});
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { read(table, {"day"}); }),
                  "v.csv:1:9: the column 'day' holds dates, which are no words of data.categorical; a number may be "
                  "learned from");
  EXPECT_EQ(read(table, {"note"}).views[0].categories.at(0).levels.size(), 21u) << "named, it may have more";
}

TEST_F(Categories, RefuseWhatCannotBeMeant) {
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { read(kSites, {"stie"}); }),
                  "data.categorical: no feature fits 'stie'; did you mean 'site'");
  std::string table = "id,note,x\n";
  for (int row = 0; row < 257; ++row) table += "p" + std::to_string(row) + ",w" + std::to_string(row) + ",1\n";
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { read(table, {"note"}); }),
                  "the column 'note' of data.categorical holds 257 different words, and 256 are the most");
  RawCohort twice = read("id,sex,sex=m\na,f,1\nb,m,2\n", {"sex"});
  EXPECT_CONTAINS(refusal(ExitCode::data,
                          [&] {
                            encoded(twice, {0, 1});
                          }),
                  "words become a column 'sex=m', but there is one already");
}

TEST_F(Categories, WithoutAWordInTrainingAreLeftOut) {
  RawCohort cohort = read("id,site,x\na,,1\nb,,2\nc,Ulm,3\n", {"auto"});
  EXPECT_EQ(encoded(cohort, {0, 1}), (std::vector<double>{1, 2, 3}));
  EXPECT_TRUE(told("1 column of words without a value in any training row left out: site"));
}

TEST_F(Categories, OfNewRowsGiveTheColumnsOfTheFitAlone) {
  RawCohort trained = read(kSites, {"auto"});
  encoded(trained, all_of(trained));
  Preprocess fit;
  fit.views.push_back({{"site=Ulm", "sex=m", "x"}, {}, {}, {}});
  fit.views[0].dropped = {"site=Bonn", "site=Kiel", "smoker=true"};
  fit.views[0].categories = fitted_[0];
  EXPECT_EQ(columns_of_table(fit.views[0], fit.views[0].columns), (Lines{"site", "sex", "x"}));
  EXPECT_EQ(columns_of_table(fit.views[0], fit.views[0].dropped), (Lines{"site", "smoker"}));
  CohortSpec spec{
      {folder_.write("n.csv", "x,id,sex,site\n1,q,u,Ulm\n2,r,m,Rom\n3,s,f,Bonn\n")}, std::nullopt, "id", ""};
  spec.asked = {{"site", "sex", "x"}};
  spec.asked_categorical = {{"site", "sex", "smoker"}};
  RawCohort cohort = read_cohort(spec);
  told_.clear();
  encode(cohort, fit, told_);
  EXPECT_EQ(cohort.views[0].columns, fit.views[0].columns);
  EXPECT_TRUE(std::isnan(cohort.views[0].values[1])) << "neither f nor m";
  cohort.views[0].values[1] = kGap;
  EXPECT_EQ(cohort.views[0].values, (std::vector<double>{1, kGap, 1, 0, 1, 2, 0, 0, 3}));
  EXPECT_TRUE(told("n.csv: 1 row has in 'site' a word that no training row has: Rom; all columns of that are 0 there"));
  EXPECT_TRUE(told("n.csv: 1 row has in 'sex' a word that no training row has: u; it counts as missing"));
}

}  // namespace
}  // namespace equipoise
