// tests/engine/lower/lowering_test.cpp - programs lowered from random graphs and from MLDRL: phases, places, lanes,
// values.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/lower/lowering.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/setup.h"
#include "tests/engine/lower/graph_gradients.h"
#include "tests/engine/lower/phase_checker.h"
#include "tests/engine/lower/random_graph.h"
#include "tests/engine/run/team_executor.h"
#include "tests/engine/systems/synthetic_run.h"

namespace equipoise::test {
namespace {

constexpr int kGraphs = 120;
const PlanLimits kLimits[] = {{INT64_MAX / 8, false}, {0, false}, {300, false}, {4000, true}, {INT64_MAX / 8, true}};

std::string name_of(const PlanLimits& l) {
  return std::to_string(l.fast_floats) + " fast floats" + (l.resident_parameters ? ", resident parameters" : "");
}

TEST(Lowering, GivesRandomGraphsSoundPhasesAndPlacesUnderEveryLimit) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const RandomGraph r = random_graph(seed);
    for (const PlanLimits& limits : kLimits) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", " + name_of(limits));
      expect_sound(lower(r.graph, options_of(r, 5, limits)));
    }
  }
}

TEST(Lowering, GivesProbesAndEvaluationsOfRandomGraphsSoundPhasesAndPlaces) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    SCOPED_TRACE(seed);
    const RandomGraph r = random_graph(seed);
    LowerOptions o = options_of(r, 4, {});
    o.trains = false;
    expect_sound(lower(r.graph, o));
    o.trains = true;
    o.probe = true;
    expect_sound(lower(r.graph, o));
  }
}

/// Every choice MLDRL has, each with each.
std::vector<Setup> mldrl_setups() {
  std::vector<Setup> setups;
  for (const char* over : {"heads", "head_biases_mean", "decoder1.linear1.weight", "fc1.weight _enc_mu.bias"})
    for (int bits = 0; bits < 16; ++bits) {
      Setup s = synthetic_setup();
      MldrlModel& m = mldrl(s);
      m.features = {9, 6};
      m.hidden = 7;
      m.ratio = bits & 1;
      m.crossed1_specific_first = bits & 2;
      m.softmax_twice = bits & 4;
      m.output_activation = bits & 2 ? Activation::tanh : Activation::identity;
      if (!(bits & 8)) s.balance[0].methods = {Method{.kind = MethodKind::identity}};
      s.balance[0].over = over;
      setups.push_back(s);
    }
  return setups;
}

TEST(Lowering, GivesMldrlSoundPhasesAndPlacesInAllItsOptions) {
  int number = 0;
  for (const auto& s : mldrl_setups()) {
    SCOPED_TRACE("setup " + std::to_string(number++) + " over " + s.balance[0].over);
    const PlanLimits& limits = kLimits[number % 5];
    const Program train = lower(s.system->graph(Pass::train), training_options(s, 6, limits));
    expect_sound(train);
    expect_sound(lower(s.system->graph(Pass::evaluate), evaluation_options(s, 6, limits)));
    PlanLimits beside = limits;
    beside.beside = train.code.get();
    expect_sound(lower(s.system->graph(Pass::evaluate), evaluation_options(s, 6, beside)));
    LowerOptions probe = training_options(s, 6, limits, Pass::given);
    probe.probe = true;
    expect_sound(lower(s.system->graph(Pass::given), probe));
  }
}

TEST(PhaseChecker, SeesAMissingBarrierAndSharedMemory) {
  const Program sound = synthetic_program(synthetic_setup(), 6);
  for (std::size_t p = 0; p + 1 < sound.code->phases.size(); ++p) {
    ProgramCode code = *sound.code;
    code.phases[p].end = code.phases[p + 1].end;
    code.phases.erase(code.phases.begin() + static_cast<std::ptrdiff_t>(p) + 1);
    Program merged = sound;
    merged.code = std::make_shared<ProgramCode>(std::move(code));
    ::testing::TestPartResultArray results;
    {
      ::testing::ScopedFakeTestPartResultReporter reporter(
          ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
      PhaseChecker(merged).expect_independent_phases(6);
    }
    EXPECT_EQ(results.size(), 1) << "phases " << p << " and " << p + 1;
  }
  Program crowded = sound;
  crowded.buffers[1].place = crowded.buffers[0].place;
  crowded.buffers[1].first_phase = crowded.buffers[0].first_phase;
  EXPECT_NONFATAL_FAILURE(PhaseChecker(crowded).expect_disjoint_buffers(), "share memory while both are alive");
}

/// to = from; `from` < 0: to = 0.
void add_copy(Assembly& assembly, int from, int to) {
  std::vector<Access> reads;
  if (from >= 0) reads.push_back(assembly.whole(from));
  assembly.add(reads, {assembly.whole(to)}, [&assembly, from, to](const Locator& at) {
    SumViews sum{};
    sum.to = assembly.view(at, assembly.whole(to));
    sum.count = from < 0 ? 0 : 1;
    if (from >= 0) sum.from[0] = assembly.view(at, assembly.whole(from));
    sum.coefficient[0] = 1.0f;
    sum.task[0] = -1;
    return operation(sum);
  });
}

TEST(Plan, LetsAWriterWaitForEarlierReadersAndWriters) {
  Assembly assembly(4);
  const int a = assembly.matrix("a", 1, 5), b = assembly.matrix("b", 1, 5), c = assembly.matrix("c", 1, 5);
  add_copy(assembly, -1, a);
  add_copy(assembly, a, b);   // must see the first a
  add_copy(assembly, -1, a);  // must wait for that reader
  add_copy(assembly, a, c);
  Program program;
  program.batch = 4;
  plan(assembly, {}, false, program, [](const Locator&) {});
  ASSERT_EQ(program.code->phases.size(), 4u);
  expect_sound(program);
}

/// A plan of y = copy of x, then an operation that reads y and may write its gradient where y lies, then a reader of
/// the gradient. `change` adds to it.
Program replacing_plan(int cols_of_gradient, bool keep, const std::function<void(Assembly&, int y)>& change) {
  Assembly assembly(4);
  const int x = assembly.matrix("x", 2, 5), y = assembly.matrix("y", 2, 5);
  const int dy = assembly.matrix("dy", 2, cols_of_gradient), end = assembly.matrix("end", 2, 5);
  add_copy(assembly, -1, x);
  add_copy(assembly, x, y);
  add_copy(assembly, y, dy);
  assembly.allow_replacing(y, dy);
  add_copy(assembly, dy, end);
  change(assembly, y);
  Program program;
  program.batch = 4;
  plan(assembly, {1 << 20, false, nullptr}, keep, program, [](const Locator&) {});
  return program;
}

TEST(Plan, LetsAGradientLieWhereNobodyReadsItsTensorAnyMore) {
  const auto nothing = [](Assembly&, int) {};
  const auto reader = [](Assembly& assembly, int y) {
    const int other = assembly.matrix("other", 2, 5);
    add_copy(assembly, y, other);
  };
  const auto shares = [](const Program& program) {
    return std::any_of(program.buffers.begin(), program.buffers.end(),
                       [](const BufferPlace& b) { return b.name == "y, then dy"; });
  };
  const Program sharing = replacing_plan(5, false, nothing);
  EXPECT_TRUE(shares(sharing));
  const Operation& replacing = sharing.code->operations[2];
  EXPECT_EQ(replacing.sum_views.to.place.offset, replacing.sum_views.from[0].place.offset);
  expect_sound(sharing);
  EXPECT_FALSE(shares(replacing_plan(5, false, reader))) << "somebody else reads y in that phase";
  EXPECT_FALSE(shares(replacing_plan(4, false, nothing))) << "rows lie otherwise";
  EXPECT_FALSE(shares(replacing_plan(5, true, nothing))) << "every tensor is to be read behind the step";
}

/// The lanes of each layer's gradient block, as tasks; -1 is the merged lane.
std::map<std::string, std::vector<int>> lanes_of(const Program& program) {
  std::map<std::string, std::vector<int>> lanes;
  for (const Operation& o : program.code->operations) {
    if (o.kind != OperationKind::adam) continue;
    for (const ParameterInfo& p : program.parameters)
      if (p.offset == o.adam.parameter.offset)
        lanes[p.name.substr(0, p.name.rfind('.'))].assign(o.adam.block.task, o.adam.block.task + o.adam.block.lanes);
  }
  return lanes;
}

TEST(Lowering, GivesBalancedParametersALaneATaskAndOthersOne) {
  const auto heads = synthetic_setup();
  const std::map<std::string, std::vector<int>> expected = {
      {"encoder1.linear1", {-1}}, {"encoder2.linear1", {-1}}, {"_enc_mu", {0, 1, 2}},    {"decoder1.linear1", {0}},
      {"decoder1.linear2", {0}},  {"decoder2.linear1", {0}},  {"decoder2.linear2", {0}}, {"fc1", {2}}};
  EXPECT_EQ(lanes_of(synthetic_program(heads, 8)), expected);

  auto encoder = heads;
  encoder.balance[0].over = "encoder1.linear1.weight";
  std::map<std::string, std::vector<int>> all = expected;
  all["encoder1.linear1"] = {0, 1, 2};
  all["_enc_mu"] = {-1};  // the tensors behind it stay apart, but its own gradient is merged
  EXPECT_EQ(lanes_of(synthetic_program(encoder, 8)), all);
}

TEST(Lowering, MergesEverythingWhereNothingIsBalanced) {
  LowerOptions o = training_options(synthetic_setup(), 8, {});
  o.balancers.clear();
  const auto lanes = lanes_of(lower(synthetic_setup().system->graph(Pass::train), o));
  EXPECT_EQ(lanes.at("_enc_mu"), std::vector<int>{-1});
  EXPECT_EQ(lanes.at("encoder1.linear1"), std::vector<int>{-1});
  EXPECT_EQ(lanes.at("fc1"), std::vector<int>{2});
}

TEST(Lowering, GivesEqualBitsUnderEveryPlanOverTwentySteps) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const RandomGraph r = random_graph(seed);
    HostExecutor one(1);
    DeviceCutExecutor device(3);
    const Settings settings = settings_of(r);
    const RunTables tables = tables_of(r, seed);
    const Outcome expected = outcome_of(r, options_of(r, 5, kLimits[0]), settings, one, 20, tables);
    EXPECT_EQ(expected.control.skipped, 0) << "seed " << seed;
    for (const PlanLimits& limits : kLimits)
      EXPECT_TRUE(outcome_of(r, options_of(r, 5, limits), settings, one, 20, tables) == expected)
          << "seed " << seed << ", " << name_of(limits);
    EXPECT_TRUE(outcome_of(r, options_of(r, 5, kLimits[3]), settings, device, 20, tables) == expected)
        << "seed " << seed;
  }
}

TEST(Lowering, DerivesTheTotalGradientOfRandomGraphsAsCentralDifferencesGiveIt) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) expect_total_gradient(random_graph(seed), seed);
}

/// Random graphs that name parameters to balance, and have tasks to balance there.
bool balances(const RandomGraph& r) { return !r.over.empty() && r.graph.tasks().size() > 1; }

TEST(Lowering, WeighsSharedAndPrivateGradientsByWhatTheMethodsFoundInTheStep) {
  const std::vector<std::vector<std::string>> chains = {
      {"mgda"}, {"pcgrad"}, {"cagrad"}, {"gradnorm", "pcgrad"}, {"famo"}, {"rlw", "nsgd"}, {"upgrad:normalise=l2"}};
  int mixed = 0;
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const RandomGraph r = random_graph(seed);
    const std::vector<std::string>& methods = chains[seed % chains.size()];  // differences are slow: one chain a graph
    if (!balances(r) && methods.front() != "famo") continue;
    ++mixed;
    SCOPED_TRACE(methods.front());
    expect_sound(lower(r.graph, options_of(r, 5, {}, methods)));
    expect_total_gradient(r, seed, methods);
    const auto elsewhere = [](LowerOptions& o) {
      Balancer& b = o.balancers[0];
      b.chain.private_weights = b.chain.rescale = 1;
      b.over.clear();
      b.over_shared = true;
    };
    if (balances(r) && methods.front() != "famo") expect_total_gradient(r, seed, methods, elsewhere);
  }
  EXPECT_GT(mixed, 2 * static_cast<int>(chains.size()));
}

TEST(Lowering, BalancesAtATensorWithOneMergedPassBelowIt) {
  int graphs = 0;
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    RandomGraph r = random_graph(seed);
    for (int t = 0; t < static_cast<int>(r.graph.tensors().size()); ++t) {
      if (r.graph.tensors()[static_cast<std::size_t>(t)].origin != TensorOrigin::computed) continue;
      if ((seed + static_cast<uint64_t>(t)) % 4 != 0) continue;  // differences are slow
      const auto at_tensor = [whole = r.graph.all(t)](LowerOptions& o) {
        o.balancers[0].over.clear();
        o.balancers[0].at = whole;
      };
      LowerOptions o = options_of(r, 5, {}, {"mgda"});
      at_tensor(o);
      if (tasks_through(r.graph, t) < 2) continue;
      ++graphs;
      SCOPED_TRACE("seed " + std::to_string(seed) + ", tensor " + std::to_string(t));
      expect_sound(lower(r.graph, o));
      expect_total_gradient(r, seed, {"mgda"}, at_tensor);
      LowerOptions drops = options_of(r, 5, {}, {"gradnorm", "graddrop"});
      at_tensor(drops);
      expect_sound(lower(r.graph, drops));
    }
  }
  EXPECT_GT(graphs, 5);
}

TEST(Lowering, WithGradDropCombinesEveryLayerThatSeveralTasksReach) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) {
    const RandomGraph r = random_graph(seed);
    if (!balances(r)) continue;
    const Program program = lower(r.graph, options_of(r, 5, {}, {"graddrop:leak=0.3"}));
    expect_sound(program);
    int combined = 0, shared = 0;
    for (const Operation& o : program.code->operations) combined += o.kind == OperationKind::graddrop_parameters;
    for (const int tasks : tasks_of_layers(r.graph)) shared += tasks > 1;
    EXPECT_EQ(combined, shared) << "seed " << seed;
    // With leak 1 nothing is dropped, and the step is the plain sum.
    expect_total_gradient(r, seed, {"graddrop:leak=1"});
  }
}

}  // namespace
}  // namespace equipoise::test
