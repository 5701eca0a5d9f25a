// host/run/launch_length.h - how many steps one launch does: twice as many each time, as long as it stays short enough
// for a signal or a display to wait for.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace equipoise {

class LaunchLength {
 public:
  explicit LaunchLength(int most) : most_(most) {}
  int steps() const { return steps_; }
  /// `done` steps took `time`.
  void took(int64_t done, std::chrono::steady_clock::duration time) {
    const double per_step =
        std::chrono::duration<double>(time).count() / static_cast<double>(std::max<int64_t>(done, 1));
    const double fitting = kSeconds / std::max(per_step, 1e-9);
    steps_ = static_cast<int>(std::clamp(fitting, 1.0, std::min(2.0 * steps_, static_cast<double>(most_))));
  }

 private:
  static constexpr double kSeconds = 0.3;
  int most_;
  int steps_ = 1;
};

}  // namespace equipoise
