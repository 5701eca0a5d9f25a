// tests/host/config/model_of.h - the model's settings in a config whose kind the test knows.
#pragma once

#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "host/config/config.h"

namespace equipoise::testing {

template <class Of>
const auto& model_of(const Config& config) {
  return of_kind<Of>(*config.model.system).model;
}

}  // namespace equipoise::testing
