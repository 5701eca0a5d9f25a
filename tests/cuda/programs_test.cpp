// tests/cuda/programs_test.cpp - every operation of the interpreter, in every kind of program, against the CPU's bits.
#include <cstddef>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <ostream>

#include "engine/balance/methods.h"
#include "engine/lower/program_code.h"
#include "engine/run/cuda_executor.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "tests/cuda/device_test.h"
#include "tests/cuda/problem.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {

namespace {

struct Case {
  std::string name;
  std::string variant = "paper";
  int rows = 70, features1 = 81, features2 = 81, batch = 32, hidden = 32;
  bool gradnorm = true, trains = true, probe = false, balanced = true;
  Pass noise = Pass::train;
  Activation output = Activation::identity;
  double clip = 0, decay = 0;
  std::vector<std::string> methods = {};
  std::string at = "parameters";
  std::optional<OnNonfinite> spoiled = {};  // some rows hold a NaN or overflow, and this is the policy for their steps
  std::optional<Setup> system = {};  // a setup of its own, with its own data; the fields of MLDRL are left alone then
};

void PrintTo(const Case& k, std::ostream* to) { *to << k.name; }

struct Outcome {
  Replicas replicas;
  Emitted emitted;
  std::vector<float> work;
};

Problem problem_of(const Case& k) {
  if (k.system) {
    const SyntheticSystem s = synthetic_system(*k.system, k.batch, k.rows);
    return {s.plan.setup, tables_of(*s.plan.setup.system, s.data, s.split, s.plan.class_weights)};
  }
  Problem p = make_problem(k.variant, k.rows, k.features1, k.features2);
  BalanceSetup& balance = p.setup.balance[0];
  if (!k.gradnorm) balance.methods = {Method{.kind = MethodKind::identity}};
  if (!k.methods.empty()) balance.methods = parse_methods(k.methods, "test").methods;
  balance.at = k.at;
  MldrlModel& model = mldrl(p.setup);
  model.hidden = k.hidden;
  model.output_activation = k.output;
  p.setup.settings.clip_norm = k.clip;
  p.setup.settings.weight_decay = k.decay;
  if (k.spoiled) {
    p.setup.settings.on_nonfinite = *k.spoiled;
    p.tables.sources[0].values[5 * 81 + 3] = std::numeric_limits<float>::quiet_NaN();
    p.tables.sources[1].values[9 * 81] = -3e38f;
  }
  if (k.noise == Pass::given) {
    const int latent = model.shared + model.specific;
    for (int source : {0, 1})
      p.tables.sources.push_back({std::vector<float>(p.tables.sources[source].values.begin(),
                                                     p.tables.sources[source].values.begin() + k.rows * latent),
                                  latent});
  }
  return p;
}

LowerOptions options_of(const Case& k, const Problem& p, const PlanLimits& limits) {
  if (!k.trains) return evaluation_options(p.setup, k.batch, limits);
  LowerOptions o = training_options(p.setup, k.batch, limits, k.noise);
  o.probe = k.probe;
  if (!k.balanced) o.balancers[0].over.clear();
  return o;
}

/// Runs a program planned for `limits`: at most what the executor has.
Outcome run(Executor& executor, const Case& k, const PlanLimits& limits) {
  const Problem p = problem_of(k);
  const Program program = lower(p.setup.system->graph(k.noise), options_of(k, p, limits));
  Outcome out;
  out.replicas = make_replicas(p, program, 3);
  out.emitted.rows = k.rows;
  executor.load_tables(p.tables);
  executor.load_state(out.replicas.state, program.state_floats);
  executor.run(program, out.replicas.settings, out.replicas.controls, {7, !k.trains}, k.trains ? nullptr : &out.emitted,
               &out.work);
  executor.store_state(out.replicas.state);
  return out;
}

/// MLDRL with a balancer at each view's latent.
Setup two_balancers() {
  Setup setup = synthetic_setup();
  setup.settings.rows = kSystemTraining;
  setup.balance.resize(2);
  const char* const places[] = {"latent1", "latent2"};
  const char* const methods[] = {"mgda", "graddrop:leak=0.1"};
  for (std::size_t b = 0; b < 2; ++b) {
    setup.balance[b].methods = parse_methods(std::vector<std::string>{methods[b]}, "test").methods;
    setup.balance[b].at = places[b];
  }
  return setup;
}

/// Multi-task networks and VAE-GANs, under each optimizer, and MLDRL with several balancers.
void add_systems(std::vector<Case>& all) {
  const auto add = [&](std::string name, const Setup& setup, Pass pass = Pass::train) -> Setup& {
    Case k{std::move(name)};
    k.system = setup;
    k.rows = kSystemTraining;
    k.batch = kSystemBatch;
    k.noise = pass;
    k.trains = pass == Pass::train;
    all.push_back(k);
    return *all.back().system;
  };
  add("towers", synthetic_towers());
  add("evaluation_of_towers", synthetic_towers(), Pass::evaluate);
  Setup& summed = add("trunk_by_sgd_under_mgda_of_sums_over_rows", synthetic_trunk());
  balance_by(summed, {"mgda"}, "latent");
  summed.balance[0].sum_rows = true;
  summed.optimizer = OptimizerKind::sgd;
  summed.settings.momentum = 0.5;
  add("towers_that_minimise_the_gradnorm_loss_too", synthetic_towers(3)).balance[0].methods[0].network = 1;
  add("vaegan", synthetic_vaegan());
  add("vaegan_of_two_hidden_layers_without_labels", synthetic_vaegan(0, {11, 7}, 2));
  add("evaluation_of_vaegan", synthetic_vaegan(), Pass::evaluate);
  add("rows_of_vaegan", synthetic_vaegan(), Pass::generate);
  add("two_balancers", two_balancers());
}

std::vector<Case> cases() {
  std::vector<Case> all{{"paper"}, {"code", "code"}};
  const auto add = [&](std::string name, auto change) {
    all.push_back({std::move(name)});
    change(all.back());
  };
  add("identity_balancing", [](Case& k) { k.gradnorm = k.balanced = false; });
  add("measured_but_not_adjusted", [](Case& k) { k.gradnorm = false; });
  add("mgda_at_latent", [](Case& k) { k.methods = {"mgda"}, k.at = "latent"; });
  add("graddrop", [](Case& k) { k.methods = {"gradnorm", "graddrop:leak=0.1"}; });
  add("graddrop_at_latent", [](Case& k) { k.methods = {"graddrop"}, k.at = "latent"; });
  add("evaluation", [](Case& k) { k.trains = false, k.noise = Pass::evaluate; });
  add("evaluation_of_code", [](Case& k) { k.variant = "code", k.trains = false, k.noise = Pass::evaluate; });
  add("probe", [](Case& k) { k.probe = true; });
  add("given_noise", [](Case& k) { k.noise = Pass::given; });
  add("batch_of_one", [](Case& k) { k.batch = 1; });
  add("batch_larger_than_the_data", [](Case& k) { k.batch = 100; });
  for (const int views : {1, 3, 4, 6})
    add(std::to_string(views) + (views == 1 ? "_view" : "_views"),
        [views](Case& k) { k.system = synthetic_views(views), k.batch = 12; });
  add("counts", [](Case& k) { k.system = synthetic_counts(), k.batch = 12; });
  add("weighed_classes", [](Case& k) { k.system = synthetic_weighed(), k.batch = 12; });
  add("one_feature", [](Case& k) { k.features1 = 1, k.features2 = 3; });
  add("more_than_shared_memory_holds",
      [](Case& k) { k.features1 = 700, k.features2 = 301, k.hidden = 130, k.rows = 40; });
  add("tanh_output", [](Case& k) { k.output = Activation::tanh; });
  add("sigmoid_output", [](Case& k) { k.output = Activation::sigmoid; });
  add("refused_steps_skipped", [](Case& k) { k.spoiled = OnNonfinite::skip; });
  add("refused_step_frozen", [](Case& k) { k.spoiled = OnNonfinite::freeze; });
  add("refused_step_by_mgda_at_latent",
      [](Case& k) { k.spoiled = OnNonfinite::freeze, k.methods = {"mgda"}, k.at = "latent"; });
  add("evaluation_of_spoiled_rows",
      [](Case& k) { k.spoiled = OnNonfinite::stop, k.trains = false, k.noise = Pass::evaluate; });
  add("clipping_and_decay", [](Case& k) { k.clip = 0.05, k.decay = 0.1; });
  add_systems(all);
  return all;
}

}  // namespace

/// Some control holds a NaN, and every one of them is kCanonicalNan.
void expect_canonical_nans(const std::vector<Control>& controls) {
  int nans = 0;
  for (const Control& k : controls)
    for (std::size_t at = offsetof(Control, beta1_power); at + sizeof(double) <= sizeof(Control);
         at += sizeof(double)) {
      uint64_t bits;
      std::memcpy(&bits, reinterpret_cast<const unsigned char*>(&k) + at, sizeof bits);
      if ((bits & ~(uint64_t{1} << 63)) <= 0x7ff0000000000000u) continue;
      ++nans;
      EXPECT_EQ(bits, kCanonicalNan) << "at byte " << at;
    }
  EXPECT_GT(nans, 0) << "no step met a NaN";
}

class Programs : public DeviceTest, public testing::WithParamInterface<Case> {
 protected:
  void SetUp() override { DeviceTest::SetUp(); }
};

TEST_P(Programs, LeaveTheSameStateControlsWorkAndOutputsAsOnTheCpu) {
  const auto cpu = make_cpu_executor(0), device = make_cuda_executor(0);
  const Outcome expected = run(*cpu, GetParam(), device->plan_limits());
  const Outcome got = run(*device, GetParam(), device->plan_limits());
  RecordProperty("cpu_hash", hash(expected.replicas));
  RecordProperty("device_hash", hash(got.replicas));
  expect_equal_bits(expected.replicas, got.replicas);
  EXPECT_GT(got.replicas.controls[2].step, 0);
  if (GetParam().spoiled) return expect_canonical_nans(got.replicas.controls);  // other NaNs are any machine's own
  expect_equal_bits(expected.work, got.work, "work");
  ASSERT_EQ(expected.emitted.values.size(), got.emitted.values.size());
  for (size_t o = 0; o < expected.emitted.values.size(); ++o)
    expect_equal_bits(expected.emitted.values[o], got.emitted.values[o], "output " + std::to_string(o));
}

TEST_P(Programs, LeaveTheSameStateWhereverTheirBuffersLie) {
  const auto cpu = make_cpu_executor(0), device = make_cuda_executor(0);
  const Outcome expected = run(*cpu, GetParam(), cpu->plan_limits());
  for (const int64_t fast : {int64_t{0}, int64_t{3000}}) {
    SCOPED_TRACE(fast);
    const Outcome got = run(*device, GetParam(), {fast, fast > 0});
    expect_equal_bits(expected.replicas, got.replicas);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Programs, testing::ValuesIn(cases()), [](const auto& p) { return p.param.name; });

TEST(ProgramCases, UseEveryOperationOfTheInterpreter) {
  std::map<std::string, int> used;
  for (const Case& k : cases()) {
    const Problem p = problem_of(k);
    const Program program = lower(p.setup.system->graph(k.noise), options_of(k, p, {}));
    for (const Operation& o : program.code->operations) ++used[operation_name(o.kind)];
  }
#define EQ_EXPECT_USED(tag, Struct) EXPECT_GT(used[#tag], 0) << #tag << " runs in no case";
  EQ_OPERATIONS(EQ_EXPECT_USED)
#undef EQ_EXPECT_USED
}

}  // namespace equipoise::test
