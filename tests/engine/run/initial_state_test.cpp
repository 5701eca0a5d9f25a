// tests/engine/run/initial_state_test.cpp - where a replica begins: the distribution of its parameters, and its
// control.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "engine/run/fresh_control.h"
#include "engine/run/parameters.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {
namespace {

// As PyTorch's Linear draws weights and biases.
TEST(InitialParameters, AreUniformWithinOneOverTheRootOfTheInputs) {
  const Program program = synthetic_program(synthetic_setup(), 4);
  std::vector<float> state(static_cast<std::size_t>(program.state_floats), -7.0f);
  initialise(program, state, 5, 0);
  double sum = 0, squares = 0;
  int count = 0;
  for (const ParameterInfo& p : program.parameters) {
    for (const float value : read_parameter(program, p, StatePart::parameter, state)) {
      const double u = value * std::sqrt(static_cast<double>(p.fan_in));
      EXPECT_LE(std::fabs(u), 1 + 1e-6) << p.name;
      sum += u;
      squares += u * u;
      ++count;
    }
    for (const StatePart part : {StatePart::moment1, StatePart::moment2})
      for (const float value : read_parameter(program, p, part, state)) EXPECT_EQ(value, 0.0f) << p.name;
  }
  // Of a uniform draw on (-1, 1) the variance is 1/3 and that of its square 4/45; five deviations.
  EXPECT_NEAR(sum / count, 0, 5 * std::sqrt(1.0 / 3 / count));
  EXPECT_NEAR(squares / count, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / count));
}

TEST(InitialParameters, HaveDrawsOfTheirOwnEach) {
  const Program program = synthetic_program(synthetic_setup(), 4);
  std::set<float> first;
  for (const uint64_t seed : {5, 6})
    for (const uint32_t replica : {0, 1}) {
      std::vector<float> state(static_cast<std::size_t>(program.state_floats));
      initialise(program, state, seed, replica);
      for (const ParameterInfo& p : program.parameters)
        first.insert(read_parameter(program, p, StatePart::parameter, state)[0] *
                     std::sqrt(static_cast<float>(p.fan_in)));
    }
  EXPECT_EQ(first.size(), 4 * program.parameters.size());
}

TEST(FreshControl, GivesEveryBalancerTheInitialWeights) {
  Settings settings;
  const std::vector<double> weights{1.4, 3, 0.3};
  std::copy(weights.begin(), weights.end(), settings.initial_weights);
  const Control control = fresh_control(settings, 3, 2);
  for (const double* list : {control.weights, control.shared_weights, control.private_weights})
    for (std::size_t b = 0; b < 2; ++b)
      EXPECT_EQ(std::vector<double>(list + 3 * b, list + 3 * b + 3), weights) << "balancer " << b;
  for (const double certificate : control.worst_certificate) EXPECT_EQ(certificate, kNoCertificate);
  EXPECT_EQ(control.beta1_power, 1.0);
  EXPECT_EQ(control.beta2_power, 1.0);
}

}  // namespace
}  // namespace equipoise::test
