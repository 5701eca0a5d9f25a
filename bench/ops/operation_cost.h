// bench/ops/operation_cost.h - floating-point operations and compulsory bytes of one call of each kernel.
//
// An fma counts as two operations; exp, log and a sine with its cosine by the arithmetic of kernels/base/strict_math.h.
// Bytes are those of every input read once and every output written once. Operations on K-long state cost nothing here.
#pragma once

#include "kernels/program/operation.h"

namespace equipoise::bench {

struct Cost {
  double flops = 0, bytes = 0;
};
inline Cost operator+(Cost a, Cost b) { return {a.flops + b.flops, a.bytes + b.bytes}; }
inline Cost operator*(double k, Cost a) { return {k * a.flops, k * a.bytes}; }

inline constexpr double kExpFlops = 23, kLogFlops = 31, kSineCosineFlops = 26;
inline constexpr double kSlotRowBytes = kRowLanes * sizeof(double);

/// Elements of a view when the batch has n rows.
inline double elements(const View& v, int n) { return double(v.blocks) * n * v.cols; }

template <class Op>
Cost cost(const Op&, int) {
  return {};
}
inline Cost cost(const Linear& o, int n) {
  const double in = o.x.cols, out = o.y.cols;
  return {2.0 * elements(o.x, n) * out, 4.0 * (elements(o.x, n) + elements(o.y, n) + in * out + out)};
}
inline Cost cost(const LinearInputGradient& o, int n) {
  const double in = o.dx.cols, out = o.dy.cols;
  const bool reads = o.accumulate || o.activation != Activation::identity;
  return {2.0 * elements(o.dy, n) * in, 4.0 * (elements(o.dy, n) + (reads ? 2 : 1) * elements(o.dx, n) + in * out)};
}
inline Cost cost(const LinearWeightGradient& o, int n) {
  const double in = o.x.cols, out = o.dy.cols;
  const double weights = o.has_weight ? in * out : 0, biases = o.has_bias ? out : 0;
  return {(o.has_weight ? 2.0 * elements(o.x, n) * out : 0.0) + (o.has_bias ? elements(o.dy, n) : 0.0),
          4.0 * ((o.has_weight ? elements(o.x, n) : 0.0) + elements(o.dy, n) +
                 (o.accumulate ? 2 : 1) * (weights + biases))};
}
inline Cost cost(const ActivationGradient& o, int n) { return {2.0 * elements(o.y, n), 12.0 * elements(o.y, n)}; }
inline Cost cost(const Latent& o, int n) {
  const double rows = double(o.z.blocks) * n;
  return {(kExpFlops + 10) * elements(o.z, n), 4.0 * 5 * elements(o.z, n) + kSlotRowBytes * rows};
}
inline Cost cost(const LatentGradient& o, int n) { return {10.0 * elements(o.sigma, n), 28.0 * elements(o.sigma, n)}; }
inline Cost cost(const SumViews& o, int n) {
  return {2.0 * o.count * elements(o.to, n), 4.0 * (o.count + (o.accumulate ? 2 : 1)) * elements(o.to, n)};
}
inline Cost cost(const SquaredError& o, int n) {
  const double target = double(n) * o.y.cols, dy = o.has_gradient ? elements(o.y, n) : 0;
  return {3.0 * elements(o.y, n) + 2.0 * dy,
          4.0 * (elements(o.y, n) + target + dy) + kSlotRowBytes * double(o.y.blocks) * n};
}
inline Cost cost(const CrossEntropy& o, int n) {
  const double x = elements(o.x, n);
  return {(2 * kExpFlops + 6) * x + (kLogFlops + 4) * n, 4.0 * (o.has_gradient ? 2 : 1) * x + 12.0 * n};
}
inline Cost cost(const InherentVariational& o, int n) {
  const double others = o.z.blocks - 1;
  return {1.5 * others * elements(o.z, n), 4.0 * elements(o.z, n) + 2 * kSlotRowBytes * n};
}
inline Cost cost(const InherentVariationalGradient& o, int n) {
  return {3.0 * (o.z.blocks - 1) * elements(o.z, n), 8.0 * elements(o.z, n)};
}
inline Cost cost(const GramSlots& o, int) {
  const double elements = double(o.count) * o.fold, pairs = gram_pairs(o.tasks);
  return {2.0 * pairs * o.count, 4.0 * o.tasks * elements + pairs * sizeof(double) * flat_slots(o.count)};
}
inline Cost cost(const GradientSquares& o, int) {
  return {2.0 * (o.block.lanes + 1) * o.block.count,
          4.0 * o.block.lanes * o.block.count + double(sizeof(double)) * flat_slots(o.block.count)};
}
/// A square root and a division count as one each.
inline Cost cost(const Adam& o, int) {
  return {(2.0 * o.block.lanes + 15) * o.block.count, 4.0 * (o.block.lanes + 6) * o.block.count};
}
/// Of the normals only: Philox is integer arithmetic.
inline Cost cost(const DrawNoise& o, int n) {
  return {(kLogFlops + kSineCosineFlops + 6) / 2 * elements(o.to, n), 4.0 * elements(o.to, n)};
}
inline Cost cost(const DrawMask& o, int n) { return {elements(o.to, n), 4.0 * elements(o.to, n)}; }
inline Cost cost(const Multiply& o, int n) {
  return {elements(o.to, n), 4.0 * (o.accumulate ? 4 : 3) * elements(o.to, n)};
}
/// Of the functions that value and slope of an entry's loss take.
inline double form_flops(TargetForm form) {
  switch (form) {
    case TargetForm::squared:
      return 0;
    case TargetForm::logistic:
    case TargetForm::poisson:
      return 2 * kExpFlops + kLogFlops;
  }
  return 0;
}
inline Cost cost(const TargetLoss& o, int n) {
  const double x = elements(o.x, n);
  return {(form_flops(o.form) + (o.has_gradient ? 5 : 3)) * x, 4.0 * (o.has_gradient ? 3 : 2) * x + kSlotRowBytes * n};
}
inline Cost cost(const TargetCurvature& o, int n) {
  return {(o.form == TargetForm::squared ? 2 : kExpFlops + 4) * elements(o.x, n), 16.0 * elements(o.x, n)};
}
inline Cost cost(const Adversarial& o, int n) {
  const double x = elements(o.x, n);
  return {(2 * kExpFlops + kLogFlops + 8) * x, 4.0 * (o.has_gradient ? 2 : 1) * x + kSlotRowBytes * o.x.blocks * n};
}
inline Cost cost(const RowSums& o, int n) {
  return {elements(o.from, n), 4.0 * (elements(o.from, n) + double(o.from.blocks) * o.stride)};
}
/// A square root and a division count as one each.
inline Cost cost(const RmsProp& o, int) {
  return {(2.0 * o.block.lanes + 10) * o.block.count, 4.0 * (o.block.lanes + 6) * o.block.count};
}
inline Cost cost(const Sgd& o, int) {
  return {(2.0 * o.block.lanes + 5) * o.block.count, 4.0 * (o.block.lanes + 4) * o.block.count};
}
inline Cost cost(const Gather& o, int n) { return {0, 8.0 * elements(o.to, n) + 4.0 * n}; }
inline Cost cost(const ChooseRows&, int n) { return {0, 16.0 * n}; }

inline Cost cost(const Operation& o, int n) {
  switch (o.kind) {
#define EQ_COST(tag, Struct) \
  case OperationKind::tag:   \
    return cost(o.tag, n);
    EQ_OPERATIONS(EQ_COST)
#undef EQ_COST
  }
  return {};
}

}  // namespace equipoise::bench
