// kernels/run/ranked_auc.h - the area under the ROC curve inside a launch: P(score of a positive > score of a
// negative), ties counting half (Mann-Whitney), of class against rest.
//
// Scores are probabilities in double, ranked as integers: a non-negative double has the order of its bits. Rows are
// sorted by a bitonic network (Batcher 1968, "Sorting networks and their applications"), the pairs won counted in
// integers, and divided once: the value does not depend on the team, nor on how ties were sorted, and is that of
// engine/statistics/auc.h.
// Floor: n log2(n)^2 / 4 compared pairs of the n rows, filled up to a power of two.
#pragma once

#include "kernels/base/strict_math.h"
#include "kernels/base/team.h"
#include "kernels/state/epochs.h"

namespace equipoise {

/// A row that does not count; sorted behind all others.
inline constexpr uint64_t kNoRow = ~uint64_t{0};
/// A row whose probabilities are no numbers: there is no AUC then.
inline constexpr uint64_t kNoNumber = kNoRow - 1;

/// Rows of an output of an evaluation and their truth: labels, or targets where those are given.
struct RankedRows {
  const float* values = nullptr;    // [rows, stride], of which the first `cols` of a row are of the classes
  int32_t stride = 0, cols = 0;     // one column: the logit of the second of two classes
  const int32_t* labels = nullptr;  // by row number, -1 unlabelled
  const float* targets = nullptr;   // by row number, class numbers [.., target_stride]; NaN: unlabelled
  int32_t target_stride = 0;
  const int32_t* row_list = nullptr;  // [rows] row numbers
  int32_t rows = 0;
  bool logits = false;  // the softmax of several columns is ranked, not they

  /// Class of row r; -1 if it has none.
  EQ_FN int label(int r) const {
    const int64_t row = row_list[r];
    if (!targets) return labels[row];
    const float target = targets[row * target_stride];
    return target == target ? static_cast<int>(target) : -1;
  }
};

/// The power of two from `rows` on, at least 2: how many keys a sort of so many rows takes.
EQ_FN int32_t sorted_size(int32_t rows) {
  int32_t size = 2;
  while (size < rows) size *= 2;
  return size;
}

/// The probability of class `column` in a row of logits or probabilities; NaN if the row has no finite ones.
EQ_FN double probability_of(const RankedRows& of, const float* row, int column) {
  if (of.cols == 1) return 1.0 / (1.0 + strict_exp(-static_cast<double>(row[0])));
  double largest = row[0], sum = 0, own = 0;
  EQ_ROLLED
  for (int c = 1; c < of.cols; ++c)
    if (largest < static_cast<double>(row[c])) largest = row[c];
  EQ_ROLLED
  for (int c = 0; c < of.cols; ++c) {
    const double weight = of.logits ? strict_exp(row[c] - largest) : row[c];
    sum += weight;
    if (c == column) own = weight;
  }
  if (!(sum - sum == 0.0)) return strict_detail::nan_d();
  return of.logits ? own / sum : own;
}

/// Twice the bits of the probability of class `column` in row r, plus one where the row is of that class.
EQ_FN uint64_t rank_key(const RankedRows& of, int r, int column) {
  const double probability = probability_of(of, of.values + static_cast<int64_t>(r) * of.stride, column);
  if (probability != probability) return kNoNumber;
  const int label = of.label(r);
  if (label < 0) return kNoRow;
  return bits_as<uint64_t>(probability) << 1 | (label == column ? 1u : 0u);
}

/// Sorts `size` keys, a power of two, ascending.
template <class Team>
EQ_FN void sort_keys(const Team& team, uint64_t* keys, int size) {
  for (int run = 2; run <= size; run *= 2)
    for (int step = run / 2; step > 0; step /= 2) {
      share(team, size / 2, [&](int i) {
        const int low = 2 * i - (i & (step - 1)), high = low + step;  // i with a zero put in at the bit of `step`
        const uint64_t a = keys[low], b = keys[high];
        const bool keep = (a > b) != ((low & run) == 0);
        keys[low] = keep ? a : b;  // written either way: which one is a coin's toss, which branches cannot foresee
        keys[high] = keep ? b : a;
      });
      team.sync();
    }
}

/// Of sorted keys. NaN unless both classes are there, and numbers alone.
EQ_FN double area_of(const uint64_t* keys, int size) {
  uint64_t positives = 0, negatives = 0, half_wins = 0;  // pairs won count two, ties one
  for (int begin = 0; begin < size && keys[begin] != kNoRow;) {
    if (keys[begin] == kNoNumber) return strict_detail::nan_d();
    uint64_t tied_positives = 0, tied_negatives = 0;
    int end = begin;
    EQ_ROLLED
    for (; end < size && keys[end] >> 1 == keys[begin] >> 1; ++end)
      ++(keys[end] & 1u ? tied_positives : tied_negatives);
    half_wins += tied_positives * (2 * negatives + tied_negatives);
    positives += tied_positives;
    negatives += tied_negatives;
    begin = end;
  }
  if (positives == 0 || negatives == 0) return strict_detail::nan_d();
  return static_cast<double>(half_wins) / static_cast<double>(2 * positives * negatives);
}

/// Of two classes the area of the second, of more the mean of class against rest over those that have a row and a rest;
/// NaN if there is none. `keys` is scratch of sorted_size(rows). Known to the team's first thread alone. A body of its
/// own, as several call it.
template <class Team>
EQ_COLD double ranked_auc(Team team, RankedRows of, uint64_t* keys) {
  const int size = sorted_size(of.rows);
  double sum = 0;
  int present = 0;
  const int classes = of.cols == 1 ? 2 : of.cols;
  for (int column = classes == 2 ? 1 : 0; column < classes; ++column) {
    share(team, size, [&](int i) { keys[i] = i < of.rows ? rank_key(of, i, column) : kNoRow; });
    team.sync();
    sort_keys(team, keys, size);
    if (team.thread_rank() == 0)
      if (const double area = area_of(keys, size); area == area) {
        sum += area;
        ++present;
      }
    team.sync();  // read before the next class overwrites it
  }
  return present == 0 ? strict_detail::nan_d() : sum / present;
}

}  // namespace equipoise
