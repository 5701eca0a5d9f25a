// engine/run/launch_pacer.cpp - lengths of launches, sizes of waves and of blocks.
#include "engine/run/launch_pacer.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/run/interpreter_launch.h"

namespace equipoise {

int LaunchPacer::next(int left, int replicas, double seconds_wanted) {
  if (replicas > replicas_) {  // more blocks than measured may take turns on the device: begin again
    longest_ = 0;
    replicas_ = replicas;
  }
  if (longest_ == 0) return std::min(left, 1);
  const double fits = seconds_per_step_ > 0 ? seconds_wanted / seconds_per_step_ : 1e9;
  const double grown = std::min(fits, 8.0 * longest_);
  return std::clamp(static_cast<int>(std::min(grown, 1e9)), 1, left);
}

void LaunchPacer::ran(int steps, double seconds) {
  if (steps <= 0) return;
  longest_ = std::max(longest_, steps);
  seconds_per_step_ = seconds / steps;
}

int block_threads(size_t fast_bytes, int replicas, int multiprocessors, int registers, const Multiprocessor& one) {
  constexpr size_t kReserved = 1024;  // bytes of each block that the driver keeps for itself
  constexpr size_t kOwn = 128;        // and the interpreter's few, in grains of 128
  struct Choice {
    int blocks, threads;
  };
  for (const Choice& choice : {Choice{3, 128}, Choice{2, 256}, Choice{2, 192}}) {
    const auto blocks = static_cast<size_t>(choice.blocks);
    if (replicas > (choice.blocks - 1) * multiprocessors &&
        blocks * (fast_bytes + kOwn + kReserved) <= one.shared + kReserved &&
        choice.blocks * choice.threads * registers <= one.registers)
      return choice.threads;
  }
  return kBlockThreads;
}

Error no_room_for_a_replica(size_t bytes_per_replica, size_t bytes) {
  return Error(
      ExitCode::device,
      fmt::format("one replica needs {:.1f} MiB of device memory and {:.1f} MiB are free; reduce train.batch or "
                  "the model's sizes, or free memory on the device",
                  static_cast<double>(bytes_per_replica) / 1048576.0, static_cast<double>(bytes) / 1048576.0));
}

int replicas_per_wave(int replicas, size_t bytes_per_replica, size_t bytes) {
  const size_t fit = bytes / std::max<size_t>(bytes_per_replica, 1);
  if (fit == 0 && replicas > 0) throw no_room_for_a_replica(bytes_per_replica, bytes);
  return static_cast<int>(std::min<size_t>(fit, static_cast<size_t>(replicas)));
}

}  // namespace equipoise
