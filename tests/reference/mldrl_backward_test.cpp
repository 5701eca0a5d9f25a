// tests/reference/mldrl_backward_test.cpp - every task gradient of MLDRL against central differences of its loss.
#include "tests/reference/mldrl_backward.h"

#include <gtest/gtest.h>

#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::reference {
namespace {

/// Perturbs each parameter in turn and compares all three tasks at once.
void expect_gradients_agree(const MldrlSettings& settings, const MldrlParameters& parameters, const Batch& batch,
                            const std::string& what) {
  const Forward f = forward(settings, parameters, batch);
  const auto gradients = task_gradients(settings, parameters, batch, f);
  for (std::size_t task = 0; task < kTasks; ++task) {
    for (const auto& [name, value] : parameters.by_name) {
      const auto loss = [&, parameter = name](const Matrix& perturbed) {
        MldrlParameters changed = parameters;
        changed.by_name.at(parameter) = perturbed;
        return forward(settings, changed, batch).losses[task];
      };
      EXPECT_EQ(mismatch(gradients.at(kTaskNames[task]).at(name), central_difference(value, loss), f.losses[task]), "")
          << what + ": " + kTaskNames[task] + " by " + name;
    }
  }
}

ProblemSize random_size(Draws& draws, int views = 2) {
  ProblemSize size;
  size.batch = 1 + draws.below(5);
  size.features = {};
  for (int i = 0; i < views; ++i) size.features.push_back(1 + draws.below(5));
  size.hidden = 1 + draws.below(6);
  size.shared = 1 + draws.below(3);
  size.specific = 1 + draws.below(3);
  size.classes = 2 + draws.below(3);
  return size;
}

TEST(MldrlGradients, AgreeWithCentralDifferencesInBothVariantsAtRandomShapes) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (MldrlSettings settings : {paper_settings(), code_settings()}) {
      Draws draws(seed);
      const ProblemSize size = random_size(draws);
      settings.shared = size.shared;
      const MldrlParameters parameters = random_parameters(size, draws);
      expect_gradients_agree(settings, parameters, random_batch(size, draws), "seed " + std::to_string(seed));
    }
  }
}

TEST(MldrlGradients, AgreeWithCentralDifferencesForOneToSixViews) {
  for (int views = 1; views <= 6; ++views) {
    Draws draws(20 + static_cast<std::uint64_t>(views));
    const ProblemSize size = random_size(draws, views);
    MldrlSettings settings = paper_settings();
    if (views % 2 == 0) settings.inherent_variational = InherentVariational::difference;
    settings.shared = size.shared;
    const MldrlParameters parameters = random_parameters(size, draws);
    expect_gradients_agree(settings, parameters, random_batch(size, draws), std::to_string(views) + " views");
  }
}

// By hand: three views of one row whose latents c are 1, 3 and 7 and p are 0, 1 and 3 (encoders give nothing but the
// bias of mu, which is common, so z differs by the noise alone: sigma is one).
TEST(MldrlForward, SumsTheDistancesOfAllPairsOfViews) {
  ProblemSize size{.batch = 1, .features = {1, 1, 1}, .hidden = 1, .shared = 1, .specific = 1};
  MldrlSettings settings = paper_settings();
  settings.shared = 1;
  Draws draws(16);
  MldrlParameters parameters = random_parameters(size, draws);
  for (const char* name : {"_enc_mu.weight", "_enc_mu.bias", "_enc_log_sigma.weight", "_enc_log_sigma.bias"})
    for (double& v : parameters.by_name.at(name).values) v = 0.0;
  Batch batch = random_batch(size, draws);
  batch.noise = {Matrix(1, 2, {1.0, 0.0}), Matrix(1, 2, {3.0, 1.0}), Matrix(1, 2, {7.0, 3.0})};
  const Forward f = forward(settings, parameters, batch);
  EXPECT_EQ(f.terms.inherent, 4.0 + 36.0 + 16.0);
  EXPECT_EQ(f.terms.variational, 1.0 + 9.0 + 4.0);
  EXPECT_EQ(f.losses[1], 4.0);
  EXPECT_NEAR(f.classifier_input.at(0, 0), 11.0 / 3, 1e-15);
  EXPECT_EQ(f.classifier_input.at(0, 3), 3.0);
  double errors = 0.0;
  for (std::size_t i = 0; i < 3; ++i) {
    errors += mean_squared_error(f.view[i].own.reconstruction, f.view[i].x);
    for (std::size_t j = 0; j < 3; ++j) {
      if (j == i) continue;
      EXPECT_EQ(f.view[i].crossed[j].input.values,
                (std::vector<double>{batch.noise[j].at(0, 0), batch.noise[i].at(0, 1)}));
      errors += mean_squared_error(f.view[i].crossed[j].reconstruction, f.view[i].x);
    }
  }
  EXPECT_NEAR(f.terms.reconstruction, errors, 1e-12 * errors);
}

TEST(MldrlForward, OfOneViewHasNothingToCompare) {
  ProblemSize size{.batch = 3, .features = {4}};
  MldrlSettings settings = paper_settings();
  settings.shared = size.shared;
  Draws draws(17);
  const MldrlParameters parameters = random_parameters(size, draws);
  const Forward f = forward(settings, parameters, random_batch(size, draws));
  EXPECT_FALSE(f.present[1]);
  EXPECT_EQ(f.losses[1], 0.0);
  EXPECT_EQ(f.classifier_input.values, f.view[0].z.values);
}

TEST(MldrlGradients, AgreeWithCentralDifferencesForEveryActivation) {
  const ProblemSize size;
  for (Activation kind : {Activation::identity, Activation::relu, Activation::tanh, Activation::sigmoid}) {
    MldrlSettings settings = paper_settings();
    settings.shared = size.shared;
    settings.hidden_activation = kind;
    settings.output_activation = kind;
    Draws draws(11);
    const MldrlParameters parameters = random_parameters(size, draws);
    expect_gradients_agree(settings, parameters, random_batch(size, draws),
                           "activation " + std::to_string(static_cast<int>(kind)));
  }
}

TEST(MldrlGradients, AgreeWithCentralDifferencesWithClassWeightsAndUnlabelledRows) {
  ProblemSize size;
  size.batch = 9;
  size.classes = 3;
  for (MldrlSettings settings : {paper_settings(), code_settings()}) {
    settings.shared = size.shared;
    settings.class_weights = {0.5, 2.0, 1.25};
    Draws draws(12);
    const MldrlParameters parameters = random_parameters(size, draws);
    Batch batch = random_batch(size, draws, true);
    batch.label[0] = -1;
    batch.label[1] = 2;
    expect_gradients_agree(settings, parameters, batch, "weighted and partly unlabelled");
  }
}

TEST(MldrlGradients, DoNotPassAClampedLogSigma) {
  ProblemSize size;
  size.shared = 1;
  size.specific = 1;
  MldrlSettings settings = paper_settings();
  settings.shared = size.shared;
  Draws draws(13);
  MldrlParameters parameters = random_parameters(size, draws);
  parameters.by_name["_enc_log_sigma.bias"] = Matrix(1, 2, {-100.0, 0.1});
  const Batch batch = random_batch(size, draws);
  const Forward f = forward(settings, parameters, batch);
  EXPECT_EQ(f.view[0].log_sigma.at(0, 0), kLogSigmaLow);
  EXPECT_EQ(f.view[1].sigma.at(0, 0), std::exp(kLogSigmaLow));
  const auto gradients = task_gradients(settings, parameters, batch, f);
  EXPECT_EQ(gradients.at("reconstruction").at("_enc_log_sigma.bias").at(0, 0), 0.0);
  EXPECT_NE(gradients.at("reconstruction").at("_enc_log_sigma.bias").at(0, 1), 0.0);
  expect_gradients_agree(settings, parameters, batch, "clamped below");

  parameters.by_name["_enc_log_sigma.bias"].at(0, 0) = 100.0;
  EXPECT_EQ(forward(settings, parameters, batch).view[0].log_sigma.at(0, 0), kLogSigmaHigh);
}

TEST(MldrlForward, WithoutNoiseUsesTheLatentMeans) {
  const ProblemSize size;
  MldrlSettings settings = paper_settings();
  settings.shared = size.shared;
  Draws draws(14);
  const MldrlParameters parameters = random_parameters(size, draws);
  Batch batch = random_batch(size, draws);
  for (Matrix& noise : batch.noise) noise = Matrix(noise.rows, noise.cols);
  const Forward f = forward(settings, parameters, batch);
  EXPECT_EQ(f.view[0].z.values, f.view[0].mu.values);
  EXPECT_EQ(f.view[1].z.values, f.view[1].mu.values);
}

TEST(MldrlForward, ProbabilitiesOfTheClassesSumToOneInBothClassifiers) {
  const ProblemSize size;
  for (MldrlSettings settings : {paper_settings(), code_settings()}) {
    settings.shared = size.shared;
    Draws draws(15);
    const MldrlParameters parameters = random_parameters(size, draws);
    const Matrix p = class_probabilities(settings, forward(settings, parameters, random_batch(size, draws)));
    for (int b = 0; b < p.rows; ++b) EXPECT_NEAR(p.at(b, 0) + p.at(b, 1), 1.0, 1e-15);
  }
}

}  // namespace
}  // namespace equipoise::reference
