// engine/train/training_plan.cpp - a plan as metadata.
#include "engine/train/training_plan.h"

#include "engine/systems/metadata.h"

namespace equipoise {

std::map<std::string, std::string> identity_of(const TrainingPlan& plan) {
  std::map<std::string, std::string> m = to_metadata(plan.setup);
  m["batch"] = std::to_string(plan.batch);
  m["training_rows"] = std::to_string(plan.setup.settings.rows);
  m["monitor"] = name_in(kMonitors, plan.monitor);
  if (plan.monitor_task >= 0) m["monitor_task"] = std::to_string(plan.monitor_task);
  m["classes"] = std::to_string(plan.class_weights.size());
  m["class_weights"] = "";
  for (const float weight : plan.class_weights) m["class_weights"] += shortest(double{weight}) + " ";
  return m;
}

}  // namespace equipoise
