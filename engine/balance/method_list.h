// engine/balance/method_list.h - methods with their settings, as text gives them and a chain is made of them.
#pragma once

#include <optional>
#include <vector>

#include "kernels/balance/method.h"

namespace equipoise {

/// Methods in the order they act. Two settings of the weighing methods belong to the run (kernels/state/control.h) and
/// so come apart: absent where no method names them.
struct MethodList {
  std::vector<Method> methods;
  std::optional<double> alpha;    ///< of gradnorm, gradnorm_modified
  std::optional<double> task_lr;  ///< lr of gradnorm, gradnorm_modified, uw
};

}  // namespace equipoise
