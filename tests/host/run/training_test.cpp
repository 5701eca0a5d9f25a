// tests/host/run/training_test.cpp - a training stopped at any step and gone on with gives the bits of one left alone.
#include "host/run/training.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "host/config/model_config.h"
#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/run_program.h"
#include "tests/host/run/metric_lines.h"

namespace equipoise {
namespace {

using nlohmann::json;
using testing::kPbcseq;
using testing::content_of, testing::Finished, testing::TemporaryFolder;

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
      const auto lines = testing::metrics_without_times(folder);
      remains_ = {trainer.hash(lines), trainer.checkpoint(), trainer.model(), lines};
    }
    return finished;
  }

  Remains uninterrupted() {
    EXPECT_TRUE(run(home_.path() / "whole", Pace{}));
    return remains_;
  }

  /// What is left of a training that every process leaves after launches of 1 and 2 steps: amid epochs and at their
  /// ends.
  Remains in_pieces() {
    bool finished = false;
    for (int process = 0; !finished && process < 200; ++process) {
      int launches = 0;
      Pace pace;
      pace.stop = [&] { return launches++ == 2; };
      finished = run(home_.path() / "pieces", pace);
    }
    EXPECT_TRUE(finished);
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

TEST_F(Training, StoppedAfterAFewStepsEachTimeEndsInTheSameBits) {
  const Remains whole = uninterrupted();
  in_pieces().expect_equal(whole);
}

/// One for each method that keeps a state or draws, for compositions of them, and for each place of balancing.
const std::vector<std::vector<std::string>> kStateful = {
    {"balance.methods=[\"gradvac\"]"},
    {"balance.methods=[\"gradnorm\", \"nsgd:update_at=3\"]"},
    {"balance.methods=[\"famo\"]", "balance.at=latent"},
    {"balance.methods=[\"dwa\"]"},
    {"balance.methods=[\"uw\", \"mgda\"]", "balance.rescale=true"},
    {"balance.methods=[\"gradnorm_modified\", \"gradvac\"]", "balance.over=shared"},
    {"balance.methods=[\"rlw\", \"graddrop\"]", "balance.private=weights", "balance.at=latent"},
};

class Stateful : public Training, public ::testing::WithParamInterface<std::vector<std::string>> {
 protected:
  Stateful() : Training(shortened(GetParam())) {}

  static std::vector<std::string> shortened(std::vector<std::string> settings) {
    settings.push_back("train.epochs=6");
    return settings;
  }
};

TEST_P(Stateful, BalancingGoesOnFromTheBitsItStoppedAt) {
  const Remains whole = uninterrupted();
  in_pieces().expect_equal(whole);
}

INSTANTIATE_TEST_SUITE_P(Methods, Stateful, ::testing::ValuesIn(kStateful));

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
  EXPECT_EQ(before.at("control.step").to_int64s()[0], 72);  // the save of the last launch; the final one repeats it
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

/// Runs of the built program that differ in their balancing.
class BalancedRun : public ::testing::Test {
 protected:
  BalancedRun() { home_.write("c.toml", testing::demo_config(kPbcseq)); }

  Finished program(const std::vector<std::string>& arguments) const {
    return testing::run_program(EQUIPOISE_PROGRAM, home_.path(), arguments);
  }
  static std::vector<std::string> training(const std::string& folder, const std::vector<std::string>& settings) {
    std::vector<std::string> arguments{"train", "c.toml", "--device", "cpu", "--out", folder};
    for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
    return arguments;
  }
  /// Trains four epochs, each of one step, so that an epoch's means are the figures of that step.
  std::vector<json> train(const std::string& folder, std::vector<std::string> settings) const {
    settings.insert(settings.end(), {"train.epochs=4", "train.batch=1000"});
    const Finished f = program(training(folder, settings));
    EXPECT_EQ(f.code, 0) << f.log;
    return metrics(folder);
  }
  /// The epochs' lines without the times.
  std::vector<json> metrics(const std::string& folder) const {
    std::istringstream text(content_of(home_.path() / folder / "metrics.jsonl"));
    std::vector<json> lines;
    for (std::string line; std::getline(text, line);) {
      lines.push_back(json::parse(line));
      lines.back().erase("seconds");
    }
    if (!lines.empty()) lines.erase(lines.begin());  // the format
    return lines;
  }
  json summary(const std::string& folder) const { return json::parse(content_of(home_.path() / folder / "run.json")); }
  std::string hash(const std::string& folder) const { return summary(folder)["hash"]; }

  TemporaryFolder home_;
};

/// The step's squared length by the Gram matrix, and what its terms come to without their signs.
struct Length {
  double square = 0, terms = 0;

  Length(const json& gram, const std::vector<double>& coefficients) {
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j) {
        const double term = coefficients[i] * gram[i][j].get<double>() * coefficients[j];
        square += term;
        terms += std::abs(term);
      }
  }
};

void expect_cosines(const json& line) {
  const json &cosines = line["cosines"], &gram = line["gram"];
  ASSERT_EQ(cosines.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(cosines[i].size(), 3u);
    // Two square roots, a product and a quotient, each rounded: four units of 1.1e-16.
    EXPECT_NEAR(cosines[i][i].get<double>(), 1.0, 4.5e-16);
    for (std::size_t j = 0; j < 3; ++j) {
      EXPECT_EQ(cosines[i][j], cosines[j][i]);
      EXPECT_NEAR(cosines[i][j].get<double>() * std::sqrt(gram[i][i].get<double>() * gram[j][j].get<double>()),
                  gram[i][j].get<double>(), 1e-15 * std::sqrt(gram[i][i].get<double>() * gram[j][j].get<double>()));
    }
  }
}

std::vector<double> coefficients_of(const json& line) {
  std::vector<double> values;
  for (const char* task : {"reconstruction", "inherent_variational", "classification"})
    values.push_back(line["task_weights"][task]);
  return values;
}

struct Way {
  std::string name;
  std::vector<std::string> settings;
  bool certified = false, rescaled = false;

  friend void PrintTo(const Way& way, std::ostream* to) { *to << way.name; }
};

const std::vector<Way> kWays = {
    {"Mgda", {"balance.methods=[\"mgda\"]"}, true},
    {"MgdaOverAllShared", {"balance.methods=[\"mgda\"]", "balance.over=shared"}, true},
    {"MgdaAtTheLatent", {"balance.methods=[\"mgda\"]", "balance.at=latent"}, true},
    {"MgdaOnPrivateParts", {"balance.methods=[\"mgda\"]", "balance.private=weights"}, true},
    {"MgdaRescaled", {"balance.methods=[\"mgda\"]", "balance.rescale=true"}, true, true},
    {"GradNormThenPcgrad", {"balance.methods=[\"gradnorm\", \"pcgrad\"]"}},
    {"FamoRescaledAtTheLatent",
     {"balance.methods=[\"famo\"]", "balance.at=latent", "balance.rescale=true"},
     false,
     true},
    {"GradDrop", {"balance.methods=[\"graddrop\"]"}},
    {"GradDropAtTheLatent", {"balance.methods=[\"graddrop\"]", "balance.at=latent"}},
    {"UpgradOfTheCode", {"balance.methods=[\"upgrad\"]", "model.variant=code"}},
};

class BalancedIn : public BalancedRun, public ::testing::WithParamInterface<Way> {};

TEST_P(BalancedIn, EveryWayTheMetricsDescribeTheStepAndTheModelEvaluates) {
  const Way& way = GetParam();
  const std::vector<json> lines = train("r", way.settings);
  ASSERT_EQ(lines.size(), 4u);
  for (const json& line : lines) {
    SCOPED_TRACE(line.dump());
    expect_cosines(line);
    const std::vector<double> coefficients = coefficients_of(line);
    const double step = line["step_norm"];
    // Nine terms of three factors, in either order of summing: 1e-14 of their sizes is ten times what rounding makes.
    const Length length(line["gram"], coefficients), plain(line["gram"], {1, 1, 1});
    EXPECT_GT(step, 0);
    EXPECT_NEAR(step * step, length.square, 1e-14 * length.terms);
    if (way.rescaled) {
      EXPECT_NEAR(step * step, plain.square, 1e-13 * plain.square);
    }
    if (!way.certified) {
      EXPECT_TRUE(line["certificate"].is_null());
      continue;
    }
    ASSERT_TRUE(line["certificate"].is_number());
    EXPECT_LE(std::abs(line["certificate"].get<double>()), 1e-12);
    for (const double c : coefficients) EXPECT_GE(c, 0);
    if (!way.rescaled) {  // 4 K eps is what a min-norm solution's sum may be off
      EXPECT_NEAR(coefficients[0] + coefficients[1] + coefficients[2], 1, 12 * 2.3e-16);
    }
  }
  const Finished f = program({"evaluate", "r", "--json"});
  ASSERT_EQ(f.code, 0) << f.log;
  const json got = json::parse(f.out), best = lines[got["epoch"].get<std::size_t>() - 1]["validation"];
  for (const char* key : {"auc", "losses", "reconstruction_error"}) EXPECT_EQ(got[key], best[key]) << key;
}

INSTANTIATE_TEST_SUITE_P(Ways, BalancedIn, ::testing::ValuesIn(kWays), [](const auto& way) { return way.param.name; });

TEST_F(BalancedRun, SeesTheSameFirstStepMeasuredAtDifferentPlaces) {
  const auto first = [&](const std::string& folder, const std::string& place) {
    return train(folder, {"balance.methods=[\"mgda\"]", place})[0];
  };
  const json heads = first("heads", "balance.over=heads"), shared = first("shared", "balance.over=shared"),
             latent = first("latent", "balance.at=latent");
  EXPECT_EQ(shared["train"], heads["train"]);  // the losses come before the update
  EXPECT_EQ(latent["train"], heads["train"]);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_GT(shared["gram"][k][k], heads["gram"][k][k]) << "the heads are among the shared parameters";
    EXPECT_NE(latent["gram"][k][k], heads["gram"][k][k]);
  }
}

TEST_F(BalancedRun, TreatsPrivatePartsApartOnlyWhereAMethodChangesGradients) {
  const auto both = [&](const std::string& method) {
    for (const std::string parts : {"own", "weights"})
      train(method + parts, {"balance.methods=[\"" + method + "\"]", "balance.private=" + parts});
    return std::pair(hash(method + "own"), hash(method + "weights"));
  };
  const auto [famo_own, famo_weights] = both("famo");
  EXPECT_EQ(famo_own, famo_weights);
  const auto [mgda_own, mgda_weights] = both("mgda");
  EXPECT_NE(mgda_own, mgda_weights);
}

TEST_F(BalancedRun, ChangesTheModelWithEachSettingOfItsOwn) {
  std::set<std::string> hashes;
  const std::vector<std::string> settings = {
      "balance.methods=[\"gradnorm\"]",       "balance.methods=[\"mgda\"]",
      "balance.methods=[\"cagrad\"]",         "balance.methods=[\"cagrad:c=0.2\"]",
      "balance.methods=[\"mgda\", \"nsgd\"]", "balance.methods=[\"nsgd\", \"mgda\"]"};
  for (std::size_t i = 0; i < settings.size(); ++i) {
    train(std::to_string(i), {settings[i]});
    hashes.insert(hash(std::to_string(i)));
  }
  EXPECT_EQ(hashes.size(), settings.size());
}

TEST_F(BalancedRun, InterruptedAndResumedEndsInTheSameBits) {
  const std::vector<std::vector<std::string>> chains = {{"balance.methods=[\"gradvac\"]", "balance.at=latent"},
                                                        {"balance.methods=[\"dwa\", \"nsgd\"]", "balance.over=shared"},
                                                        {"balance.methods=[\"famo\"]", "balance.rescale=true"}};
  for (std::size_t chain = 0; chain < chains.size(); ++chain) {
    SCOPED_TRACE(chains[chain].front());
    std::vector<std::string> settings = chains[chain];
    settings.push_back(fmt::format("train.epochs={}", testing::to_be_caught(800)));
    const std::string whole = fmt::format("whole{}", chain), pieces = fmt::format("pieces{}", chain);
    ASSERT_EQ(program(training(whole, settings)).code, 0);
    {
      testing::Process process(EQUIPOISE_PROGRAM, home_.path(), training(pieces, settings));
      ASSERT_TRUE(process.wait_for_lines(home_.path() / pieces / "metrics.jsonl", 20)) << "it ended too early";
      process.send(SIGTERM);
      const Finished stopped = process.finish();
      ASSERT_EQ(stopped.code, 75) << stopped.log;
    }
    EXPECT_EQ(summary(pieces)["status"], "stopped");
    const Finished resumed = program({"train", "--resume", "--device", "cpu", "--out", pieces});
    ASSERT_EQ(resumed.code, 0) << resumed.log;
    EXPECT_EQ(hash(pieces), hash(whole));
    EXPECT_EQ(metrics(pieces), metrics(whole));
    for (const char* file : {"model.safetensors", "last.safetensors", "predictions.csv", "config.toml"})
      EXPECT_EQ(content_of(home_.path() / pieces / file), content_of(home_.path() / whole / file)) << file;
  }
}

}  // namespace
}  // namespace equipoise
