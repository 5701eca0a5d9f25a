// engine/base/machine_memory.h - how much memory this process may have, so that what needs more is refused before it
// begins.
#pragma once

#include <cstdint>
#include <string>

namespace equipoise {

/// Bytes: the machine's memory and swap, or less where the process or its control group has a limit (setrlimit, cgroup
/// memory.max).
int64_t machine_memory();

/// Throws Error(device) if `bytes`, an estimate, are more than machine_memory(); "WHAT needs about 31 GB ...".
void expect_memory(int64_t bytes, const std::string& what);

/// "31 GB", "2.5 GB", "24 MB": of at least two digits, in units of 1000.
std::string bytes_text(int64_t bytes);

}  // namespace equipoise
