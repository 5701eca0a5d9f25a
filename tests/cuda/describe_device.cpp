// tests/cuda/describe_device.cpp - prints device 0 as one JSON object; exits 6, saying why, where there is none.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kernels/run/device.h"

int main() {
  const equipoise::DeviceReport report = equipoise::device_report();
  if (report.devices.empty()) {
    std::fprintf(stderr, "%s\n", report.problem.c_str());
    return 6;
  }
  const auto version = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
  const equipoise::DeviceInfo& d = report.devices[0];
  const nlohmann::ordered_json out{{"name", d.name},
                                   {"compute", std::to_string(d.compute_major) + "." + std::to_string(d.compute_minor)},
                                   {"multiprocessors", d.multiprocessors},
                                   {"memory_bytes", d.memory},
                                   {"shared_bytes_per_block", d.shared_per_block_optin},
                                   {"driver_cuda", version(report.driver_version)},
                                   {"runtime_cuda", version(report.runtime_version)},
                                   {"built_for", report.architectures}};
  std::printf("%s\n", out.dump().c_str());
  return 0;
}
