// bench/run/gram_batch_bench.cu - Gram matrices on a GPU beside a copy of the same bytes and cuBLAS, in one table.
//
// GB/s counts the gradients' float32 bytes once for every row but the copy, which reads and writes them; share is of
// that copy's GB/s. cuBLAS in float64 is timed on gradients already widened, and again with the widening before it.
// Rounds take each row in turn with the L2 cache overwritten between; times are those of CUDA events.
#include <cublas_v2.h>
#include <curand.h>
#include <thrust/copy.h>
#include <thrust/device_vector.h>
#include <thrust/fill.h>
#include <thrust/host_vector.h>
#include <thrust/system/cuda/execution_policy.h>
#include <thrust/transform.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "bench/run/spread.h"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/device.h"
#include "kernels/run/gram_batch_launch.h"

namespace equipoise::bench {

namespace {

constexpr int kWarmUps = 3, kRounds = 15;
constexpr size_t kFlushBytes = size_t{256} << 20;  // several times any L2 cache

struct Case {
  int64_t replicas, columns;
  int tasks;
};
constexpr Case kCases[] = {{1, 10000, 3},     {1, 1000000, 2},   {1, 1000000, 3},  {1, 1000000, 8},   {1, 1000000, 16},
                           {1, 1000000, 32},  {1, 10000000, 2},  {1, 10000000, 8}, {1, 10000000, 16}, {1, 10000000, 32},
                           {1, 100000000, 2}, {1, 100000000, 8}, {1000, 10000, 3}, {1000, 10000, 16}};

void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS) throw std::runtime_error(cublasGetStatusString(status));
}

class Cublas {
 public:
  Cublas() { check(cublasCreate(&handle_)); }
  ~Cublas() { cublasDestroy(handle_); }
  Cublas(const Cublas&) = delete;
  Cublas& operator=(const Cublas&) = delete;

  // A row-major [K, D] is a column-major [D, K]: G = AᵀA. syrk writes the upper triangle of the row-major G.
  void gemm(const Case& k, const float* a, float* g) const { gemm(k, a, g, cublasSgemmStridedBatched); }
  void gemm(const Case& k, const double* a, double* g) const { gemm(k, a, g, cublasDgemmStridedBatched); }
  void syrk(const Case& k, const float* a, float* g) const { syrk(k, a, g, cublasSsyrk); }
  void syrk(const Case& k, const double* a, double* g) const { syrk(k, a, g, cublasDsyrk); }

 private:
  template <class T, class Call>
  void gemm(const Case& k, const T* a, T* g, Call&& call) const {
    const T one = 1, none = 0;
    const int d = static_cast<int>(k.columns);
    check(call(handle_, CUBLAS_OP_T, CUBLAS_OP_N, k.tasks, k.tasks, d, &one, a, d, k.columns * k.tasks, a, d,
               k.columns * k.tasks, &none, g, k.tasks, static_cast<long long>(k.tasks) * k.tasks,
               static_cast<int>(k.replicas)));
  }
  template <class T, class Call>
  void syrk(const Case& k, const T* a, T* g, Call&& call) const {
    const T one = 1, none = 0;
    const int d = static_cast<int>(k.columns);
    check(call(handle_, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_T, k.tasks, d, &one, a, d, &none, g, k.tasks));
  }

  cublasHandle_t handle_;
};

/// Standard normals, by cuRAND on the device.
class Curand {
 public:
  Curand() {
    check(curandCreateGenerator(&generator_, CURAND_RNG_PSEUDO_PHILOX4_32_10));
    check(curandSetPseudoRandomGeneratorSeed(generator_, 1));
  }
  ~Curand() { curandDestroyGenerator(generator_); }
  Curand(const Curand&) = delete;
  Curand& operator=(const Curand&) = delete;

  thrust::device_vector<float> normals(size_t count) const {
    thrust::device_vector<float> values(count + count % 2);  // cuRAND makes them in pairs
    check(curandGenerateNormal(generator_, thrust::raw_pointer_cast(values.data()), values.size(), 0, 1));
    values.resize(count);
    return values;
  }

 private:
  static void check(curandStatus_t status) {
    if (status != CURAND_STATUS_SUCCESS) throw std::runtime_error("cuRAND answers " + std::to_string(status));
  }

  curandGenerator_t generator_;
};
struct Widen {
  __host__ __device__ double operator()(float x) const { return x; }
};

class Event {
 public:
  Event() { EQ_CUDA(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record() { EQ_CUDA(cudaEventRecord(event_)); }
  double milliseconds_since(const Event& start) {
    EQ_CUDA(cudaEventSynchronize(event_));
    float milliseconds = 0;
    EQ_CUDA(cudaEventElapsedTime(&milliseconds, start.event_, event_));
    return milliseconds;
  }

 private:
  cudaEvent_t event_;
};

struct Row {
  std::string name;
  double bytes;  // moved by a call, for GB/s
  std::function<void()> call;
  std::function<std::vector<double>()> result;  // upper triangles; empty for what makes no G
  double tolerance;                             // of an entry, relative to its two norms
  std::vector<double> milliseconds = {};
};

template <class T>
std::vector<double> on_host(const thrust::device_vector<T>& values) {
  const thrust::host_vector<T> copy = values;
  return {copy.begin(), copy.end()};
}

/// The largest error of an upper triangle's entry, relative to its two norms; a NaN counts as infinite.
double error_of(const Case& k, const std::vector<double>& got, const std::vector<double>& expected) {
  double worst = 0;
  for (int64_t r = 0; r < k.replicas; ++r)
    for (int i = 0; i < k.tasks; ++i)
      for (int j = i; j < k.tasks; ++j) {
        const auto at = [&](int a, int b) { return static_cast<size_t>((r * k.tasks + a) * k.tasks + b); };
        const double scale = std::sqrt(expected[at(i, i)] * expected[at(j, j)]);
        const double error = std::fabs(got[at(i, j)] - expected[at(i, j)]) / scale;
        worst = error <= worst ? worst : (std::isnan(error) ? INFINITY : error);
      }
  return worst;
}

/// Times and checks all rows of a case; returns how many were wrong.
int measure(const Case& k, const Cublas& cublas, const Curand& curand, thrust::device_vector<char>& flush) {
  const auto values = static_cast<size_t>(k.replicas * k.columns * k.tasks);
  const auto entries = static_cast<size_t>(k.replicas * k.tasks * k.tasks);
  const thrust::device_vector<float> gradients = curand.normals(values);
  thrust::device_vector<float> copied(values), narrow(entries);
  thrust::device_vector<double> wide(values), gram(entries), wide_gram(entries);
  const float* a = thrust::raw_pointer_cast(gradients.data());
  double* const w = thrust::raw_pointer_cast(wide.data());
  float* const g32 = thrust::raw_pointer_cast(narrow.data());
  double* const g64 = thrust::raw_pointer_cast(wide_gram.data());
  GramBatch batch{k.replicas, k.columns, k.tasks, k.columns, a, thrust::raw_pointer_cast(gram.data())};
  thrust::device_vector<double> partials(static_cast<size_t>(gram_scratch(batch)));
  double* const scratch = thrust::raw_pointer_cast(partials.data());
  const auto widen = [&] {
    thrust::transform(thrust::cuda::par_nosync, gradients.begin(), gradients.end(), wide.begin(), Widen{});
  };
  widen();

  std::vector<double> expected(entries);
  {
    const thrust::host_vector<float> host = gradients;
    const GramBatch on_cpu{k.replicas, k.columns, k.tasks, k.columns, host.data(), expected.data()};
    gram_batch_cpu(on_cpu, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  }

  const double bytes = 4.0 * static_cast<double>(values);
  const auto result64 = [&] { return on_host(wide_gram); };
  const auto result32 = [&] { return on_host(narrow); };
  // Roundings of a sum of D terms, and no better than a hundredth for the longest sums in float32.
  const double u64 = static_cast<double>(k.columns) * 0x1p-53;
  const double u32 = std::min(0.01, static_cast<double>(k.columns) * 0x1p-24);
  std::vector<Row> rows;
  rows.push_back({"copy",
                  2 * bytes,
                  [&] {
                    EQ_CUDA(cudaMemcpyAsync(thrust::raw_pointer_cast(copied.data()), a, values * sizeof(float),
                                            cudaMemcpyDeviceToDevice));
                  },
                  {},
                  0});
  rows.push_back({"equipoise", bytes, [&] { gram_batch_device(0, batch, scratch); }, [&] { return on_host(gram); }, 0});
  rows.push_back({"cuBLAS gemm, float32", bytes, [&] { cublas.gemm(k, a, g32); }, result32, u32});
  rows.push_back({"cuBLAS gemm, float64", bytes, [&] { cublas.gemm(k, w, g64); }, result64, u64});
  rows.push_back({"widening, gemm, float64", bytes, [&] { widen(), cublas.gemm(k, w, g64); }, result64, u64});
  if (k.replicas == 1) {
    rows.push_back({"cuBLAS syrk, float32", bytes, [&] { cublas.syrk(k, a, g32); }, result32, u32});
    rows.push_back({"cuBLAS syrk, float64", bytes, [&] { cublas.syrk(k, w, g64); }, result64, u64});
  }

  // Each row's own result is checked right after its last timed call, before another row overwrites it.
  Event start, end;
  int wrong = 0;
  std::vector<double> errors(rows.size());
  for (int round = 0; round < kWarmUps + kRounds; ++round)
    for (size_t i = 0; i < rows.size(); ++i) {
      Row& row = rows[i];
      thrust::fill(narrow.begin(), narrow.end(), NAN);
      thrust::fill(wide_gram.begin(), wide_gram.end(), NAN);
      thrust::fill(gram.begin(), gram.end(), NAN);
      EQ_CUDA(cudaMemsetAsync(thrust::raw_pointer_cast(flush.data()), round, flush.size()));
      start.record();
      row.call();
      end.record();
      const double taken = end.milliseconds_since(start);
      if (round >= kWarmUps) row.milliseconds.push_back(taken);
      if (round + 1 < kWarmUps + kRounds || !row.result) continue;
      errors[i] = error_of(k, row.result(), expected);
      wrong += errors[i] > row.tolerance;
    }

  std::printf("%lld x [%d, %lld]\n", static_cast<long long>(k.replicas), k.tasks, static_cast<long long>(k.columns));
  const double copy_rate = rows[0].bytes / spread(rows[0].milliseconds).median;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const Spread time = spread(row.milliseconds);
    const double rate = row.bytes / time.median;
    std::printf("  %-26s %9.4f %9.4f %9.4f %9.1f %7.2f", row.name.c_str(), time.median, time.first_quartile,
                time.third_quartile, 1e-6 * rate, rate / copy_rate);
    if (row.result) std::printf(" %9.1e%s", errors[i], errors[i] > row.tolerance ? "  WRONG" : "");
    std::printf("\n");
  }
  return wrong;
}

int run() {
  const DeviceReport report = device_report(false);
  if (report.devices.empty()) {
    std::fprintf(stderr, "gram_batch_bench: %s\n", report.problem.c_str());
    return 6;
  }
  std::printf("%s, medians and quartiles of %d rounds\n  %-26s %9s %9s %9s %9s %7s %9s\n",
              report.devices[0].name.c_str(), kRounds, "", "ms", "quartile", "quartile", "GB/s", "share", "error");
  const Cublas cublas;
  const Curand curand;
  thrust::device_vector<char> flush(kFlushBytes);
  int wrong = 0;
  for (const Case& k : kCases) wrong += measure(k, cublas, curand, flush);
  return wrong ? 1 : 0;
}

}  // namespace

}  // namespace equipoise::bench

int main() {
  try {
    return equipoise::bench::run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gram_batch_bench: %s\n", error.what());
    return 1;
  }
}
