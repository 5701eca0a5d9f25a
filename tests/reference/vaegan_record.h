// tests/reference/vaegan_record.h - VAE-GAN training, batches of its record, and the record's steps done again.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/reference/record.h"
#include "tests/reference/rmsprop.h"
#include "tests/reference/vaegan_backward.h"

namespace equipoise::reference {

struct VaeganSettings {
  RoutingTable routing;
  RmsPropSettings rmsprop;
};

/// All groups take their gradients at the same parameters, then each steps.
class VaeganTrainer {
 public:
  VaeganTrainer(VaeganSettings settings, VaeganParameters initial)
      : settings_(std::move(settings)), parameters_(std::move(initial)) {}

  /// Returns what the parameters were judged by before the step.
  VaeganForward step(const VaeganBatch& batch) {
    VaeganForward f = vaegan_forward(parameters_, batch);
    GradientByName all;
    for (const std::string& group : kVaeganGroups) {
      all.merge(routed_gradient(settings_.routing, group, parameters_, batch, f));
    }
    for (auto& [name, value] : parameters_.by_name) {
      rmsprop_step(value, all.at(name), moments_[name], settings_.rmsprop);
    }
    return f;
  }

  const VaeganParameters& parameters() const { return parameters_; }

 private:
  VaeganSettings settings_;
  VaeganParameters parameters_;
  std::map<std::string, std::vector<RmsPropMoments>> moments_;
};

inline VaeganSettings vaegan_settings_from(const std::map<std::string, std::string>& metadata) {
  const auto number = [&](const std::string& key) { return numbers_in(metadata.at(key)).at(0); };
  return {vaegan_routing(number("gamma"), number("lambda")), {.lr = number("lr")}};
}

inline VaeganBatch vaegan_batch_from(const Record& record, int step) {
  const auto matrix = [&](const std::string& name) { return matrix_from(at_step(record.at(name), step)); };
  return {matrix("batch.x"), matrix("noise.view"), matrix("noise.prior"), matrix("batch.aux")};
}

/// out.* and grad.* of the first step.
inline std::map<std::string, Matrix> vaegan_first_outcome(const VaeganSettings& settings, const Record& record) {
  const VaeganParameters parameters = parameters_from(record, "init.");
  const VaeganBatch batch = vaegan_batch_from(record, 0);
  const VaeganForward f = vaegan_forward(parameters, batch);
  std::map<std::string, Matrix> outcome = {{"out.mu", f.mu},
                                           {"out.logvar", f.logvar},
                                           {"out.reconstruction", f.reconstructed.output},
                                           {"out.sampled", f.sampled.output},
                                           {"out.nle", half_squared_distances(f.reconstructed.output, batch.x)}};
  for (const auto& [term, rows] : f.rows) {
    const bool adversarial_term = term.rfind("dis_", 0) == 0 || term.rfind("gen_", 0) == 0;
    outcome[(adversarial_term ? "out.bce_" : "out.") + term] = rows;
  }
  for (const std::string& group : kVaeganGroups) {
    for (const auto& [name, g] : routed_gradient(settings.routing, group, parameters, batch, f)) {
      outcome["grad." + group + "." + name] = g;
    }
  }
  return outcome;
}

/// Replays the record's steps from its initial parameters; returns out.* and grad.* of step 0, trace.losses and
/// final.*.
inline std::map<std::string, Matrix> replay_vaegan(const VaeganSettings& settings, const Record& record) {
  std::map<std::string, Matrix> outcome = vaegan_first_outcome(settings, record);
  VaeganTrainer trainer(settings, parameters_from(record, "init."));
  const int steps = static_cast<int>(record.at("batch.x").shape.front());
  Matrix losses(steps, 4);
  for (int step = 0; step < steps; ++step) {
    const VaeganForward f = trainer.step(vaegan_batch_from(record, step));
    for (int g = 0; g < 3; ++g) {
      losses.at(step, g) = routed_loss(settings.routing, kVaeganGroups[static_cast<std::size_t>(g)], f);
    }
    losses.at(step, 3) = f.terms.at("auxiliary");
  }
  outcome["trace.losses"] = losses;
  for (const auto& [name, value] : trainer.parameters().by_name) outcome["final." + name] = value;
  return outcome;
}

}  // namespace equipoise::reference
