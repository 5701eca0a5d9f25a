// tests/cuda/faulty_launch.cu - the interpreter with a planted fault.
#include "kernels/teams/block_team.cuh"
#include "kernels/run/cuda_check.cuh"
#include "kernels/run/device.h"
#include "kernels/run/interpreter.h"
#include "kernels/run/interpreter_launch.h"
#include "tests/cuda/faulty_launch.h"

namespace equipoise {

namespace {

test::Fault planted = test::Fault::none;
constexpr int kFresh = 64;  // floats of the small buffers

/// A thread block that leaves out one barrier, counted from 0; -1 leaves out none.
class FaultyTeam : public BlockTeam {
 public:
  __device__ explicit FaultyTeam(int left_out) : left_out_(left_out) {}
  __device__ void sync() const {
    if (syncs_++ != left_out_) BlockTeam::sync();
  }

 private:
  int left_out_;
  mutable int syncs_ = 0;
};

extern __shared__ float4 fast_memory[];

__global__ void __launch_bounds__(kBlockThreads, 1) run_faulty(const __grid_constant__ Launch launch, int left_out) {
  run_replica(FaultyTeam(left_out), launch, static_cast<int>(blockIdx.x), reinterpret_cast<float*>(fast_memory));
}

__global__ void write_all(float* to, int count) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) to[i] = 1.0f;
}
__global__ void copy_all(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }
__global__ void meet_in_half_a_warp(float* to) {
  if (threadIdx.x % 32 < 16) __syncthreads();
  to[threadIdx.x] = 1.0f;
}
__global__ void flip_lowest_bit(float* value) { *value = __uint_as_float(__float_as_uint(*value) ^ 1u); }

void plant_beside(const Launch& launch) {
  if (planted == test::Fault::wrong_result) {
    flip_lowest_bit<<<1, 1>>>(launch.state);
  } else if (planted != test::Fault::none && planted != test::Fault::race) {
    DeviceMemory from(0, kFresh * sizeof(float)), to(0, kFresh * sizeof(float));
    if (planted == test::Fault::out_of_bounds) write_all<<<1, 32>>>(to.as<float>(), kFresh + 1);
    if (planted == test::Fault::uninitialised) copy_all<<<1, kFresh>>>(from.as<float>(), to.as<float>());
    if (planted == test::Fault::divergence) meet_in_half_a_warp<<<1, kFresh>>>(to.as<float>());
    EQ_CUDA(cudaDeviceSynchronize());
  }
  EQ_CUDA(cudaGetLastError());
  EQ_CUDA(cudaDeviceSynchronize());
}

}  // namespace

namespace test {
void plant(Fault fault) { planted = fault; }
}  // namespace test

int64_t device_fast_floats(int) { return 48 * 1024 / 4; }  // what every device gives without asking

void launch_program(int device, const Launch& launch, int64_t fast_floats, int threads) {
  EQ_CUDA(cudaSetDevice(device));
  const int left_out = planted == test::Fault::race ? 1 : -1;  // barrier 0 follows the copy to shared memory
  run_faulty<<<launch.replicas, threads, static_cast<size_t>(fast_floats) * sizeof(float)>>>(launch, left_out);
  EQ_CUDA(cudaGetLastError());
  EQ_CUDA(cudaDeviceSynchronize());
  plant_beside(launch);
}

}  // namespace equipoise
