// tests/ptx/math_probe.cpp - tests/cuda/math_probe.cu, started on the machine.
#include "tests/cuda/math_probe.h"

#include "kernels/run/device.h"
#include "tests/ptx/gpu.h"

namespace equipoise::test {

namespace {

using ptx::parameters_of;

/// Runs the entry whose name holds `name` with a thread for each of `units`.
void launch(const std::vector<std::string>& name, int units, std::vector<std::byte> parameters) {
  const ptx::Module& module = ptx::gpu_module("math_probe");
  ptx::LaunchShape shape;
  shape.grid.x = static_cast<uint32_t>((units + 255) / 256);
  shape.block.x = 256;
  ptx::gpu().launch(module, module.entry(name), shape, std::move(parameters));
}

template <class T>
std::vector<T> fetched(const DeviceMemory& memory) {
  std::vector<T> values(memory.bytes() / sizeof(T));
  memory.download(values.data(), memory.bytes());
  return values;
}

template <class T, class Function>
std::vector<T> applied(Function f, const char* kind, const std::vector<T>& x, const std::vector<T>& y) {
  const size_t bytes = x.size() * sizeof(T);
  DeviceMemory first(0, bytes), second(0, bytes), out(0, bytes);
  first.upload(x.data(), bytes);
  second.upload(y.data(), bytes);
  launch({"apply_all", kind}, static_cast<int>(x.size()),
         parameters_of(f, first.as<T>(), second.as<T>(), out.as<T>(), static_cast<int>(x.size())));
  return fetched<T>(out);
}

}  // namespace

std::vector<float> on_device(FloatFunction f, const std::vector<float>& x, const std::vector<float>& y) {
  return applied(f, "FloatFunction", x, y);
}
std::vector<double> on_device(DoubleFunction f, const std::vector<double>& x, const std::vector<double>& y) {
  return applied(f, "DoubleFunction", x, y);
}

std::vector<float> normals_on_device(const DrawKey& key, int blocks) {
  DeviceMemory out(0, static_cast<size_t>(blocks) * 4 * sizeof(float));
  launch({"draw_all"}, blocks, parameters_of(key, out.as<float>(), blocks));
  return fetched<float>(out);
}

RandomWords random_words_on_device(const DrawKey& key, int blocks) {
  const size_t bytes = static_cast<size_t>(blocks) * 4 * sizeof(uint32_t);
  DeviceMemory ours(0, bytes), theirs(0, bytes);
  launch({"draw_words"}, blocks, parameters_of(key, ours.as<uint32_t>(), theirs.as<uint32_t>(), blocks));
  return {fetched<uint32_t>(ours), fetched<uint32_t>(theirs)};
}

std::vector<uint32_t> permutation_on_device(const DrawKey& key, uint32_t n) {
  DeviceMemory out(0, n * sizeof(uint32_t));
  launch({"permute_all"}, static_cast<int>(n), parameters_of(key, out.as<uint32_t>(), n));
  return fetched<uint32_t>(out);
}

}  // namespace equipoise::test
