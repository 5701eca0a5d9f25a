// tests/host/commands/asked_folder_test.cpp - run folders that were moved, cut short or failed, and what they answer;
// external cohorts and embeddings.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/host/commands/asked_run.h"

namespace equipoise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class AskedFolder : public AskedRun {
 protected:
  /// Tables of some rows of the run in `folder`, by their fold.
  void write_part(const std::string& folder, const std::string& fold) const {
    std::string before = view(0, 0, 0), after = view(1, 0, 0), outcomes = outcome(0, 0);
    const auto body = [](const std::string& table) { return table.substr(table.find('\n') + 1); };
    const auto rows = cells_of(content_of(at(folder) / "predictions.csv"));
    for (std::size_t r = 1; r < rows.size(); ++r) {
      if (rows[r][1] != fold) continue;
      const int row = static_cast<int>(r) - 1;
      before += body(view(0, row, row + 1));
      after += body(view(1, row, row + 1));
      outcomes += body(outcome(row, row + 1));
    }
    home_.write("part1.csv", before);
    home_.write("part2.csv", after);
    home_.write("part3.csv", outcomes);
  }
};

TEST_F(AskedFolder, JudgesAnExternalCohortAsItWouldItsOwnRows) {
  train("r");
  write_part("r", "test");
  json own = json::parse(said({"evaluate", "r", "--split", "test", "--json"}));
  json external =
      json::parse(said({"evaluate", "r", "--views", "part1.csv", "part2.csv", "--outcome", "part3.csv", "--json"}));
  EXPECT_EQ(external["split"], "external");
  own.erase("split"), external.erase("split");
  EXPECT_EQ(external, own);
  EXPECT_CONTAINS(said({"evaluate", "r", "--views", "part1.csv", "part2.csv", "--outcome", "part3.csv"}), "external");
  // A cohort of one class has a sensitivity, but no AUC and no specificity.
  home_.write("ill.csv", "id,label\np101,case\np102,case\n");
  const json ill =
      json::parse(said({"evaluate", "r", "--views", "before.csv", "after.csv", "--outcome", "ill.csv", "--json"}));
  EXPECT_EQ(ill["labelled"], 2);
  EXPECT_TRUE(ill["auc"].is_null() && ill["specificity"].is_null());
  EXPECT_FALSE(ill["sensitivity"].is_null());
  home_.write("marked.csv", "id,label\np101,case\np102,-1\np103,NULL\n");  // no class of training
  EXPECT_EQ(json::parse(said({"evaluate", "r", "--views", "before.csv", "after.csv", "--outcome", "marked.csv",
                              "--json"}))["labelled"],
            1);
  home_.write("other.csv", "id,label\np101,Case\np102,Control\n");
  expect_refused(kData, {"evaluate", "r", "--views", "before.csv", "after.csv", "--outcome", "other.csv"},
                 {"the class 'Case' was not in the training data", "did you mean 'case'?"});
  expect_refused(kUsage, {"evaluate", "r", "--views", "before.csv", "after.csv"}, {"--outcome is missing", "'label'"});
  expect_refused(kUsage, {"evaluate", "r", "--outcome", "outcome.csv"}, {"--outcome", "--views"});
  expect_refused(kUsage, {"evaluate", "r", "--split", "test", "--views", "before.csv", "after.csv"}, {"drop one"});
}

TEST_F(AskedFolder, JudgesTasksOfAnExternalCohort) {
  write_small_tables(home_.path());
  home_.write("mtl.toml", kSmallMtl);
  said(train_arguments("mtl.toml", "r", {"data.validation=0", "data.test=0"}));
  json own = json::parse(said({"evaluate", "r", "--split", "train", "--json"}));
  json external = json::parse(said({"evaluate", "r", "--views", "features.csv", "--outcome", "outcome.csv", "--json"}));
  own.erase("split"), external.erase("split");
  EXPECT_EQ(external, own);
}

TEST_F(AskedFolder, AnswersWhereverItLies) {
  train("r");
  const auto own = kept("r", 4);
  const json figures = json::parse(said({"evaluate", "r", "--json"}));
  fs::create_directories(at("far/away"));
  fs::rename(at("r"), at("far/away/run"));
  const auto asked = [&] { return json::parse(said({"evaluate", "far/away/run", "--json"})); };
  EXPECT_EQ(asked(), figures) << "the tables are where they were";
  EXPECT_EQ(predicted({"before.csv", "after.csv"}, {}, "far/away/run"), own);

  fs::create_directories(at("tables/deep"));
  for (const char* table : {"before.csv", "after.csv", "outcome.csv"}) fs::rename(at(table), at("tables/deep") / table);
  expect_refused(kData, {"evaluate", "far/away/run"}, {"before.csv", "after.csv", "outcome.csv", "--data-root"});
  expect_refused(kData, {"embed", "far/away/run"}, {"--data-root"});
  expect_refused(kData, {"train", "--resume", "--out", "far/away/run"}, {"--data-root"});
  expect_refused(kData, {"evaluate", "far/away/run", "--data-root", "tables"}, {"tables/before.csv"});
  EXPECT_EQ(json::parse(said({"evaluate", "far/away/run", "--data-root", "tables/deep", "--json"})), figures);
  EXPECT_EQ(predicted({"tables/deep/before.csv", "tables/deep/after.csv"}, {}, "far/away/run"), own);
  said({"train", "--resume", "--out", "far/away/run", "--data-root", "tables/deep"});
  EXPECT_EQ(summary("far/away/run")["status"], "finished");
  EXPECT_EQ(asked(), figures) << "the resumed run knows where the tables were found";

  // Another table under the same name is not taken for the one of training.
  std::string changed = view(0, 0, kSmallRows);
  changed.insert(changed.find("p103,") + 5, "9");
  home_.write("tables/deep/before.csv", changed);
  expect_refused(kData, {"evaluate", "far/away/run", "--data-root", "tables/deep"}, {"before.csv"});
  expect_refused(kUsage, {"train", "c.toml", "--data-root", "tables"}, {"--data-root", "--resume"});
}

TEST_F(AskedFolder, IsFoundWithItsTablesWhereAStudyIsMovedWhole) {
  fs::create_directories(at("study"));
  for (const char* name : {"before.csv", "after.csv", "outcome.csv", "c.toml"})
    fs::rename(at(name), at("study") / name);
  said(train_arguments("study/c.toml", "study/runs/r", {}));
  const std::string figures = said({"evaluate", "study/runs/r", "--json"});
  fs::rename(at("study"), at("elsewhere"));
  EXPECT_EQ(said({"evaluate", "elsewhere/runs/r", "--json"}), figures);
}

TEST_F(AskedFolder, EmbedsRowsByTheMeansOfTheirLatents) {
  train("r");
  const auto rows = cells_of(said({"embed", "r"}));
  EXPECT_EQ(rows[0], (std::vector<std::string>{"id", "fold", "shared1", "shared2", "shared3", "specific1_1",
                                               "specific1_2", "specific2_1", "specific2_2"}));
  const auto folds = cells_of(content_of(at("r") / "predictions.csv"));
  const auto answers = predicted({"before.csv", "after.csv"}, {"--latent"});
  const auto anew = cells_of(said({"embed", "r", "--views", "before.csv", "after.csv"}));
  ASSERT_EQ(rows.size(), 1u + kSmallRows);
  for (std::size_t r = 1; r < rows.size(); ++r) {
    EXPECT_EQ(rows[r][1], folds[r][1]);
    EXPECT_EQ(std::vector<std::string>(rows[r].begin() + 2, rows[r].end()),
              std::vector<std::string>(answers[r].begin() + 4, answers[r].end()));
    EXPECT_EQ(std::vector<std::string>(rows[r].begin() + 2, rows[r].end()),
              std::vector<std::string>(anew[r].begin() + 1, anew[r].end()));
  }
  // As an array: the header that NumPy writes, then float32.
  said({"embed", "r", "--out", "latents.npy"});
  const std::string array = content_of(at("latents.npy"));
  ASSERT_EQ(array.size(), 128u + kSmallRows * 7 * 4);
  EXPECT_EQ(array.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_CONTAINS(array.substr(10, 118), "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 7), }");
  EXPECT_EQ(array[127], '\n');
  float first[7];
  std::memcpy(first, array.data() + 128, sizeof first);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(first[i], static_cast<float>(std::stod(rows[1][i + 2]))) << i;
}

/// Classifies by hand what the classifier reads: softmax of W [shared, specific of view 1, ...] + b.
TEST_F(AskedFolder, EmbedsWhatTheClassifierReads) {
  train("r");
  const std::string file = content_of(at("r") / "model.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  const json header = json::parse(file.substr(8, length));
  const auto tensor = [&](const std::string& name) {
    const auto offsets = header.at(name).at("data_offsets");
    std::vector<float> values((offsets[1].get<size_t>() - offsets[0].get<size_t>()) / 4);
    std::memcpy(values.data(), file.data() + 8 + length + offsets[0].get<size_t>(), values.size() * 4);
    return values;
  };
  const std::vector<float> weight = tensor("fc1.weight"), bias = tensor("fc1.bias");
  ASSERT_EQ(weight.size(), 2u * 7);
  for (const auto& row : predicted({"before.csv", "after.csv"}, {"--latent"})) {
    if (row[0] == "id") continue;
    double logit[2];
    for (std::size_t k = 0; k < 2; ++k) {
      logit[k] = bias[k];
      for (std::size_t i = 0; i < 7; ++i) logit[k] += weight[k * 7 + i] * std::stod(row[4 + i]);
    }
    EXPECT_NEAR(std::stod(row[2]), 1 / (1 + std::exp(logit[0] - logit[1])), 1e-6) << row[0];
  }
}

TEST_F(AskedFolder, EmbedsTrunkFeaturesAndLatentMeans) {
  write_small_tables(home_.path());
  home_.write("mtl.toml", kSmallMtl);
  home_.write("vaegan.toml", kSmallVaegan);
  said(train_arguments("mtl.toml", "m", {"model.trunk=[5]"}));
  const auto trunk = cells_of(said({"embed", "m", "--views", "features.csv"}));
  EXPECT_EQ(trunk[0], (std::vector<std::string>{"id", "trunk1", "trunk2", "trunk3", "trunk4", "trunk5"}));
  double largest = 0;
  for (std::size_t r = 1; r < trunk.size(); ++r)
    for (std::size_t i = 1; i < 6; ++i) {
      EXPECT_GE(std::stod(trunk[r][i]), 0) << "after the relu";
      largest = std::max(largest, std::stod(trunk[r][i]));
    }
  EXPECT_GT(largest, 0);
  said(train_arguments("vaegan.toml", "v", {}));
  const auto latents = cells_of(said({"embed", "v", "--views", "features.csv"}));
  const auto answers = kept("v", 3);
  for (std::size_t r = 0; r < latents.size(); ++r)
    EXPECT_EQ(latents[r], std::vector<std::string>(answers[r].begin(), answers[r].begin() + 4));
}

constexpr int kManyEpochs = to_be_caught(20000);

/// Stops a training by a signal once its metrics have so many lines.
void stop(const TemporaryFolder& home, const std::vector<std::string>& arguments, const std::string& folder,
          long lines) {
  Process process(EQUIPOISE_PROGRAM, home.path(), arguments);
  EXPECT_TRUE(process.wait_for_lines(home.path() / folder / "metrics.jsonl", lines)) << "it ended too early";
  process.send(SIGTERM);
  EXPECT_EQ(process.finish().code, kStopped);
}

TEST_F(AskedFolder, OfAnInterruptedRunAnswersByItsCheckpointAndSaysSo) {
  const std::string epochs = fmt::format("train.epochs={}", kManyEpochs);
  stop(home_, train_arguments("c.toml", "r", {epochs, "train.patience=0"}), "r", 30);
  const Finished f = run({"evaluate", "r", "--json"});
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.log, "r: the run was stopped after epoch ");
  EXPECT_CONTAINS(
      f.log, fmt::format(" of {}; this is its model of epoch {}", kManyEpochs, json::parse(f.out)["epoch"].get<int>()));
  // The model file of the best epoch says the same; without it the checkpoint serves.
  EXPECT_EQ(summary("r")["best_epoch"], json::parse(f.out)["epoch"]);
  for (const char* figure : {"auc", "reconstruction_error", "losses"})
    EXPECT_EQ(summary("r")["best_validation"][figure], json::parse(f.out)[figure]) << figure;
  fs::remove(at("r/model.safetensors"));
  EXPECT_EQ(said({"evaluate", "r", "--json"}), f.out);
  EXPECT_CONTAINS(run({"predict", "r", "--views", "before.csv", "after.csv"}).log, "was stopped after epoch");
}

TEST_F(AskedFolder, WhoseCheckpointsCannotBeReadAnswersByItsModel) {
  train("r");
  const std::string figures = said({"evaluate", "r", "--json"});
  std::string account = content_of(at("r/run.json"));
  account.replace(account.find("\"finished\""), 10, "\"running\"");
  home_.write("r/run.json", account);
  home_.write("r/last.safetensors", "torn");
  const Finished f = run({"evaluate", "r", "--json"});
  EXPECT_EQ(f.out, figures) << f.log;
  EXPECT_CONTAINS(f.log, "r: the run has not ended, or was killed, after epoch 30 of 30; this is its model of epoch ");
  fs::remove(at("r/model.safetensors"));
  expect_refused(kCheckpoint, {"evaluate", "r"}, {"last.safetensors"});
  fs::remove(at("r/last.safetensors"));
  fs::remove(at("r/last.previous.safetensors"));
  expect_refused(kCheckpoint, {"evaluate", "r"}, {"was killed, before its first checkpoint", "--resume --out r"});
}

TEST_F(AskedFolder, OfARunStoppedInItsFirstEpochSaysThatThereIsNoModel) {
  // A long epoch: many rows, one a step.
  std::string before = view(0, 0, kSmallRows), after = view(1, 0, kSmallRows), outcomes = outcome(0, kSmallRows);
  for (int row = kSmallRows; row < to_be_caught(30000); ++row) {
    before += fmt::format("q{},1,2,{}\n", row, row % 17);
    after += fmt::format("q{},1,2,{},4\n", row, row % 13);
  }
  home_.write("before.csv", before);
  home_.write("after.csv", after);
  stop(home_, train_arguments("c.toml", "r", {"train.batch=1"}), "r", 1);
  for (const std::vector<std::string>& question : {std::vector<std::string>{"evaluate", "r"},
                                                   {"generate", "r"},
                                                   {"embed", "r"},
                                                   {"predict", "r", "--views", "before.csv", "after.csv"}})
    expect_refused(kCheckpoint, question,
                   {"r: the run was stopped in its first epoch, after step ", "train --resume --out r"});
}

TEST_F(AskedFolder, OfARunThatFailedAtItsFirstStepIsFreeForAnother) {
  const std::vector<std::string> bad{"optimizer.lr=1e30", "train.epochs=2"};
  EXPECT_EQ(run(train_arguments("c.toml", "r", bad)).code, kNumerics);
  ASSERT_EQ(summary("r")["status"], "failed");
  ASSERT_EQ(summary("r")["epochs"], 0);
  expect_refused(kCheckpoint, {"evaluate", "r"}, {"failed in its first epoch"});
  const Finished good = run(train_arguments("c.toml", "r", {}));
  EXPECT_EQ(good.code, 0) << good.log;
  EXPECT_CONTAINS(good.log, "r: the run in it failed in its first epoch and is replaced");
  EXPECT_EQ(summary("r")["status"], "finished");
  train("fresh");
  EXPECT_EQ(summary("r")["hash"], summary("fresh")["hash"]);
  expect_refused(kFileSystem, train_arguments("c.toml", "r", {}), {"holds a run already"});
}

}  // namespace
}  // namespace equipoise::testing
