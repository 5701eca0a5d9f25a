// tests/cuda/math_probe.cu - runs the functions on the device, one thread per argument.
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/device.h"
#include "tests/cuda/math_probe.h"

namespace equipoise::test {

namespace {

template <class Function, class T>
__global__ void apply_all(Function f, const T* x, const T* y, T* out, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) out[i] = apply(f, x[i], y[i]);
}

__global__ void draw_all(DrawKey key, float* out, int blocks) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < blocks) normals(draw(key, static_cast<uint32_t>(i)), out + 4 * i);
}

__global__ void permute_all(DrawKey key, uint32_t* out, uint32_t n) {
  const uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = make_permutation(n, key.seed, key.replica, key.step)(i);
}

/// `launch(blocks, threads)` fills device memory of `count` elements, which comes back.
template <class T, class Launch>
std::vector<T> filled_by(size_t count, int units, Launch&& launch) {
  std::vector<T> values(count);
  DeviceMemory out(0, count * sizeof(T));
  launch((units + 255) / 256, 256, out.as<T>());
  EQ_CUDA(cudaGetLastError());
  EQ_CUDA(cudaDeviceSynchronize());
  out.download(values.data(), count * sizeof(T));
  return values;
}

template <class Function, class T>
std::vector<T> applied(Function f, const std::vector<T>& x, const std::vector<T>& y) {
  DeviceMemory first(0, x.size() * sizeof(T)), second(0, y.size() * sizeof(T));
  first.upload(x.data(), x.size() * sizeof(T));
  second.upload(y.data(), y.size() * sizeof(T));
  const int count = static_cast<int>(x.size());
  return filled_by<T>(x.size(), count, [&](int blocks, int threads, T* out) {
    apply_all<<<blocks, threads>>>(f, first.as<const T>(), second.as<const T>(), out, count);
  });
}

}  // namespace

std::vector<float> on_device(FloatFunction f, const std::vector<float>& x, const std::vector<float>& y) {
  return applied(f, x, y);
}
std::vector<double> on_device(DoubleFunction f, const std::vector<double>& x, const std::vector<double>& y) {
  return applied(f, x, y);
}

std::vector<float> normals_on_device(const DrawKey& key, int blocks) {
  return filled_by<float>(static_cast<size_t>(blocks) * 4, blocks,
                          [&](int grid, int threads, float* out) { draw_all<<<grid, threads>>>(key, out, blocks); });
}

std::vector<uint32_t> permutation_on_device(const DrawKey& key, uint32_t n) {
  return filled_by<uint32_t>(n, static_cast<int>(n), [&](int grid, int threads, uint32_t* out) {
    permute_all<<<grid, threads>>>(key, out, n);
  });
}

}  // namespace equipoise::test
