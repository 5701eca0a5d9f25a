// engine/train/learning.h - the training losses of the epochs so far, and when they had fallen.
//
// The training loss of an epoch is what monitor = "loss" would watch, of the training rows: the sum of the losses'
// means by their initial weights. When it has fallen is said in kernels/state/epochs.h. Of 20,000 histories of normal
// noise 0.5 percent did that at epoch 10, and 10 percent at one epoch or more of the first 50. The deviation is that of
// the last five, as the first may fall so steeply that their own says nothing of noise.
#pragma once

#include <span>
#include <vector>

#include "kernels/state/epochs.h"

namespace equipoise {

struct LossHistory {
  std::vector<double> total;  ///< [epochs] training loss; NaN where a system has no such sum
  std::vector<double> first;  ///< [tasks] each loss in the first epoch
};

/// What is known of a history.
LossFall fall_of(std::span<const double> total);

/// Whether the loss of the last epochs has fallen below that of the first by more than noise. Of a history that begins
/// with NaN, and so can tell nothing, it is always true.
bool has_fallen(std::span<const double> total);

/// The epoch, from 1, at whose end the loss had first fallen so; 0 if it has not.
int epoch_of_fall(std::span<const double> total);

}  // namespace equipoise
