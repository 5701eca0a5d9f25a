// engine/likelihood/likelihood.cpp - the table of likelihoods.
#include "engine/likelihood/likelihood.h"

#include <algorithm>

namespace equipoise {

std::span<const Likelihood* const> likelihoods() {
  static const Likelihood* const table[] = {
      &regression(),
      &binary(),
      &multiclass(),
      &count(),
  };
  return table;
}

const Likelihood* find_likelihood(std::string_view name) {
  const auto all = likelihoods();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Likelihood* l) { return l->name() == name; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace equipoise
