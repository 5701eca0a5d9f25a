// engine/lower/program_code.h - what a program does: operations with places, in phases. For lowering, executors and
// those that look inside; everybody else is content with engine/lower/program.h.
#pragma once

#include <vector>

#include "engine/lower/program.h"
#include "kernels/program/launch.h"
#include "kernels/program/operation.h"

namespace equipoise {

struct ProgramCode {
  std::vector<Operation> operations;  ///< phase by phase
  std::vector<Phase> phases;
  std::vector<Resident> residents;  ///< parameters that a launch keeps in fast memory
};

}  // namespace equipoise
