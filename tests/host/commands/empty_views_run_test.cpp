// tests/host/commands/empty_views_run_test.cpp - runs on tables in which patients lack a view: as if their rows were
// not there, or as if the medians stood in them.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "tests/host/commands/asked_run.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

/// Of the sixty patients of AskedRun p105, p117 and p141 have nothing in after.csv, p130 has nothing at all.
class EmptyViewsOfRuns : public AskedRun {
 protected:
  EmptyViewsOfRuns() {
    write("before.csv", 0, {"p130"}, ",,,");
    write("after.csv", 1, {"p105", "p117", "p130", "p141"}, ",,NA,,");
  }
  /// A view, in which the rows of some patients hold `cells`, or are not there where it is "".
  void write(const std::string& name, int number, const std::set<std::string>& patients,
             const std::string& cells) const {
    std::string table;
    for (const std::string& line : lines_of(view(number, 0, kSmallRows))) {
      const std::string id = line.substr(0, line.find(','));
      if (!patients.contains(id)) table += line + '\n';
      else if (!cells.empty()) table += id + cells + '\n';
    }
    home_.write(name, table);
  }
  /// Cells of the second view that hold what a run imputes there.
  std::string medians_of(const std::string& folder) const {
    const json median = json::parse(content_of(at(folder) / "preprocess.json"))["views"][1]["median"];
    std::string cells;
    for (const double x : median) cells += fmt::format(",{}", x);
    return cells;
  }
  std::set<std::string> patients_of(const std::string& file) const {
    std::set<std::string> ids;
    for (const auto& cells : cells_of(content_of(at(file)))) ids.insert(cells[0]);
    ids.erase("id");
    return ids;
  }
};

TEST_F(EmptyViewsOfRuns, LeaveThePatientsOutAsIfTheirRowsWereNotThere) {
  const Finished f = run(train_arguments("c.toml", "r", {}));
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "1 patient without a value in any view left out: p130\n");
  EXPECT_CONTAINS(f.log, "after.csv: 3 patients without any value left out: p105, p117, p141 (data.empty_views");
  EXPECT_CONTAINS(f.log, "56 patients in all views;");
  for (const char* file : {"r/split.csv", "r/predictions.csv"}) {
    const std::set<std::string> ids = patients_of(file);
    EXPECT_EQ(ids.size(), 56u) << file;
    for (const char* id : {"p105", "p117", "p130", "p141"}) EXPECT_FALSE(ids.contains(id)) << file << id;
  }
  EXPECT_CONTAINS(content_of(at("r/config.toml")), "\nempty_views = \"leave_out\"\n");
  said({"evaluate", "r", "--split", "test"});
  said({"train", "--resume", "--out", "r", "--set", "train.epochs=31"});
  write("before.csv", 0, {"p105", "p117", "p130", "p141"}, "");
  write("after.csv", 1, {"p105", "p117", "p130", "p141"}, "");
  said(train_arguments("c.toml", "without", {"train.epochs=31"}));
  EXPECT_EQ(summary("without")["hash"], summary("r")["hash"]);
}

TEST_F(EmptyViewsOfRuns, MayBeImputedAsIfTheMediansStoodThere) {
  const std::vector<std::string> impute{"data.empty_views=impute"};
  const Finished f = run(train_arguments("c.toml", "r", impute));
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "1 patient without a value in any view left out: p130\n");
  EXPECT_CONTAINS(f.log,
                  "after.csv: 3 patients without any value get the training rows' medians (data.empty_views): "
                  "p105, p117, p141\n");
  EXPECT_EQ(patients_of("r/split.csv").size(), 59u);
  write("after.csv", 1, {"p105", "p117", "p141"}, medians_of("r"));
  write("before.csv", 0, {"p130"}, "");
  said(train_arguments("c.toml", "filled", impute));
  EXPECT_EQ(summary("filled")["hash"], summary("r")["hash"]);
}

TEST_F(EmptyViewsOfRuns, OfNewPatientsAreAnsweredByAModelThatImputes) {
  train("out");
  train("r", {"data.empty_views=impute"});
  // The first is in one table alone, the second has nothing in the other, the third nothing at all.
  home_.write("1.csv", "id,x0,x1,x2\nn1,0.1,0.2,0.3\nn2,0.4,,0.6\nn3,,,\n");
  home_.write("2.csv", "id,x0,x1,x2,x3\nn2,,,,\nn3,,NA,,\n");
  const auto rows = predicted({"1.csv", "2.csv"});
  ASSERT_EQ(rows.size(), 4u);
  for (const std::size_t r : {1u, 2u}) EXPECT_NEAR(std::stod(rows[r][1]) + std::stod(rows[r][2]), 1, 1e-12);
  EXPECT_EQ(rows[3], (std::vector<std::string>{"n3", "", "", ""}));
  EXPECT_CONTAINS(run({"predict", "r", "--views", "1.csv", "2.csv"}).log,
                  "1 of 3 patients have no value in any view and cannot be answered");
  for (const auto& row : predicted({"1.csv", "2.csv"}, {}, "out"))
    EXPECT_TRUE(row[0] == "id" || row[1].empty()) << row[0];
  // The same answer as with the medians in its row.
  const std::string cells = medians_of("r");
  home_.write("2.csv", "id,x0,x1,x2,x3\nn1" + cells + "\nn2" + cells + "\n");
  home_.write("1.csv", "id,x0,x1,x2\nn1,0.1,0.2,0.3\nn2,0.4,,0.6\n");
  const auto filled = predicted({"1.csv", "2.csv"});
  EXPECT_EQ(filled[1], rows[1]);
  EXPECT_EQ(filled[2], rows[2]);
  // Rows that a run trained on are answered as its predictions.csv has them.
  const auto again = predicted({"before.csv", "after.csv"});
  const auto own = kept("r", 4);
  std::size_t found = 0;
  for (const auto& row : own) found += std::find(again.begin(), again.end(), row) != again.end();
  EXPECT_EQ(found, own.size());
  const auto judged = [&](const char* folder) {
    return json::parse(said(
        {"evaluate", folder, "--json", "--views", "before.csv", "after.csv", "--outcome", "outcome.csv"}))["n"]
        .get<int>();
  };
  EXPECT_EQ(judged("r"), 59);
  EXPECT_EQ(judged("out"), 56);
}

TEST_F(EmptyViewsOfRuns, MayStandInATableOfTheSplit) {
  std::string split = "id,fold\n";
  for (int row = 0; row < kSmallRows; ++row)
    split += id(row) + (row % 3 == 0 ? ",test\n" : row % 3 == 1 ? ",validation\n" : ",train\n");
  home_.write("split.csv", split);
  said(train_arguments("c.toml", "r", {"data.split=split.csv"}));
  EXPECT_EQ(patients_of("r/split.csv").size(), 56u);
  EXPECT_EQ(summary("r")["data"]["rows"]["test"], 19);  // of the 20 multiples of three without p130
}

TEST_F(EmptyViewsOfRuns, ThatLeaveTooFewOfAClassAreToldWithTheRefusal) {
  // Of the cases one alone has a value in the second view.
  std::set<std::string> gone;
  for (int row = 0; row < kSmallRows; ++row)
    if (small_died(row) && row % 11 != 0) gone.insert(id(row));
  ASSERT_GT(gone.size(), 9u);
  gone.erase(gone.begin());
  gone.insert("p130");
  write("after.csv", 1, gone, ",,,,");
  expect_refused(kData, train_arguments("c.toml", "r", {}),
                 {"the class 'case' of 'label' has 1 row for 3 parts",
                  fmt::format("{} patients without a value in some view left out before: ", gone.size())});
}

/// Training rows that lack the cell, by column.
std::vector<int> missing_cells(const std::vector<std::vector<std::string>>& table, const std::set<std::string>& train) {
  std::vector<int> missing(table[0].size() - 1);
  for (std::size_t row = 1; row < table.size(); ++row)
    for (std::size_t c = 1; c < table[row].size() && train.contains(table[row][0]); ++c)
      missing[c - 1] += table[row][c].empty() || table[row][c] == "NA" ? 1 : 0;
  return missing;
}

TEST_F(EmptyViewsOfRuns, AreToldOnTheTerminalAndInTheFilesWithAllElseThatWasDoneToTheData) {
  const std::string log = run(train_arguments("c.toml", "r", {})).log;
  std::set<std::string> train;
  for (const auto& line : cells_of(content_of(at("r/split.csv"))))
    if (line[2] == "train") train.insert(line[0]);
  const json fit = json::parse(content_of(at("r/preprocess.json")));
  EXPECT_EQ(fit["train_rows"], train.size());
  EXPECT_EQ(fit["left_out"], (json{"p105", "p117", "p130", "p141"}));
  json sums;
  for (const int v : {0, 1}) {
    const std::vector<int> expected =
        missing_cells(cells_of(content_of(at(v == 0 ? "before.csv" : "after.csv"))), train);
    EXPECT_EQ(fit["views"][static_cast<std::size_t>(v)]["missing"], json(expected));
    sums.push_back(std::accumulate(expected.begin(), expected.end(), 0));
    const double values = static_cast<double>(train.size()) * (3 + v);
    EXPECT_CONTAINS(log, fmt::format("{}: {:.0f} % of {} values in the training rows are missing and take the median, "
                                     "in {} of {} columns; most in '",
                                     at(v == 0 ? "before.csv" : "after.csv").string(),
                                     100 * sums.back().get<int>() / values, values, 3 + v, 3 + v));
  }
  const json data = summary("r")["data"];
  EXPECT_EQ(data["imputed"], sums);
  EXPECT_EQ(data["outliers"], (json{0, 0}));
  EXPECT_EQ(data["rows"]["left_out"], 4);
  ASSERT_FALSE(data["notices"].empty());
  for (const json& notice : data["notices"]) EXPECT_CONTAINS(log, notice.get<std::string>() + '\n');
  EXPECT_EQ(data["notices"][0], "1 patient without a value in any view left out: p130");
  // A run that goes on keeps what was told when it began, and tells again what was imputed.
  const std::string again = run({"train", "--resume", "--out", "r", "--set", "train.epochs=31"}).log;
  EXPECT_CONTAINS(again, "after.csv: ");
  EXPECT_CONTAINS(again, "values in the training rows are missing");
  EXPECT_EQ(summary("r")["data"]["notices"], data["notices"]);
}

TEST_F(EmptyViewsOfRuns, CountOutliersByColumnWhereSomeAreClipped) {
  std::string table = view(0, 0, kSmallRows);
  const std::string slip = "\np101,", slipped = "\np101,7777,";
  const std::size_t cell = table.find(slip) + slip.size();
  table.replace(cell, table.find(',', cell) - cell, "7777");
  EXPECT_CONTAINS(table, slipped);
  home_.write("before.csv", table);
  std::string split = "id,fold\n";
  for (int row = 0; row < kSmallRows; ++row) split += id(row) + (row % 3 == 0 ? ",validation\n" : ",train\n");
  home_.write("split.csv", split);
  train("r", {"data.outliers=clip", "data.split=split.csv"});
  const json fit = json::parse(content_of(at("r/preprocess.json")));
  EXPECT_EQ(fit["views"][0]["far"], (json{1, 0, 0}));
  EXPECT_EQ(summary("r")["data"]["outliers"], (json{1, 0}));
  const json notices = summary("r")["data"]["notices"];
  EXPECT_TRUE(std::any_of(notices.begin(), notices.end(), [](const json& notice) {
    return notice.get<std::string>().find("7777 of p101 in 'x0' is") != std::string::npos;
  })) << notices;
}

}  // namespace
}  // namespace equipoise::testing
