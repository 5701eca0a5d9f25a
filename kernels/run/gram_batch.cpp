// kernels/run/gram_batch.cpp - Gram matrices of many stacks of gradients on host threads.
#include "kernels/run/gram_batch_launch.h"

#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/teams/host_team.h"

namespace equipoise {

namespace {

/// One of `members` that share the work: a stretch of the items, then of the pairs. `wait` keeps them in step.
template <class Wait>
void share_of(const GramBatch& batch, int64_t member, int64_t members, double* partials, Wait&& wait) {
  constexpr int kPassRows = 1;  // all a lone thread needs, and its slots stay in the first cache
  constexpr int kTile = kHostPanel * kHostPanel, kKept = kMaxTasks * (kMaxTasks + 1) / 2;
  double scratch[team_scratch(kTile, kKept, kPassRows)];
  double* const row_sums = scratch + kTile * kPassRows * kSlotStride;
  const auto each = [&](int64_t count, auto&& body) {
    for (int64_t i = count * member / members; i < count * (member + 1) / members; ++i) body(i);
  };
  each(host_items(batch), [&](int64_t i) {
    const GramItem item = gram_item<SerialTeam>(batch, i, scratch, row_sums);
    gram_chunk<SerialTeam, false>(SerialTeam{}, batch, item, kPassRows, partials);
  });
  wait();
  each(batch.replicas * pairs_of(batch.tasks), [&](int64_t pair) { gram_finish(SerialTeam{}, batch, pair, partials); });
}

}  // namespace

void check_gram_batch(const GramBatch& batch) {
  if (batch.replicas < 0 || batch.columns < 1 || batch.tasks < 1 || batch.tasks > kMaxTasks ||
      batch.row_stride < batch.columns || batch.row_stride > INT32_MAX)
    throw std::invalid_argument("a Gram batch of " + std::to_string(batch.replicas) + " x [" +
                                std::to_string(batch.tasks) + ", " + std::to_string(batch.columns) + "] with rows " +
                                std::to_string(batch.row_stride) + " floats apart");
}

void gram_batch_cpu(const GramBatch& batch, int threads) {
  check_gram_batch(batch);
  if (threads < 1) throw std::invalid_argument("gram_batch_cpu needs at least one thread");
  std::vector<double> partials(static_cast<std::size_t>(gram_scratch(batch)));
  if (threads == 1) return share_of(batch, 0, 1, partials.data(), [] {});
  run_host_team<HostTeam>(threads, [&](const HostTeam& team) {
    share_of(batch, team.thread_rank(), team.size(), partials.data(), [&] { team.sync(); });
  });
}

}  // namespace equipoise
