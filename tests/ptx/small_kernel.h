// tests/ptx/small_kernel.h - kernels of a few lines of PTX, run on a machine of their own.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "tests/ptx/machine.h"

namespace equipoise::ptx::test {

/// A kernel k(uint64 buffer): %rd0 is the buffer's global address, %r0 the thread, %r1 the thread times four, %rd1 the
/// thread's own word of the buffer. `before`: declarations of the module; `inside`: of the kernel.
inline std::string small_kernel(const std::string& body, const std::string& before = "",
                                const std::string& inside = "") {
  return ".version 8.0\n.target sm_90\n.address_size 64\n" + before +
         "\n.visible .entry k(.param .u64 k_param_0)\n{\n" + inside +
         "\n.reg .pred %p<16>;\n.reg .b16 %rs<16>;\n.reg .b32 %r<64>;\n.reg .f32 %f<32>;\n.reg .b64 %rd<64>;\n.reg "
         ".f64 %fd<32>;\n"
         "ld.param.u64 %rd2, [k_param_0];\ncvta.to.global.u64 %rd0, %rd2;\nmov.u32 %r0, %tid.x;\nshl.b32 %r1, %r0, 2;\n"
         "mul.wide.u32 %rd3, %r0, 4;\nadd.s64 %rd1, %rd0, %rd3;\n" +
         body + "\nret;\n}\n";
}

struct Trial {
  LaunchShape shape;
  Order order;
  std::size_t words = 256;                           ///< of the buffer, which the host has filled with 0, 1, 2, ...
  std::size_t unwritten = 0;                         ///< words behind them that nobody has written
  std::function<Observer*(const Module&)> observer;  ///< may watch
  std::function<void()> finished;                    ///< called when the launch has ended, the module still there
  uint64_t endless = 0;                              ///< Machine::endless, if not 0
};

/// Runs it and returns the buffer. Throws Fault.
inline std::vector<uint32_t> run_small(const std::string& text, const Trial& run) {
  const Module module = read_module(text);
  Machine machine;
  machine.order = run.order;
  if (run.endless > 0) machine.endless = run.endless;
  if (run.observer) machine.observer = run.observer(module);
  machine.load(module);
  const uint64_t buffer = machine.memory.allocate("the buffer", 4 * (run.words + run.unwritten));
  std::vector<uint32_t> words(run.words);
  for (std::size_t i = 0; i < run.words; ++i) words[i] = static_cast<uint32_t>(i);
  machine.memory.write(buffer, words.data(), 4 * run.words);
  std::vector<std::byte> parameters(sizeof buffer);
  std::memcpy(parameters.data(), &buffer, sizeof buffer);
  machine.launch(module, module.entry({"k"}), run.shape, parameters);
  machine.memory.read(buffer, words.data(), 4 * run.words);
  if (run.finished) run.finished();
  return words;
}

inline Trial threads(uint32_t count, uint32_t blocks = 1) {
  Trial run;
  run.shape.block.x = count;
  run.shape.grid.x = blocks;
  return run;
}

inline const Order kOrders[] = {{}, {Order::Kind::reversed, 0}, {Order::Kind::random, 1}, {Order::Kind::random, 2}};

/// The fault that the kernel is stopped by, in every order of threads; fails where there is none or another.
inline void expect_fault(Check check, const std::string& text, Trial run, const std::string& part = "") {
  for (const Order& order : kOrders) {
    run.order = order;
    try {
      run_small(text, run);
      ADD_FAILURE() << "no fault was found, but there is a " << name_of(check);
    } catch (const Fault& fault) {
      EXPECT_EQ(fault.check(), check) << fault.what();
      EXPECT_NE(std::string(fault.what()).find(part), std::string::npos) << fault.what();
    }
  }
}
inline void expect_words(const std::string& text, Trial run, const std::vector<uint32_t>& expected) {
  for (const Order& order : kOrders) {
    run.order = order;
    std::vector<uint32_t> got;
    try {
      got = run_small(text, run);
    } catch (const Fault& fault) {
      ADD_FAILURE() << fault.what();
      return;
    }
    got.resize(expected.size());
    EXPECT_EQ(got, expected);
  }
}

}  // namespace equipoise::ptx::test
