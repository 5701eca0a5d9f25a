// tests/ptx/launchers.cpp - what starts kernels on a CUDA device starts their PTX on the machine.
#include <algorithm>
#include <stdexcept>

#include "engine/run/cuda_executor.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/run/interpreter_launch.h"
#include "kernels/run/made_kernel.h"
#include "kernels/run/min_norm_batch.h"
#include "kernels/state/control.h"
#include "tests/ptx/gpu.h"

namespace equipoise {

namespace {

using ptx::gpu;
using ptx::gpu_module;
using ptx::parameters_of;

uint64_t address_of(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

/// Buffers by what they hold, for messages.
void name_buffers(const Launch& launch) {
  ptx::Memory& memory = gpu().memory;
  memory.name(address_of(launch.state), "state");
  memory.name(address_of(launch.work), "work");
  memory.name(address_of(launch.residents), "residents");
  for (int p = 0; p < launch.program_count; ++p) {
    const LaunchProgram& program = launch.programs[p];
    memory.name(address_of(program.operations), "operations");
    memory.name(address_of(program.phases), "phases");
    memory.name(address_of(program.settings), "settings");
    memory.name(address_of(program.controls), "controls");
    memory.name(address_of(program.first_epochs), "first epochs");
  }
  memory.name(address_of(launch.epochs.rules), "rules of epochs");
  memory.name(address_of(launch.epochs.standings), "standings");
  memory.name(address_of(launch.epochs.best), "best parameters");
  memory.name(address_of(launch.epochs.records), "records");
  memory.name(address_of(launch.epochs.keys), "keys");
}

/// Every phase ends with a barrier of the block; the first copies residents.
std::string phase_after(const Launch& launch, uint64_t barriers) {
  if (barriers == 0) return "phase: residents are copied in";
  if (launch.epochs.rules) return "phase: in epochs, after " + std::to_string(barriers) + " barriers";
  --barriers;
  for (int p = 0; p < launch.program_count; ++p) {
    const LaunchProgram& program = launch.programs[p];
    const auto phases = static_cast<uint64_t>(program.phase_count), all = phases * static_cast<uint64_t>(program.steps);
    if (barriers < all)
      return "phase " + std::to_string(barriers % phases) + " of " + std::to_string(phases) + ", step " +
             std::to_string(barriers / phases) + " of program " + std::to_string(p);
    barriers -= all;
  }
  return "phase: residents are copied out";
}

}  // namespace

int64_t device_fast_floats(int) { return 227 * 1024 / 4; }

namespace {

/// A launch of programs by a kernel of a module.
void launch_kernel(const ptx::Module& module, const std::string& kernel, const Launch& launch, int64_t fast_floats,
                   int threads) {
  if (fast_floats > device_fast_floats(0)) throw std::invalid_argument("more shared memory than the device has");
  if (launch.replicas <= 0) return;
  ptx::Machine& machine = gpu();
  name_buffers(launch);
  machine.memory.forget(address_of(launch.work),
                        static_cast<std::size_t>(launch.replicas * launch.work_floats) * sizeof(float));
  machine.phase = [&](const ptx::Block& block) { return phase_after(launch, block.barriers); };
  ptx::LaunchShape shape;
  shape.grid.x = static_cast<uint32_t>(launch.replicas);
  shape.block.x = static_cast<uint32_t>(threads);
  shape.dynamic_shared = static_cast<std::size_t>(fast_floats) * sizeof(float);
  if (ptx::planted()) ptx::planted()(launch, shape);
  machine.launch(module, module.entry({kernel}), shape, parameters_of(launch));
  machine.phase = nullptr;
}

class MachineKernel : public MadeKernel {
 public:
  MachineKernel(const std::vector<std::byte>& code, std::string name, int threads)
      : module_(ptx::read_module(std::string(reinterpret_cast<const char*>(code.data()), code.size() - 1))),
        name_(std::move(name)),
        threads_(threads) {
    const std::lock_guard alone(ptx::gpu_busy());
    gpu().load(module_);
  }
  void launch(const Launch& launch, int64_t fast_floats) override {
    const std::lock_guard alone(ptx::gpu_busy());
    ptx::made_module() = &module_;
    launch_kernel(module_, name_, launch, fast_floats, threads_);
  }

 private:
  ptx::Module module_;
  std::string name_;
  int threads_;
};

}  // namespace

void launch_program(int, const Launch& launch, int64_t fast_floats, int threads) {
  const std::lock_guard alone(ptx::gpu_busy());
  if (CudaOptions::usual_kernel_mode == KernelMode::generated)
    throw std::logic_error("a launch fell back on the interpreter, and was to be a made kernel's");
  launch_kernel(gpu_module(ptx::interpreter_module()), "run_replicas", launch, fast_floats, threads);
}

std::string made_kernel_target(int) { return "compute_90"; }

std::unique_ptr<MadeKernel> load_made_kernel(int, const std::vector<std::byte>& code, const std::string& name,
                                             int threads) {
  return std::make_unique<MachineKernel>(code, name, threads);
}

void gram_batch_device(int, const GramBatch& batch, double* partials) {
  check_gram_batch(batch);
  if (batch.replicas == 0) return;
  const std::lock_guard alone(ptx::gpu_busy());
  ptx::Machine& machine = gpu();
  const ptx::Module& module = gpu_module("gram_batch");
  machine.memory.name(address_of(batch.gradients), "gradients");
  machine.memory.name(address_of(batch.gram), "Gram matrices");
  machine.memory.name(address_of(partials), "partial sums");
  machine.memory.forget(address_of(partials), static_cast<std::size_t>(gram_scratch(batch)) * sizeof(double));
  const bool one_tile = batch.tasks <= kDevicePanel;
  const GramShape of = gram_shape(one_tile);
  ptx::LaunchShape chunks;
  chunks.grid.x = static_cast<uint32_t>(device_items(batch));
  chunks.block.x = static_cast<uint32_t>(of.threads);
  chunks.dynamic_shared = static_cast<std::size_t>(of.scratch_bytes);
  machine.launch(module, module.entry({"gram_chunks_of", one_tile ? "ILb1E" : "ILb0E"}), chunks,
                 parameters_of(batch, int64_t{0}, partials));
  ptx::LaunchShape finish;
  finish.grid.x = static_cast<uint32_t>(batch.replicas * pairs_of(batch.tasks));
  finish.block.x = static_cast<uint32_t>(gram_finish_threads(batch));
  machine.launch(module, module.entry({"gram_finish_of"}), finish, parameters_of(batch, int64_t{0}, partials));
}

void min_norm_batch_device(int, const MinNormBatch& batch) {
  check_min_norm_batch(batch);
  if (batch.problems == 0) return;
  const std::lock_guard alone(ptx::gpu_busy());
  ptx::Machine& machine = gpu();
  const ptx::Module& module = gpu_module("min_norm_batch");
  machine.memory.name(address_of(batch.gram), "Gram matrices");
  machine.memory.name(address_of(batch.weights), "weights");
  const MinNormShape of = min_norm_shape(batch);
  ptx::LaunchShape shape;
  shape.grid.x = static_cast<uint32_t>(of.blocks);
  shape.block.x = static_cast<uint32_t>(32 * of.warps);
  shape.dynamic_shared = static_cast<std::size_t>(of.scratch_bytes);
  machine.launch(module, module.entry({"solve"}), shape, parameters_of(batch, min_norm_batch_scratch(batch.tasks)));
}

}  // namespace equipoise
