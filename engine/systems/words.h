// engine/systems/words.h - the words that configs and files have for optimizers, monitors, policies and activations.
#pragma once

#include "engine/base/names.h"
#include "engine/graph/graph.h"
#include "engine/systems/system.h"
#include "kernels/state/control.h"

namespace equipoise {

inline constexpr Named<OptimizerKind> kOptimizers[] = {
    {"adam", OptimizerKind::adam}, {"rmsprop", OptimizerKind::rmsprop}, {"sgd", OptimizerKind::sgd}};

inline constexpr Named<Monitor> kMonitors[] = {
    {"auc", Monitor::auc}, {"loss", Monitor::loss}, {"deviance", Monitor::deviance}, {"none", Monitor::none}};

inline constexpr Named<OnNonfinite> kPolicies[] = {
    {"stop", OnNonfinite::stop}, {"skip", OnNonfinite::skip}, {"freeze", OnNonfinite::freeze}};

inline constexpr Named<Activation> kActivations[] = {{"relu", Activation::relu},
                                                     {"tanh", Activation::tanh},
                                                     {"sigmoid", Activation::sigmoid},
                                                     {"identity", Activation::identity}};

/// An activation as a word of a config.
inline Word activation_word(Activation& activation) {
  return {[&activation] { return name_in(kActivations, activation); },
          [&activation](std::string_view name) { read_name(kActivations, name, activation); }};
}

}  // namespace equipoise
