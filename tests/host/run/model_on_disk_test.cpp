// tests/host/run/model_on_disk_test.cpp - a training that is stopped leaves a model beside its checkpoint, whatever
// chooses it.
#include <gtest/gtest.h>

#include "host/config/model_config.h"
#include "host/run/run_files.h"
#include "host/run/training.h"
#include "tests/host/commands/demo_run.h"

namespace equipoise {
namespace {

using testing::TemporaryFolder;

/// A training that is stopped after its fifth epoch, with a checkpoint after every launch of one step.
class StoppedTraining {
 public:
  explicit StoppedTraining(const std::vector<std::string>& settings) {
    const Config config = load_config(home_.write("c.toml", testing::demo_config(testing::kPbcseq)), settings);
    const PreparedData prepared = prepare_data(config);
    const auto executor = make_cpu_executor(1);
    Trainer trainer(prepared.data, prepared.split, training_plan(config, prepared.data, prepared.split), *executor);
    RunFolder folder = RunFolder::create(home_.path() / "r");
    folder.begin(config, prepared, "{}");
    Log log(LogFormat::json);
    Progress progress(log, trainer.program(), trainer.plan(), trainer.steps_per_epoch(), 0);
    Pace pace;
    pace.most_steps = 1;
    pace.between_checkpoints = std::chrono::milliseconds(0);
    pace.stop = [&] { return trainer.control().epoch == 5; };
    EXPECT_FALSE(train_into(folder, trainer, progress, pace));
    best_epoch = trainer.best_epoch();
    for (const ParameterInfo& p : trainer.program().parameters) names.push_back(p.name);
  }
  std::filesystem::path file(const char* name) const { return home_.path() / "r" / name; }

  /// The model's weights are those that the checkpoint has under the prefix, as are its epoch's.
  void expect_model(const std::string& prefix, int epoch) const {
    ASSERT_TRUE(std::filesystem::exists(file(run_file::kModel)));
    const TensorFile model = read_safetensors(file(run_file::kModel)), last = read_safetensors(file(run_file::kLast));
    EXPECT_EQ(model.metadata_at("epoch"), std::to_string(epoch));
    for (const std::string& name : names) EXPECT_EQ(model.at(name), last.at(prefix + name)) << name;
  }

  int best_epoch = 0;
  std::vector<std::string> names;

 private:
  TemporaryFolder home_;
};

TEST(AModelOnDisk, IsThatOfTheBestEpoch) {
  const StoppedTraining stopped({});
  ASSERT_GT(stopped.best_epoch, 0);
  stopped.expect_model("best.", stopped.best_epoch);
}

TEST(AModelOnDisk, IsThereWithoutValidationRows) {
  const StoppedTraining stopped({"data.validation=0", "train.monitor=\"loss\""});
  EXPECT_EQ(stopped.best_epoch, 0);
  stopped.expect_model("", 5);
}

TEST(AModelOnDisk, IsThereWhereNothingChoosesAnEpoch) {
  const StoppedTraining stopped({"train.monitor=\"none\""});
  EXPECT_EQ(stopped.best_epoch, 0);
  stopped.expect_model("", 5);
}

}  // namespace
}  // namespace equipoise
