// kernels/base/slots.h - sums whose order depends on the shape alone.
//
// A row's columns are dealt to 16 lanes, column c to lane c mod 16. A slot (row, lane) is summed by one thread with
// rising columns in float64; slots are then joined sixteen at a time by a fixed tree, level by level, until one is
// left. A CPU walks the 16 lanes of a row together (one vector), a GPU gives each lane a thread: the sums are the same.
// A flat array of `count` elements is cut as rows of 256.
#pragma once

#include <cstdint>

#include "kernels/base/fn.h"

namespace equipoise {

inline constexpr int kRowLanes = 16;  ///< lanes a row is dealt to
inline constexpr int kFlatRow = 256;  ///< columns of a row cut from a flat array
inline constexpr int kJoin = 16;      ///< slots joined at a time

EQ_FN constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

/// Units in which a team walks `rows` rows: one per row, or one per lane of it.
template <class Team>
EQ_FN constexpr int row_units(int rows) {
  return rows * (kRowLanes / Team::kLanes);
}
template <class Team>
EQ_FN constexpr int unit_row(int unit) {
  EQ_ASSUME(unit >= 0);
  return unit / (kRowLanes / Team::kLanes);
}
template <class Team>
EQ_FN constexpr int unit_lane(int unit) {
  EQ_ASSUME(unit >= 0);
  return unit % (kRowLanes / Team::kLanes) * Team::kLanes;
}

/// A row and the first of its lanes.
struct RowLane {
  int row, lane;
};
/// Units of an operation that has nothing to sum: as above, but where a GPU's threads take a lane each and a row is
/// shorter than its lanes, one per element, so that no thread is left without one.
template <class Team>
EQ_FN constexpr bool takes_elements(int cols) {
  return Team::kLanes == 1 && cols < kRowLanes;
}
template <class Team>
EQ_FN constexpr int element_units(int rows, int cols) {
  return takes_elements<Team>(cols) ? rows * cols : row_units<Team>(rows);
}
template <class Team>
EQ_FN constexpr RowLane element_place(int unit, int cols) {
  EQ_ASSUME(unit >= 0);
  if (takes_elements<Team>(cols)) return {unit / cols, unit % cols};
  return {unit_row<Team>(unit), unit_lane<Team>(unit)};
}

/// Calls f(column, lane offset) for the columns in [0, cols) that belong to lanes lane .. lane + Lanes - 1.
template <int Lanes, class F>
EQ_FN void each_column(int cols, int lane, F&& f) {
  int c = lane;
  for (; c + Lanes <= cols; c += kRowLanes) {
    EQ_VECTOR
    for (int l = 0; l < Lanes; ++l) f(c + l, l);
  }
  if (c >= cols) return;
  int l = 0;
  if constexpr (Lanes == kRowLanes) {  // blocks of known length, so that the rest of a row is vectors too
    if (cols - c >= 8) {
      EQ_VECTOR
      for (int i = 0; i < 8; ++i) f(c + i, i);
      l = 8;
    }
    if (cols - c - l >= 4) {
      const int first = l;
      EQ_VECTOR
      for (int i = 0; i < 4; ++i) f(c + first + i, first + i);
      l += 4;
    }
  }
  for (; c + l < cols; ++l) f(c + l, l);
}

inline constexpr int kColumnsAhead = 4;  ///< columns that a GPU's thread reads before it writes the first of them

/// Calls put(column, make(column)) for the columns of each_column. For all a compiler knows, what is put somewhere may
/// be what is read next; so a GPU's thread makes several values first, and their loads do not wait for each other. A
/// column that is not there repeats the first.
template <int Lanes, class Make, class Put>
EQ_FN void map_columns(int cols, int lane, Make&& make, Put&& put) {
  if constexpr (Lanes == 1) {
    int c = lane;
    for (; c + (kColumnsAhead - 1) * kRowLanes < cols; c += kColumnsAhead * kRowLanes) {
      decltype(make(c)) value[kColumnsAhead];
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead; ++i) value[i] = make(c + i * kRowLanes);
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead; ++i) put(c + i * kRowLanes, value[i]);
    }
    if (c < cols) {
      decltype(make(c)) value[kColumnsAhead - 1];
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead - 1; ++i) value[i] = make(c + i * kRowLanes < cols ? c + i * kRowLanes : c);
      EQ_UNROLL
      for (int i = 0; i < kColumnsAhead - 1; ++i)
        if (c + i * kRowLanes < cols) put(c + i * kRowLanes, value[i]);
    }
  } else {
    each_column<Lanes>(cols, lane, [&](int c, int) { put(c, make(c)); });
  }
}

/// Sums term(column) over a row into its slots; `slots` points at lane 0 of the row and is overwritten.
template <int Lanes, class Term>
EQ_FN void sum_row(int cols, int lane, double* slots, Term&& term) {
  double sum[Lanes] = {};
  each_column<Lanes>(cols, lane, [&](int c, int l) { sum[l] += term(c); });
  for (int l = 0; l < Lanes; ++l) slots[lane + l] = sum[l];
}

/// Slots of a flat array of `count` elements.
EQ_FN constexpr int flat_rows(int count) { return divide_up(count, kFlatRow); }
EQ_FN constexpr int flat_slots(int count) { return flat_rows(count) * kRowLanes; }
EQ_FN constexpr int flat_columns(int count, int row) {
  return count - row * kFlatRow < kFlatRow ? count - row * kFlatRow : kFlatRow;
}

/// Neighbouring elements of a flat array that a unit walks at a time: a whole row where it has all lanes of one.
template <int Lanes>
inline constexpr int kStretch = Lanes == kRowLanes ? kFlatRow : Lanes;

/// Calls f(first element, elements) for the stretches of a row that belong to lanes lane .. lane + Lanes - 1.
template <int Lanes, class F>
EQ_FN void each_stretch(int count, int row, int lane, F&& f) {
  constexpr int kStep = Lanes == kRowLanes ? kFlatRow : kRowLanes;
  const int end = row * kFlatRow + flat_columns(count, row);
  for (int e = row * kFlatRow + lane; e < end; e += kStep) f(e, end - e < kStretch<Lanes> ? end - e : kStretch<Lanes>);
}

/// Sum of up to 16 neighbouring slots by a tree of fixed shape (absent ones count as +0).
EQ_FN double join(const double* slots, int count) {
  double s[kJoin];
  for (int i = 0; i < kJoin; ++i) s[i] = i < count ? slots[i] : 0.0;
  for (int i = 0; i < 8; ++i) s[i] += s[i + 8];
  for (int i = 0; i < 4; ++i) s[i] += s[i + 4];
  return (s[0] + s[2]) + (s[1] + s[3]);
}

}  // namespace equipoise
