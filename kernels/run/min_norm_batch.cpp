// kernels/run/min_norm_batch.cpp - min-norm problems of many sets of gradients on host threads.
#include "kernels/run/min_norm_batch.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/balance/solve/min_norm.h"
#include "kernels/state/settings.h"
#include "kernels/teams/host_team.h"

namespace equipoise {

void check_min_norm_batch(const MinNormBatch& batch) {
  if (batch.problems < 0 || batch.tasks < 1 || batch.tasks > kMaxTasks)
    throw std::invalid_argument("a batch of " + std::to_string(batch.problems) + " min-norm problems of " +
                                std::to_string(batch.tasks) + " tasks");
}

int min_norm_batch_scratch(int tasks) { return min_norm_scratch(tasks); }

MinNormShape min_norm_shape(const MinNormBatch& batch) {
  constexpr int kBlockBytes = 48 << 10;
  constexpr int64_t kMostBlocks = 0x7fffffff;
  const int warp_bytes = min_norm_batch_scratch(batch.tasks) * static_cast<int>(sizeof(double));
  const int warps = std::min(kMinNormWarps, kBlockBytes / warp_bytes);
  return {warps, std::min((batch.problems + warps - 1) / warps, kMostBlocks), warps * warp_bytes};
}

void min_norm_batch_cpu(const MinNormBatch& batch, int threads) {
  check_min_norm_batch(batch);
  if (threads < 1) throw std::invalid_argument("min_norm_batch_cpu needs at least one thread");
  const auto share_of = [&](int64_t member, int64_t members) {
    double scratch[min_norm_scratch(kMaxTasks)];
    const int64_t k = batch.tasks;
    for (int64_t r = batch.problems * member / members; r < batch.problems * (member + 1) / members; ++r) {
      const MinNorm solved =
          min_norm(SerialTeam{}, batch.tasks, batch.gram + r * k * k, batch.weights + r * k, scratch);
      batch.values[r] = solved.value;
      batch.gaps[r] = solved.gap;
    }
  };
  const int members = static_cast<int>(std::min<int64_t>(threads, batch.problems));
  if (members <= 1) return share_of(0, 1);
  run_host_team<HostTeam>(members, [&](const HostTeam& team) { share_of(team.thread_rank(), team.size()); });
}

}  // namespace equipoise
