// tests/host/commands/dead_layer_run_test.cpp - a training whose layer dies says so once, and its files keep it.
#include <gtest/gtest.h>

#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

using nlohmann::json;

class DeadLayerRun : public ProgramRun {
 protected:
  /// Trains a small trunk on generated rows at such a rate.
  Finished train(const std::string& lr, const std::string& folder) const {
    home_.write("c.toml", said({"init", "trunk"}));
    std::vector<std::string> arguments{"train", "c.toml", "--device", "cpu", "--out", folder};
    for (const std::string& setting :
         {std::string("data.rows=200"), std::string("data.features=6"), std::string("data.outputs=2"),
          std::string("data.sigmas=[1.0,3.0]"), std::string("model.trunk=[8,8]"), std::string("train.epochs=12"),
          std::string("balance.methods=[\"gradnorm:restart=each_step\"]"), "optimizer.lr=" + lr})
      arguments.insert(arguments.end(), {"--set", setting});
    return run(arguments);
  }
};

TEST_F(DeadLayerRun, WarnsOnceAndNamesWhatIsDead) {
  const Finished f = train("0.3", "dead");
  ASSERT_EQ(f.code, 0) << f.log;
  const std::string warning = "the measured gradients of all 2 tasks were exactly zero in every step";
  const std::size_t at = f.log.find(warning);
  ASSERT_NE(at, std::string::npos) << f.log;
  EXPECT_EQ(f.log.find(warning, at + 1), std::string::npos) << f.log;
  EXPECT_CONTAINS(f.log, "on any training row: fc1 - ");  // fc2 lives by its biases
  EXPECT_CONTAINS(f.out, "dead layers: fc1 (");
  EXPECT_EQ(summary("dead")["dead_layers"], json::array({"fc1"}));

  bool vanished = false;
  for (const json& epoch : metrics("dead")) {
    const bool now = epoch["gram"] == json::parse("[[0.0, 0.0], [0.0, 0.0]]");
    EXPECT_EQ(epoch.contains("vanished_gradients"), now) << epoch;
    EXPECT_EQ(epoch.value("vanished_gradients", json::array()), now ? json::array({"task0", "task1"}) : json::array());
    EXPECT_TRUE(now || !vanished) << "alive again: " << epoch;
    vanished = now;
  }
  EXPECT_TRUE(vanished);
}

TEST_F(DeadLayerRun, SaysNothingOfLayersThatLive) {
  const Finished f = train("0.001", "alive");
  ASSERT_EQ(f.code, 0) << f.log;
  EXPECT_EQ(f.log.find("warning"), std::string::npos) << f.log;
  EXPECT_EQ(f.out.find("dead"), std::string::npos) << f.out;
  EXPECT_EQ(summary("alive")["dead_layers"], json::array());
}

}  // namespace
}  // namespace equipoise::testing
