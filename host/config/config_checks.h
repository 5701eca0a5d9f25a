// host/config/config_checks.h - what keys of a config mean together: contradictions, and defaults that follow from
// others.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/config/config.h"

namespace equipoise {

/// Keys that were given, with their places.
struct GivenKeys {
  std::string file;
  bool of_a_run = false;  ///< the file was written by a run, maybe one of an older version
  std::map<std::pair<std::string, size_t>, std::string> places;  ///< by dotted name and balancer

  bool contains(const std::string& dotted, size_t balancer = 0) const { return places.contains({dotted, balancer}); }
  /// Of a key that was not given: the file.
  std::string where(const std::string& dotted, size_t balancer = 0) const {
    const auto found = places.find({dotted, balancer});
    return found == places.end() ? file : found->second;
  }
};

/// Whether an AUC can choose the model's epochs: it has a loss that learns the label.
bool knows_auc(const Config& config);
/// Takes out of the model's losses those without which no AUC is known.
void leave_out_classification(Config& config);

/// Everything that does not fit together, a sentence each, beginning with the place.
std::vector<std::string> contradictions(const Config& config, const GivenKeys& given);

/// Names the parameters over which the variant balances, where nothing is named and no latent is chosen.
void name_places(Config& config);

/// Sets what variant, methods and tasks decide where it was left open. `config` has no contradiction.
void fill_in(Config& config);

/// Gives each method all its own keys, and task weights that learn their rate, so that nothing is left to defaults.
void spell_out(Config& config);

}  // namespace equipoise
