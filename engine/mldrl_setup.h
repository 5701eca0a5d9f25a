// engine/mldrl_setup.h - everything that decides an MLDRL training: model, balancing, optimizer; from a variant's
// defaults, from a record's metadata, and back to metadata.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/lower.h"
#include "engine/mldrl.h"
#include "kernels/control.h"

namespace equipoise {

struct MldrlSetup {
  std::string variant = "paper";
  MldrlModel model;
  std::vector<Method> methods;   ///< that balance the tasks, left to right
  std::string over = "heads";    ///< heads, head_biases_mean, shared, or parameter names joined by spaces
  bool at_latent = false;        ///< balanced over the gradients by the encoders' output instead
  bool private_weights = false;  ///< private parameters carry the step's coefficients too
  bool rescale = false;          ///< the step gets the norm of the plain sum
  double loss_scale = 1.0;
  Settings settings;
};

/// The published settings of a variant, "paper" or "code" (features and classes left to fill in). The paper's formulas
/// rule where the authors' code departs from them; "code" reproduces the code. Throws Error(usage) for another name.
MldrlSetup mldrl_setup(const std::string& variant);

/// Parameters that setup.over names; none for "shared". Throws Error(usage) for a name the model has not.
std::vector<Stretch> balanced_stretches(const MldrlSetup& setup);

/// The setup's methods as the chain that programs carry.
Chain balance_chain(const MldrlSetup& setup);

/// Options to lower a training step of this setup.
LowerOptions training_options(const MldrlSetup& setup, int batch, const PlanLimits& limits);

/// Settings as a record's metadata keys, and back (sizes are read off tensors by the caller). Throws Error(checkpoint)
/// for a value that is not understood.
std::map<std::string, std::string> to_metadata(const MldrlSetup& setup);
MldrlSetup setup_from_metadata(const std::map<std::string, std::string>& metadata, const std::string& path);

/// Name of an activation in configs and metadata, and back; `key` and `code` are for the error.
std::string activation_name(Activation activation);
bool parse_activation(const std::string& name, Activation& activation);

}  // namespace equipoise
