// tests/engine/systems/latent_gradients.h - trainings that balance at a representation, and the gradients by it in
// double.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "tests/engine/systems/system_reference.h"
#include "tests/reference/finite_difference.h"

namespace equipoise::test {

using reference::GradientByName;
using reference::Matrix;

inline Setup synthetic_mldrl() {
  Setup setup = mldrl_setup("paper");
  train_fast(setup);
  MldrlModel& m = mldrl(setup);
  m.features = {11, 7};
  m.hidden = 9;
  m.shared = 3;
  m.specific = 2;
  return setup;
}

inline Setup with_balancer(Setup setup, const std::vector<std::string>& methods, const std::string& at,
                           bool sum_rows = false) {
  balance_by(setup, methods, at);
  setup.balance[0].sum_rows = sum_rows;
  return setup;
}

inline Setup with_two_balancers(const std::vector<std::string>& first, const std::vector<std::string>& second) {
  Setup setup = with_balancer(synthetic_mldrl(), first, "latent1");
  setup.balance.push_back(with_balancer(synthetic_mldrl(), second, "latent2").balance[0]);
  return setup;
}

/// Plain SGD, whose steps are as exact as its gradients: Adam's divide a gradient by its own size.
inline Setup by_sgd(Setup setup, double lr) {
  setup.optimizer = OptimizerKind::sgd;
  setup.settings.lr = lr;
  setup.settings.momentum = setup.settings.clip_norm = setup.settings.weight_decay = 0;
  return setup;
}

/// Gradients by a representation: [task] of one row a sample, its blocks side by side.
using LatentGradients = std::vector<Matrix>;

inline LatentGradients mtl_latent_gradients(const SteppedSystem& s) {
  const reference::MtlNetwork network = reference_network(mtl(s.system.plan.setup));
  const reference::MldrlParameters parameters = reference_parameters(s);
  const reference::MtlForward f = mtl_forward(network, parameters, reference_mtl_batch(s, network));
  LatentGradients by_task;
  for (std::size_t k = 0; k < network.tasks.size(); ++k) {
    GradientByName unused;
    for (const auto& [name, value] : parameters.by_name) unused.emplace(name, Matrix(value.rows, value.cols));
    by_task.push_back(mtl_stack_backward(network, parameters, f.towers[k], f.tasks[k].gradient, unused));
  }
  return by_task;
}

/// MLDRL of a step just probed, in double.
struct MldrlProbe {
  explicit MldrlProbe(const SteppedSystem& s) : parameters(reference_parameters(s)) {
    const MldrlModel& m = mldrl(s.system.plan.setup);
    const int rows = s.stepper.probed_rows(), latent = m.shared + m.specific;
    settings.shared = m.shared;
    settings.class_weights.assign(s.system.plan.class_weights.begin(), s.system.plan.class_weights.end());
    for (int i = 0; i < m.views(); ++i) {
      batch.view.push_back(matrix_of(s.stepper.kept(reference::view_name("view", i)), rows));
      batch.noise.push_back(matrix_of(s.stepper.kept("noise", i, 0, latent), rows));
    }
    for (const int64_t label : s.stepper.labels()) batch.label.push_back(static_cast<int>(label));
    forward = reference::forward(settings, parameters, batch);
  }

  /// Gradients by [mu, log sigma] of one view. The noise enters z as sigma * noise, so that differences by it tell the
  /// derivative by z; the divergence, which does not depend on it, is added by its formula.
  LatentGradients by_view(std::size_t view) const {
    const reference::ViewPass& pass = forward.view[view];
    LatentGradients by_task;
    for (std::size_t k = 0; k < 3; ++k) {
      Matrix dz = reference::central_difference(pass.noise, [&](const Matrix& at) {
        reference::Batch moved = batch;
        moved.noise[view] = at;
        return reference::forward(settings, parameters, moved).losses[k];
      });
      for (std::size_t i = 0; i < dz.values.size(); ++i) dz.values[i] /= pass.sigma.values[i];
      Matrix log_sigma = dz;
      for (std::size_t i = 0; i < dz.values.size(); ++i)
        log_sigma.values[i] *= pass.noise.values[i] * pass.sigma.values[i];
      if (k == 0) {
        const reference::DivergenceGradient d = reference::normal_divergence_gradient(pass.mu, pass.log_sigma);
        accumulate(dz, d.mu);
        accumulate(log_sigma, d.log_sigma);
      }
      by_task.push_back(reference::beside(dz, log_sigma));
    }
    return by_task;
  }

  reference::MldrlSettings settings;
  reference::MldrlParameters parameters;
  reference::Batch batch;
  reference::Forward forward;
};

inline LatentGradients mldrl_latent_gradients(const SteppedSystem& s) {
  const MldrlProbe probe(s);
  LatentGradients both = probe.by_view(0);
  const LatentGradients second = probe.by_view(1);
  for (std::size_t k = 0; k < both.size(); ++k) both[k] = reference::beside(both[k], second[k]);
  return both;
}

/// Runs one step that moves nothing and keeps the total gradient as SGD's velocity.
inline SteppedSystem stepped_once(const Setup& setup) {
  SteppedSystem s(by_sgd(setup, 0), kSystemBatch);
  s.stepper.probe();
  s.stepper.step();
  EXPECT_EQ(s.stepper.control().skipped, 0);
  return s;
}

/// What MLDRL's encoders and heads get where each view's gradients are added with coefficients of their own.
inline GradientByName merged_by_view(const SteppedSystem& s, const std::array<const double*, 2>& coefficient) {
  const MldrlProbe probe(s);
  GradientByName total;
  for (const auto& [name, value] : probe.parameters.by_name) total.emplace(name, Matrix(value.rows, value.cols));
  const auto by_task = task_gradients(probe.settings, probe.parameters, probe.batch, probe.forward);
  for (std::size_t view = 0; view < 2; ++view) {
    const LatentGradients heads = probe.by_view(view);
    for (std::size_t k = 0; k < reference::kTasks; ++k) {
      const double c = coefficient[view][k];
      for (const char* part : {".linear1.weight", ".linear1.bias"}) {
        const std::string name = "encoder" + std::to_string(view + 1) + part;
        accumulate(total.at(name), by_task.at(reference::kTaskNames[k]).at(name), c);
      }
      const int latent = heads[k].cols / 2;
      const char* const layers[] = {"_enc_mu", "_enc_log_sigma"};
      for (int half = 0; half < 2; ++half) {
        const std::string layer = layers[half];
        const reference::LinearGradient g =
            linear_backward(probe.forward.view[view].hidden, probe.parameters.at(layer + ".weight"),
                            reference::columns(heads[k], half * latent, latent));
        accumulate(total.at(layer + ".weight"), g.weight, c);
        accumulate(total.at(layer + ".bias"), g.bias, c);
      }
    }
  }
  return total;
}

inline void expect_encoder_gradients(const SteppedSystem& s, const GradientByName& expected) {
  int compared = 0;
  for (const ParameterInfo& p : s.stepper.program().parameters) {
    if (p.name.find("enc") == std::string::npos) continue;
    EXPECT_EQ(off_by(s.value(p, StatePart::moment1), expected.at(p.name), 2e-6, 2e-8), "") << p.name;
    ++compared;
  }
  EXPECT_EQ(compared, 8);
}

/// Two chains that differ, without draws; the second has state.
inline const std::vector<std::string> kFirst = {"mgda:normalise=l2"}, kSecond = {"gradnorm", "cagrad:c=0.6"};

}  // namespace equipoise::test
