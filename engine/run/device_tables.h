// engine/run/device_tables.h - the tables of a run in a device's memory.
#pragma once

#include <vector>

#include "engine/run/executor.h"
#include "kernels/run/device.h"
#include "kernels/state/memory.h"

namespace equipoise {

class DeviceTables {
 public:
  explicit DeviceTables(int device) : device_(device) {}
  void load(const RunTables& tables);
  /// Points a program at them.
  void place(RunData& data) const;
  std::size_t sets() const { return pointers_.size(); }
  std::size_t bytes() const;

 private:
  template <class T>
  const T* kept(const std::vector<T>& values);

  int device_;
  std::vector<DeviceMemory> tables_;  // values and labels of all sets
  std::vector<SourceSet> pointers_;
  DeviceMemory sets_, row_list_, class_weights_;
};

}  // namespace equipoise
