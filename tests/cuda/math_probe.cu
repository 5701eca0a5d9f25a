// tests/cuda/math_probe.cu - runs the functions on the device, one thread per argument.
#include <curand_kernel.h>

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

/// Ours, then cuRAND's: our block and step are its offset, replica and purpose its subsequence.
__global__ void draw_words(DrawKey key, uint32_t* ours, uint32_t* theirs, int blocks) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= blocks) return;
  const PhiloxBlock words = draw(key, static_cast<uint32_t>(i));
  for (int w = 0; w < 4; ++w) ours[4 * i + w] = words.v[w];
  curandStatePhilox4_32_10_t state;
  curand_init(key.seed, static_cast<unsigned long long>(key.purpose) << 32 | key.replica,
              4 * (static_cast<unsigned long long>(key.step) << 32 | static_cast<unsigned>(i)), &state);
  const uint4 four = curand4(&state);
  theirs[4 * i] = four.x, theirs[4 * i + 1] = four.y, theirs[4 * i + 2] = four.z, theirs[4 * i + 3] = four.w;
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

RandomWords random_words_on_device(const DrawKey& key, int blocks) {
  const size_t words = static_cast<size_t>(blocks) * 4;
  std::vector<uint32_t> both = filled_by<uint32_t>(2 * words, blocks, [&](int grid, int threads, uint32_t* out) {
    draw_words<<<grid, threads>>>(key, out, out + words, blocks);
  });
  const auto middle = both.begin() + static_cast<std::ptrdiff_t>(words);
  return {{both.begin(), middle}, {middle, both.end()}};
}

std::vector<uint32_t> permutation_on_device(const DrawKey& key, uint32_t n) {
  return filled_by<uint32_t>(n, static_cast<int>(n), [&](int grid, int threads, uint32_t* out) {
    permute_all<<<grid, threads>>>(key, out, n);
  });
}

}  // namespace equipoise::test
