// engine/run/fresh_control.cpp - controls before the first step.
#include "engine/run/fresh_control.h"

#include <cstring>

namespace equipoise {

Control fresh_control(const Settings& settings, int tasks, int balancers) {
  Control control;
  std::memset(static_cast<void*>(&control), 0, sizeof control);
  control.beta1_power = control.beta2_power = 1.0;
  for (int i = 0; i < tasks * balancers; ++i)
    control.weights[i] = control.shared_weights[i] = control.private_weights[i] = settings.initial_weights[i % tasks];
  for (int b = 0; b < kMaxBalancers; ++b) control.certificate[b] = control.worst_certificate[b] = kNoCertificate;
  return control;
}

}  // namespace equipoise
