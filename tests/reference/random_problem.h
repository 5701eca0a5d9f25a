// tests/reference/random_problem.h - random MLDRL models and batches, equal on every machine for equal seeds.
#pragma once

#include <cstdint>
#include <random>

#include "tests/reference/mldrl.h"

namespace equipoise::reference {

struct ProblemSize {
  int batch = 4;
  std::vector<int> features = {5, 3};  // of each view
  int hidden = 6;
  int shared = 2;
  int specific = 3;
  int classes = 2;
};

/// Draws that depend on the seed alone: the standard fixes the engine's words but not its distributions.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : engine_(seed) {}

  /// Uniform in [low, high).
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(engine_() >> 11) * 0x1p-53;
  }

  /// Uniform in 0 .. count - 1, for small counts.
  int below(int count) { return static_cast<int>(uniform(0.0, static_cast<double>(count))); }

  Matrix matrix(int rows, int cols, double low = -1.0, double high = 1.0) {
    Matrix m(rows, cols);
    for (double& v : m.values) v = uniform(low, high);
    return m;
  }

 private:
  std::mt19937_64 engine_;
};

inline void add_layer(MldrlParameters& parameters, const std::string& layer, int in, int out, Draws& draws) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  parameters.by_name[layer + ".weight"] = draws.matrix(out, in, -bound, bound);
  parameters.by_name[layer + ".bias"] = draws.matrix(1, out, -bound, bound);
}

/// Every weight and bias from U(-1/sqrt(in), 1/sqrt(in)).
inline MldrlParameters random_parameters(const ProblemSize& size, Draws& draws) {
  const int latent = size.shared + size.specific;
  MldrlParameters parameters;
  add_layer(parameters, "_enc_mu", size.hidden, latent, draws);
  add_layer(parameters, "_enc_log_sigma", size.hidden, latent, draws);
  add_layer(parameters, "fc1", size.shared + static_cast<int>(size.features.size()) * size.specific, size.classes, draws);
  for (int i = 0; i < static_cast<int>(size.features.size()); ++i) {
    const int features = size.features[static_cast<std::size_t>(i)];
    add_layer(parameters, view_name("encoder", i) + ".linear1", features, size.hidden, draws);
    add_layer(parameters, view_name("decoder", i) + ".linear1", latent, size.hidden, draws);
    add_layer(parameters, view_name("decoder", i) + ".linear2", size.hidden, features, draws);
  }
  return parameters;
}

/// Entries uniform in [-2, 2); about a quarter of the labels are -1 where `unlabelled` is set.
inline Batch random_batch(const ProblemSize& size, Draws& draws, bool unlabelled = false) {
  const int latent = size.shared + size.specific;
  Batch batch;
  for (const int features : size.features) batch.view.push_back(draws.matrix(size.batch, features, -2.0, 2.0));
  for (std::size_t i = 0; i < size.features.size(); ++i)
    batch.noise.push_back(draws.matrix(size.batch, latent, -2.0, 2.0));
  for (int b = 0; b < size.batch; ++b) {
    const int label = draws.below(size.classes);
    batch.label.push_back(unlabelled && draws.below(4) == 0 ? -1 : label);
  }
  return batch;
}

}  // namespace equipoise::reference
