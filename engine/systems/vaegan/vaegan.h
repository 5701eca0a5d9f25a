// engine/systems/vaegan/vaegan.h - VAE-GAN as a graph: MLP encoder, decoder and discriminator, and a routing table that
// says which loss reaches whom.
//
// h = encoder(x); mu, log variance from h; z = mu + sigma * noise; x' = decoder(z), s = decoder(prior noise). The
// discriminator answers with a logit and, where rows have labels, with one logit per label; f is one of its hidden
// layers.
//   prior         KL of N(mu, sigma) to N(0, I)                                   -> encoder
//   feature       sum (f(x') - f(x))^2 / 2                                        -> encoder, gamma decoder
//   generator     -log(p(x') + 1e-3) - log(p(s) + 1e-3)                           -> (1 - gamma) decoder
//   discriminator -log(p(x) + 1e-3) - log(1 - p(x') + 1e-3) - log(1 - p(s) + 1e-3) -> discriminator
//   auxiliary     binary cross-entropy of the labels of x; entries without label are skipped -> lambda discriminator
// Every loss is a sum over the batch; all groups step at once, on gradients taken at the same parameters.
// Source: Larsen, Sonderby, Larochelle and Winther 2016, algorithm 1; the offset 1e-3 and the auxiliary labels follow a
// public implementation.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/pass.h"

namespace equipoise {

/// Its losses, as configs and files name them.
inline constexpr const char* kPrior = "prior";
inline constexpr const char* kFeature = "feature";
inline constexpr const char* kGenerator = "generator";
inline constexpr const char* kDiscriminator = "discriminator";
inline constexpr const char* kAuxiliary = "auxiliary";

struct VaeganModel {
  int features = 0;
  int labels = 0;  ///< columns of auxiliary labels; 0: no auxiliary loss
  int latent = 16;
  std::vector<int> encoder = {64}, decoder = {64}, discriminator = {64};  ///< hidden widths, at least one each
  int feature_layer = 1;  ///< hidden layer of the discriminator that the feature loss compares, from 1
  double gamma = 0.1;     ///< share of the feature loss, against the generator's, in the decoder's updates
  double lambda = 0.5;    ///< of the auxiliary labels in the discriminator's updates
  Activation activation = Activation::relu;
  Activation output_activation = Activation::identity;
  /// Losses to train, in their order; the auxiliary one is there only where there are labels.
  std::vector<std::string> losses = {kPrior, kFeature, kGenerator, kDiscriminator, kAuxiliary};

  /// The losses that the model has.
  std::vector<std::string> tasks() const;
};

/// Sources: 0 rows, 1 labels (0, 1 or NaN) if there are any, and in Pass::given 2 the noise of the latents, 3 that of
/// the prior. Outputs of evaluation: reconstruction [features], mu [latent], logits of original, reconstructed and
/// sampled rows [3]; of Pass::generate: decoded rows of the prior [features].
Graph vaegan_graph(const VaeganModel& model, Pass pass);

inline constexpr float kAdversarialOffset = 1e-3f;

}  // namespace equipoise
