// engine/systems/mldrl/mldrl.h - the MLDRL model as a graph.
//
// Two views x_1, x_2 of the same patient. h_i = relu(x_i W_i + b_i); mu_i and log sigma_i from two heads shared by the
// views; z_i = mu_i + sigma_i * noise = [c_i, p_i], c shared ("inherent"), p specific ("variational"). Decoder D_i
// reconstructs x_i from [c_i, p_i] and, crossed, from [c_j, p_i]; the classifier reads [(c_1 + c_2) / 2, p_1, p_2].
// Tasks: reconstruction (four MSEs and both KLs), inherent_variational (MSE(c_1, c_2) over, or minus, MSE(p_1, p_2)),
// classification (softmax cross-entropy). A model may leave tasks out, and then has no decoders or no classifier.
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

/// Choices in which the paper's formulas and the authors' code differ, and sizes.
struct MldrlModel {
  int features1 = 0, features2 = 0;
  int hidden = 32, shared = 6, specific = 4, classes = 2;
  Activation output_activation = Activation::identity;
  bool ratio = true;                     ///< inherent over variational, else their difference
  bool crossed1_specific_first = false;  ///< input of the crossed decoder 1 is [p_1, c_2], else [c_2, p_1]
  bool softmax_twice = false;            ///< classifier: sigmoid, softmax, then cross-entropy with its own log-softmax
  /// The tasks, in their order: all three, or some of them.
  std::vector<std::string> losses = {kReconstruction, kInherentVariational, kClassification};

  bool has(const char* loss) const { return std::find(losses.begin(), losses.end(), loss) != losses.end(); }
};

/// Sources 0 and 1 are the views; in Pass::given, 2 and 3 are the noise of their latents. Outputs of evaluation, in
/// order: prediction [classes] (logits, or probabilities where the softmax is part of the model) if it classifies, mu
/// of views 1 and 2, then for each view its decoder's output if it reconstructs.
Graph mldrl_graph(const MldrlModel& model, Pass pass);

/// The tensor of both views' mu and log sigma: the representation that every task's gradient passes through whole.
inline constexpr const char* kMldrlLatent = "heads";

/// Weights and biases of the two latent heads, or the mean of their two bias gradients.
std::vector<Stretch> mldrl_heads(const MldrlModel& model);
std::vector<Stretch> mldrl_head_biases_mean(const MldrlModel& model);

}  // namespace equipoise
