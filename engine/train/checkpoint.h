// engine/train/checkpoint.h - a training as tensors: the model file that PyTorch loads, and the checkpoint to resume
// from.
//
// Both hold parameters under their names, weights [out, in]. A checkpoint adds "moment1.<name>", "moment2.<name>",
// "best.<name>" once there is a best epoch, "control.<field>" with the balancing's float64 state, and once an epoch is
// done "control.training_loss" [epochs] and "control.first_losses" [tasks].
// Metadata name the model, every setting that decides the run, and the SHA-256 of all tensors and of themselves; a
// checkpoint of another run, or one that was damaged, is refused.
#pragma once

#include <vector>

#include "engine/files/safetensors.h"
#include "engine/lower/program.h"
#include "engine/train/learning.h"
#include "engine/train/training_plan.h"
#include "kernels/state/control.h"

namespace equipoise {

/// Where a training stands.
struct TrainingState {
  Control control;
  std::vector<float> state;       ///< parameters and moments
  std::vector<float> best_state;  ///< parameters of the best epoch; empty before it
  int best_epoch = 0;
  double best_value = 0;
  LossHistory losses{};  ///< of all epochs done; NaN where a checkpoint of format 2 did not hold them
};

/// The parameters of a replica's state; moments and the methods' state are zero.
std::vector<float> parameters_of(const Program& program, const std::vector<float>& state);
/// Writes the SHA-256 of the tensors into the metadata, and then theirs; to be called again once tensors are added.
void sign(TensorFile& file);
/// That of the metadata alone; to be called again once some are added. Files of before have none.
void sign_metadata(TensorFile& file);

/// Throws Error(checkpoint) if the tensors or the metadata are not those that were signed. Files of before they were
/// signed pass.
void expect_undamaged(const TensorFile& file);

TensorFile model_file(const Program& program, const TrainingPlan& plan, const std::vector<float>& state, int epoch);
/// Fills the parameters of `state` from a model file; throws Error(checkpoint) for a missing or misshapen tensor.
std::vector<float> read_model(const Program& program, const TensorFile& file);
/// The setup of a model file: system, variant, sizes, settings.
Setup read_model_setup(const TensorFile& file);

/// What a checkpoint says of its training.
struct Standing {
  int epochs = 0;  ///< whole ones done
  int64_t steps = 0;
  int best_epoch = 0;  ///< 0: none was chosen yet
};
/// The model that a checkpoint holds: that of its best epoch, or the last state where none was chosen.
struct CheckpointModel {
  Standing standing;
  TensorFile model;
};
/// Throws Error(checkpoint) if the file is damaged.
CheckpointModel model_of_checkpoint(const TensorFile& checkpoint);

/// Class weights that a model was trained with; empty if the file names none.
std::vector<float> class_weights_of(const TensorFile& model);

/// Decision thresholds of a model file, as set_thresholds wrote them; empty: none are set, and 1/2 holds.
std::vector<double> thresholds_of(const TensorFile& model);
/// To be written whole after it.
void set_thresholds(TensorFile& model, const std::vector<double>& thresholds);

TensorFile checkpoint_file(const Program& program, const TrainingPlan& plan, const TrainingState& state);
TrainingState read_checkpoint(const Program& program, const TrainingPlan& plan, const TensorFile& file);

}  // namespace equipoise
