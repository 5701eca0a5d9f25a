// host/config/model_config.h - from a config and prepared data to a training plan.
#pragma once

#include "engine/base/dataset.h"
#include "engine/train/training_plan.h"
#include "host/config/config.h"

namespace equipoise {

/// The published settings of the system and variant, overruled by the config; features, classes and tasks are the
/// data's (for MLDRL two classes where nothing is labelled). Without validation rows the plan never stops early. Throws
/// Error(usage) where the config asks for what the model or the data do not have: a parameter in balance.over, a place
/// in balance.at, a class weight for each class, an AUC without labels.
TrainingPlan training_plan(const Config& config, const Dataset& data, const Split& split);

}  // namespace equipoise
