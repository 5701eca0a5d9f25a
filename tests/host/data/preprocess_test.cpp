// tests/host/data/preprocess_test.cpp - fitted on training rows alone, applied by name, the same bits after a save.
#include "host/data/preprocess.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "host/data/split.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

/// One view, a column each of `columns`.
RawCohort cohort_of(const std::vector<std::pair<std::string, std::vector<double>>>& columns) {
  RawCohort cohort;
  const size_t rows = columns[0].second.size();
  for (size_t row = 0; row < rows; ++row) {
    cohort.ids.push_back("p" + std::to_string(row));
    cohort.label.push_back(static_cast<int>(row % 2));
  }
  cohort.label_names = {"0", "1"};
  RawView view{"v.csv", {}, {}};
  for (const auto& [name, values] : columns) view.columns.push_back(name);
  for (size_t row = 0; row < rows; ++row) {
    for (const auto& [name, values] : columns) view.values.push_back(values[row]);
  }
  cohort.views = {view};
  return cohort;
}

std::vector<int> first_rows(int count) {
  std::vector<int> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(Preprocess, ImputesByTheMedianAndScalesByMeanAndPopulationDeviation) {
  const RawCohort cohort = cohort_of({{"odd", {1, 5, 3, kMissing}}, {"even", {1, 2, 4, 9}}});
  const FittedView fitted = fit_preprocess(cohort, first_rows(4)).views[0];
  EXPECT_EQ(fitted.median, (std::vector<double>{3, 3}));
  EXPECT_EQ(fitted.mean, (std::vector<double>{3, 4}));
  EXPECT_NEAR(fitted.scale[0], std::sqrt(2.0), 4e-16);  // 2 ulp: one rounding each of sum, division and root
  EXPECT_NEAR(fitted.scale[1], std::sqrt(9.5), 9e-16);
}

TEST(Preprocess, CountsTheMissingValuesOfTrainingRowsByColumn) {
  RawCohort cohort = cohort_of({{"x", {1, kMissing, 3, kMissing, kMissing}}, {"y", {1, 2, 4, 9, kMissing}}});
  cohort.left_out = {"q1", "q2"};
  Preprocess fitted = fit_preprocess(cohort, first_rows(4));
  EXPECT_EQ(fitted.views[0].missing, (std::vector<int>{2, 0}));
  EXPECT_EQ(fitted.train_rows, 4);
  fitted.views[0].far = {0, 1};
  const auto json = nlohmann::ordered_json::parse(to_json(fitted));
  EXPECT_EQ(json["train_rows"], 4);
  EXPECT_EQ(json["left_out"], (nlohmann::ordered_json{"q1", "q2"}));
  EXPECT_EQ(json["views"][0]["missing"], (nlohmann::ordered_json{2, 0}));
  EXPECT_EQ(json["views"][0]["far"], (nlohmann::ordered_json{0, 1}));
  EXPECT_EQ(preprocess_from_json(to_json(fitted), "p.json"), fitted);
}

TEST(Preprocess, OfOlderRunsCountsNothing) {
  auto json =
      nlohmann::ordered_json::parse(to_json(fit_preprocess(cohort_of({{"x", {1, 2, kMissing}}}), first_rows(3))));
  json["format"] = "equipoise preprocessing 3";
  for (const char* key : {"train_rows", "left_out"}) json.erase(key);
  json["views"][0].erase("missing");
  const Preprocess older = preprocess_from_json(json.dump(), "p.json");
  EXPECT_TRUE(older.views[0].missing.empty());
  EXPECT_EQ(older.train_rows, 0);
  EXPECT_EQ(to_json(older).find("missing"), std::string::npos) << "not counted is not the same as none";
}

TEST(Preprocess, LooksAtTrainingRowsAlone) {
  const RawCohort cohort = cohort_of({{"x", {1, 2, 4, 1000, kMissing}}});
  RawCohort other = cohort;
  other.views[0].values[3] = -77;
  other.views[0].values[4] = 1e6;
  EXPECT_EQ(fit_preprocess(cohort, first_rows(3)), fit_preprocess(other, first_rows(3)));
  EXPECT_NE(fit_preprocess(cohort, first_rows(4)), fit_preprocess(other, first_rows(4)));
}

TEST(Preprocess, StandardisesTheTrainingRowsOfRealData) {
  const std::string data = EQUIPOISE_SOURCE_DIR "/tools/demo-data/pbcseq/";
  const RawCohort cohort = read_cohort({{data + "before.csv", data + "after.csv"}, data + "outcome.csv"});
  const Split split = stratified_split(cohort.label, 0.2, 0.2, 1);
  const Dataset set = apply(cohort, fit_preprocess(cohort, split.train));
  EXPECT_EQ(set.rows, 250);
  EXPECT_EQ(set.classes, 2);
  EXPECT_EQ(set.features, (std::vector<int>{12, 12}));
  for (const std::vector<float>& view : set.views) {
    for (size_t c = 0; c < 12; ++c) {
      double sum = 0, squares = 0;
      for (const int row : split.train) {
        const double x = view[static_cast<size_t>(row) * 12 + c];
        ASSERT_TRUE(std::isfinite(x));
        sum += x;
        squares += x * x;
      }
      const double rows = static_cast<double>(split.train.size());
      EXPECT_NEAR(sum / rows, 0, 1e-6) << c;  // rounding to float32 moves each value by at most 6e-8 of itself
      EXPECT_NEAR(squares / rows, 1, 1e-6) << c;
    }
  }
}

TEST(Preprocess, GivesAConstantColumnScaleOneAndTellsIt) {
  // 0.1 three times sums to something else than 0.3: the mean must not come out of a division.
  const RawCohort cohort = cohort_of({{"flat", {0.1, 0.1, 0.1, 1.1}}, {"x", {1, 2, 3, 4}}});
  std::vector<std::string> notices;
  const Preprocess fitted = fit_preprocess(cohort, first_rows(3), &notices);
  EXPECT_EQ(fitted.views[0].scale[0], 1);
  EXPECT_EQ(fitted.views[0].mean[0], 0.1);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0], "v.csv: 1 column is constant in the training rows and tells nothing: flat");
  const Dataset set = apply(cohort, fitted);
  EXPECT_EQ(set.views[0][0], 0);
  EXPECT_EQ(set.views[0][6], 1);
}

TEST(Preprocess, TellsTheConstantColumnsOfAViewInOneSentence) {
  std::vector<std::pair<std::string, std::vector<double>>> columns{{"x", {1, 2, 3}}};
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) columns.push_back({name, {7, 7, kMissing}});
  RawCohort cohort = cohort_of(columns);
  cohort.views.push_back({"w.csv", {"g", "h"}, {1, 5, 1, 5, 1, 6}});
  std::vector<std::string> notices;
  fit_preprocess(cohort, first_rows(3), &notices);
  EXPECT_EQ(notices, (std::vector<std::string>{
                         "v.csv: 6 columns are constant in the training rows and tell nothing: a, b, c, d, e, ...",
                         "w.csv: 1 column is constant in the training rows and tells nothing: g"}));
}

TEST(Preprocess, ScalesColumnsOfExtremeUnits) {
  for (const double unit : {1e-300, 1e-160, 1e160, 1e300}) {
    const RawCohort cohort = cohort_of({{"x", {1 * unit, 2 * unit, 3 * unit, 6 * unit}}});
    const Dataset set = apply(cohort, fit_preprocess(cohort, first_rows(4)));
    const float expected[] = {-1.0690450f, -0.5345225f, 0, 1.6035675f};  // (x - 3) / sqrt(3.5)
    for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(set.views[0][i], expected[i], 1e-6) << unit;
  }
}

TEST(Preprocess, RefusesColumnsTooLargeToAverage) {
  const RawCohort cohort = cohort_of({{"x", {1e308, 1.5e308, 1.2e308}}});
  const std::string message = refusal(ExitCode::data, [&] { fit_preprocess(cohort, first_rows(3)); });
  EXPECT_CONTAINS(message, "v.csv: the values of the column 'x' are too large");
}

TEST(Preprocess, RefusesAColumnWithoutAValueInTheTrainingRows) {
  const RawCohort cohort = cohort_of({{"x", {1, 2, 3}}, {"gone", {kMissing, kMissing, 5}}});
  const std::string message = refusal(ExitCode::data, [&] { fit_preprocess(cohort, first_rows(2)); });
  EXPECT_CONTAINS(message, "v.csv: the column 'gone' has no value in any training row;");
}

TEST(Preprocess, RefusesAnEmptyTrainingPart) {
  EXPECT_CONTAINS(refusal(ExitCode::data, [] { fit_preprocess(cohort_of({{"x", {1, 2}}}), {}); }), "no training row");
}

TEST(Preprocess, MatchesColumnsByNameAndTellsExtraOnes) {
  const RawCohort trained = cohort_of({{"a", {1, 2, 3}}, {"b", {10, 20, 60}}});
  const RawCohort fresh = cohort_of({{"b", {10, 20, 60}}, {"new", {7, 7, 7}}, {"a", {1, 2, 3}}});
  const Preprocess fitted = fit_preprocess(trained, first_rows(3));
  std::vector<std::string> notices;
  EXPECT_EQ(apply(fresh, fitted, &notices).views, apply(trained, fitted).views);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0], "v.csv: 1 column not in the training data left out: new");
}

TEST(Preprocess, RefusesMissingColumnsWithTheNearestName) {
  const Preprocess fitted = fit_preprocess(cohort_of({{"albumin", {1, 2, 3}}}), first_rows(3));
  const std::string message = refusal(ExitCode::data, [&] { apply(cohort_of({{"albumine", {1, 2, 3}}}), fitted); });
  EXPECT_CONTAINS(message, "the column 'albumin' of the training data is missing; add it, did you mean 'albumine'?");
}

TEST(Preprocess, RefusesAnotherNumberOfViews) {
  const RawCohort one = cohort_of({{"x", {1, 2, 3}}});
  RawCohort two = one;
  two.views.push_back(one.views[0]);
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { apply(two, fit_preprocess(one, first_rows(3))); }), "names 2 tables");
}

TEST(Preprocess, RefusesValuesBeyondFloat32NamingThePatient) {
  const RawCohort cohort = cohort_of({{"x", {1, 2, 3, 1e300}}});
  const std::string message = refusal(ExitCode::data, [&] { apply(cohort, fit_preprocess(cohort, first_rows(3))); });
  EXPECT_CONTAINS(message, "1e+300 of p3 in the column 'x' is too far from the training rows");
}

TEST(Preprocess, NumbersClassesAsInTraining) {
  RawCohort trained = cohort_of({{"x", {1, 2, 3}}});
  trained.label_names = {"cold", "hot", "warm"};
  const Preprocess fitted = fit_preprocess(trained, first_rows(3));
  RawCohort fresh = trained;
  fresh.label_names = {"cold", "warm"};
  fresh.label = {1, 0, -1};
  EXPECT_EQ(apply(fresh, fitted).label, (std::vector<int>{2, 0, -1}));
  EXPECT_EQ(apply(fresh, fitted).classes, 3);
  fresh.label_names = {"cold", "wram"};
  EXPECT_CONTAINS(refusal(ExitCode::data, [&] { apply(fresh, fitted); }), "'wram' was not in the training data");
}

TEST(Preprocess, ReadsBackTheSameBitsFromJson) {
  const RawCohort cohort =
      cohort_of({{"a \"quoted\" \xC3\xA4", {0.1, 1.0 / 3, 2e-17}}, {"b", {1e-300, 7, 1e300}}, {"c", {5, 5, 5}}});
  const Preprocess fitted = fit_preprocess(cohort, first_rows(3));
  const std::string text = to_json(fitted);
  EXPECT_EQ(preprocess_from_json(text, "preprocess.json"), fitted);
  EXPECT_EQ(to_json(preprocess_from_json(text, "preprocess.json")), text);
}

TEST(Preprocess, RefusesJsonThatIsNotItsOwn) {
  const std::string good = to_json(fit_preprocess(cohort_of({{"x", {1, 2, 3}}, {"y", {1, 2, 4}}}), first_rows(3)));
  const auto refused = [](const std::string& text) {
    const std::string message = refusal(ExitCode::checkpoint, [&] { preprocess_from_json(text, "preprocess.json"); });
    EXPECT_CONTAINS(message, "preprocess.json: ");
  };
  refused("");
  refused(good.substr(0, good.size() / 2));
  refused("[1, 2]");
  refused("{\"label_names\": [], \"views\": []}");
  refused("{\"label_names\": [], \"views\": 3}");
  const auto with = [&](const char* key, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(good);
    json["views"][0][key] = value;
    return json.dump();
  };
  refused(with("mean", {1.0}));
  refused(with("mean", {1.0, nullptr}));
  refused(with("mean", {1.0, "2"}));
  refused(with("missing", {1}));
  refused(with("missing", {1, -1}));
  refused(with("missing", {1, 1e60}));
  refused(with("missing", {1, 0.5}));
  for (const nlohmann::ordered_json& rows : std::vector<nlohmann::ordered_json>{1e60, -1, 1.5, int64_t{1} << 31, "3"}) {
    nlohmann::ordered_json json = nlohmann::ordered_json::parse(good);
    json["train_rows"] = rows;
    refused(json.dump());
  }
  refused(with("categories", {{{"column", "x"}, {"words", {"a", "a"}}}}));
  refused(with("categories", {{{"column", "x"}, {"words", {"a"}}}, {{"column", "x"}, {"words", {"b"}}}}));
  refused(with("far", {1, "0"}));
  refused(with("scale", {1.0, 0.0}));
  refused(with("scale", {1.0, -2.0}));
  refused(with("columns", {"x", "x"}));
}

}  // namespace
}  // namespace equipoise
