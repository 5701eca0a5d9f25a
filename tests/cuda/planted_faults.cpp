// tests/cuda/planted_faults.cpp - a short training run with a fault of one's choosing: what a checker must find in it
// proves the checker. Exits 0 where the result has the CPU's bits, 1 where it has not, 2 on a wrong name, 6 without
// GPU.
#include <cstdio>
#include <map>

#include "engine/base/error.h"
#include "tests/cuda/faulty_launch.h"
#include "tests/cuda/problem.h"

int main(int argc, char** argv) {
  using equipoise::test::Fault;
  const std::map<std::string, Fault> faults = {{"none", Fault::none},
                                               {"race", Fault::race},
                                               {"out_of_bounds", Fault::out_of_bounds},
                                               {"uninitialised", Fault::uninitialised},
                                               {"divergence", Fault::divergence},
                                               {"wrong_result", Fault::wrong_result}};
  const auto fault = faults.find(argc == 2 ? argv[1] : "");
  if (fault == faults.end()) {
    std::fprintf(stderr, "usage: planted_faults none|race|out_of_bounds|uninitialised|divergence|wrong_result\n");
    return 2;
  }
  try {
    const equipoise::test::Problem problem = equipoise::test::make_problem("paper", 24, 12, 9);
    const auto device = equipoise::make_cuda_executor(0);
    equipoise::test::plant(fault->second);
    const std::string got = hash(train(*device, problem, 2, 16, {2, false}));
    const std::string expected = hash(train(*equipoise::make_cpu_executor(1), problem, 2, 16, {2, false}));
    std::printf("%s: %s, on the CPU %s\n", fault->first.c_str(), got.c_str(), expected.c_str());
    return got == expected ? 0 : 1;
  } catch (const equipoise::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return static_cast<int>(e.code());
  }
}
