// kernels/run/gram_batch.h - Gram matrices G = J J^T of many [K, D] stacks of float gradients, in float64, in one call.
//
// Sums are the slots and joins of kernels/base/slots.h, so G has the bits that GramSlots and Join make of one flat
// stretch of D elements: columns in rows of 256, lane c mod 16, rising; joined sixteen at a time. A product of two
// floats is exact in float64, so fma rounds as a product and an addition do. A team takes one pair tile of one chunk of
// 16 rows and makes two levels of the tree in its scratch: one partial sum per pair and chunk. gram_finish joins those.
//
// Floor: 4 K D bytes read once; K (K + 1) / 2 fma and K conversions to float64 a column.
// Estimates by counting instructions, never measured, for an H200 (132 multiprocessors; each 64 fma in float64, 16
// conversions and 16.5 bytes of memory a clock), in clocks a column:
//   K = 2   memory 0.5; fma 0.05, conversions 0.1. Bound by memory: 512 threads of 32 loads at once hide its latency.
//   K = 8   memory 1.9; fma 0.6, conversions 0.5, joins 0.1. Bound by memory: 512 threads of 16 loads are 32 KB under
//           way, where 16.5 bytes a clock need 13 KB.
//   K = 16  memory 3.9; fma 2.1, conversions 2. Three tiles take 128 bytes from L2; ten warps with 2 KB each under way
//           get some 22 bytes a clock, so about 5.8: two thirds of the floor.
//   K = 32  memory 7.8, fma 8.3; conversions 8. Ten tiles take 512 bytes from L2, about 23: a third of the floor.
// A chunk's tiles run side by side, so memory is read once and L2 serves the rest. Registers hold sums of 8 x 8 pairs
// and no more; slots of so many pairs fill shared memory, which leaves none to keep the floats of K > 8 tasks in.
#pragma once

#include <cstdint>

#include "kernels/ops/gram.h"
#if !defined(__CUDACC__)
#include "kernels/base/quads.h"
#include "kernels/product/lane_tiles.h"
#endif

namespace equipoise {

struct GramBatch {
  int64_t replicas, columns;  // R >= 0, D >= 1
  int32_t tasks;              // K in [1, kMaxTasks]
  int64_t row_stride;         // floats from one gradient to the next, D to 2^31 - 1; K of them to the next replica
  const float* gradients;     // [R, K, row_stride], the first D of each row
  double* gram;               // [R, K, K], overwritten
};

#if defined(__CUDACC__)
#define EQ_TILE_UNROLL EQ_UNROLL
#define EQ_COUNT __host__ __device__ constexpr  // what a launcher counts, too
#else
#define EQ_TILE_UNROLL EQ_HOST_UNROLL
#define EQ_COUNT constexpr
#endif

inline constexpr int kChunkRows = kJoin;                     ///< rows of a chunk: what one join takes
inline constexpr int kChunkColumns = kChunkRows * kFlatRow;  ///< columns of a chunk
inline constexpr int kSlotStride = kRowLanes + 1;            ///< odd, so that joins meet no two in one bank

/// Tasks on either side of a pair tile: as many as registers hold sums for.
inline constexpr int kDevicePanel = 8, kHostPanel = 3;
template <class Team>
inline constexpr int kPanel = Team::kLanes == 1 ? kDevicePanel : kHostPanel;

EQ_COUNT int64_t pairs_of(int64_t tasks) { return tasks * (tasks + 1) / 2; }
EQ_COUNT int64_t joined(int64_t slots) { return (slots + kJoin - 1) / kJoin; }
EQ_COUNT int64_t gram_chunks(const GramBatch& b) { return (b.columns + kChunkColumns - 1) / kChunkColumns; }
EQ_COUNT int64_t gram_tiles(const GramBatch& b, int panel) { return pairs_of((b.tasks + panel - 1) / panel); }
/// What teams share out: on a device the tiles of each chunk, which fill it; on a CPU chunks, for a core that goes from
/// tile to tile finds the row in its first cache.
EQ_COUNT int64_t device_items(const GramBatch& b) { return b.replicas * gram_chunks(b) * gram_tiles(b, kDevicePanel); }
EQ_COUNT int64_t host_items(const GramBatch& b) { return b.replicas * gram_chunks(b); }
/// Doubles of a pair's partial sums: those of the chunks, then room for the next level of the tree.
EQ_COUNT int64_t gram_partials(const GramBatch& b) { return gram_chunks(b) + joined(gram_chunks(b)); }
/// Doubles of partial sums in all: [R, pairs, gram_partials].
EQ_COUNT int64_t gram_scratch(const GramBatch& b) { return b.replicas * pairs_of(b.tasks) * gram_partials(b); }
/// Doubles of scratch of a team that walks `pass_rows` rows at a time: the slots of a tile of `tile_pairs` pairs, and
/// the row sums of the `kept_pairs` of all its tiles.
EQ_COUNT int team_scratch(int tile_pairs, int kept_pairs, int pass_rows) {
  return (tile_pairs * pass_rows + kept_pairs) * kSlotStride;
}

/// One double, as a GPU's thread sums one lane.
struct OneLane {
  static constexpr int kWidth = 1;
  using Raw = float;
  EQ_FN static Raw load(const float* p) { return *p; }
  EQ_FN static Raw load_first(const float* p, int) { return *p; }
  EQ_FN static OneLane zero() { return {0.0}; }
  EQ_FN static OneLane widen(Raw raw) { return {double{raw}}; }
  EQ_FN void store(double* p) const { *p = v; }

  double v;
};
EQ_FN OneLane fused(OneLane a, OneLane b, OneLane c) { return {fma(a.v, b.v, c.v)}; }

/// Pairs (i, j) of tasks a .. a + as - 1 with tasks b .. b + bs - 1; where both are one panel, those with i <= j.
struct PairTile {
  int a, as, b, bs;

  EQ_FN bool diagonal() const { return a == b; }
  EQ_FN int pairs() const { return diagonal() ? gram_pairs(as) : as * bs; }
  EQ_FN Pair pair(int p) const {
    if (!diagonal()) return {a + p / bs, b + p % bs};
    const Pair inner = gram_pair(as, p);
    return {a + inner.i, a + inner.j};
  }
};
/// The number q of which gram_pair makes the pair.
EQ_FN int gram_pair_number(int tasks, Pair pair) {
  return pair.i * tasks - pair.i * (pair.i - 1) / 2 + pair.j - pair.i;
}
EQ_FN PairTile pair_tile(int tasks, int panel, int tile) {
  const Pair panels = gram_pair(divide_up(tasks, panel), tile);
  const int a = panels.i * panel, b = panels.j * panel;
  return {a, tasks - a < panel ? tasks - a : panel, b, tasks - b < panel ? tasks - b : panel};
}

/// sum[pair] += product, for the pairs of A tasks with B, or (B = 0) of A among themselves.
template <class V, int A, int B, int Pairs>
EQ_FN void add_products(const typename V::Raw (&raw)[A + B], V (&sum)[Pairs]) {
  V wide[A];
  EQ_TILE_UNROLL
  for (int i = 0; i < A; ++i) wide[i] = V::widen(raw[i]);
  EQ_TILE_UNROLL
  for (int j = B ? A : 0; j < A + B; ++j) {
    V other;
    if constexpr (B > 0) other = V::widen(raw[j]);
    else other = wide[j];
    EQ_TILE_UNROLL
    for (int i = 0; i < A; ++i)
      if (i <= j) {
        const int p = B ? i * B + j - A : gram_pair_number(A, {i, j});
        sum[p] = fused(wide[i], other, sum[p]);
      }
  }
}

/// Slots of a row for the lanes of V from `lane` on: A tasks from x with B from y, or (B = 0) A among themselves.
/// Pair p's slots begin at slots + p * pitch.
template <class V, int A, int B>
EQ_FN void sum_pairs(const float* x, const float* y, int stride, int columns, int lane, double* slots, int pitch) {
  constexpr int kTasks = A + B, kPairs = B ? A * B : A * (A + 1) / 2;
  // Columns whose loads are under way at once; a CPU looks ahead by itself.
  constexpr int kAhead = V::kWidth > 1 ? 1 : kTasks <= 2 ? 16 : kTasks <= 4 ? 8 : kTasks <= 6 ? 4 : kTasks <= 8 ? 2 : 1;
  V sum[kPairs];
  EQ_TILE_UNROLL
  for (int p = 0; p < kPairs; ++p) sum[p] = V::zero();
  int c = lane;
  if constexpr (kAhead * V::kWidth > 1) {
    for (; c + (kAhead - 1) * kRowLanes + V::kWidth <= columns; c += kAhead * kRowLanes) {
      typename V::Raw raw[kAhead][kTasks];
      // From task to task rather than one pointer for each, which would take a quarter of a thread's registers.
      const float* at = x + c;
      EQ_TILE_UNROLL
      for (int k = 0; k < kTasks; ++k, at = k == A ? y + c : at + stride) {
        EQ_TILE_UNROLL
        for (int s = 0; s < kAhead; ++s) raw[s][k] = V::load(at + s * kRowLanes);
      }
      EQ_TILE_UNROLL
      for (int s = 0; s < kAhead; ++s) add_products<V, A, B>(raw[s], sum);
    }
  }
  EQ_ROLLED  // unrolled, it would need more registers than a thread has
  for (; c < columns; c += kRowLanes) {
    // Absent columns of a vector are zeros: they add +0, which changes no sum.
    typename V::Raw raw[kTasks];
    const float* at = x + c;
    EQ_TILE_UNROLL
    for (int k = 0; k < kTasks; ++k, at = k == A ? y + c : at + stride) raw[k] = V::load_first(at, columns - c);
    add_products<V, A, B>(raw, sum);
  }
  EQ_TILE_UNROLL
  for (int p = 0; p < kPairs; ++p) sum[p].store(slots + p * pitch + lane);
}

/// The same for a tile whose sizes are known when it runs: compared with N, N - 1, ... 1.
/// Alone: there is but one tile.
template <class V, int Panel, bool Alone, int N = Panel>
EQ_FN void sum_tile(const PairTile& tile, const float* x, const float* y, int stride, int columns, int lane,
                    double* slots, int pitch) {
  if (tile.diagonal() && tile.as == N) {
    sum_pairs<V, N, 0>(x, y, stride, columns, lane, slots, pitch);
    return;
  }
  if constexpr (!Alone) {
    if (!tile.diagonal() && tile.bs == N) {
      sum_pairs<V, Panel, N>(x, y, stride, columns, lane, slots, pitch);
      return;
    }
  }
  if constexpr (N > 1) sum_tile<V, Panel, Alone, N - 1>(tile, x, y, stride, columns, lane, slots, pitch);
}

/// How a team sums lanes: each of a GPU's threads one, a CPU's core four at a time.
template <int Lanes>
struct LanesOf {
  using Vector = OneLane;
};
#if !defined(__CUDACC__)
template <>
struct LanesOf<kRowLanes> {
  using Vector = Quads;
};
#endif

/// Where an item lies, and its scratch.
struct GramItem {
  int64_t replica, chunk;
  int first_tile, tiles;
  int columns;       // of the chunk
  double* slots;     // [pairs of a tile, pass_rows, kSlotStride]
  double* row_sums;  // [pairs of all tiles, kSlotStride]
};

/// Slots and row sums of a tile over rows [first, first + pass_rows) of the chunk; row sums overwritten from
/// `row_sums` on. Collective, ends synchronised.
template <class Team, bool Alone>
EQ_FN void gram_pass(const Team& team, const GramBatch& batch, const GramItem& item, const PairTile& tile, int first,
                     int pass_rows, double* row_sums) {
  using Vector = typename LanesOf<Team::kLanes>::Vector;
  const int left = flat_rows(item.columns) - first, rows = left < pass_rows ? left : pass_rows;
  const int pitch = pass_rows * kSlotStride;
  const float* x = batch.gradients + (item.replica * batch.tasks + tile.a) * batch.row_stride +
                   item.chunk * kChunkColumns + first * kFlatRow;
  const float* y = x + (tile.b - tile.a) * batch.row_stride;
  for (int u = team.thread_rank(); u < row_units<Team>(rows); u += team.size()) {
    const int row = unit_row<Team>(u), lane = unit_lane<Team>(u);
    for (int l = 0; l < Team::kLanes; l += Vector::kWidth)
      sum_tile<Vector, kPanel<Team>, Alone>(tile, x + row * kFlatRow, y + row * kFlatRow,
                                            static_cast<int>(batch.row_stride), flat_columns(item.columns, first + row),
                                            lane + l, item.slots + row * kSlotStride, pitch);
  }
  team.sync();
  for (int u = team.thread_rank(); u < tile.pairs() * rows; u += team.size()) {
    const int p = u / rows, row = u % rows;
    row_sums[p * kSlotStride + first + row] = join(item.slots + p * pitch + row * kSlotStride, kRowLanes);
  }
  team.sync();
}

/// Collective: partial sums of the item's pairs and chunk, to partials [R, pairs, gram_partials]. pass_rows is in
/// [1, kChunkRows] and changes no bit. Alone: K <= kPanel, so there is but one tile.
template <class Team, bool Alone>
EQ_FN void gram_chunk(const Team& team, const GramBatch& batch, const GramItem& item, int pass_rows, double* partials) {
  const int rows = flat_rows(item.columns);
  for (int first = 0; first < rows; first += pass_rows) {
    double* row_sums = item.row_sums;
    for (int t = 0; t < item.tiles; ++t) {
      const PairTile tile = pair_tile(batch.tasks, kPanel<Team>, item.first_tile + t);
      gram_pass<Team, Alone>(team, batch, item, tile, first, pass_rows, row_sums);
      row_sums += tile.pairs() * kSlotStride;
    }
  }
  double* row_sums = item.row_sums;
  for (int t = 0; t < item.tiles; ++t) {
    const PairTile tile = pair_tile(batch.tasks, kPanel<Team>, item.first_tile + t);
    for (int p = team.thread_rank(); p < tile.pairs(); p += team.size()) {
      const int64_t pair = item.replica * pairs_of(batch.tasks) + gram_pair_number(batch.tasks, tile.pair(p));
      partials[pair * gram_partials(batch) + item.chunk] = join(row_sums + p * kSlotStride, rows);
    }
    row_sums += tile.pairs() * kSlotStride;
  }
  team.sync();
}

/// Item number i of device_items or host_items.
template <class Team>
EQ_FN GramItem gram_item(const GramBatch& batch, int64_t i, double* slots, double* row_sums) {
  const int tiles = static_cast<int>(gram_tiles(batch, kPanel<Team>));
  const bool apart = Team::kLanes == 1;  // each tile is an item
  const int64_t chunk = apart ? i / tiles : i, at = chunk % gram_chunks(batch);
  const int64_t left = batch.columns - at * kChunkColumns;
  return {chunk / gram_chunks(batch),
          at,
          apart ? static_cast<int>(i % tiles) : 0,
          apart ? 1 : tiles,
          left < kChunkColumns ? static_cast<int>(left) : kChunkColumns,
          slots,
          row_sums};
}

/// Collective: joins the partial sums of `pair`, counted over all replicas, which are used up, and writes both of its
/// places in G.
template <class Team>
EQ_FN void gram_finish(const Team& team, const GramBatch& batch, int64_t pair, double* partials) {
  double* from = partials + pair * gram_partials(batch);
  double* to = from + gram_chunks(batch);
  for (int64_t left = gram_chunks(batch); left > 1; left = joined(left)) {
    for (int64_t u = team.thread_rank(); u < joined(left); u += team.size())
      to[u] = join(from + u * kJoin, left - u * kJoin < kJoin ? static_cast<int>(left - u * kJoin) : kJoin);
    team.sync();
    double* const swap = from;
    from = to;
    to = swap;
  }
  if (team.thread_rank() != 0) return;
  const int64_t replica = pair / pairs_of(batch.tasks);
  const Pair at = gram_pair(batch.tasks, static_cast<int>(pair % pairs_of(batch.tasks)));
  double* const gram = batch.gram + replica * batch.tasks * batch.tasks;
  gram[at.i * batch.tasks + at.j] = gram[at.j * batch.tasks + at.i] = from[0];
}

}  // namespace equipoise
