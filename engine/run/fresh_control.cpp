// engine/run/fresh_control.cpp - controls before the first step.
#include "engine/run/fresh_control.h"

#include "kernels/state/fresh_control.h"

namespace equipoise {

Control fresh_control(const Settings& settings, int tasks, int balancers) {
  Control control;
  make_fresh(Solo{}, control, settings, tasks, balancers);
  return control;
}

}  // namespace equipoise
