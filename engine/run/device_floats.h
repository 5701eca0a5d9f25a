// engine/run/device_floats.h - floats of each replica on the host and on a device, and where they are up to date.
#pragma once

#include <span>

#include "engine/run/replica_floats.h"
#include "kernels/run/device.h"

namespace equipoise {

/// On the device they lie in a piece of memory that the caller has: of all replicas, or of those of a wave at a time.
class DeviceFloats {
 public:
  void assign(std::span<const float> all, int64_t each) {
    here_.assign(all, each);
    on_device_ = false;
  }
  void load(std::size_t first, std::span<const float> some, DeviceMemory& there) {
    if (on_device_) there.upload(some.data(), some.size_bytes(), bytes(here_.at(first, some.size())));
    else here_.load(first, some);
  }
  void store(std::size_t first, std::span<float> some, const DeviceMemory& there) const {
    if (on_device_) there.download(some.data(), some.size_bytes(), bytes(here_.at(first, some.size())));
    else here_.store(first, some);
  }
  /// Brings the host's up to date.
  void fetch(const DeviceMemory& there) {
    if (on_device_) there.download(here_.data(), here_.size() * sizeof(float));
    on_device_ = false;
  }
  /// Brings the device's up to date for a wave of replicas.
  void bring(int first, int count, DeviceMemory& there) {
    if (!on_device_) there.upload(here_.data() + first * each(), bytes(count * each()));
  }
  /// What a run has left there: to be known there if they are of all replicas, else fetched.
  void keep(int first, int count, const DeviceMemory& there, bool all) {
    if (!all) there.download(here_.data() + first * each(), bytes(count * each()));
    on_device_ = all;
  }

  bool are(std::size_t replicas, int64_t each) const { return here_.are(replicas, each); }
  int64_t each() const { return here_.each(); }

 private:
  static std::size_t bytes(int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

  ReplicaFloats here_;
  bool on_device_ = false;  // else the host's are up to date
};

}  // namespace equipoise
