// host/data/spare_memory.h - memory that is free, and that the C library keeps for later.
#pragma once

#include <cstdlib>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace equipoise {

/// Gives it back to the system: what was worked with and is gone lies in holes between what stays.
inline void give_back_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

}  // namespace equipoise
