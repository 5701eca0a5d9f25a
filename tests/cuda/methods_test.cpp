// tests/cuda/methods_test.cpp - training under each balancing method on the device gives the CPU's bits.
#include "engine/balance/methods.h"

#include <map>
#include <ostream>

#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"

namespace equipoise::test {

namespace {

using Specs = std::vector<std::string>;

struct MethodCase {
  std::string name;
  Specs specs;
  std::string over = "heads", at = "parameters";
  bool rescale = false, private_weights = false;
};

void PrintTo(const MethodCase& k, std::ostream* to) { *to << k.name; }

Problem problem_of(const MethodCase& k) {
  Problem p = make_problem("paper", 70, 37, 21);  // three batches an epoch, the last of 6 rows
  const MethodList list = parse_methods(k.specs, "test");
  p.setup.settings.alpha = list.alpha.value_or(p.setup.settings.alpha);
  p.setup.settings.task_lr = list.task_lr.value_or(p.setup.settings.task_lr);
  p.setup.balance = {{.methods = list.methods,
                      .over = k.over,
                      .at = k.at,
                      .private_weights = k.private_weights,
                      .rescale = k.rescale}};
  return p;
}

Replicas twenty_steps(Executor& executor, const MethodCase& k) {
  return train(executor, problem_of(k), 2, 32, {20, false});
}

std::vector<MethodCase> cases() {
  std::vector<MethodCase> all;
  for (const std::string& name : method_names()) all.push_back({name, {name}});
  all.push_back({"gradnorm_then_mgda", {"gradnorm", "mgda:normalise=l2"}});
  all.push_back({"uw_then_pcgrad_then_graddrop", {"uw:lr=0.01", "pcgrad", "graddrop:leak=0.2"}});
  all.push_back({"famo_then_gradvac_then_cagrad_then_imtl_g",
                 {"famo:lr=0.1", "gradvac", "cagrad:c=0.2,normalise=loss", "imtl_g"}});
  all.push_back({"mgda_at_latent", {"mgda"}, "heads", "latent"});
  all.push_back({"gradnorm_then_nash_mtl_at_latent", {"gradnorm", "nash_mtl"}, "heads", "latent"});
  all.push_back({"graddrop_at_latent", {"graddrop"}, "heads", "latent"});
  all.push_back({"upgrad_over_shared", {"upgrad"}, "shared"});
  all.push_back({"graddrop_over_shared", {"graddrop:leak=0.1"}, "shared"});
  all.push_back({"cagrad_rescaled_with_private_weights", {"cagrad"}, "heads", "parameters", true, true});
  return all;
}

}  // namespace

class Methods : public DeviceTest, public testing::WithParamInterface<MethodCase> {
 protected:
  void SetUp() override { DeviceTest::SetUp(); }
};

TEST_P(Methods, TrainTwentyStepsWithTheSameBitsAsOnTheCpu) {
  const auto cpu = make_cpu_executor(0), device = make_cuda_executor(0);
  const Replicas expected = twenty_steps(*cpu, GetParam()), got = twenty_steps(*device, GetParam());
  RecordProperty("cpu_hash", hash(expected));
  RecordProperty("device_hash", hash(got));
  expect_equal_bits(expected, got);
  EXPECT_EQ(got.controls.back().step, 20);
  EXPECT_EQ(got.controls.back().skipped, 0);
}

INSTANTIATE_TEST_SUITE_P(All, Methods, testing::ValuesIn(cases()), [](const auto& p) { return p.param.name; });

TEST(MethodCases, TrainToParametersOfTheirOwn) {
  const auto cpu = make_cpu_executor(0);
  std::map<std::string, std::string> first;  // the case that ended with these parameters
  for (const MethodCase& k : cases()) {
    const Replicas r = twenty_steps(*cpu, k);
    const Program program =
        lower(problem_of(k).setup.system->graph(Pass::train), training_options(problem_of(k).setup, 32, {}));
    Sha256 sha;
    for (const ParameterInfo& p : program.parameters) {
      const std::vector<float> values = read_parameter(program, p, StatePart::parameter, r.state);
      sha.update(values.data(), values.size() * sizeof(float));
    }
    const auto [same, is_new] = first.emplace(sha.hex(), k.name);
    EXPECT_TRUE(is_new) << k.name << " is not told apart from " << same->second;
  }
}

}  // namespace equipoise::test
