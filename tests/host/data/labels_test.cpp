// tests/host/data/labels_test.cpp - what is one class and what are two, in which order, and what is none.
#include "host/data/labels.h"

#include <gtest/gtest.h>

#include "host/data/positive_class.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using Names = std::vector<std::string>;

/// Of a table whose only column is `y`, a row for each id.
LabelReader::Result labels_of(const std::string& cells, const ClassRules& rules = {}) {
  const Table table = parse_table("y,z\n" + cells, "t.csv");
  std::vector<std::string> ids;
  std::vector<int> rows;
  for (int row = 0; row < table.rows(); ++row) {
    ids.push_back("p" + std::to_string(row));
    rows.push_back(row);
  }
  LabelReader reader;
  reader.add(table, 0, ids, rows);
  return reader.result("y", ids, rules);
}

TEST(ClassNames, AreOneSpellingForEqualWholeNumbers) {
  for (const char* text : {"1", "1.0", "+1", "1.", "1e0", "10e-1", "0.1e1", "+1.000"})
    EXPECT_EQ(canonical_label(text), "1") << text;
  for (const char* text : {"0", "-0", "0.0", ".0", "0e5"}) EXPECT_EQ(canonical_label(text), "0") << text;
  EXPECT_EQ(canonical_label("1e+05"), "100000") << "as R writes it";
  EXPECT_EQ(canonical_label("-2.0"), "-2");
  EXPECT_EQ(canonical_label("-1"), "-1");
}

TEST(ClassNames, KeepEveryDigitOfLongCodes) {
  EXPECT_EQ(canonical_label("900000000000207009"), "900000000000207009");
  EXPECT_EQ(canonical_label("9007199254740993"), "9007199254740993") << "2^53 + 1";
  EXPECT_EQ(canonical_label("123456789012345678901234567890.0"), "123456789012345678901234567890");
}

TEST(ClassNames, KeepLeadingZerosAndWordsAsWritten) {
  EXPECT_EQ(canonical_label("01"), "01");
  EXPECT_EQ(canonical_label("007"), "007");
  EXPECT_EQ(canonical_label("01.0"), "01");
  for (const char* text : {"I", "none", "1a", "0x1F", "1-2", "--1", "e5", "-"}) EXPECT_EQ(canonical_label(text), text);
}

TEST(ClassNames, AreNotFractionsOrInfinities) {
  for (const char* text : {"0.5", "1e-3", "01.5", "inf", "-Infinity", "1e999", "1e-400"})
    EXPECT_EQ(canonical_label(text), std::nullopt) << text;
}

TEST(ClassNames, RiseByValueHoweverLongTheyAre) {
  Names names{"10", "9007199254740993", "9", "-3", "9007199254740992", "01", "1", "-10", "0"};
  sort_class_names(names);
  EXPECT_EQ(names, (Names{"-10", "-3", "0", "1", "01", "9", "10", "9007199254740992", "9007199254740993"}));
  names = {"b", "10", "9"};
  sort_class_names(names);
  EXPECT_EQ(names, (Names{"10", "9", "b"})) << "by bytes where one is a word";
}

TEST(Labels, TellCodesApartThatFloatsWouldJoin) {
  const auto read = labels_of("900000000000207008,\n900000000000207009,\n900000000000207008,\n");
  EXPECT_EQ(read.names, (Names{"900000000000207008", "900000000000207009"}));
  EXPECT_EQ(read.label, (std::vector<int>{0, 1, 0}));
  const auto centres = labels_of("01,\n1,\n1.0,\n+1,\n");
  EXPECT_EQ(centres.names, (Names{"1", "01"}));
  EXPECT_EQ(centres.label, (std::vector<int>{1, 0, 0, 0}));
}

TEST(Labels, TakeMinusOneAsAClassUnlessTheOthersAreZeroAndOne) {
  const ClassRules of_label{{}, true, ""};
  EXPECT_EQ(labels_of("-1,\n1,\n", of_label).names, (Names{"-1", "1"}));
  EXPECT_EQ(labels_of("-1,\n0,\n", of_label).names, (Names{"-1", "0"}));
  EXPECT_EQ(labels_of("-1,\n0,\n2,\n", of_label).names, (Names{"-1", "0", "2"}));
  EXPECT_EQ(labels_of("-1,\n0,\n1,\n2,\n", of_label).names, (Names{"-1", "0", "1", "2"}));
  const auto label = labels_of("-1,\n0,\n1,\n-1.0,\n", of_label);
  EXPECT_EQ(label.names, (Names{"0", "1"}));
  EXPECT_EQ(label.label, (std::vector<int>{-1, 0, 1, -1}));
  ASSERT_EQ(label.notices.size(), 1u);
  EXPECT_EQ(label.notices[0],
            "t.csv: 2 cells of 'y' say '-1', beside the classes 0 and 1 (where it is a class, set data.unlabelled = "
            "[]): unlabelled");
  EXPECT_EQ(labels_of("-1,\n0,\n1,\n").names, (Names{"-1", "0", "1"})) << "of a task";
  EXPECT_EQ(labels_of("-1,\n0,\n1,\n", {Names{}, true, ""}).names, (Names{"-1", "0", "1"})) << "declared to be none";
}

TEST(Labels, LeaveOutWhatIsDeclaredUnlabelledAndCountIt) {
  const auto read = labels_of("unclear,\n0,\n-9.0,\n1,\n-1,\n", {Names{"unclear", "-9", "77"}, true, ""});
  EXPECT_EQ(read.names, (Names{"-1", "0", "1"}));
  EXPECT_EQ(read.label, (std::vector<int>{-1, 1, -1, 2, 0}));
  EXPECT_EQ(read.unfound, Names{"77"});
  ASSERT_EQ(read.notices.size(), 2u);
  EXPECT_EQ(read.notices[1], "t.csv: 1 cell of 'y' say '-9', which data.unlabelled names: unlabelled");
}

TEST(Labels, TellTheRarerWordsForAMissingValue) {
  const auto read = labels_of("a,\nNone,\nb,\n.,\n#N/A,\n<NA>,\nNone,\nNULL,\n,1\n");
  EXPECT_EQ(read.names, (Names{"a", "b"}));
  EXPECT_EQ(std::count(read.label.begin(), read.label.end(), -1), 7);
  ASSERT_EQ(read.notices.size(), 4u);
  EXPECT_EQ(read.notices[3], "t.csv: 2 cells of 'y' say 'None', a word for a missing value: unlabelled");
}

TEST(Labels, PutThePositiveClassLast) {
  const auto read = labels_of("case,\ncontrol,\ncontrol,\n", {{}, false, "case"});
  EXPECT_EQ(read.names, (Names{"control", "case"}));
  EXPECT_EQ(read.label, (std::vector<int>{1, 0, 0}));
  EXPECT_EQ(labels_of("0,\n1,\n", {{}, false, "0.0"}).names, (Names{"1", "0"}));
  EXPECT_EQ(refusal(ExitCode::data,
                    [] {
                      labels_of("case,\ncontrol,\n", {{}, false, "cas"});
                    }),
            "data.positive: 'cas' is no class of the column 'y'; did you mean 'case'?");
  EXPECT_CONTAINS(refusal(ExitCode::data, [] { labels_of("a,\nb,\nc,\n", {{}, false, "b"}); }), "has 3 classes");
}

TEST(Labels, AreCountedWithThePositiveOneUnlessTheyAreZeroAndOne) {
  EXPECT_EQ(class_counts({0, 1, 1, -1}, {"0", "1"}, "unlabelled"), "0 (1), 1 (2), 1 unlabelled");
  EXPECT_EQ(class_counts({0, 1, 1, -1}, {"1", "0"}, "unlabelled"), "1 (1), 0 (2, positive), 1 unlabelled");
  EXPECT_EQ(class_counts({0, 1, 1}, {"case", "control"}, "without"), "case (1), control (2, positive), 0 without");
  EXPECT_EQ(class_counts({0, 1, 2}, {"a", "b", "c"}, "without"), "a (1), b (1), c (1), 0 without");
}

TEST(Labels, PointAMeasurementToRegression) {
  EXPECT_EQ(
      refusal(ExitCode::data, [] { labels_of("1,\n2.5,\n"); }),
      "t.csv:3:1: the label '2.5' is not a whole number; write classes as whole numbers or words, or, a number to "
      "be predicted is a task of towers and trunk: data.tasks = [\"regression:y\"]");
  std::string many;
  for (int i = 0; i < 30; ++i) many += std::to_string(100 + i) + ",\n";
  EXPECT_CONTAINS(
      refusal(ExitCode::data, [&] { labels_of(many); }),
      "holds 30 different values for 30 patients; name a column of classes, or, a number to be predicted is "
      "a task of towers and trunk: data.tasks = [\"regression:y\"]");
}

TEST(PositiveClasses, AreOfTheOneColumnOrOfTheColumnNamed) {
  using Map = std::map<std::string, std::string>;
  EXPECT_EQ(positive_classes({"case"}, {"label"}), (Map{{"label", "case"}}));
  EXPECT_EQ(positive_classes({"label=case"}, {"label"}), (Map{{"label", "case"}}));
  EXPECT_EQ(positive_classes({"a=b"}, {"label"}), (Map{{"label", "a=b"}})) << "a class may hold the sign";
  EXPECT_EQ(positive_classes({"died = yes", "a=b=c"}, {"died", "a=b"}), (Map{{"died", "yes"}, {"a=b", "c"}}));
  EXPECT_TRUE(positive_classes({}, {}).empty());
  const auto refused = [](const Names& entries, const Names& columns) {
    return refusal(ExitCode::usage, [&] { positive_classes(entries, columns); });
  };
  EXPECT_EQ(refused({"yes"}, {"died", "moved"}),
            "data.positive: 'yes' may be a class of died or moved; write \"column=yes\"");
  EXPECT_EQ(refused({"dead=yes"}, {"died", "moved"}),
            "data.positive: 'dead' is no column of two classes; did you mean 'died'?");
  EXPECT_CONTAINS(refused({"died=yes", "died=no"}, {"died", "moved"}), "'died' is named twice");
  EXPECT_CONTAINS(refused({"yes"}, {}), "has no column of two classes");
}

}  // namespace
}  // namespace equipoise
