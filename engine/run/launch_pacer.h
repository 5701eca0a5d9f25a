// engine/run/launch_pacer.h - lengths of launches, sizes of waves and of thread blocks: how a run on a device is cut.
#pragma once

#include <cstddef>

#include "engine/base/error.h"

namespace equipoise {

/// Chooses how many steps the next launch does, from how long earlier ones took. Starts with one step, then grows by at
/// most eight times a launch, so that a wrong guess is short.
class LaunchPacer {
 public:
  /// Steps of the next launch, 1 .. left, when each step does the work of `replicas`.
  int next(int left, int replicas, double seconds_wanted);
  /// What that launch did.
  void ran(int steps, double seconds);
  /// What so many steps are expected to take; 0 before the first launch.
  double seconds(int steps) const { return steps * seconds_per_step_; }

 private:
  int longest_ = 0;   // steps of the longest launch so far
  int replicas_ = 0;  // that it was measured with
  double seconds_per_step_ = 0;
};

/// Replicas of a wave when each takes `bytes_per_replica` of `bytes`: all of them, or as many as fit, at least 1.
/// Throws Error(device) if not even one fits.
int replicas_per_wave(int replicas, size_t bytes_per_replica, size_t bytes);

/// What there is to say where not even one replica's memory could be had; `bytes` are free.
Error no_room_for_a_replica(size_t bytes_per_replica, size_t bytes);

/// What blocks on one multiprocessor share.
struct Multiprocessor {
  size_t shared;          ///< bytes of shared memory that one block may ask for
  int registers = 65536;  ///< of 32 bits
};

/// Threads of each block, where `replicas` blocks of `fast_bytes` of shared memory and `registers` a thread run on so
/// many multiprocessors: 384; or fewer, so that two or three blocks fit side by side, where there are replicas for
/// them. One block alone leaves its multiprocessor idle at every barrier, and where there are a few replicas more than
/// multiprocessors, those wait for a second turn. That smaller blocks side by side gain is an estimate: no GPU has been
/// measured. Results do not depend on it.
int block_threads(size_t fast_bytes, int replicas, int multiprocessors, int registers, const Multiprocessor& one);

}  // namespace equipoise
