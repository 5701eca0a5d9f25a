// engine/systems/systems.cpp - the table of systems.
#include <algorithm>

#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"

namespace equipoise {

std::span<const System* const> systems() {
  static const MldrlSystem mldrl;
  static const MtlSystem mtl;
  static const VaeganSystem vaegan;
  static const System* const table[] = {&mldrl, &mtl, &vaegan};
  return table;
}

const System* find_system(std::string_view kind) {
  const auto all = systems();
  const auto found = std::find_if(all.begin(), all.end(), [&](const System* s) { return s->kind() == kind; });
  return found == all.end() ? nullptr : *found;
}

}  // namespace equipoise
