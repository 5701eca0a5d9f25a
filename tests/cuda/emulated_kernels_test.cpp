// tests/cuda/emulated_kernels_test.cpp - when the CUDA executor takes kernels that are made for its programs, and what
// it does where none can be made. Emulated device and a compiler that compiles nothing.
#include <cstdlib>

#include "engine/base/error.h"
#include "engine/run/cuda_executor.h"
#include "tests/cuda/emulated_device.h"
#include "tests/cuda/problem.h"
#include "tests/engine/generate/fake_nvrtc.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise::test {

namespace {

/// The process keeps its kernels in a folder of its own, whichever test asks first.
const TemporaryFolder& cache_home() {
  static const TemporaryFolder folder;
  return folder;
}
[[maybe_unused]] const bool kept_apart = ::setenv("XDG_CACHE_HOME", cache_home().path().c_str(), 1) == 0;

class MadeKernelsTest : public testing::Test {
 protected:
  MadeKernelsTest() {
    fake_.count_in(folder_ / "count");
    fake_.set("CODE", "code enough");
    emulate_made_kernels("sm_90");
    launches();
  }
  ~MadeKernelsTest() override { emulate_made_kernels(""); }

  /// Of columns that no other test has: what one test keeps the others do not find.
  static Problem problem_of(int columns) { return make_problem("paper", 40, columns, 4); }

  std::unique_ptr<Executor> device(KernelMode mode, double worth_compiling = 0) {
    CudaOptions options;
    options.kernel_mode = mode;
    options.worth_compiling = worth_compiling;
    return make_cuda_executor(0, options);
  }
  void expect_right(Executor& executor, int columns, int steps = 3, int runs = 1) {
    expect_equal_bits(train(*make_cpu_executor(1), problem_of(columns), 2, 16, {steps, false}, runs),
                      train(executor, problem_of(columns), 2, 16, {steps, false}, runs));
  }
  /// Whether each launch since the last call was a made kernel's.
  static std::vector<bool> made() {
    std::vector<bool> all;
    for (const Launched& launch : launches()) all.push_back(launch.made);
    return all;
  }
  static std::string error_of(Executor& executor, int columns) {
    try {
      train(executor, problem_of(columns), 2, 16, {3, false});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ExitCode::device);
      return e.what();
    }
    return "";
  }

  TemporaryFolder folder_;
  WithFakeNvrtc fake_;
};

TEST_F(MadeKernelsTest, AreDoneWithoutWhereThereIsNoCompiler) {
  ::setenv(KernelCompiler::kVariable, "/nowhere/libnvrtc.so", 1);
  const std::string why = "EQUIPOISE_NVRTC names /nowhere/libnvrtc.so, which cannot be opened as a library";
  const auto automatic = device(KernelMode::automatic), generated = device(KernelMode::generated);
  for (int run = 0; run < 20; ++run) {
    expect_right(*automatic, 5);
    if (!automatic->kernel_use().problem.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(automatic->kernel_use().problem, why);
  EXPECT_EQ(automatic->kernel_use().generated_steps, 0);
  launches();
  EXPECT_EQ(error_of(*generated, 5),
            "--kernel-mode generated: " + why + "; --kernel-mode interpreter does the same without");
  EXPECT_TRUE(launches().empty()) << "nothing ran";
}

TEST_F(MadeKernelsTest, TakeOverFromTheInterpreterOnceTheyAreThere) {
  fake_.set("SLEEP", "1500");
  const auto executor = device(KernelMode::automatic);
  const Problem p = problem_of(6);
  const Program program =
      lower(p.setup.system->graph(Pass::train), training_options(p.setup, 16, executor->plan_limits()));
  const auto cpu = make_cpu_executor(1);
  Replicas expected = make_replicas(p, program, 2), got = expected;
  for (Executor* each : {cpu.get(), executor.get()}) {
    each->load_tables(p.tables);
    each->load_state(got.state, program.state_floats);
  }
  const auto begin = std::chrono::steady_clock::now();
  executor->run(program, got.settings, got.controls, {1, false});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1400)) << "nothing is waited for";
  EXPECT_EQ(made(), std::vector<bool>{false});
  int steps = 1;
  for (bool there = false; !there && steps < 10000; ++steps) {
    executor->run(program, got.settings, got.controls, {1, false});
    there = made().back();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  executor->run(program, got.settings, got.controls, {5, false});
  for (const bool one : made()) EXPECT_TRUE(one) << "it stays";
  steps += 5;
  EXPECT_EQ(executor->kernel_use().generated_steps, 2 * 6);
  EXPECT_EQ(executor->kernel_use().interpreted_steps, 2 * (steps - 6));
  EXPECT_EQ(executor->kernel_use().problem, "");
  cpu->run(program, expected.settings, expected.controls, {steps, false});
  cpu->store_state(expected.state);
  executor->store_state(got.state);
  expect_equal_bits(expected, got);
  EXPECT_EQ(fake_.compiled(), 1);
}

TEST_F(MadeKernelsTest, AreNotCompiledForShortWorkButTakenIfTheyAreKept) {
  const auto brief = device(KernelMode::automatic, 1e9);
  for (int run = 0; run < 10; ++run) {
    expect_right(*brief, 7);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(brief->kernel_use().generated_steps, 0);
  EXPECT_EQ(fake_.compiled(), 0);
  expect_right(*device(KernelMode::generated), 7);
  EXPECT_EQ(fake_.compiled(), 1);
  const auto later = device(KernelMode::automatic, 1e9);
  for (int run = 0; run < 100 && later->kernel_use().generated_steps == 0; ++run) {
    expect_right(*later, 7);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_GT(later->kernel_use().generated_steps, 0);
  EXPECT_EQ(fake_.compiled(), 1);
}

TEST_F(MadeKernelsTest, AreCompiledOnceWorkHasGoneOnForSoLong) {
  const auto executor = device(KernelMode::automatic, 0.2);
  for (int run = 0; run < 1000 && executor->kernel_use().generated_steps == 0; ++run) expect_right(*executor, 8);
  EXPECT_GT(executor->kernel_use().generated_steps, 0);
  EXPECT_GT(executor->kernel_use().interpreted_steps, 0);
}

TEST_F(MadeKernelsTest, DoEveryStepWhereTheInterpreterIsNotWanted) {
  const auto executor = device(KernelMode::generated);
  expect_right(*executor, 9, 4, 3);
  const std::vector<bool> all = made();
  ASSERT_FALSE(all.empty());
  for (const bool one : all) EXPECT_TRUE(one);
  EXPECT_EQ(executor->kernel_use().interpreted_steps, 0);
  EXPECT_EQ(executor->kernel_use().generated_steps, 2 * 4 * 3);
  const auto plain = device(KernelMode::interpreter);
  expect_right(*plain, 9);
  for (const bool one : made()) EXPECT_FALSE(one);
}

TEST_F(MadeKernelsTest, ThatDoNotCompileAreToldOfOnceAndDoneWithout) {
  fake_.set("ERROR", "made.cu(7): error: planted");
  const auto automatic = device(KernelMode::automatic), generated = device(KernelMode::generated);
  for (int run = 0; run < 100 && automatic->kernel_use().problem.empty(); ++run) {
    expect_right(*automatic, 10);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(automatic->kernel_use().problem, "NVRTC 13.0 for sm_90: made.cu(7): error: planted");
  const int compiled = fake_.compiled();
  for (int run = 0; run < 3; ++run) expect_right(*automatic, 10);
  EXPECT_EQ(fake_.compiled(), compiled) << "it is not tried again and again";
  EXPECT_NE(error_of(*generated, 10).find("error: planted"), std::string::npos);
}

TEST_F(MadeKernelsTest, ThatTheDeviceCannotUseAreDoneWithout) {
  fake_.set("CODE", "other");
  const auto automatic = device(KernelMode::automatic), generated = device(KernelMode::generated);
  for (int run = 0; run < 100 && automatic->kernel_use().problem.empty(); ++run) {
    expect_right(*automatic, 11);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(automatic->kernel_use().problem,
            "the device cannot use the kernel that was made for it: the code is for another device");
  EXPECT_NE(error_of(*generated, 11).find("the code is for another device"), std::string::npos);
}

TEST_F(MadeKernelsTest, AreNotWantedWhereNoneCanBeLoaded) {
  emulate_made_kernels("");
  const auto executor = device(KernelMode::automatic);
  expect_right(*executor, 12);
  EXPECT_EQ(executor->kernel_use().problem, "this build cannot load kernels that are made at run time");
  EXPECT_THROW(device(KernelMode::generated), Error);
}

TEST_F(MadeKernelsTest, BelongToOneProgramAndBlockSize) {
  CudaOptions options;
  options.kernel_mode = KernelMode::generated;
  options.threads = 128;
  expect_right(*make_cuda_executor(0, options), 13);
  EXPECT_EQ(fake_.compiled(), 1);
  options.threads = 256;
  const auto executor = make_cuda_executor(0, options);
  expect_right(*executor, 13);
  EXPECT_EQ(fake_.compiled(), 2);
  expect_right(*executor, 14);
  expect_right(*executor, 13);
  EXPECT_EQ(fake_.compiled(), 3) << "known again, loaded as it is";
}

}  // namespace
}  // namespace equipoise::test
