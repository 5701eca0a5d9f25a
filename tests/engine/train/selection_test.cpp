// tests/engine/train/selection_test.cpp - the model that a training gives is that of its best epoch, by what the
// monitor watches.
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "engine/run/parameters.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

/// The epoch of the smallest value so far, with the state that the executor then held.
struct SmallestEpoch {
  int epoch = 0;
  double value = std::numeric_limits<double>::infinity();
  std::vector<float> state{};
};

/// A training to its end, watched from outside.
class WatchedTraining {
 public:
  using Watch = std::function<double(const Evaluation&)>;

  explicit WatchedTraining(const SyntheticSystem& s)
      : executor_(make_cpu_executor(1)), trainer_(s.data, s.split, s.plan, *executor_) {}

  SmallestEpoch run(const Watch& watch) {
    SmallestEpoch smallest;
    while (!trainer_.finished())
      if (const auto m = trainer_.advance(1000)) {
        const double value = watch(m->validation);
        EXPECT_EQ(m->best, value < smallest.value) << "epoch " << m->epoch;
        if (value < smallest.value) smallest = {m->epoch, value, state()};
      }
    return smallest;
  }
  std::vector<float> state() const {
    std::vector<float> all(static_cast<std::size_t>(trainer_.program().state_floats));
    executor_->store_state(all);
    return all;
  }
  std::vector<float> parameter(const std::vector<float>& state, const ParameterInfo& p) const {
    return read_parameter(trainer_.program(), p, StatePart::parameter, state);
  }
  Trainer& trainer() { return trainer_; }

 private:
  std::unique_ptr<Executor> executor_;
  Trainer trainer_;
};

/// Fast enough to learn the training rows by heart.
SyntheticSystem overfitting(const equipoise::Setup& setup, double lr = 0.02) {
  SyntheticSystem s = synthetic_system(setup);
  s.plan.setup.settings.lr = lr;
  s.plan.epochs = 40;
  return s;
}

/// By the losses of tasks that have rows.
double weighted_sum(const Evaluation& e, const std::vector<double>& weights) {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) sum += e.counts[k] > 0 ? weights[k] * e.losses[k] : 0;
  return sum;
}

TEST(Selection, TheModelHasTheWeightsOfAnEarlierEpochThatWasBest) {
  const SyntheticSystem s = overfitting(synthetic_trunk(4));
  WatchedTraining training(s);
  const SmallestEpoch best = training.run([](const Evaluation& e) { return weighted_sum(e, {1, 1, 1, 1}); });
  Trainer& trainer = training.trainer();
  ASSERT_GT(best.epoch, 1);
  ASSERT_LT(best.epoch, s.plan.epochs) << "the last epoch is the best, so the test says nothing";
  EXPECT_EQ(trainer.best_epoch(), best.epoch);
  const TensorFile model = trainer.model();
  EXPECT_EQ(model.metadata_at("epoch"), std::to_string(best.epoch));
  for (const ParameterInfo& p : trainer.program().parameters) {
    EXPECT_EQ(model.at(p.name).to_floats(), training.parameter(best.state, p)) << p.name;
    EXPECT_NE(model.at(p.name).to_floats(), training.parameter(training.state(), p)) << p.name;
  }

  WatchedTraining again(s);
  again.trainer().restore(trainer.checkpoint());
  for (const ParameterInfo& p : trainer.program().parameters)
    EXPECT_EQ(again.trainer().model().at(p.name).to_floats(), training.parameter(best.state, p)) << p.name;
  EXPECT_EQ(again.trainer().best()->losses, trainer.best()->losses);
}

TEST(Selection, WeighsTheLossesByTheirInitialWeights) {
  int changed = 0;
  for (std::size_t task = 0; task < 4; ++task) {
    SyntheticSystem s = overfitting(synthetic_trunk(4));
    std::vector<double> weights(4, 0.125);
    weights[task] = 3.625;
    std::copy(weights.begin(), weights.end(), s.plan.setup.settings.initial_weights);
    SmallestEpoch plain;
    WatchedTraining training(s);
    const SmallestEpoch best = training.run([&](const Evaluation& e) {
      const double sum = weighted_sum(e, {1, 1, 1, 1});
      if (sum < plain.value) plain = {training.trainer().control().epoch, sum};
      return weighted_sum(e, weights);
    });
    EXPECT_EQ(training.trainer().best_epoch(), best.epoch) << "task " << task;
    changed += best.epoch != plain.epoch;
  }
  EXPECT_GT(changed, 0) << "the weights change nothing, so the test says nothing";
}

TEST(Selection, OfAVaeganIsTheEpochWithTheSmallestReconstructionError) {
  const SyntheticSystem s = overfitting(synthetic_vaegan(), 1e-3);
  WatchedTraining training(s);
  std::vector<double> errors;
  const SmallestEpoch best = training.run([&](const Evaluation& e) {
    errors.push_back(e.figure("reconstruction_error"));
    return errors.back();
  });
  EXPECT_GT(errors.front(), errors.back());
  EXPECT_EQ(training.trainer().best_epoch(), best.epoch);
  EXPECT_EQ(training.trainer().best()->figure("reconstruction_error"),
            *std::min_element(errors.begin(), errors.end()));
}

}  // namespace
}  // namespace equipoise::test
