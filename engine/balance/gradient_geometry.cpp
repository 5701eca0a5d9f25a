// engine/balance/gradient_geometry.cpp - the stand-alone Gram and min-norm kernels on one stack of gradients.
#include "engine/balance/gradient_geometry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "engine/base/cuda_device.h"
#include "engine/base/error.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/run/min_norm_batch.h"

namespace equipoise {
namespace {

using Doubles = std::vector<double>;

/// Host threads, or a device's kernels on copies of what they are given.
class Machine {
 public:
  explicit Machine(std::optional<int> cuda_device) : device_(cuda_device) {
    if (device_) expect_cuda_device(*device_);
  }

  Doubles gram(std::span<const float> gradients, int tasks, int64_t columns) const {
    Doubles gram(static_cast<std::size_t>(tasks) * static_cast<std::size_t>(tasks));
    GramBatch batch{1, columns, tasks, columns, gradients.data(), gram.data()};
    if (!device_) {
      constexpr int64_t kWorthThreads = int64_t{1} << 22;  // elements: some milliseconds of one core
      const bool large = tasks * columns > kWorthThreads;
      gram_batch_cpu(batch, large ? std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 64) : 1);
      return gram;
    }
    guarded([&] {
      const DeviceMemory from = uploaded(gradients), to = room(gram.size());
      const DeviceMemory partials = room(static_cast<std::size_t>(gram_scratch(batch)));
      batch.gradients = from.as<const float>();
      batch.gram = to.as<double>();
      gram_batch_device(*device_, batch, partials.as<double>());
      to.download(gram.data(), bytes(gram));
    });
    return gram;
  }

  /// Weights, then the value and the gap, of one problem.
  Doubles min_norm(const Doubles& gram, std::size_t tasks) const {
    Doubles solved(tasks + 2);
    const auto batch = [&](const double* from, double* to) {
      return MinNormBatch{1, static_cast<int32_t>(tasks), from, to, to + tasks, to + tasks + 1};
    };
    if (!device_) {
      min_norm_batch_cpu(batch(gram.data(), solved.data()), 1);
      return solved;
    }
    guarded([&] {
      const DeviceMemory from = uploaded(std::span(gram)), to = room(solved.size());
      min_norm_batch_device(*device_, batch(from.as<const double>(), to.as<double>()));
      to.download(solved.data(), bytes(solved));
    });
    return solved;
  }

 private:
  static std::size_t bytes(const Doubles& values) { return values.size() * sizeof(double); }
  DeviceMemory room(std::size_t doubles) const { return {*device_, doubles * sizeof(double)}; }
  template <class T>
  DeviceMemory uploaded(std::span<const T> values) const {
    DeviceMemory memory(*device_, values.size_bytes());
    memory.upload(values.data(), values.size_bytes());
    return memory;
  }
  template <class Body>
  void guarded(Body&& body) const {
    try {
      body();
    } catch (const DeviceError& e) {
      throw Error(ExitCode::device, fmt::format("cuda:{}: {}; use --device cpu", *device_, e.what()));
    }
  }

  std::optional<int> device_;
};

}  // namespace

GradientGeometry gradient_geometry(std::span<const float> gradients, int tasks, int64_t columns,
                                   std::optional<int> cuda_device) {
  const Machine machine(cuda_device);
  GradientGeometry found;
  found.gram = machine.gram(gradients, tasks, columns);
  const auto k = static_cast<std::size_t>(tasks);
  std::vector<std::size_t> there;  // tasks with a gradient
  for (std::size_t i = 0; i < k; ++i)
    if (found.gram[i * k + i] > 0) there.push_back(i);
  found.convex.assign(k, 0.0);
  if (there.empty()) return found;
  Doubles inner;
  for (const std::size_t i : there)
    for (const std::size_t j : there) inner.push_back(found.gram[i * k + j]);
  const Doubles solved = machine.min_norm(inner, there.size());
  for (std::size_t a = 0; a < there.size(); ++a) found.convex[there[a]] = solved[a];
  found.shortest = std::sqrt(std::max(0.0, solved[there.size()]));
  found.certificate = solved[there.size() + 1];
  return found;
}

}  // namespace equipoise
