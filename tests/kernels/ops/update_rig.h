// tests/kernels/ops/update_rig.h - a block of parameters under an optimizer without bias correction, and the double
// reference's copy of it.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "kernels/ops/rmsprop.h"
#include "kernels/ops/sgd.h"
#include "tests/kernels/harness.h"
#include "tests/reference/adam.h"
#include "tests/reference/rmsprop.h"
#include "tests/reference/sgd.h"

namespace equipoise::test {

struct UpdateCase {
  int count, lanes;
  double momentum, weight_decay, clip_norm;
};

/// A block of parameters with its gradients in a rig, and the reference's copy of them.
struct UpdateRig {
  explicit UpdateRig(const UpdateCase& s) : shape(s), rig(1), value(1, s.count) {
    Settings& settings = rig.settings;
    settings.lr = 3e-3;
    settings.smoothing = 0.9;
    settings.momentum = s.momentum;
    settings.weight_decay = s.weight_decay;
    settings.clip_norm = s.clip_norm;
    rig.control().finite = 1;
    for (int k = 0; k < s.lanes; ++k) rig.control().shared_weights[k] = weight(k);
    block = GradientBlock{rig.floats(s.lanes * (s.count + 4)), s.count + 4, s.lanes, {}, {}, s.count, 0.5f, true};
    std::fill(std::begin(block.route), std::end(block.route), 1.0f);
    for (int k = 0; k < s.lanes; ++k) block.task[k] = static_cast<int8_t>(k);
    parameter = rig.floats(s.count);
    moment1 = rig.floats(s.count);
    moment2 = rig.floats(s.count);
    rig.fill(parameter, s.count, draws);
    for (int e = 0; e < s.count; ++e) {
      rig.at(moment1)[e] = rig.at(moment2)[e] = 0.0f;
      value.at(0, e) = rig.at(parameter)[e];
    }
  }
  static double weight(int lane) { return 0.4 + 0.6 * lane; }
  /// New gradients, and the reference's clipped total of them; they lie in [size / 4, size], so that no lanes cancel.
  void draw_gradients(double size) {
    total = reference::Matrix(1, shape.count);
    for (int lane = 0; lane < shape.lanes; ++lane) {
      const Place from{block.gradient.offset + lane * block.lane_stride, block.gradient.space};
      rig.fill(from, shape.count, draws, size / 4, size);
      for (int e = 0; e < shape.count; ++e) {
        if (e % 3 == 0) rig.at(from)[e] = -rig.at(from)[e];
        total.at(0, e) += 0.5 * weight(lane) * rig.at(from)[e];
      }
    }
    reference::GradientByName one{{"block", total}};
    rig.control().gradient_norm = reference::clip_global_norm(one, shape.clip_norm);
    total = one.at("block");
  }
  std::vector<Written> writes(bool squares) const {
    std::vector<Written> all{Rig::written_floats(parameter, shape.count), Rig::written_floats(moment1, shape.count)};
    if (squares) all.push_back(Rig::written_floats(moment2, shape.count));
    return all;
  }
  RmsProp rmsprop() const { return {block, parameter, moment1, moment2}; }
  Sgd sgd() const { return {block, parameter, moment1}; }
  void step_rmsprop() {
    rig.run(rmsprop(), writes(true));
    const Settings& s = rig.settings;
    reference::rmsprop_step(value, total, moments, {s.lr, s.smoothing, s.eps, s.momentum, s.weight_decay});
  }
  void step_sgd() {
    rig.run(sgd(), writes(false));
    const Settings& s = rig.settings;
    reference::sgd_step(value, total, velocity, {s.lr, s.momentum, s.weight_decay});
  }

  UpdateCase shape;
  Rig rig;
  GradientBlock block{};
  Place parameter{}, moment1{}, moment2{};
  reference::Draws draws{111};
  reference::Matrix value, total;
  std::vector<reference::RmsPropMoments> moments;
  std::vector<double> velocity;
};

inline constexpr int kSteps = 5;
inline constexpr Tolerance kState{.rel = 40 * kRounding,
                                  .why = "five lanes and five steps of a few roundings, none cancels"};
inline constexpr Tolerance kParameter{
    .rel = 40 * kRounding, .why = "three roundings a step of a number of about 1, and a small share of the state's"};

inline std::string name_of(const UpdateCase& s, int step, int e) {
  return std::to_string(s.count) + " parameters in " + std::to_string(s.lanes) + " lanes, step " +
         std::to_string(step) + ", element " + std::to_string(e);
}

}  // namespace equipoise::test
