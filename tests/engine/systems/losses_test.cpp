// tests/engine/systems/losses_test.cpp - systems that leave losses out: what is gone with them, and that what is left
// trains as it does beside losses of no weight.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/systems/metadata.h"
#include "engine/train/record.h"
#include "engine/train/replay.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

Setup small_mldrl(std::vector<std::string> losses) {
  Setup setup = mldrl_setup("paper");
  train_fast(setup);
  setup.settings.clip_norm = setup.settings.weight_decay = 0;
  MldrlModel& m = mldrl(setup);
  m.features = {9, 6};
  m.hidden = 7;
  m.losses = std::move(losses);
  balance_by(setup, {"identity"});
  for (std::size_t k = 0; k < m.losses.size(); ++k) setup.settings.initial_weights[k] = 1.0;
  return setup;
}

using Values = std::map<std::string, std::vector<float>>;

/// Parameters by name after some steps, which begin at `start` where it names them, else at the model's own.
Values after_steps(const Setup& setup, int steps, const Values& start = {}) {
  SteppedSystem s(setup, kSystemBatch);
  const Program& program = s.stepper.program();
  std::vector<float> state = s.stepper.state();
  for (const ParameterInfo& p : program.parameters)
    if (start.contains(p.name)) write_parameter(program, p, StatePart::parameter, state, start.at(p.name));
  s.executor->load_state(state, program.state_floats);
  for (int i = 0; i < steps; ++i) s.stepper.step();
  Values values;
  for (const ParameterInfo& p : program.parameters) values[p.name] = s.value(p);
  return values;
}

// With Adam a parameter that only a loss of weight zero reaches stays where it is, and others get exact zeros added.
TEST(LossesLeftOut, AreLossesOfNoWeight) {
  const std::vector<std::string> all = {kReconstruction, kInherentVariational, kClassification};
  for (std::size_t out = 0; out < all.size(); ++out) {
    SCOPED_TRACE("without " + all[out]);
    std::vector<std::string> left = all;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(out));
    auto whole = small_mldrl(all);
    whole.settings.initial_weights[out] = 0;
    const auto start = after_steps(whole, 0), expected = after_steps(whole, 6, start);
    const auto got = after_steps(small_mldrl(left), 6, start);
    EXPECT_EQ(got.size() < expected.size(), all[out] != kInherentVariational);
    for (const auto& [name, values] : got) EXPECT_EQ(values, expected.at(name)) << name;
  }
}

TEST(LossesLeftOut, TakeTheirPartsOfTheModelWithThem) {
  const auto layers = [](const auto& setup) {
    std::string names;
    const Graph graph = setup.system->graph(Pass::train);
    for (const Layer& layer : graph.layers()) names += layer.slices[0].name + " ";
    return names;
  };
  EXPECT_EQ(layers(small_mldrl({kInherentVariational})), "encoder1.linear1 encoder2.linear1 _enc_mu ");
  EXPECT_EQ(layers(small_mldrl({kClassification})), "encoder1.linear1 encoder2.linear1 _enc_mu fc1 ");
  EXPECT_EQ(layers(small_mldrl({kReconstruction})),
            "encoder1.linear1 encoder2.linear1 _enc_mu decoder1.linear1 decoder1.linear2 decoder2.linear1 "
            "decoder2.linear2 ");
}

TEST(LossesLeftOut, MayStandInAnyOrder) {
  const auto one = after_steps(small_mldrl({kClassification, kReconstruction}), 3);
  const auto other = after_steps(small_mldrl({kReconstruction, kClassification}), 3);
  for (const auto& [name, values] : one)
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], other.at(name)[i], 2e-6 + 2e-5 * std::fabs(values[i])) << name;  // sums in another order
}

TEST(LossesLeftOut, AreJudgedByWhatIsLeft) {
  const auto figures = [](const auto& setup) {
    const SyntheticSystem s = synthetic_system(setup);
    const auto executor = make_cpu_executor(1);
    Trainer trainer(s.data, s.split, s.plan, *executor);
    trainer.advance(100);
    std::string names;
    for (const Figure& f : trainer.best()->figures) names += f.name + " ";
    return names + std::to_string(trainer.best()->answer_cols);
  };
  EXPECT_EQ(figures(small_mldrl({kReconstruction})), "reconstruction_error crossed_error 0");
  EXPECT_EQ(figures(small_mldrl({kInherentVariational, kClassification})), "auc accuracy sensitivity specificity 2");
}

TEST(LossesLeftOut, ComeBackFromTheMetadataOfAModel) {
  for (const auto& setup : {small_mldrl({kClassification, kReconstruction}), small_mldrl({kInherentVariational})}) {
    const SyntheticSystem s = synthetic_system(setup);
    const auto executor = make_cpu_executor(1);
    Trainer trainer(s.data, s.split, s.plan, *executor);
    const auto read = read_setup(trainer.model(), "");
    EXPECT_EQ(mldrl(read).losses, mldrl(setup).losses);
    EXPECT_EQ(to_metadata(read), to_metadata(trainer.plan().setup));
  }
}

Setup small_vaegan(const std::vector<std::string>& losses, double gamma = 0.1) {
  auto setup = synthetic_vaegan();
  setup.settings.clip_norm = 0;
  vaegan(setup).losses = losses;
  vaegan(setup).gamma = gamma;
  return setup;
}

// gamma = 1 leaves the generator's loss no share of the decoder.
TEST(LossesLeftOut, OfAVaeGanLeaveTheOthersRouted) {
  const auto expected = after_steps(small_vaegan({kPrior, kFeature, kGenerator, kDiscriminator, kAuxiliary}, 1.0), 5);
  const auto got = after_steps(small_vaegan({kPrior, kFeature, kDiscriminator, kAuxiliary}, 1.0), 5);
  EXPECT_EQ(got, expected);
  const auto without = after_steps(small_vaegan({kFeature, kGenerator, kDiscriminator}), 5);
  EXPECT_NE(without, expected);
}

TEST(LossesLeftOut, AreRecordedAndReplayed) {
  std::vector<equipoise::Setup> setups = {small_mldrl({kInherentVariational}),
                                          small_mldrl({kClassification, kReconstruction})};
  for (const std::vector<std::string>& losses :
       {std::vector<std::string>{kDiscriminator}, {kFeature}, {kPrior, kFeature, kGenerator}, {kAuxiliary, kPrior}})
    setups.push_back(small_vaegan(losses));
  for (const auto& setup : setups) {
    const SyntheticSystem s = synthetic_system(setup);
    const auto executor = make_cpu_executor(1);
    const TensorFile record = record_training(s.data, s.split, s.plan, 3, *executor);
    const std::vector<Deviation> deviations = compare_record(record, replay_record(record, *make_cpu_executor(1)));
    EXPECT_GT(deviations.size(), 5u);
    for (const Deviation& d : deviations) EXPECT_EQ(d.worst, 0.0) << d.name;
  }
}

// A method that takes logarithms of losses makes nonsense of one that may be negative (weights of 5e12, or a NaN).
TEST(LossesWithoutALowerBound, AreRefusedToMethodsThatTakeLogarithmsOrRatios) {
  for (const char* method : {"famo", "uw", "dwa", "mgda:normalise=loss", "pcgrad:normalise=loss+"})
    for (const bool ratio : {true, false}) {
      auto setup = small_mldrl({kReconstruction, kInherentVariational, kClassification});
      mldrl(setup).ratio = ratio;
      balance_by(setup, {method});
      try {
        balancers_of(setup, Pass::train);
        EXPECT_TRUE(ratio) << method;
      } catch (const Error& e) {
        EXPECT_FALSE(ratio) << e.what();
        EXPECT_EQ(e.code(), ExitCode::usage);
        EXPECT_NE(std::string(e.what()).find("the loss of inherent_variational may be negative"), std::string::npos);
      }
    }
}

}  // namespace
}  // namespace equipoise::test
