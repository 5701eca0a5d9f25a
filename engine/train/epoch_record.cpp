// engine/train/epoch_record.cpp - reads records.
#include "engine/train/epoch_record.h"

#include <algorithm>

namespace equipoise {

EpochRecord record_of(const RecordShape& shape, std::span<const double> record) {
  EpochRecord r;
  r.training_loss = record[kRecordLoss];
  r.evaluated = record[kRecordEvaluated] != 0;
  r.monitor = record[kRecordMonitor];
  r.best = record[kRecordBest] != 0;
  r.trained.epoch = static_cast<int32_t>(record[kRecordEpoch]);
  r.trained.step = static_cast<int64_t>(record[kRecordStep]);
  r.trained.skipped = static_cast<int32_t>(record[kRecordSkipped]);
  const double* from = record.data() + kRecordFields;
  const auto take = [&](double* values, int count) {
    std::copy_n(from, count, values);
    from += count;
  };
  each_trained(shape, r.trained, take);
  if (r.evaluated) each_evaluated(shape, r.evaluation, take);
  return r;
}

}  // namespace equipoise
