// engine/run/device_tables.cpp - uploads tables.
#include "engine/run/device_tables.h"

#include "engine/run/device_programs.h"
#include "engine/run/launch_data.h"

namespace equipoise {

template <class T>
const T* DeviceTables::kept(const std::vector<T>& values) {
  return tables_.emplace_back(uploaded(device_, values)).template as<T>();
}

void DeviceTables::load(const RunTables& tables) {
  tables_.clear();
  pointers_ = source_sets(tables);  // then the pointers move to the device
  for (std::size_t s = 0; s < pointers_.size(); ++s) {
    const TableSet& from = s == 0 ? tables : tables.further_sets[s - 1];
    for (std::size_t i = 0; i < from.sources.size(); ++i) pointers_[s].sources[i].values = kept(from.sources[i].values);
    pointers_[s].labels = kept(from.labels);
  }
  sets_ = uploaded(device_, pointers_);
  row_list_ = uploaded(device_, tables.row_list);
  class_weights_ = uploaded(device_, tables.class_weights);
}

void DeviceTables::place(RunData& data) const {
  data.sets = sets_.as<SourceSet>();
  data.row_list = row_list_.as<int32_t>();
  data.class_weights = class_weights_.as<float>();
}

std::size_t DeviceTables::bytes() const {
  std::size_t bytes = sets_.bytes() + row_list_.bytes() + class_weights_.bytes();
  for (const DeviceMemory& table : tables_) bytes += table.bytes();
  return bytes;
}

}  // namespace equipoise
