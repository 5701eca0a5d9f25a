// tests/host/commands/categories_run_test.cpp - runs on columns of words: as if a column for each word stood in the
// table.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/host/commands/asked_run.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

/// The second view of AskedRun has a site of three and a sex of two words besides.
class CategoriesOfRuns : public AskedRun {
 protected:
  CategoriesOfRuns() {
    std::string words, numbers;
    const std::vector<std::string> lines = lines_of(view(1, 0, kSmallRows));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const int site = static_cast<int>(i * i % 7 % 3), sex = static_cast<int>(i % 5 < 2);
      words += lines[i] + (i == 0 ? ",site,sex\n" : fmt::format(",{},{}\n", kSite[site], sex ? "m" : "f"));
      numbers +=
          lines[i] + (i == 0 ? ",site=Bonn,site=Kiel,site=Ulm,sex=m\n"
                             : fmt::format(",{},{},{},{}\n", int{site == 1}, int{site == 2}, int{site == 0}, sex));
    }
    home_.write("after.csv", words);
    home_.write("numbers.csv", numbers);
  }
  static constexpr const char* kSite[] = {"Ulm", "Bonn", "Kiel"};
};

TEST_F(CategoriesOfRuns, AreAsIfTheirColumnsStoodInTheTable) {
  const Finished f = run(train_arguments("c.toml", "r", {"data.categorical=auto"}));
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "2 columns of words as numbers: site (a column for each of 3 words), sex (f = 0, m = 1)\n");
  EXPECT_CONTAINS(summary("r")["data"]["notices"].dump(), "2 columns of words as numbers");
  train("numbers", {"data.views=[\"before.csv\",\"numbers.csv\"]"});
  EXPECT_EQ(summary("r")["hash"], summary("numbers")["hash"]);
  train("without");
  EXPECT_NE(summary("r")["hash"], summary("without")["hash"]);
  EXPECT_EQ(json::parse(content_of(at("r/preprocess.json")))["views"][1]["columns"].size(), 8u);
  said({"evaluate", "r", "--split", "test"});
  said({"train", "--resume", "--out", "r", "--set", "train.epochs=31"});
  EXPECT_CONTAINS(summary("r")["data"]["notices"].dump(), "2 columns of words as numbers");
  train("more", {"data.categorical=[\"site\",\"sex\"]", "train.epochs=31"});
  EXPECT_EQ(summary("r")["hash"], summary("more")["hash"]);
}

TEST_F(CategoriesOfRuns, AnswerNewRowsByTheirWords) {
  train("r", {"data.categorical=auto"});
  EXPECT_EQ(predicted({"before.csv", "after.csv"}), kept("r", 4));
  home_.write("1.csv", "id,x0,x1,x2\nn1,0.1,0.2,0.3\nn2,0.1,0.2,0.3\n");
  home_.write("2.csv", "sex,id,x0,x1,x2,x3,site\nf,n1,1,2,3,4,Rom\nf,n2,1,2,3,4,Bonn\n");
  const auto rows = predicted({"1.csv", "2.csv"});
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_NE(rows[1][1], rows[2][1]);
  EXPECT_CONTAINS(run({"predict", "r", "--views", "1.csv", "2.csv"}).log,
                  "2.csv: 1 row has in 'site' a word that no training row has: Rom; all columns of that are 0 there");
  home_.write("2.csv", "id,x0,x1,x2,x3,sex\nn1,1,2,3,4,f\n");
  expect_refused(3, {"predict", "r", "--views", "1.csv", "2.csv"},
                 {"2.csv:1:1: the column 'site' of the training data is missing"});
}

TEST_F(CategoriesOfRuns, MayBeSelectedWordByWord) {
  const std::vector<std::string> settings{"data.categorical=auto", "select.methods=[\"variance\"]", "select.keep=5"};
  train("r", settings);
  const json view = json::parse(content_of(at("r/preprocess.json")))["views"][1];
  EXPECT_EQ(view["columns"].size(), 5u);
  EXPECT_EQ(view["categories"].size(), 2u);
  EXPECT_EQ(predicted({"before.csv", "after.csv"}), kept("r", 4));
  said({"evaluate", "r", "--split", "test"});
}

TEST_F(CategoriesOfRuns, ThatTellTheClassAreRefused) {
  std::string table;
  const std::vector<std::string> lines = lines_of(view(1, 0, kSmallRows));
  for (std::size_t i = 0; i < lines.size(); ++i)
    table += lines[i] + (i == 0 ? ",went" : small_died(static_cast<int>(i) - 1) ? ",north" : ",south") + "\n";
  home_.write("after.csv", table);
  expect_refused(3, train_arguments("c.toml", "r", {"data.categorical=auto"}),
                 {"the 2 levels of the feature 'went' tell the class of 'label'", "data.allow = [\"went\"]"});
  train("allowed", {"data.categorical=auto", "data.allow=went"});
}

TEST_F(CategoriesOfRuns, AreProposedByInit) {
  const std::string config = said({"init", "mldrl", "--from", "before.csv", "after.csv", "outcome.csv"});
  EXPECT_CONTAINS(config, "categorical = [\"auto\"]");
  EXPECT_CONTAINS(config, "# columns of few words: site, sex\n");
}

}  // namespace
}  // namespace equipoise::testing
