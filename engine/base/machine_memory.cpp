// engine/base/machine_memory.cpp - the smallest of the limits that hold.
#include "engine/base/machine_memory.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>

#include "engine/base/error.h"

namespace equipoise {

namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

int64_t limit_in(const char* file) {
  std::ifstream text(file);
  int64_t bytes = 0;
  return text >> bytes && bytes > 0 ? bytes : kNoLimit;  // "max" is none
}

int64_t limit_of(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNoLimit;
  return static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, static_cast<rlim_t>(kNoLimit)));
}

int64_t of_machine() {
  struct sysinfo machine {};
  if (::sysinfo(&machine) != 0) return kNoLimit;
  return static_cast<int64_t>(machine.totalram + machine.totalswap) * static_cast<int64_t>(machine.mem_unit);
}

}  // namespace

int64_t machine_memory() {
  return std::min({of_machine(), limit_of(RLIMIT_AS), limit_of(RLIMIT_DATA), limit_in("/sys/fs/cgroup/memory.max"),
                   limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
}

std::string bytes_text(int64_t bytes) {
  double amount = static_cast<double>(bytes);
  const char* const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  for (; amount >= 1000 && unit + 1 < std::size(units); ++unit) amount /= 1000;
  return fmt::format("{:.{}f} {}", amount, unit > 0 && amount < 10 ? 1 : 0, units[unit]);
}

void expect_memory(int64_t bytes, const std::string& what) {
  const int64_t most = machine_memory();
  if (bytes > most)
    throw Error(ExitCode::device, fmt::format("{} needs about {} of memory, and this process may have {}; lower "
                                              "train.batch or the widths of the model, or use a machine with more",
                                              what, bytes_text(bytes), bytes_text(most)));
}

}  // namespace equipoise
