// tests/cuda/emulated_launches_test.cpp - how the CUDA executor spreads programs over launches. Emulated device only.
#include "engine/run/cuda_executor.h"
#include "tests/cuda/emulated_device.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

namespace {

/// Programs of each launch of a run that trains three steps and evaluates four, the runs before it done.
std::vector<int> launches_of(double seconds, int runs_before) {
  const Problem p = make_problem("paper", 40, 5, 4);
  CudaOptions options;
  options.launch_seconds = seconds;
  const auto device = make_cuda_executor(0, options);
  PlanLimits limits = device->plan_limits();
  const Program train = lower(p.setup.system->graph(Pass::train), training_options(p.setup, 8, limits));
  limits.beside = train.code.get();
  const Program evaluate = lower(p.setup.system->graph(Pass::evaluate), evaluation_options(p.setup, 10, limits));
  Replicas r = make_replicas(p, train, 2);
  device->load_tables(p.tables);
  device->load_state(r.state, train.state_floats);
  for (int run = 0; run <= runs_before; ++run) {
    programs_launched();
    std::vector<Control> evaluated(2, fresh_control(p.setup.settings, 3));
    Emitted emitted{40, {}};
    const ProgramRun runs[] = {{train, r.settings, r.controls, {3, false}},
                               {evaluate, r.settings, evaluated, {4, true}, &emitted}};
    device->run(runs);
    EXPECT_EQ(r.controls[0].step, 3 * (run + 1));
    EXPECT_EQ(evaluated[0].epoch, 1);
  }
  return programs_launched();
}

}  // namespace

TEST(Launches, AreSharedByProgramsThatWereTimedAndFitTheTimeALaunchAimsAt) {
  EXPECT_EQ(launches_of(1000, 0), (std::vector<int>{1, 1, 1, 1})) << "each begins with a single step";
  EXPECT_EQ(launches_of(1000, 1), (std::vector<int>{2}));
  EXPECT_EQ(launches_of(0, 3), std::vector<int>(7, 1)) << "seven launches of a step";
}

}  // namespace equipoise::test
