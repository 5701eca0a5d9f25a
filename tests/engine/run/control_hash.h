// tests/engine/run/control_hash.h - a replica's control in a hash: by named fields, of each as much as the program
// uses.
#pragma once

#include "engine/files/sha256.h"
#include "engine/run/control_fields.h"

namespace equipoise::test {

inline void add_control(Sha256& hash, const ControlSizes& sizes, const Control& control) {
  Control copy = control;  // fields are writable
  for (const ControlField& f : control_fields(copy, sizes)) {
    hash.update(f.name);
    hash.update(f.data, f.bytes());
  }
}

}  // namespace equipoise::test
