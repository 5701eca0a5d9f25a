// host/data/gathered_columns.h - the columns of an array of rows, one after another.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace equipoise {

/// Copies four neighbours at a time, half a line of the cache: asked in rising order, each line of the array is read
/// twice at most.
class GatheredColumns {
 public:
  /// `values` are [any rows, width] and stay the caller's, `rows` the numbers of those that are wanted.
  GatheredColumns(std::span<const double> values, std::size_t width, std::span<const int> rows)
      : values_(values), width_(width), rows_(rows) {}

  /// [rows]; valid until another is asked for.
  std::span<const double> column(std::size_t c) {
    if (c < first_ || c >= behind_) gather(c - c % block_.size());
    return block_[c - first_];
  }

 private:
  void gather(std::size_t first) {
    first_ = first;
    behind_ = std::min(first + block_.size(), width_);
    for (std::vector<double>& column : block_) column.resize(rows_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const std::size_t row = static_cast<std::size_t>(rows_[i]) * width_;
      for (std::size_t c = first_; c < behind_; ++c) block_[c - first_][i] = values_[row + c];
    }
  }

  std::span<const double> values_;
  std::size_t width_;
  std::span<const int> rows_;
  std::size_t first_ = 0, behind_ = 0;
  std::array<std::vector<double>, 4> block_;
};

}  // namespace equipoise
