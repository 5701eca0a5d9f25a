// kernels/balance/chain.h - a composition of methods as plain data; kernels/balance/run_chain.h runs it.
#pragma once

#include <cstdint>

#include "kernels/balance/method.h"
#include "kernels/base/fields.h"

namespace equipoise {

/// Methods in the order they act, and what becomes of their outcome.
struct Chain {
  int32_t tasks;  ///< K
  int32_t count;  ///< methods
  Method methods[kMaxMethods];
  int32_t state;            ///< doubles of state, all methods together
  int32_t private_weights;  ///< private parts carry the step's coefficients, not only the weights of weighing methods
  int32_t rescale;          ///< the step gets the norm of the plain sum of gradients
  EQ_FIELDS(tasks, count, methods, state, private_weights, rescale)
};

}  // namespace equipoise
