// tests/kernels/ops/target_rig.h - logits beside targets of which some are missing, in a rig.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/ops/target_loss.h"
#include "tests/kernels/harness.h"

namespace equipoise::test {

inline constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// How a loss is averaged and weighed.
struct TargetCase {
  bool sums;
  int task;
  double factor(double entries) const { return entries > 0 ? (task < 0 ? 1.0 : 1.75) / (sums ? 1.0 : entries) : 0.0; }
};
inline const std::vector<TargetCase> kTargetCases = {{false, -1}, {true, -1}, {false, 2}, {true, 2}};

/// Logits, targets and room for the rest; every `every`-th target is missing, all of them where it is 1.
struct TargetRig {
  TargetRig(const Shape& shape, int targets, int every_missing) : s(shape), cols(targets), rig(s.batch, s.n) {
    x = rig.matrix(1, s.cols);
    dx = rig.matrix(1, s.cols);
    target = rig.matrix(1, cols);
    count = rig.doubles(1);
    counted = rig.doubles(s.batch * kRowLanes);
    slots = rig.doubles(s.batch * kRowLanes);
    every = every_missing;
    rig.control().shared_weights[2] = 1.75;
  }
  /// Logits up to `size`; draw_target() gives a target.
  template <class Draw>
  void fill(double size, Draw&& draw_target) {
    rig.fill(x, draws, -size, size);
    for (int r = 0, i = 0; r < s.n; ++r)
      for (int c = 0; c < cols; ++c, ++i)
        rig.row(target, r)[c] = every > 0 && i % every == 0 ? kMissing : static_cast<float>(draw_target());
  }
  /// From now on targets are classes of these weights, which follow others among those of the run.
  void weigh_classes(const std::vector<float>& weights) {
    class_weights = {-7, -7, -7};
    class_weights.insert(class_weights.end(), weights.begin(), weights.end());
    rig.data.class_weights = class_weights.data();
    rig.settings.first_class_weight = 1;
    first_weight = 2;
  }
  /// Entries with a target, or their weight, joined as a step joins them, left in `count`.
  double count_targets() {
    rig.run(CountTargets{target, counted, first_weight}, {Rig::written_doubles(counted, s.n * kRowLanes)});
    double entries = 0;
    for (int i = 0; i < s.n * kRowLanes; ++i) entries += rig.double_at(counted, i);
    rig.set_double(count, 0, entries);
    return entries;
  }
  bool has_target(int r, int c) { return !std::isnan(rig.row(target, r)[c]); }
  double slot_sum(int r) {
    double sum = 0;
    for (int lane = 0; lane < kRowLanes; ++lane) sum += rig.double_at(slots, r * kRowLanes + lane);
    return sum;
  }
  void run(TargetForm form, const TargetCase& c, bool has_gradient = true) {
    std::vector<Written> writes{Rig::written_doubles(slots, s.n * kRowLanes)};
    if (has_gradient) writes.push_back(rig.written(dx));
    rig.run(TargetLoss{x, target, count, dx, slots, form, c.task, first_weight, has_gradient, c.sums}, writes);
  }
  void run_classes(const TargetCase& c, bool has_gradient = true) {
    std::vector<Written> writes{Rig::written_doubles(slots, s.n)};
    if (has_gradient) writes.push_back(rig.written(dx));
    rig.run(TargetCrossEntropy{x, target, count, dx, slots, c.task, first_weight, has_gradient, c.sums}, writes);
  }

  Shape s;
  int cols, every = 0;
  int32_t first_weight = -1;  ///< of the targets' classes
  std::vector<float> class_weights;
  Rig rig;
  reference::Draws draws{81};
  View x{}, dx{}, target{};
  Place count{}, counted{}, slots{};
};

}  // namespace equipoise::test
