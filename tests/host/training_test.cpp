// tests/host/training_test.cpp - a training stopped at any step and gone on with gives the bits of one left alone.
#include "host/training.h"

#include <gtest/gtest.h>

#include "host/model_config.h"
#include "tests/host/demo_run.h"
#include "tests/host/run_program.h"

namespace equipoise {
namespace {

using testing::TemporaryFolder;

const std::filesystem::path kPbcseq = EQUIPOISE_SOURCE_DIR "/tools/demo-data/pbcseq";

/// What remains of a run: state, metrics, best model.
struct Remains {
  std::string hash;
  TensorFile checkpoint, model;
  std::vector<std::string> metrics;

  void expect_equal(const Remains& other) const {
    EXPECT_EQ(hash, other.hash);
    EXPECT_EQ(metrics, other.metrics);
    EXPECT_EQ(checkpoint.tensors, other.checkpoint.tensors);
    EXPECT_EQ(checkpoint.metadata, other.checkpoint.metadata);
    EXPECT_EQ(model.tensors, other.model.tensors);
    EXPECT_EQ(model.metadata, other.model.metadata);
  }
};

class Training : public ::testing::Test {
 protected:
  explicit Training(const std::vector<std::string>& settings = {})
      : config_(load_config(home_.write("c.toml", testing::demo_config(kPbcseq)), settings)),
        prepared_(prepare_data(config_)) {}

  /// One process: from the folder's newest checkpoint (if it has one) until `pace` says stop.
  bool run(const std::filesystem::path& path, const Pace& pace) {
    const bool again = holds_run(path);
    RunFolder folder = again ? RunFolder::open(path) : RunFolder::create(path);
    const auto executor = make_cpu_executor(1);
    Trainer trainer(prepared_.data, prepared_.split, training_plan(config_, prepared_.data, prepared_.split),
                    *executor);
    if (again) {
      folder.resume(
          [&](const TensorFile& checkpoint) {
            trainer.restore(checkpoint);
            return trainer.control().epoch;
          },
          [&](const std::string& notice) { notices_.push_back(notice); });
    } else {
      folder.begin(config_, prepared_, "{}");
    }
    Log log(LogFormat::json);
    Progress progress(log, trainer.program(), trainer.plan(), trainer.steps_per_epoch(), trainer.control().step);
    const bool finished = train_into(folder, trainer, progress, pace);
    if (finished) {
      const auto lines = folder.metrics_without_times();
      remains_ = {trainer.hash(lines), trainer.checkpoint(), trainer.model(), lines};
    }
    return finished;
  }

  Remains uninterrupted() {
    EXPECT_TRUE(run(home_.path() / "whole", Pace{}));
    return remains_;
  }

  TemporaryFolder home_;
  Config config_;
  PreparedData prepared_;
  Remains remains_;
  std::vector<std::string> notices_;
};

TEST_F(Training, StoppedAfterEveryStepEndsInTheBitsOfOneLeftAlone) {
  const Remains whole = uninterrupted();
  const std::filesystem::path path = home_.path() / "pieces";
  int processes = 1;
  for (bool finished = false; !finished; ++processes) {
    int asked = 0;
    Pace pace;
    pace.most_steps = 1;
    pace.stop = [&] { return asked++ == 1; };
    finished = run(path, pace);
    ASSERT_LE(processes, 200);
  }
  EXPECT_EQ(processes - 1, 12 * 6);  // a stop after each of 12 epochs of 6 steps; the last step finishes
  remains_.expect_equal(whole);
}

TEST_F(Training, StoppedAfterEveryFiveStepsEndsInTheSameBits) {
  const Remains whole = uninterrupted();
  const std::filesystem::path path = home_.path() / "pieces";
  bool finished = false;
  for (int process = 0; !finished && process < 200; ++process) {
    int launches = 0;
    Pace pace;
    pace.stop = [&] { return launches++ == 3; };  // launches of 1, 2 and 4 steps, cut at epochs' ends
    finished = run(path, pace);
  }
  ASSERT_TRUE(finished);
  remains_.expect_equal(whole);
}

TEST_F(Training, OfWhichTheNewestCheckpointIsBrokenGoesOnFromTheOneBefore) {
  const Remains whole = uninterrupted();
  const std::filesystem::path path = home_.path() / "broken";
  for (const int stop_after : {3, 2}) {
    int launches = 0;
    Pace pace;
    pace.most_steps = 3;
    pace.stop = [&] { return launches++ == stop_after; };
    ASSERT_FALSE(run(path, pace));
  }
  std::filesystem::resize_file(path / run_file::kLast, 1000);
  ASSERT_TRUE(run(path, Pace{}));
  ASSERT_EQ(notices_.size(), 2u);
  EXPECT_CONTAINS(notices_[0], "last.safetensors");
  EXPECT_CONTAINS(notices_[1], "last.previous.safetensors, the checkpoint before");
  remains_.expect_equal(whole);
}

TEST_F(Training, WritesACheckpointAsOftenAsItsPaceSays) {
  Pace pace;
  pace.most_steps = 3;
  pace.between_checkpoints = std::chrono::milliseconds(0);
  const std::filesystem::path path = home_.path() / "often";
  ASSERT_TRUE(run(path, pace));
  const TensorFile last = read_safetensors(path / run_file::kLast),
                   before = read_safetensors(path / run_file::kPrevious);
  EXPECT_EQ(last.tensors, remains_.checkpoint.tensors);
  EXPECT_EQ(before.at("control.steps").to_int64s()[0], 72);  // the save of the last launch; the final one repeats it
  EXPECT_EQ(read_safetensors(path / run_file::kModel).tensors, remains_.model.tensors);
}

class Overflowing : public Training {
 protected:
  Overflowing() : Training({"optimizer.lr=1e20"}) {}
};

TEST_F(Overflowing, TrainingSavesTheStateBeforeTheBadStep) {
  const std::filesystem::path path = home_.path() / "bad";
  const std::string message = testing::refusal(ExitCode::numerics, [&] { run(path, Pace{}); });
  EXPECT_CONTAINS(message, "non-finite value in");
  const TensorFile saved = read_safetensors(path / run_file::kLast);
  for (const auto& [name, tensor] : saved.tensors) {
    if (tensor.type != ElementType::f32) continue;
    for (const float value : tensor.to_floats()) ASSERT_TRUE(std::isfinite(value)) << name;
  }
  EXPECT_EQ(testing::refusal(ExitCode::numerics, [&] { run(path, Pace{}); }), message);  // gone on with: the same end
}

}  // namespace
}  // namespace equipoise
