// tests/host/commands/views_test.cpp - MLDRL with one to six tables of features, as the built program runs it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/host/commands/program_run.h"
#include "tests/host/commands/small_tables.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

/// Sixty patients with 2, 3, 4, ... columns in each of six views; label tells the sign of what all of them hold.
class ViewsOfMldrl : public ProgramRun, public ::testing::WithParamInterface<int> {
 protected:
  ViewsOfMldrl() {
    for (int view = 0; view < 7; ++view) {
      std::string table = "id";
      for (int c = 0; c < view + 2; ++c) table += fmt::format(",x{}", c);
      for (int row = 0; row < kSmallRows; ++row) {
        table += fmt::format("\np{}", 100 + row);
        for (int c = 0; c < view + 2; ++c)
          table += fmt::format(",{:.4f}", small_feature(row, 2) * (1 + c) + 0.3 * small_feature(row, 3 + view + c));
      }
      home_.write(fmt::format("view{}.csv", view + 1), table + "\n");
    }
    std::string outcome = "id,label\n";
    for (int row = 0; row < kSmallRows; ++row) outcome += fmt::format("p{},{:d}\n", 100 + row, small_died(row));
    home_.write("outcome.csv", outcome);
  }

  /// A config with so many views; `model` is added to its section.
  void write_config(int views, const std::string& model = "") const {
    std::string names;
    for (int view = 1; view <= views; ++view) names += fmt::format("{}\"view{}.csv\"", view > 1 ? ", " : "", view);
    home_.write("c.toml", fmt::format("[data]\nviews = [{}]\noutcome = \"outcome.csv\"\n[model]\nkind = \"mldrl\"\n"
                                      "hidden = 8\nshared = 3\nspecific = 2\n{}[optimizer]\nlr = 0.005\n"
                                      "[train]\nepochs = 40\nbatch = 16\n",
                                      names, model));
  }
};

TEST_P(ViewsOfMldrl, TrainAndAreJudgedViewByView) {
  const int views = GetParam();
  write_config(views);
  said(train_arguments("c.toml", "r", {}));
  const json figures = json::parse(said({"evaluate", "r", "--split", "test", "--json"}));
  EXPECT_GT(figures["auc"].get<double>(), 0.9) << "every view tells the label but for noise";
  const auto count = [&](const char* name) { return figures.contains(name) ? figures[name].size() : 0; };
  EXPECT_EQ(count("reconstruction_error"), static_cast<std::size_t>(views));
  EXPECT_EQ(count("crossed_error"), static_cast<std::size_t>(views > 1 ? views : 0));
  const json first = metrics("r").front()["train"]["losses"], last = metrics("r").back()["train"]["losses"];
  EXPECT_EQ(last.contains("inherent_variational"), views > 1);
  EXPECT_LT(last["reconstruction"].get<double>(), first["reconstruction"].get<double>());
}

TEST_P(ViewsOfMldrl, RecordStepsThatReplayToTheSameBits) {
  write_config(GetParam());
  said({"record", "c.toml", "--steps", "2", "--out", "record"});
  const json report = json::parse(said({"replay", "record", "--json", "--tolerance", "0"}));
  EXPECT_EQ(report["worst"], 0.0);
  EXPECT_GT(report["deviations"].size(), 20u);
}

TEST_P(ViewsOfMldrl, AreBalancedAtTheLatentOfTheLast) {
  const int views = GetParam();
  write_config(views);
  const std::vector<std::string> mgda{"balance.methods=[\"mgda\"]", "train.epochs=3"};
  std::vector<std::string> last = mgda, beyond = mgda;
  last.push_back(fmt::format("balance.at=latent{}", views));
  beyond.push_back(fmt::format("balance.at=latent{}", views + 1));
  said(train_arguments("c.toml", "r", last));
  EXPECT_EQ(summary("r")["status"], "finished");
  expect_refused(2, train_arguments("c.toml", "none", beyond), {"balance.at"});
}

INSTANTIATE_TEST_SUITE_P(Of, ViewsOfMldrl, ::testing::Values(1, 3, 4, 6));

class ViewRefusals : public ViewsOfMldrl {};

TEST_F(ViewRefusals, NameWhatTheNumberOfViewsForbids) {
  write_config(7);
  expect_refused(2, train_arguments("c.toml", "r", {}),
                 {"data.views", "names 7 tables, but mldrl takes 1 to 6; name as many"});
  for (const int views : {1, 3}) {
    write_config(views, "variant = \"code\"\n");
    expect_refused(2, train_arguments("c.toml", "r", {}),
                   {".variant is \"code\", the authors' program, which knows two views and not"});
  }
  write_config(1, "losses = [\"reconstruction\", \"inherent_variational\"]\n");
  expect_refused(2, train_arguments("c.toml", "r", {}),
                 {".losses names inherent_variational, which compares views, and there is one; leave it out"});
}

}  // namespace
}  // namespace equipoise::testing
