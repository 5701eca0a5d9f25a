// tests/host/data/empty_views_test.cpp - patients without a value in a view, in tables of a few rows: who stays, and
// what is told.
#include "host/data/empty_views.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using Names = std::vector<std::string>;

/// Of a to h, b and d have nothing in the second table, e nothing in the first, g nothing in any.
class EmptyViews : public ::testing::Test {
 protected:
  EmptyViews() {
    first_ = folder_.write("1.csv", "id,x,y\na,1,\nb,2,3\nc,,4\nd,5,6\ne,NA,\nf,7,8\ng,,.\nh,9,1\n").string();
    second_ = folder_.write("2.csv", "id,z,note\na,1,\nb,,blank\nc,2,\nd,?,\ne,3,\nf,4,\ng,,lost\nh,5,\n").string();
    outcome_ = folder_.write("o.csv", "id,label\na,0\nb,1\nc,1\nd,0\ne,2\nf,0\ng,1\nh,1\n");
    spec_ = {{first_, second_}, outcome_};
  }
  bool told(const RawCohort& cohort, const std::string& sentence) const {
    return std::find(cohort.notices.begin(), cohort.notices.end(), sentence) != cohort.notices.end();
  }

  testing::TemporaryFolder folder_;
  std::string first_, second_;
  std::filesystem::path outcome_;
  CohortSpec spec_{{}, std::nullopt};
};

TEST_F(EmptyViews, TakeTheirPatientsOutAndAreToldByView) {
  const RawCohort cohort = read_cohort(spec_);
  EXPECT_EQ(cohort.ids, (Names{"a", "c", "f", "h"}));
  EXPECT_EQ(cohort.left_out, (Names{"b", "d", "e", "g"}));
  ASSERT_EQ(cohort.views[0].values.size(), 8u);
  EXPECT_EQ(cohort.views[0].values[3], 4) << "y of c";
  EXPECT_TRUE(std::isnan(cohort.views[0].values[2])) << "x of c";
  EXPECT_EQ(cohort.views[1].values, (std::vector<double>{1, 2, 4, 5}));
  EXPECT_EQ(cohort.label, (std::vector<int>{0, 1, 0, 1}));
  EXPECT_TRUE(told(cohort, "1 patient without a value in any view left out: g"));
  EXPECT_TRUE(told(cohort, first_ + ": 1 patient without any value left out: e (data.empty_views = \"impute\" keeps "
                                    "them)"));
  EXPECT_TRUE(told(cohort, second_ + ": 2 patients without any value left out: b, d (data.empty_views = \"impute\" "
                                     "keeps them)"));
  EXPECT_TRUE(told(cohort, "4 patients in all views; label: 0 (2), 1 (2), 0 unlabelled")) << "of those that are left";
  for (const std::string& notice : cohort.notices)
    EXPECT_EQ(notice.find("o.csv"), std::string::npos) << "the outcome's patients are known: " << notice;
}

TEST_F(EmptyViews, AreKeptToBeImputedButNotWhereNoneHoldsAValue) {
  spec_.impute_empty = true;
  const RawCohort cohort = read_cohort(spec_);
  EXPECT_EQ(cohort.ids, (Names{"a", "b", "c", "d", "e", "f", "h"}));
  EXPECT_EQ(cohort.left_out, Names{"g"});
  EXPECT_TRUE(told(cohort, "1 patient without a value in any view left out: g"));
  EXPECT_TRUE(told(cohort, first_ + ": 1 patient without any value gets the training rows' medians "
                                    "(data.empty_views): e"));
  EXPECT_TRUE(told(cohort, second_ + ": 2 patients without any value get the training rows' medians "
                                     "(data.empty_views): b, d"));
}

TEST_F(EmptyViews, OfARunsOwnPatientsStay) {
  spec_.kept = {"a", "b", "c", "d", "e", "f", "g", "h"};
  EXPECT_EQ(read_cohort(spec_).ids, spec_.kept);
  spec_.impute_empty = true;
  EXPECT_EQ(read_cohort(spec_).ids, spec_.kept);
}

TEST_F(EmptyViews, OfASingleViewAreLeftOutEitherWay) {
  for (const bool impute : {false, true}) {
    CohortSpec spec{{first_}, outcome_};
    spec.impute_empty = impute;
    const RawCohort cohort = read_cohort(spec);
    EXPECT_EQ(cohort.ids, (Names{"a", "b", "c", "d", "f", "h"}));
    EXPECT_TRUE(told(cohort, first_ + ": 2 patients without any value left out: e, g"));
  }
}

TEST_F(EmptyViews, AreThoseOfTheColumnsThatAViewTakes) {
  const std::string all =
      folder_.write("all.csv", "id,t0_x,t1_x,label\na,1,2,0\nb,3,,1\nc,5,6,1\nd,,7,0\ne,8,9,0\n").string();
  const RawCohort cohort = read_cohort({{ViewSource(all, {"t0_*"}), ViewSource(all, {"t1_*"})}, std::nullopt});
  EXPECT_EQ(cohort.ids, (Names{"a", "c", "e"}));
}

TEST_F(EmptyViews, AreToldWithWhatIsRefusedOfTheOthers) {
  // Those of the classes 1 and 2 have nothing in the second table.
  folder_.write("o.csv", "id,label\na,0\nb,1\nc,0\nd,1\ne,2\nf,0\ng,1\nh,0\n");
  const std::string message = refusal(ExitCode::data, [&] { read_cohort(spec_); });
  EXPECT_CONTAINS(message, "needs two classes");
  EXPECT_CONTAINS(message, "\n4 patients without a value in some view left out before: b, d, e, g; data.empty_views");
  spec_.impute_empty = true;
  EXPECT_EQ(read_cohort(spec_).label_names, (Names{"0", "1", "2"}));
}

TEST_F(EmptyViews, OfEverybodyAreRefused) {
  folder_.write("2.csv", "id,z\na,\nb,\nc,\n");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { read_cohort(spec_); }), "2.csv: no patient has a value; fill");
  folder_.write("1.csv", "id,x\na,1\nb,\n");
  folder_.write("2.csv", "id,z\na,\nb,2\n");
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { read_cohort(spec_); }), "no patient has a value in every view");
}

}  // namespace
}  // namespace equipoise
