// engine/systems/setup.h - everything that decides a training: system, balancing, optimizer; and what it means to
// lower().
#pragma once

#include <string>
#include <vector>

#include "engine/lower/lower.h"
#include "engine/systems/system.h"
#include "kernels/balance/method.h"
#include "kernels/state/control.h"

namespace equipoise {

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
  std::string variant;
  AnySystem system;
  std::vector<BalanceSetup> balance = {{}};  ///< one at parameters or a representation, or several at different ones
  double loss_scale = 1.0;
  OptimizerKind optimizer = OptimizerKind::adam;
  Settings settings;
};

/// What holds where a config says nothing.
struct Defaults {
  Setup setup;
  int epochs = 400, batch = 32;
  Monitor monitor = Monitor::auc;
  double validation = 0.2, test = 0.2;
  std::string source = "tables";
  GeneratorDefaults generated;
};

/// Number of the setup's tasks.
int task_count(const Setup& setup);

/// The published settings of a variant of a kind of system. Throws Error(usage) for a kind or variant that is none.
Setup published_setup(std::string_view kind, std::string_view variant);

/// What a replica of this setup is told: its settings, with the model's dropout.
Settings replica_settings(const Setup& setup);

/// The balancers as programs of one pass take them; tensors have other numbers in another pass. Throws Error(usage) for
/// a parameter or a place the model does not have, for several balancers that are not each at a representation of
/// their own, and for a method that needs a lower bound of a loss that has none.
std::vector<Balancer> balancers_of(const Setup& setup, Pass pass);

/// Options to lower a training step of this setup, for the graph of that pass.
LowerOptions training_options(const Setup& setup, int batch, const PlanLimits& limits, Pass pass = Pass::train);
/// Options to run the model without training it; its state lies as in training.
LowerOptions evaluation_options(const Setup& setup, int batch, const PlanLimits& limits);

}  // namespace equipoise
