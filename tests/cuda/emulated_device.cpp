// tests/cuda/emulated_device.cpp - the emulated device: fresh memory holds NaN, every buffer ends where it was asked to
// end, a block's shared memory is filled with NaN before each launch.
#include "tests/cuda/emulated_device.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <mutex>
#include <vector>

#include "kernels/run/device.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/run/interpreter.h"
#include "kernels/run/interpreter_launch.h"
#include "kernels/run/made_kernel.h"
#include "kernels/run/min_norm_batch.h"
#include "tests/engine/run/team_executor.h"

namespace equipoise {

namespace {

std::mutex mutex;  // of what follows: host threads may share the device
bool fail_launch = false;
std::vector<test::Launched> launched;
std::map<const unsigned char*, std::pair<size_t, int>> buffers;               // bytes and device, by where they begin
std::map<const unsigned char*, size_t> pinned;                                // bytes, by where they begin
size_t downloaded = 0, landed_pinned = 0, held = 0, memory_limit = SIZE_MAX;  // bytes
test::MemoryUse use{0, 0};
int compute[] = {9, 0};
const char* code = "90";
const char* made_target = "";
constexpr int kShared = -1;  // the device number of shared memory, which does not count
constexpr int kGuard = 64;   // bytes behind each buffer that must stay as they were
constexpr unsigned char kMark = 0xA5;
constexpr unsigned char kFresh = 0xFF;  // four of them are a NaN

/// Throws unless memory, if it is any, is that device's. For whoever holds the mutex.
void expect_on(int device, std::initializer_list<const void*> places) {
  for (const void* place : places) {
    if (!place) continue;
    const auto* at = static_cast<const unsigned char*>(place);
    auto buffer = buffers.upper_bound(at);
    if (buffer == buffers.begin() || at >= std::prev(buffer)->first + std::prev(buffer)->second.first ||
        std::prev(buffer)->second.second != device)
      throw DeviceError("emulated_device.cpp", __LINE__, "launch_program", "memory that is not the device's");
  }
}

void check_guard(const void* data, size_t bytes) {
  const auto* guard = static_cast<const unsigned char*>(data) + bytes;
  for (int i = 0; i < kGuard; ++i)
    if (guard[i] != kMark) std::abort();  // a write past the end of a buffer
}

}  // namespace

namespace test {
void fail_next_launch() { fail_launch = true; }
size_t bytes_downloaded() { return std::exchange(downloaded, 0); }
size_t bytes_landed_pinned() { return std::exchange(landed_pinned, 0); }
std::vector<Launched> launches() { return std::exchange(launched, {}); }
void emulate(int compute_major, int compute_minor, const char* built_for) {
  compute[0] = compute_major;
  compute[1] = compute_minor;
  code = built_for;
}
void emulate_made_kernels(const char* target) { made_target = target; }
void limit_memory(size_t bytes) { memory_limit = bytes; }
MemoryUse memory_use() { return std::exchange(use, {held, 0}); }
}  // namespace test

DeviceReport device_report(bool) {
  DeviceReport report;
  DeviceInfo info;
  info.name = "emulated device";
  info.compute_major = compute[0];
  info.compute_minor = compute[1];
  info.multiprocessors = 2;
  info.memory = info.free_memory = device_free_memory(0);
  info.shared_per_block_optin = test::kEmulatedSharedMemory;
  report.devices.push_back(info);
  info.name = "emulated device B";
  report.devices.push_back(info);
  report.architectures = "emulated";
  report.code = code;
  return report;
}

size_t device_free_memory(int) { return size_t{1} << 30; }

DeviceMemory::DeviceMemory(int device, size_t bytes) : bytes_(bytes), device_(device) {
  if (bytes == 0) return;
  if (device != kShared) {
    const std::lock_guard lock(mutex);
    if (bytes > memory_limit - std::min(held, memory_limit)) {
      ++use.refused;
      throw OutOfDeviceMemory("emulated_device.cpp", __LINE__, "DeviceMemory", "the limit is reached");
    }
    use.most = std::max(use.most, held += bytes);
  }
  data_ = std::aligned_alloc(256, (bytes + kGuard + 255) / 256 * 256);
  std::memset(data_, kFresh, bytes);
  std::memset(as<char>() + bytes, kMark, kGuard);
  if (device == kShared) return;
  const std::lock_guard lock(mutex);
  buffers[as<unsigned char>()] = {bytes, device};
}
DeviceMemory::~DeviceMemory() { release(); }
void DeviceMemory::release() noexcept {
  if (data_) check_guard(data_, bytes_);
  if (data_ && device_ != kShared) {
    const std::lock_guard lock(mutex);
    held -= bytes_;
    buffers.erase(as<unsigned char>());
  }
  std::free(data_);
  data_ = nullptr;
  bytes_ = 0;
}
void DeviceMemory::upload(const void* from, size_t bytes, size_t offset) {
  if (offset > bytes_ || bytes > bytes_ - offset) throw std::out_of_range("upload past the end of device memory");
  if (bytes > 0) std::memcpy(as<char>() + offset, from, bytes);
}
void DeviceMemory::download(void* to, size_t bytes, size_t offset) const {
  if (offset > bytes_ || bytes > bytes_ - offset) throw std::out_of_range("download past the end of device memory");
  if (bytes > 0) std::memcpy(to, as<char>() + offset, bytes);
  const std::lock_guard lock(mutex);
  downloaded += bytes;
  const auto* at = static_cast<const unsigned char*>(to);
  const auto after = pinned.upper_bound(at);
  if (after != pinned.begin() && at + bytes <= std::prev(after)->first + std::prev(after)->second)
    landed_pinned += bytes;
}
void DeviceMemory::clear(size_t bytes) {
  if (bytes > bytes_) throw std::out_of_range("clearing past the end of device memory");
  if (bytes > 0) std::memset(data_, 0, bytes);
}

PinnedMemory::PinnedMemory(int, size_t bytes) : bytes_(bytes) {
  const auto release = [](void* data) {
    const auto* at = static_cast<const unsigned char*>(data);
    const std::lock_guard lock(mutex);
    check_guard(at, pinned.at(at));
    pinned.erase(at);
    std::free(data);
  };
  data_ = {std::malloc(bytes + kGuard), release};
  std::memset(as<char>(), kFresh, bytes);
  std::memset(as<char>() + bytes, kMark, kGuard);
  const std::lock_guard lock(mutex);
  pinned[as<unsigned char>()] = bytes;
}

int64_t device_fast_floats(int) { return test::kEmulatedSharedMemory / 4; }

void launch_program(int device, const Launch& launch, int64_t fast_floats, int threads) {
  if (fast_floats > device_fast_floats(0)) throw std::invalid_argument("more shared memory than the device has");
  int programs = 0;
  for (const LaunchProgram& program : launch.programs) programs += program.steps > 0;
  Launch mine = launch;
  std::unique_lock lock(mutex);
  launched.push_back({programs, launch.replicas, threads});
  const bool fail = std::exchange(fail_launch, false);
  expect_on(device, {launch.state, launch.work, launch.residents, launch.epochs.rules, launch.epochs.standings,
                     launch.epochs.best, launch.epochs.records, launch.epochs.keys});
  for (int p = 0; p < launch.program_count; ++p) {
    const LaunchProgram& program = launch.programs[p];
    expect_on(device, {program.operations, program.phases, program.settings, program.controls, program.first_epochs,
                       program.statuses, program.data.sets, program.data.row_list, program.data.class_weights,
                       program.data.outputs[0]});
  }
  lock.unlock();
  if (fail)
    for (LaunchProgram& program : mine.programs) program.steps = (program.steps + 1) / 2;
  for (int slot = 0; slot < launch.replicas; ++slot) {
    const DeviceMemory memory(kShared, static_cast<size_t>(fast_floats) * sizeof(float));
    float* const fast = memory.as<float>();
    // A sixteenth of the threads, a host has few; and one for a larger block, which is what most tests launch.
    const int members = threads > 96 ? 1 : threads / 16;
    run_host_team<HostTeamOf<DeviceCut>>(members, [&](const auto& team) { run_replica(team, mine, slot, fast); });
  }
  if (fail) throw DeviceError("emulated_device.cpp", __LINE__, "launch_program", "a planted failure");
}

std::string made_kernel_target(int) {
  const std::lock_guard lock(mutex);
  return made_target;
}

namespace {

/// Whatever was compiled: what it does is the interpreter's.
class EmulatedKernel : public MadeKernel {
 public:
  EmulatedKernel(int device, int threads) : device_(device), threads_(threads) {}
  void launch(const Launch& launch, int64_t fast_floats) override {
    launch_program(device_, launch, fast_floats, threads_);
    const std::lock_guard lock(mutex);
    launched.back().made = true;
  }

 private:
  int device_, threads_;
};

}  // namespace

std::unique_ptr<MadeKernel> load_made_kernel(int device, const std::vector<std::byte>& bytes, const std::string&,
                                             int threads) {
  if (bytes.size() < 8) throw UnusableCode("the code is for another device");
  return std::make_unique<EmulatedKernel>(device, threads);
}

void gram_batch_device(int, const GramBatch& batch, double* partials) {
  std::fill_n(partials, gram_scratch(batch), std::numeric_limits<double>::quiet_NaN());
  gram_batch_cpu(batch, 1);
}

void min_norm_batch_device(int, const MinNormBatch& batch) { min_norm_batch_cpu(batch, 1); }

}  // namespace equipoise
