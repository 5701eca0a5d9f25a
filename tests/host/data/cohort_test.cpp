// tests/host/data/cohort_test.cpp - views joined on id, labels, and every refusal.
#include "host/data/cohort.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <sstream>

#include "host/data/preprocess.h"
#include "host/data/split.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;
using testing::TemporaryFolder;

const std::string kData = EQUIPOISE_SOURCE_DIR "/tools/demo-data/";

class Cohort : public ::testing::Test {
 protected:
  RawCohort read(const std::string& first, const std::string& second, const std::string& outcome = "") {
    return read_cohort(spec(first, second, outcome));
  }
  std::string refused(const std::string& first, const std::string& second, const std::string& outcome = "") {
    return refusal(ExitCode::data, [&] { read(first, second, outcome); });
  }
  CohortSpec spec(const std::string& first, const std::string& second, const std::string& outcome) {
    CohortSpec result;
    result.views = {folder_.write("a.csv", first), folder_.write("b.csv", second)};
    if (!outcome.empty()) result.outcome = folder_.write("o.csv", outcome);
    return result;
  }
  bool told(const RawCohort& cohort, const std::string& part) {
    return std::any_of(cohort.notices.begin(), cohort.notices.end(),
                       [&](const std::string& notice) { return notice.find(part) != notice.npos; });
  }

  TemporaryFolder folder_;
};

const std::string kOutcome = "id,label\np1,0\np2,1\np3,0\n";

TEST_F(Cohort, JoinsOnTheIdWhateverTheOrderOfRows) {
  const RawCohort cohort = read("id,x,y\np3,3,30\np1,1,10\np2,2,20\n", "z,id\n200,p2\n300,p3\n100,p1\n", kOutcome);
  EXPECT_EQ(cohort.ids, (std::vector<std::string>{"p1", "p2", "p3"}));
  EXPECT_EQ(cohort.views[0].columns, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(cohort.views[0].values, (std::vector<double>{1, 10, 2, 20, 3, 30}));
  EXPECT_EQ(cohort.views[1].values, (std::vector<double>{100, 200, 300}));
  EXPECT_EQ(cohort.label, (std::vector<int>{0, 1, 0}));
  EXPECT_EQ(cohort.label_names, (std::vector<std::string>{"0", "1"}));
}

TEST_F(Cohort, OrdersValuesByIdsInPlaceAndByCopy) {
  const std::string table = "x,id,text,y,label\n3,p3,a,30,0\n9,p9,b,,1\n1,p1,c,10,1\n2,p2,d,20,0\n";
  // The patient p9 has no row in the second view, so that rows and columns go.
  const RawCohort taken = read(table, "id,z\np1,7\np2,8\np3,9\n");
  EXPECT_EQ(taken.views[0].values, (std::vector<double>{1, 10, 2, 20, 3, 30}));
  CohortSpec shared = spec(table, "", "");
  shared.views = {ViewSource(shared.views[0].file, {"x"}), ViewSource(shared.views[0].file, {"y"})};
  const RawCohort copied = read_cohort(shared);
  ASSERT_EQ(copied.ids.size(), 3u) << "p9 has no value for y";
  EXPECT_EQ(copied.views[0].values, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(copied.views[1].values, (std::vector<double>{10, 20, 30}));
  EXPECT_EQ(copied.files.size(), 1u);
}

TEST_F(Cohort, TakesWordsAsMissingInLabelsAndFeaturesButNotInIds) {
  CohortSpec wanted =
      spec("id,x,y\n9,9.0,1\n10,1,2\n11,2,9\n", "id,z\n9,1\n10,2\n11,3\n", "id,label\n9,0\n10,1\n11,9\n");
  wanted.missing = {"9"};
  const RawCohort cohort = read_cohort(wanted);
  EXPECT_EQ(cohort.ids, (std::vector<std::string>{"10", "11", "9"}));
  EXPECT_EQ(cohort.label, (std::vector<int>{1, -1, 0}));
  EXPECT_EQ(std::isnan(cohort.views[0].values[3]), true);
  EXPECT_EQ(std::isnan(cohort.views[0].values[4]), true);
  EXPECT_EQ(cohort.views[1].values, (std::vector<double>{2, 3, 1}));
}

TEST_F(Cohort, LeavesOutDatesAndSaysWhatToDo) {
  const RawCohort cohort = read(
      "id,x,seen,born,version\np1,1,2024-01-31,1.2.1970,1.2.3\np2,2,2024-02-01 "
      "10:30,11.12.71,1.2.4\np3,3,,3.3.1969,2.0.0\n",
      "id,z\np1,1\np2,2\np3,3\n", kOutcome);
  EXPECT_EQ(cohort.views[0].columns, std::vector<std::string>{"x"});
  EXPECT_TRUE(told(cohort, "a.csv: 2 date columns left out: seen, born; a number may be learned from"));
  EXPECT_TRUE(told(cohort, "a.csv: 1 text column left out: version"));
}

TEST_F(Cohort, NumbersTheRowsOfASingleTableWithoutIds) {
  std::string table = "x,label\n";
  for (int i = 1; i <= 10; ++i) table += fmt::format("{},{}\n", i, i % 2);
  CohortSpec single;
  single.views = {folder_.write("a.csv", table)};
  const RawCohort cohort = read_cohort(single);
  EXPECT_EQ(cohort.ids.front(), "01");
  EXPECT_EQ(cohort.ids.back(), "10");
  EXPECT_EQ(cohort.views[0].values.back(), 10) << "in the order of the file";
  EXPECT_TRUE(told(cohort, "a.csv: no column holds ids, so rows are numbered 01 to 10"));
  EXPECT_CONTAINS(refused(table, "id,z\n1,1\n2,2\n"), "there is no id column 'id'");
}

std::string shuffled(const std::string& path, unsigned seed) {
  std::ifstream stream(path);
  std::string header, line, text;
  std::getline(stream, header);
  std::vector<std::string> lines;
  while (std::getline(stream, line)) lines.push_back(line);
  std::shuffle(lines.begin(), lines.end(), std::mt19937(seed));
  text = header + "\n";
  for (const std::string& one : lines) text += one + "\n";
  return text;
}

TEST_F(Cohort, IsTheSameWhenTheRowsOfEveryFileAreShuffled) {
  const CohortSpec as_is{{kData + "pbcseq/before.csv", kData + "pbcseq/after.csv"}, kData + "pbcseq/outcome.csv"};
  const RawCohort expected = read_cohort(as_is);
  ASSERT_EQ(expected.ids.size(), 250u);
  const RawCohort cohort =
      read(shuffled(as_is.views[0].file, 1), shuffled(as_is.views[1].file, 2), shuffled(*as_is.outcome, 3));
  EXPECT_EQ(cohort.ids, expected.ids);
  EXPECT_EQ(cohort.label, expected.label);
  EXPECT_EQ(cohort.label_names, expected.label_names);
  for (size_t v = 0; v < 2; ++v) {
    EXPECT_EQ(cohort.views[v].columns, expected.views[v].columns);
    ASSERT_EQ(cohort.views[v].values.size(), expected.views[v].values.size());
    for (size_t i = 0; i < expected.views[v].values.size(); ++i) {
      const double a = cohort.views[v].values[i], b = expected.views[v].values[i];
      ASSERT_TRUE(a == b || (std::isnan(a) && std::isnan(b)))
          << "view " << v << " value " << i << ": " << a << ", " << b;
    }
  }
  const Split split = stratified_split(cohort.label, 0.2, 0.2, 1),
              expected_split = stratified_split(expected.label, 0.2, 0.2, 1);
  EXPECT_EQ(split.train, expected_split.train);
  EXPECT_EQ(split.validation, expected_split.validation);
  EXPECT_EQ(split.test, expected_split.test);
  EXPECT_EQ(apply(cohort, fit_preprocess(cohort, split.train)).views,
            apply(expected, fit_preprocess(expected, expected_split.train)).views);
}

TEST_F(Cohort, ReadsTheDemonstrationDataAsItsProvenanceTells) {
  const RawCohort pbc =
      read_cohort({{kData + "pbcseq/before.csv", kData + "pbcseq/after.csv"}, kData + "pbcseq/outcome.csv"});
  EXPECT_EQ(std::count(pbc.label.begin(), pbc.label.end(), 1), 78);
  EXPECT_EQ(std::count(pbc.label.begin(), pbc.label.end(), 0), 153);
  EXPECT_EQ(std::count(pbc.label.begin(), pbc.label.end(), -1), 19);
  const auto missing = [](const RawView& view) {
    return std::count_if(view.values.begin(), view.values.end(), [](double x) { return std::isnan(x); });
  };
  EXPECT_EQ(missing(pbc.views[0]), 22 + 4);
  EXPECT_EQ(missing(pbc.views[1]), 143 + 1 + 1);
  const RawCohort breast = read_cohort(
      {{kData + "breast_cancer/mean.csv", kData + "breast_cancer/worst.csv"}, kData + "breast_cancer/outcome.csv"});
  EXPECT_EQ(breast.ids.size(), 569u);
  EXPECT_EQ(std::count(breast.label.begin(), breast.label.end(), 1), 212);
}

TEST_F(Cohort, KeepsThePatientsOfAllViewsAndTellsWhoIsLeftOut) {
  const RawCohort cohort =
      read("id,x\np1,1\np2,2\np3,3\np9,9\n", "id,z\np3,3\np2,2\np1,1\n", kOutcome + "p7,1\np8,1\n");
  EXPECT_EQ(cohort.ids.size(), 3u);
  EXPECT_TRUE(told(cohort, "a.csv: 1 patient without a row in every other view left out: p9"));
  EXPECT_TRUE(told(cohort, "o.csv: 2 patients without features in every view left out: p7, p8"));
}

TEST_F(Cohort, TakesPatientsTheOutcomeLacksAsUnlabelled) {
  const std::string view = "id,x\np1,1\np2,2\np3,3\np4,4\np5,5\np6,6\n";
  const RawCohort cohort = read(view, view, "id,label\np1,1\np2,0\np3,\np4,NA\np5,-1\n");
  EXPECT_EQ(cohort.label, (std::vector<int>{1, 0, -1, -1, -1, -1}));
  EXPECT_TRUE(told(cohort, "6 patients in all views; label: 0 (1), 1 (1), 4 unlabelled"));
}

TEST_F(Cohort, RefusesViewsWithoutACommonPatientShowingAnIdOfEach) {
  const std::string message = refused("id,x\n1,1\n2,2\n", "id,z\n001,1\n002,2\n", kOutcome);
  EXPECT_CONTAINS(message, "a.csv: no patient has a row in every view");
  EXPECT_CONTAINS(message, "b.csv has 001");
}

TEST_F(Cohort, RefusesADuplicateIdNamingBothLines) {
  const std::string message = refused("id,x\np1,1\np2,2\np1,3\n", "id,z\np1,1\np2,2\n", kOutcome);
  EXPECT_CONTAINS(message, "a.csv:4:1: the id p1 is already at ");
  EXPECT_CONTAINS(message, "a.csv:2:1; keep one row per patient");
}

TEST_F(Cohort, RefusesARowWithoutAnId) {
  EXPECT_CONTAINS(refused("id,x\np1,1\n,2\n", "id,z\np1,1\n", kOutcome), "a.csv:3:1: the row has no id");
}

TEST_F(Cohort, RefusesATableWithoutRows) {
  EXPECT_CONTAINS(refused("id,x\n", "id,z\np1,1\n", kOutcome), "a.csv:1:1: the table has a header but no rows");
}

TEST_F(Cohort, FindsTheIdColumnUnderItsUsualNames) {
  for (const char* name : {"ID", "PatientID", "patient_id", "Case"}) {
    const RawCohort cohort = read(std::string(name) + ",x\np1,1\np2,2\np3,3\n", "id,z\np1,1\np2,2\np3,3\n", kOutcome);
    EXPECT_EQ(cohort.ids.size(), 3u) << name;
    EXPECT_TRUE(told(cohort, std::string("ids are read from the column '") + name + "'")) << name;
  }
}

TEST_F(Cohort, RefusesAnIdColumnThatIsNotThere) {
  CohortSpec cohort = spec("number,x\np1,1\n", "number,z\np1,1\n", kOutcome);
  cohort.id = "numbre";
  const std::string message = refusal(ExitCode::data, [&] { read_cohort(cohort); });
  EXPECT_CONTAINS(message, "a.csv:1:1: there is no id column 'numbre'; set data.id, did you mean 'number'?");
}

TEST_F(Cohort, DropsDiagnosticsTextAndSecondIdColumnsWithACount) {
  const RawCohort cohort =
      read("id,diagnostics_v,diagnostics_n,site,PatientID,x\np1,1,2,Ulm,7,1\np2,1,2,NA,8,2\np3,1,2,Bonn,9,3\n",
           "id,z\np1,1\np2,2\np3,3\n", kOutcome);
  EXPECT_EQ(cohort.views[0].columns, std::vector<std::string>{"x"});
  EXPECT_TRUE(told(cohort, "a.csv: 2 diagnostics columns left out: diagnostics_v, diagnostics_n"));
  EXPECT_TRUE(told(cohort, "a.csv: 1 text column left out: site"));
  EXPECT_TRUE(told(cohort, "a.csv: 1 second id column left out: PatientID"));
}

TEST_F(Cohort, RefusesAColumnOfDecimalCommasBetweenCommasInsteadOfTakingItForText) {
  const std::string message =
      refused("id,x,age\np1,\"0,25\",61\np2,\"1,5\",52\n", "id;z\np1;1\np2;2\n", "id,label\np1,0\np2,1\n");
  EXPECT_CONTAINS(message, "a.csv:2:4: '0,25' in the column 'x' is not a number; write a decimal point, not a comma");
}

TEST_F(Cohort, ReadsDecimalCommasBetweenOtherSeparators) {
  for (const char separator : {';', '\t', '|'}) {
    std::string table = "id;x;age\np1;0,25;61\np2;-1,5e1;52\n";
    std::replace(table.begin(), table.end(), ';', separator);
    const RawCohort cohort = read(table, "id;z\np1;1\np2;2\n", "id,label\np1,0\np2,1\n");
    EXPECT_EQ(cohort.views[0].values, (std::vector<double>{0.25, 61, -15, 52}));
  }
}

TEST_F(Cohort, RefusesTextAmongNumbersListingTheFirstFiveOfAllViews) {
  const std::string message =
      refused("id,x\np1,1\np2,high\np3,<5\np4,2\n", "id,z\np1,\"1,5\"\np2,2\np3,inf\np4,1e999\np5,a\np6,b\n", kOutcome);
  refused("id,x\np1,1\np2,high\n", "id,z\np1,1\np2,2\n", kOutcome);
  EXPECT_CONTAINS(message, "a.csv:3:4: 'high' in the column 'x' is not a number;");
  EXPECT_CONTAINS(message, "a.csv:4:4: '<5' in the column 'x'");
  EXPECT_CONTAINS(message, "b.csv:2:4: '1,5' in the column 'z' is not a number; write a decimal point, not a comma");
  EXPECT_CONTAINS(message, "b.csv:4:4: 'inf' in the column 'z' is not a finite number;");
  EXPECT_CONTAINS(message, "b.csv:5:4: '1e999' in the column 'z' is not a finite number;");
  EXPECT_CONTAINS(message, "and 2 more");
}

TEST_F(Cohort, ShowsALongOrBrokenCellInOneShortLine) {
  const std::string message =
      refused("id,x\np1,1\np2,\"a\nb" + std::string(100, 'c') + "\"\n", "id,z\np1,1\n", kOutcome);
  EXPECT_CONTAINS(message, "a.csv:3:4: 'a b" + std::string(57, 'c') + "...' in the column 'x'");
}

TEST_F(Cohort, RefusesAViewWithoutFeatures) {
  EXPECT_CONTAINS(refused("id,site\np1,Ulm\n", "id,z\np1,1\n", kOutcome), "a.csv:1:1: no column of numbers is left");
}

TEST_F(Cohort, RefusesAMissingLabelColumnWithTheNearestName) {
  EXPECT_CONTAINS(refused("id,x\np1,1\n", "id,z\np1,1\n", "id,lable\np1,0\n"),
                  "o.csv:1:1: there is no label column 'label'; set data.label, did you mean 'lable'?");
  EXPECT_CONTAINS(refused("id,x\np1,1\n", "id,Labels\np1,1\n"), "no view has the label column 'label'");
}

TEST_F(Cohort, ReadsLabelsOfTheViewsAndKeepsThemOutOfTheFeatures) {
  const RawCohort cohort = read("id,label,x\np1,1,5\np2,0,6\np3,,7\n", "id,z,label\np1,5,1.0\np2,6,\np3,7,1\n");
  EXPECT_EQ(cohort.label, (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(cohort.views[0].columns, std::vector<std::string>{"x"});
  EXPECT_EQ(cohort.views[1].columns, std::vector<std::string>{"z"});
}

TEST_F(Cohort, KeepsALabelColumnOfTheViewsOutOfTheFeaturesBesideAnOutcomeTable) {
  const RawCohort cohort = read("id,label,x\np1,1,5\np2,0,6\np3,1,7\n", "id,z\np1,5\np2,6\np3,7\n", kOutcome);
  EXPECT_EQ(cohort.views[0].columns, std::vector<std::string>{"x"});
  EXPECT_EQ(cohort.label, (std::vector<int>{0, 1, 0}));
}

TEST_F(Cohort, RefusesLabelsThatDifferBetweenViews) {
  const std::string message = refused("id,label,x\np1,1,5\np2,0,6\n", "id,label,z\np1,1,5\np2,1,6\n");
  EXPECT_CONTAINS(message, "b.csv:3:4: the label of p2 is '1' but '0' at ");
  EXPECT_CONTAINS(message, "a.csv:3:4; make the views agree");
}

TEST_F(Cohort, NumbersClassesByValueIfAllAreNumbersAndByBytesOtherwise) {
  const std::string view = "id,x\np1,1\np2,2\np3,3\n";
  const RawCohort numbers = read(view, view, "id,label\np1,10\np2,9\np3,+9.0\n");
  EXPECT_EQ(numbers.label_names, (std::vector<std::string>{"9", "10"}));
  EXPECT_EQ(numbers.label, (std::vector<int>{1, 0, 0}));
  const RawCohort words = read(view, view, "id,label\np1,sick\np2,healthy\np3,sick\n");
  EXPECT_EQ(words.label_names, (std::vector<std::string>{"healthy", "sick"}));
  EXPECT_EQ(words.label, (std::vector<int>{1, 0, 1}));
  const RawCohort grades = read(view, view, "id,label\np1,10\np2,9\np3,9a\n");
  EXPECT_EQ(grades.label_names, (std::vector<std::string>{"10", "9", "9a"}));
}

TEST_F(Cohort, RefusesFractionalAndInfiniteLabels) {
  const std::string view = "id,x\np1,1\np2,2\n";
  EXPECT_CONTAINS(refused(view, view, "id,label\np1,0\np2,0.5\n"), "o.csv:3:4: the label '0.5' is not a whole number");
  EXPECT_CONTAINS(refused(view, view, "id,label\np1,0\np2,inf\n"), "o.csv:3:4: the label 'inf'");
}

TEST_F(Cohort, RefusesASingleClassCountingKeptPatientsOnly) {
  const std::string view = "id,x\np1,1\np2,2\n";
  EXPECT_CONTAINS(refused(view, view, "id,label\np1,1\np2,1\np3,0\n"), "holds only the class '1'");
  EXPECT_CONTAINS(refused(view, view, "id,label\np1,\np2,NA\n"), "holds no label");
  EXPECT_CONTAINS(refused(view, view, "id,label\np1,\np2,-1\n"), "holds only the class '-1'");
}

TEST_F(Cohort, RefusesAMeasurementNamedAsTheLabel) {
  CohortSpec cohort{{kData + "pbcseq/before.csv", kData + "pbcseq/after.csv"}, kData + "pbcseq/outcome.csv"};
  cohort.label = "time_days";
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { read_cohort(cohort); }), "name a column of classes");
}

TEST_F(Cohort, ReadsNoLabelsWithoutALabelName) {
  CohortSpec cohort = spec("id,x\np1,1\np2,2\n", "id,z\np1,1\np2,2\n", "");
  cohort.label = "";
  EXPECT_EQ(read_cohort(cohort).label, (std::vector<int>{-1, -1}));
}

}  // namespace
}  // namespace equipoise
