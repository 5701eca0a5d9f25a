// tests/reference/vaegan_backward_test.cpp - every term of the VAE-GAN by every parameter against central differences,
// the routing of terms to groups, and the edges of its formulas.
#include "tests/reference/vaegan_backward.h"

#include <gtest/gtest.h>

#include "tests/reference/finite_difference.h"
#include "tests/reference/vaegan_problem.h"

namespace equipoise::reference {
namespace {

void expect_term_gradients_agree(const VaeganParameters& parameters, const VaeganBatch& batch,
                                 const std::string& what) {
  const VaeganForward f = vaegan_forward(parameters, batch);
  for (const std::string& term : kVaeganTerms) {
    const GradientByName gradient = vaegan_term_gradient(term, parameters, batch, f);
    for (const auto& [name, value] : parameters.by_name) {
      const auto loss = [&, parameter = name](const Matrix& perturbed) {
        VaeganParameters changed = parameters;
        changed.by_name.at(parameter) = perturbed;
        return vaegan_forward(changed, batch).terms.at(term);
      };
      EXPECT_EQ(mismatch(gradient.at(name), central_difference(value, loss), f.terms.at(term)), "")
          << what << ": " << term << " by " << name;
    }
  }
}

VaeganSize random_vaegan_size(Draws& draws) {
  VaeganSize size;
  for (int* extent : {&size.batch, &size.features, &size.encoder_hidden, &size.latent, &size.decoder_hidden,
                      &size.discriminator_hidden}) {
    *extent = 1 + draws.below(6);
  }
  size.aux = draws.below(4);
  return size;
}

TEST(VaeganGradients, OfEveryTermAgreeWithCentralDifferencesAtRandomShapes) {
  int without_aux = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Draws draws(seed);
    const VaeganSize size = random_vaegan_size(draws);
    without_aux += size.aux == 0 ? 1 : 0;
    const VaeganParameters parameters = random_vaegan_parameters(size, draws);
    expect_term_gradients_agree(parameters, random_vaegan_batch(size, draws), "seed " + std::to_string(seed));
  }
  EXPECT_GT(without_aux, 0);
  EXPECT_LT(without_aux, 12);
}

TEST(VaeganGradients, DoNotPassAClampedLogVariance) {
  VaeganSize size;
  size.latent = 2;
  Draws draws(51);
  VaeganParameters parameters = random_vaegan_parameters(size, draws);
  parameters.by_name["encoder.logvar.bias"] = Matrix(1, 2, {-200.0, 0.1});
  const VaeganBatch batch = random_vaegan_batch(size, draws);
  const VaeganForward f = vaegan_forward(parameters, batch);
  EXPECT_EQ(f.log_sigma.at(0, 0), kLogSigmaLow);
  const GradientByName gradient = vaegan_term_gradient("kl", parameters, batch, f);
  EXPECT_EQ(gradient.at("encoder.logvar.bias").at(0, 0), 0.0);
  EXPECT_NE(gradient.at("encoder.logvar.bias").at(0, 1), 0.0);
}

TEST(VaeganRouting, GivesEachGroupTheGradientOfItsOwnLossByItsOwnParameters) {
  const VaeganSize size;
  Draws draws(52);
  const VaeganParameters parameters = random_vaegan_parameters(size, draws);
  const VaeganBatch batch = random_vaegan_batch(size, draws);
  const VaeganForward f = vaegan_forward(parameters, batch);
  const RoutingTable routing = vaegan_routing(0.3, 0.7);
  std::size_t routed = 0;
  for (const std::string& group : kVaeganGroups) {
    const GradientByName gradient = routed_gradient(routing, group, parameters, batch, f);
    for (const auto& [name, g] : gradient) {
      EXPECT_EQ(name.rfind(group + ".", 0), 0U) << name;
      const auto loss = [&, parameter = name](const Matrix& perturbed) {
        VaeganParameters changed = parameters;
        changed.by_name.at(parameter) = perturbed;
        return routed_loss(routing, group, vaegan_forward(changed, batch));
      };
      const Matrix difference = central_difference(parameters.at(name), loss);
      EXPECT_EQ(mismatch(g, difference, routed_loss(routing, group, f)), "") << group << " by " << name;
    }
    routed += gradient.size();
  }
  EXPECT_EQ(routed, parameters.by_name.size());
}

TEST(VaeganAdversarial, IsBoundedWhereTheDiscriminatorIsSureAndWrong) {
  for (bool as_original : {true, false}) {
    const LogitLoss wrong = adversarial(as_original ? -1000.0 : 1000.0, as_original);
    EXPECT_DOUBLE_EQ(wrong.loss, -std::log(kProbabilityOffset));
    EXPECT_EQ(wrong.slope, 0.0);
    EXPECT_DOUBLE_EQ(adversarial(0.0, as_original).loss, -std::log(0.5 + kProbabilityOffset));
  }
}

TEST(VaeganAuxiliary, LeavesOutLabelsOfMinusOneAndSumsTheRest) {
  const TargetLoss l = auxiliary_loss(Matrix(2, 2, {9.0, 0.0, 0.0, -7.0}), Matrix(2, 2, {-1.0, 1.0, 0.0, -1.0}));
  EXPECT_DOUBLE_EQ(l.loss, 2.0 * std::log(2.0));
  EXPECT_EQ(l.gradient.values, (std::vector<double>{0.0, -0.5, 0.5, 0.0}));
  const TargetLoss none = auxiliary_loss(Matrix(1, 2, 3.0), Matrix(1, 2, -1.0));
  EXPECT_EQ(none.loss, 0.0);
  EXPECT_EQ(none.gradient.values, (std::vector<double>{0.0, 0.0}));
}

}  // namespace
}  // namespace equipoise::reference
