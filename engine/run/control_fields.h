// engine/run/control_fields.h - the fields of a replica's control by name: what checkpoints keep and hashes cover.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/lower/program.h"
#include "kernels/state/control.h"

namespace equipoise {

enum class FieldType { int32, int64, float64 };

/// One field, or the part of it that a program uses.
struct ControlField {
  std::string_view name;
  void* data;
  std::size_t count;
  FieldType type;
  bool kept;  ///< carried from step to step; else every step writes it anew

  std::size_t bytes() const { return count * (type == FieldType::int32 ? 4 : 8); }
};

/// How much of each array a program uses.
struct ControlSizes {
  std::size_t tasks, terms, balancers;
  std::size_t weights;  ///< balancers * tasks
  std::size_t grams;    ///< balancers * tasks^2
};
ControlSizes control_sizes(const Program& program);

/// All fields, in the order of their declaration.
std::vector<ControlField> control_fields(Control& control, const ControlSizes& sizes);

}  // namespace equipoise
