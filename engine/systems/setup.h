// engine/systems/setup.h - everything that decides a training: model, balancing, optimizer; from a variant's published
// settings.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "engine/lower/lower.h"
#include "engine/systems/mldrl/mldrl.h"
#include "engine/systems/mtl/mtl.h"
#include "engine/systems/vaegan/vaegan.h"
#include "kernels/state/control.h"

namespace equipoise {

using Model = std::variant<MldrlModel, MtlModel, VaeganModel>;

/// One balancer in words.
struct BalanceSetup {
  std::vector<Method> methods;    ///< that balance the tasks, left to right
  std::string over = "heads";     ///< a name that the system knows, shared, or parameter names joined by spaces
  std::string at = "parameters";  ///< or a representation that the system knows: latent, latent1, latent2
  bool sum_rows = false;          ///< gradients by the representation are summed over the batch
  bool private_weights = false;   ///< private parameters carry the step's coefficients too
  bool rescale = false;           ///< the step gets the norm of the plain sum
};

struct Setup {
  std::string variant = "paper";
  Model model;
  std::vector<BalanceSetup> balance = {{}};  ///< one at parameters or a representation, or several at different ones
  double loss_scale = 1.0;
  OptimizerKind optimizer = OptimizerKind::adam;
  Settings settings;
};

/// The published settings of a variant of MLDRL, "paper" or "code" (features and classes left to fill in). The paper's
/// formulas rule where the authors' code departs from them; "code" reproduces the code. Throws Error(usage) for another
/// name.
Setup mldrl_setup(const std::string& variant);
/// The published settings of multi-task networks, "towers" or "trunk" (features and tasks left to fill in).
Setup mtl_setup(const std::string& variant);
/// The published settings of VAE-GAN; its variant is "routed" (features and labels left to fill in).
Setup vaegan_setup();

/// "mldrl", "mtl" or "vaegan".
std::string system_name(const Model& model);
/// The setup's model of a kind that is known to be the right one.
inline MldrlModel& mldrl(Setup& setup) { return std::get<MldrlModel>(setup.model); }
inline const MldrlModel& mldrl(const Setup& setup) { return std::get<MldrlModel>(setup.model); }
inline MtlModel& mtl(Setup& setup) { return std::get<MtlModel>(setup.model); }
inline const MtlModel& mtl(const Setup& setup) { return std::get<MtlModel>(setup.model); }
inline VaeganModel& vaegan(Setup& setup) { return std::get<VaeganModel>(setup.model); }
inline const VaeganModel& vaegan(const Setup& setup) { return std::get<VaeganModel>(setup.model); }

Graph model_graph(const Model& model, Pass pass);

/// What a replica of this setup is told: its settings, with the model's dropout.
Settings replica_settings(const Setup& setup);

/// Number of the model's tasks.
int task_count(const Model& model);

/// The balancers as programs of one pass take them; tensors have other numbers in another pass. Throws Error(usage) for
/// a parameter or a place the model does not have, and for several balancers that are not each at a representation of
/// their own.
std::vector<Balancer> balancers_of(const Setup& setup, Pass pass);

/// Options to lower a training step of this setup, for the graph of that pass.
LowerOptions training_options(const Setup& setup, int batch, const PlanLimits& limits, Pass pass = Pass::train);
/// Options to run the model without training it; its state lies as in training.
LowerOptions evaluation_options(const Setup& setup, int batch, const PlanLimits& limits);

/// Name of an activation in configs and metadata, and back.
std::string activation_name(Activation activation);
bool parse_activation(const std::string& name, Activation& activation);

}  // namespace equipoise
