// kernels/ops/activation.h - what follows a linear layer, and its derivative from the layer's output.
#pragma once

#include "kernels/base/fn.h"
#include "kernels/base/strict_math.h"
#include "kernels/ops/forms.h"

namespace equipoise {

/// Applies the activation to `count` neighbouring sums; a NaN stays a NaN.
EQ_FN void activate(Activation activation, const float* sum, float* __restrict__ y, int count) {
  switch (activation) {
    case Activation::identity:
      for (int j = 0; j < count; ++j) y[j] = sum[j];
      break;
    case Activation::relu:
      EQ_VECTOR
      for (int j = 0; j < count; ++j) y[j] = sum[j] < 0.0f ? 0.0f : sum[j];
      break;
    case Activation::tanh:
      for (int j = 0; j < count; ++j) y[j] = strict_tanh(sum[j]);
      break;
    case Activation::sigmoid:
      for (int j = 0; j < count; ++j) y[j] = strict_sigmoid(sum[j]);
      break;
  }
}

/// dy times the derivative at the output y, written to dx.
EQ_FN void activate_gradient(Activation activation, const float* __restrict__ y, const float* dy, float* dx,
                             int count) {
  switch (activation) {
    case Activation::identity:
      for (int j = 0; j < count; ++j) dx[j] = dy[j];
      break;
    case Activation::relu:
      EQ_VECTOR
      for (int j = 0; j < count; ++j) {
        const float d = dy[j];  // read in any case, so that the choice is a select
        dx[j] = y[j] > 0.0f ? d : 0.0f;
      }
      break;
    case Activation::tanh:
      for (int j = 0; j < count; ++j) dx[j] = dy[j] * (1.0f - y[j] * y[j]);
      break;
    case Activation::sigmoid:
      for (int j = 0; j < count; ++j) dx[j] = dy[j] * (y[j] * (1.0f - y[j]));
      break;
  }
}

}  // namespace equipoise
