// engine/train/training_plan.h - what a training is asked to do.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/systems/setup.h"

namespace equipoise {

struct TrainingPlan {
  Setup setup;  ///< sizes filled in; setup.settings.rows is set by the trainer
  int batch = 32;
  int epochs = 400;
  int patience = 50;  ///< epochs without improvement before training stops; 0 = never stop early
  int warmup = 0;     ///< epochs before patience counts; 0 = until the training loss has fallen (learning.h)
  Monitor monitor = Monitor::auc;
  int monitor_task = -1;             ///< the task that it is of; -1: all that it can be of
  std::vector<float> class_weights;  ///< [System::weighed_classes], at least one
};

/// Metadata that must agree for a run to go on.
std::map<std::string, std::string> identity_of(const TrainingPlan& plan);

}  // namespace equipoise
