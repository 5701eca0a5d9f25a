// tests/engine/systems/lowering_systems_test.cpp - programs of multi-task networks and VAE-GANs, and gradients of the
// parts that only they have: dropout, targets with gaps, adversarial losses, sums, routes, several balancers.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/engine/lower/sketch.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

struct NamedSetup {
  std::string name;
  equipoise::Setup setup;
};

/// Both systems in their published forms and balanced elsewhere, and MLDRL with two balancers.
std::vector<NamedSetup> system_setups() {
  std::vector<NamedSetup> all = {{"towers", synthetic_towers()},
                                 {"trunk", synthetic_trunk(5)},
                                 {"towers under MGDA at the latent", synthetic_towers()},
                                 {"trunk under GradDrop at the latent, measured over sums", synthetic_trunk(4)},
                                 {"towers under PCGrad over all that is shared", synthetic_towers(3)},
                                 {"trunk under weights that wait for losses", synthetic_trunk(3)},
                                 {"VAE-GAN", synthetic_vaegan()},
                                 {"VAE-GAN without labels", synthetic_vaegan(0, {11, 7}, 2)},
                                 {"VAE-GAN with balanced losses", synthetic_vaegan(2)},
                                 {"MLDRL with two balancers", synthetic_setup()},
                                 {"towers that minimise the GradNorm loss too", synthetic_towers(3)}};
  balance_by(all[2].setup, {"mgda"}, "latent");
  balance_by(all[3].setup, {"gradnorm", "graddrop"}, "latent");
  all[3].setup.balance[0].sum_rows = true;
  balance_by(all[4].setup, {"pcgrad"});
  all[4].setup.balance[0].over = "shared";
  balance_by(all[5].setup, {"famo"});
  all[5].setup.optimizer = OptimizerKind::sgd;
  balance_by(all[8].setup, {"rlw"});
  all[10].setup.balance[0].methods[0].network = 1;
  std::vector<BalanceSetup>& two = all[9].setup.balance;
  balance_by(all[9].setup, {"cagrad"}, "latent1");
  two.push_back(two[0]);
  two[1].at = "latent2";
  two[1].sum_rows = true;
  two[1].methods = parse_methods(std::vector<std::string>{"nsgd", "graddrop"}, "test").methods;
  return all;
}

TEST(Lowering, GivesEverySystemSoundPhasesAndPlacesUnderEveryLimit) {
  for (const auto& [name, setup] : system_setups())
    for (const PlanLimits& limits :
         {PlanLimits{}, PlanLimits{0, false}, PlanLimits{4000, true}, PlanLimits{INT64_MAX / 8, true}}) {
      SCOPED_TRACE(name + ", " + std::to_string(limits.fast_floats) + " fast floats");
      expect_sound(synthetic_program(setup, 6, limits));
    }
}

TEST(Lowering, GivesProbesAndEvaluationsOfEverySystemSoundPhasesAndPlaces) {
  for (const auto& [name, setup] : system_setups()) {
    SCOPED_TRACE(name);
    for (const Pass pass : {Pass::train, Pass::given}) {
      LowerOptions probe = training_options(setup, 6, {}, pass);
      expect_sound(lower(setup.system->graph(pass), probe));
      probe.probe = true;
      expect_sound(lower(setup.system->graph(pass), probe));
    }
    expect_sound(lower(setup.system->graph(Pass::evaluate), evaluation_options(setup, 6, {})));
    if (setup.system->kind() == "vaegan")
      expect_sound(lower(setup.system->graph(Pass::generate), evaluation_options(setup, 6, {})));
  }
}

/// A sketch whose second input is the target of its losses.
struct TargetSketch : Sketch {
  explicit TargetSketch(int number_of_classes = 0) {
    gaps = true;
    target_classes = number_of_classes;
  }
  int counted(Divisor divisor = Divisor::counted) {
    return graph.term("term" + std::to_string(graph.terms().size()), divisor, 1.0);
  }
};

TEST(Lowering, PassesGradientsThroughAMaskBeforeOrBesideAnotherReader) {
  for (const Activation activation : {Activation::tanh, Activation::identity})
    for (const bool beside : {false, true}) {
      SCOPED_TRACE(beside ? "another reader" : "alone");
      Sketch s;
      const Region h = s.dense(s.x[0], 7, activation), kept = s.tensor(7);
      s.graph.add(MultiplyNode{h, s.graph.all(s.graph.mask("mask", 1, 7, 0.4f)), kept});
      s.task({s.reconstruction(kept, 0)});
      s.task({s.reconstruction(beside ? h : kept, 1)});
      expect_sound_gradients_merged_and_balanced(s);
    }
}

TEST(Lowering, LeavesOutTargetsThatAreMissing) {
  for (const TargetForm form : {TargetForm::squared, TargetForm::logistic, TargetForm::poisson})
    for (const Divisor divisor : {Divisor::counted, Divisor::none}) {
      TargetSketch s(form == TargetForm::squared ? 0 : form == TargetForm::logistic ? 2 : 4);
      const Region h = s.dense(s.x[0], 5);
      for (int k = 0; k < 2; ++k) {
        const int term = s.counted(divisor);
        const Region y = s.dense(h, 2, Activation::identity);
        s.graph.add(TargetNode{y, Graph::columns(s.x[1], 2 * k, 2), term, form});
        s.task({term});
      }
      expect_sound_gradients_merged_and_balanced(s);
    }
}

TEST(Lowering, WeighsTheClassesOfTargetsByTheWeightsThatStandFromThereOn) {
  for (const Divisor divisor : {Divisor::counted, Divisor::none}) {
    TargetSketch s(2);
    s.classes = 5;  // weights .5, 1, 1.5, 2, 2.5
    const Region h = s.dense(s.x[0], 5);
    const int two = s.counted(divisor), more = s.counted(divisor);
    s.graph.add(
        TargetNode{s.dense(h, 1, Activation::identity), Graph::columns(s.x[1], 0, 1), two, TargetForm::logistic, 0});
    s.task({two});
    s.graph.add(TargetCrossEntropyNode{s.dense(h, 3, Activation::identity), Graph::columns(s.x[1], 2, 1), more, 2});
    s.task({more});
    expect_sound_gradients_merged_and_balanced(s);
  }
}

TEST(Lowering, TakesClassNumbersForTargetsOfACrossEntropy) {
  for (const Divisor divisor : {Divisor::counted, Divisor::none}) {
    TargetSketch s(4);
    const Region h = s.dense(s.x[0], 5);
    for (int k = 0; k < 2; ++k) {
      const int term = s.counted(divisor);
      s.graph.add(TargetCrossEntropyNode{s.dense(h, 4, Activation::identity), Graph::columns(s.x[1], k, 1), term});
      s.task({term});
    }
    expect_sound_gradients_merged_and_balanced(s);
  }
}

TEST(Lowering, TakesLogitsForRealAndForMadeUp) {
  for (const Divisor divisor : {Divisor::rows, Divisor::none}) {
    Sketch s;
    const Region h = s.dense(s.x[0], 5);
    for (const bool real : {true, false}) {
      const int term = s.graph.term(real ? "real" : "made up", divisor, divisor == Divisor::rows ? 2.0 : 1.0);
      s.graph.add(AdversarialNode{s.dense(h, 2, Activation::identity), term, real, 0.05f});
      s.task({term});
    }
    expect_sound_gradients_merged_and_balanced(s);
  }
}

TEST(Lowering, SumsErrorsAndKlOverTheBatchAndHalvesALogVariance) {
  constexpr int kLatent = 3;
  Sketch s;
  const int layer = s.graph.layer(kInputCols, {{"mu", kLatent}, {"log variance", kLatent}});
  const Region heads = s.linear(s.x[0], layer, Activation::identity);
  const int noise = s.graph.noise("noise", 1, kLatent);
  const Region sigma = s.tensor(kLatent), z = s.tensor(kLatent);
  const int kl = s.graph.term("kl", Divisor::none, 2.0), error = s.graph.term("error", Divisor::none, 4.0);
  s.graph.add(LatentNode{heads.tensor, noise, sigma.tensor, z.tensor, kl, true, 0.5f});
  s.graph.add(SquaredErrorNode{s.dense(z, kInputCols), s.x[1], error});
  s.task({kl});
  s.task({error});
  expect_sound_gradients_merged_and_balanced(s);
}

TEST(Lowering, KeepsALossFromLayersThatItsGradientPassesThrough) {
  Sketch s;
  const int first = s.layer(kInputCols, 5), second = s.layer(5, 4), third = s.layer(4, kInputCols);
  // The second layer is used twice, as a decoder is by the rows that it reconstructs and those that it makes up.
  const Region h = s.linear(s.linear(s.x[0], first), second), other = s.linear(s.dense(s.x[1], 5), second);
  s.task({s.error(s.linear(h, third), 1)});
  s.task({s.reconstruction(other, 0), s.reconstruction(h, 0)});
  s.task({s.reconstruction(h, 1)});
  s.graph.route(first, {0.0f, 1.0f, 0.5f});
  s.graph.route(second, {0.25f, 0.75f, 0.0f});
  s.graph.route(third, {2.0f, 1.0f, 1.0f});
  expect_sound_gradients(s);
  for (const char* method : {"uw", "rlw"}) expect_total_gradient(s, 1, {method});
}

TEST(Lowering, GivesTheLayersBelowEachOfTwoBalancersItsCoefficients) {
  Sketch s;
  const int both = s.graph.tensor("both", 2, 5);
  for (int i = 0; i < 2; ++i)
    s.graph.add(LinearNode{s.x[i], s.graph.block(both, i), s.layer(kInputCols, 5), Activation::tanh});
  for (int k = 0; k < 3; ++k) {
    const Region mixed = s.sum({s.graph.block(both, 0), s.graph.block(both, 1)}, 0.5f + static_cast<float>(k));
    s.task({s.reconstruction(mixed, k % 2)});
  }
  for (const bool sum_rows : {false, true}) {
    const auto two = [&](LowerOptions& o) {
      o.balancers.clear();
      for (int b = 0; b < 2; ++b) {
        const std::vector<std::string> methods = {b == 0 ? "cagrad" : "nsgd"};
        Balancer& here = o.balancers.emplace_back();
        here.chain = make_chain(parse_methods(methods, "test").methods, 3);
        here.at = s.graph.block(both, b);
        here.sum_rows = sum_rows;
      }
    };
    LowerOptions options = options_of(s, 5, {}, {"cagrad"});
    two(options);
    expect_sound(lower(s.graph, options));
    expect_total_gradient(s, 1, {"cagrad"}, two, {0, 1});
  }
}

}  // namespace
}  // namespace equipoise::test
