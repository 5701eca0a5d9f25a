// tests/reference/vaegan_problem.h - random VAE-GANs and batches, equal on every machine for equal seeds.
#pragma once

#include "tests/reference/random_problem.h"
#include "tests/reference/vaegan.h"

namespace equipoise::reference {

struct VaeganSize {
  int batch = 5;
  int features = 4;
  int encoder_hidden = 6;
  int latent = 3;
  int decoder_hidden = 5;
  int discriminator_hidden = 7;
  int aux = 2;  // auxiliary labels; 0 leaves their layer out
};

inline VaeganParameters random_vaegan_parameters(const VaeganSize& size, Draws& draws) {
  VaeganParameters p;
  add_layer(p, "encoder.hidden", size.features, size.encoder_hidden, draws);
  add_layer(p, "encoder.mu", size.encoder_hidden, size.latent, draws);
  add_layer(p, "encoder.logvar", size.encoder_hidden, size.latent, draws);
  add_layer(p, "decoder.hidden", size.latent, size.decoder_hidden, draws);
  add_layer(p, "decoder.out", size.decoder_hidden, size.features, draws);
  add_layer(p, "discriminator.hidden", size.features, size.discriminator_hidden, draws);
  add_layer(p, "discriminator.out", size.discriminator_hidden, 1, draws);
  if (size.aux > 0) add_layer(p, "discriminator.aux", size.discriminator_hidden, size.aux, draws);
  return p;
}

/// Entries uniform in [-2, 2); auxiliary labels -1, 0 and 1 alike.
inline VaeganBatch random_vaegan_batch(const VaeganSize& size, Draws& draws) {
  VaeganBatch batch{draws.matrix(size.batch, size.features, -2.0, 2.0),
                    draws.matrix(size.batch, size.latent, -2.0, 2.0), draws.matrix(size.batch, size.latent, -2.0, 2.0),
                    Matrix(size.batch, size.aux)};
  for (double& label : batch.aux.values) label = draws.below(3) - 1;
  return batch;
}

}  // namespace equipoise::reference
