// kernels/ops/cross_entropy.h - softmax cross-entropy with class weights and unlabelled rows.
//   loss = sum_r w[y_r] (log sum_c exp x_rc - x_r,y_r) / sum_r w[y_r],  over labelled rows (PyTorch's weighted mean)
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/strict_math.h"
#include "kernels/ops/softmax.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct CrossEntropy {
  View x;        // [n, classes]
  Place labels;  // [n] int32, -1 unlabelled
  View dx;       // [n, classes], overwritten if has_gradient; zero where nothing is labelled
  Place slots;   // [n] weighted losses, overwritten
  float scale;   // of the term in its task's loss
  int32_t task;  // >= 0: the gradient is weighted by that task's weight (merged lane)
  bool has_gradient;
  EQ_FIELDS(x, labels, dx, slots, scale, task, has_gradient)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.n;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int r) const {
    const float* in = c.row(x, r);
    const int label = c.ints(labels)[r];
    const float class_weight = label < 0 ? 0.0f : c.data->class_weights[c.settings->first_class_weight + label];
    const RowExponentials e = row_exponentials(in, x.cols);
    c.doubles(slots)[r] =
        label < 0 ? 0.0 : double{class_weight} * (double{strict_log(e.sum)} + (double{e.largest} - double{in[label]}));
    if (!has_gradient) return;
    const double total = c.control->label_weight;
    const float weight = task < 0 ? 1.0f : static_cast<float>(c.control->shared_weights[task]);
    const float k =
        label < 0 || !(total > 0) ? 0.0f : scale * weight * static_cast<float>(double{class_weight} / total);
    float* d = c.row(dx, r);
    for (int j = 0; j < x.cols; ++j)
      d[j] = label < 0 ? 0.0f : k * (strict_exp(in[j] - e.largest) / e.sum - (j == label ? 1.0f : 0.0f));
  }
};

}  // namespace equipoise
