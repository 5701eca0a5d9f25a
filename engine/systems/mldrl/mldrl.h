// engine/systems/mldrl/mldrl.h - the MLDRL model as a graph.
//
// V views x_1 .. x_V of the same patient, two in the paper. h_i = relu(x_i W_i + b_i); mu_i and log sigma_i from two
// heads shared by the views; z_i = mu_i + sigma_i * noise = [c_i, p_i], c shared ("inherent"), p specific
// ("variational"). Decoder D_i reconstructs x_i from [c_i, p_i] and, crossed, from [c_j, p_i] of every other view j; the
// classifier reads [mean of c_i, p_1, .., p_V]. Tasks: reconstruction (V^2 MSEs and V KLs), inherent_variational (the
// sum over pairs i < j of MSE(c_i, c_j) over, or minus, that of MSE(p_i, p_j); none with one view), classification
// (softmax cross-entropy). A model may leave tasks out, and then has no decoders or no classifier.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "engine/graph/pass.h"

namespace equipoise {

/// Its losses, as configs and files name them, in the published order.
inline constexpr const char* kReconstruction = "reconstruction";
inline constexpr const char* kInherentVariational = "inherent_variational";
inline constexpr const char* kClassification = "classification";

inline constexpr int kMostViews = 6;

/// Choices in which the paper's formulas and the authors' code differ, and sizes.
struct MldrlModel {
  std::vector<int> features = {0, 0};  ///< columns of each view
  int hidden = 32, shared = 6, specific = 4, classes = 2;
  Activation output_activation = Activation::identity;
  bool ratio = true;                     ///< inherent over variational, else their difference
  bool crossed1_specific_first = false;  ///< input of the crossed decoder 1 is [p_1, c_2], else [c_2, p_1]; two views
  bool softmax_twice = false;            ///< classifier: sigmoid, softmax, then cross-entropy with its own log-softmax
  /// The tasks, in their order: all three, or some of them.
  std::vector<std::string> losses = {kReconstruction, kInherentVariational, kClassification};

  int views() const { return static_cast<int>(features.size()); }
  bool has(const char* loss) const { return std::find(losses.begin(), losses.end(), loss) != losses.end(); }
};

/// Sources 0 .. V - 1 are the views; in Pass::given, V .. 2 V - 1 are the noise of their latents. Outputs of evaluation,
/// in order: prediction [classes] (logits, or probabilities where the softmax is part of the model) if it classifies, mu
/// of each view, then for each view its decoder's output if it reconstructs.
Graph mldrl_graph(const MldrlModel& model, Pass pass);

/// The tensor of all views' mu and log sigma: the representation that every task's gradient passes through whole.
inline constexpr const char* kMldrlLatent = "heads";

/// Weights and biases of the two latent heads, or the mean of their two bias gradients.
std::vector<Stretch> mldrl_heads(const MldrlModel& model);
std::vector<Stretch> mldrl_head_biases_mean(const MldrlModel& model);

}  // namespace equipoise
