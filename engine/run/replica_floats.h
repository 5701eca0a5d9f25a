// engine/run/replica_floats.h - as many floats of each replica, one replica after another: states, or parameters of
// best epochs. For executors.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

namespace equipoise {

class ReplicaFloats {
 public:
  void assign(std::span<const float> all, int64_t each) {
    values_.assign(all.begin(), all.end());
    each_ = each;
  }
  /// Of replicas from number `first` on, as many as the span holds. Throw std::logic_error unless they are there.
  void load(std::size_t first, std::span<const float> some) {
    std::copy(some.begin(), some.end(), values_.begin() + at(first, some.size()));
  }
  void store(std::size_t first, std::span<float> some) const {
    std::copy_n(values_.begin() + at(first, some.size()), some.size(), some.begin());
  }
  /// Where those floats begin, in floats.
  std::ptrdiff_t at(std::size_t first, std::size_t floats) const {
    const auto each = static_cast<std::size_t>(each_);
    if (each == 0 || floats % each != 0 || first > values_.size() / each || floats > values_.size() - first * each)
      throw std::logic_error("floats are asked for of replicas that are not loaded");
    return static_cast<std::ptrdiff_t>(first * each);
  }

  /// Whether there are so many replicas of so many floats.
  bool are(std::size_t replicas, int64_t each) const {
    return each == each_ && values_.size() == replicas * static_cast<std::size_t>(each);
  }
  int64_t each() const { return each_; }
  std::size_t size() const { return values_.size(); }
  float* data() { return values_.data(); }

 private:
  std::vector<float> values_;
  int64_t each_ = 0;
};

}  // namespace equipoise
