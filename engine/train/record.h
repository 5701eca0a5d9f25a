// engine/train/record.h - writes down the first steps of a training, so that `replay` can repeat them anywhere.
#pragma once

#include "engine/base/dataset.h"
#include "engine/files/safetensors.h"
#include "engine/run/executor.h"
#include "engine/train/training_plan.h"

namespace equipoise {

/// Steps that a record can hold: full batches only, since a record has one batch size. Endless (INT_MAX) where batches
/// divide the training rows.
int most_recordable_steps(const Split& split, int batch);

/// Trains from the start as Trainer would and returns the record of `steps` steps: parameters before and after, batches
/// and noise with a leading step axis (float32, labels int64), what the first step computed, and traces (float64).
/// Metadata hold every setting. Throws Error(usage) for more steps than most_recordable_steps, or past the first epoch
/// where a method counts epochs (dwa), Error(numerics) when a
/// step meets a non-finite value.
TensorFile record_training(const Dataset& data, const Split& split, const TrainingPlan& plan, int steps,
                           Executor& executor);

}  // namespace equipoise
