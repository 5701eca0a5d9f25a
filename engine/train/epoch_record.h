// engine/train/epoch_record.h - what a launch has written down of an epoch (kernels/state/epochs.h), for the host.
#pragma once

#include <span>

#include "engine/run/fresh_control.h"
#include "kernels/state/epochs.h"

namespace equipoise {

struct EpochRecord {
  double training_loss = 0;  ///< NaN where there is none
  bool evaluated = false;
  double monitor = 0;  ///< NaN where nothing is watched
  bool best = false;
  /// As far as records hold it: progress, sums, weights. Everything else is zero.
  Control trained{};
  /// Sums of the evaluation; zero without one.
  Control evaluation{};
};

/// `record` has record_doubles(shape).
EpochRecord record_of(const RecordShape& shape, std::span<const double> record);

}  // namespace equipoise
