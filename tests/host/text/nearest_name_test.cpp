// tests/host/text/nearest_name_test.cpp - did-you-mean.
#include "host/text/nearest_name.h"

#include <gtest/gtest.h>

namespace equipoise {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwapsOfNeighbours) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("lable", "label"), 1);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);  // the alignment distance, where Damerau's full distance is 2
}

TEST(EditDistance, IgnoresTheCaseOfLetters) { EXPECT_EQ(edit_distance("PatientID", "patientid"), 0); }

TEST(NearestName, TakesTheFirstOfTheNearest) {
  const std::vector<std::string> names = {"beta1", "beta2", "eps"};
  EXPECT_EQ(nearest_name("beta3", names), "beta1");
  EXPECT_EQ(nearest_name("beta22", names), "beta2");
}

TEST(NearestName, IsSilentWhenNothingIsNear) {
  const std::vector<std::string> names = {"lr", "eps", "hidden"};
  EXPECT_EQ(nearest_name("momentum", names), std::nullopt);
  EXPECT_EQ(nearest_name("x", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
}

TEST(NearestName, TakesTheOnlyNameThatBeginsSo) {
  const std::vector<std::string> names = {"validation", "test", "train"};
  EXPECT_EQ(nearest_name("val", names), "validation");
  EXPECT_EQ(nearest_name("Valid", names), "validation");
  EXPECT_EQ(nearest_name("te", names), "test");
  EXPECT_EQ(nearest_name("v", names), std::nullopt) << "one letter says nothing";
  EXPECT_EQ(nearest_name("pre", std::vector<std::string>{"prediction", "preprocess"}), std::nullopt);
  EXPECT_EQ(nearest_name("valx", names), std::nullopt);
}

TEST(NearestName, DoesNotSpendQuadraticTimeOnHostileNames) {
  const std::vector<std::string> names = {std::string(1 << 20, 'a')};
  EXPECT_EQ(nearest_name(std::string(1 << 20, 'a'), names), std::nullopt);
}

TEST(DidYouMean, ListsTheNamesWhenNoneIsNear) {
  EXPECT_EQ(did_you_mean("lable", std::vector<std::string>{"id", "label"}), "did you mean 'label'?");
  EXPECT_EQ(did_you_mean("zzzzzz", std::vector<std::string>{"id", "label"}), "the names are id, label");
}

}  // namespace
}  // namespace equipoise
