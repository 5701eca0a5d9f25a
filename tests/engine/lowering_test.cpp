// tests/engine/lowering_test.cpp - programs lowered from random graphs and from MLDRL: phases, places, lanes, values.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "engine/lowering.h"
#include "engine/mldrl_setup.h"
#include "engine/parameters.h"
#include "tests/engine/graph_reference.h"
#include "tests/engine/phase_checker.h"
#include "tests/engine/random_graph.h"
#include "tests/engine/synthetic_run.h"
#include "tests/engine/team_executor.h"

namespace equipoise::test {
namespace {

constexpr int kGraphs = 120;
const PlanLimits kLimits[] = {{INT64_MAX / 8, false}, {0, false}, {300, false}, {4000, true}, {INT64_MAX / 8, true}};

LowerOptions options_of(const RandomGraph& r, int batch, const PlanLimits& limits) {
  LowerOptions o;
  o.batch = batch;
  o.balance_over = r.over;
  o.gradnorm = !r.over.empty();
  o.limits = limits;
  return o;
}

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
    o.gradnorm = false;
    expect_sound(lower(r.graph, o));
  }
}

/// Every choice MLDRL has, each with each.
std::vector<MldrlSetup> mldrl_setups() {
  std::vector<MldrlSetup> setups;
  for (const char* over : {"heads", "head_biases_mean", "decoder1.linear1.weight", "fc1.weight _enc_mu.bias"})
    for (int bits = 0; bits < 16; ++bits) {
      MldrlSetup s = synthetic_setup();
      s.model.features1 = 9;
      s.model.features2 = 6;
      s.model.hidden = 7;
      s.model.ratio = bits & 1;
      s.model.crossed1_specific_first = bits & 2;
      s.model.softmax_twice = bits & 4;
      s.model.output_activation = bits & 2 ? Activation::tanh : Activation::identity;
      s.gradnorm = bits & 8;
      s.over = over;
      setups.push_back(s);
    }
  return setups;
}

TEST(Lowering, GivesMldrlSoundPhasesAndPlacesInAllItsOptions) {
  int number = 0;
  for (const MldrlSetup& s : mldrl_setups()) {
    SCOPED_TRACE("setup " + std::to_string(number++) + " over " + s.over);
    const PlanLimits& limits = kLimits[number % 5];
    expect_sound(lower(mldrl_graph(s.model, LatentNoise::drawn), training_options(s, 6, limits)));
    LowerOptions evaluation = training_options(s, 6, limits);
    evaluation.trains = false;
    expect_sound(lower(mldrl_graph(s.model, LatentNoise::none), evaluation));
    LowerOptions probe = training_options(s, 6, limits);
    probe.probe = true;
    probe.gradnorm = false;
    expect_sound(lower(mldrl_graph(s.model, LatentNoise::given), probe));
  }
}

TEST(PhaseChecker, SeesAMissingBarrierAndSharedMemory) {
  const Program sound = synthetic_program(synthetic_setup(), 6);
  for (std::size_t p = 0; p + 1 < sound.phases.size(); ++p) {
    Program merged = sound;
    merged.phases[p].end = merged.phases[p + 1].end;
    merged.phases.erase(merged.phases.begin() + static_cast<std::ptrdiff_t>(p) + 1);
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

TEST(Plan, LetsAWriterWaitForEarlierReadersAndWriters) {
  Assembly assembly(4);
  const int a = assembly.matrix("a", 1, 5), b = assembly.matrix("b", 1, 5), c = assembly.matrix("c", 1, 5);
  const auto add = [&](int from, int to) {  // from < 0: fills with zeros
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
  };
  add(-1, a);
  add(a, b);   // must see the first a
  add(-1, a);  // must wait for that reader
  add(a, c);
  Program program;
  program.batch = 4;
  plan(assembly, {}, false, program, [](const Locator&) {});
  ASSERT_EQ(program.phases.size(), 4u);
  expect_sound(program);
}

/// The lanes of each layer's gradient block, as tasks; -1 is the merged lane.
std::map<std::string, std::vector<int>> lanes_of(const Program& program) {
  std::map<std::string, std::vector<int>> lanes;
  int block = 0;
  for (const Operation& o : program.operations) {
    if (o.kind != OperationKind::adam) continue;
    const int layer = program.layer_of_block[static_cast<std::size_t>(block++)];
    for (const ParameterInfo& p : program.parameters)
      if (p.layer == layer) {
        lanes[p.name.substr(0, p.name.rfind('.'))].assign(o.adam.block.task, o.adam.block.task + o.adam.block.lanes);
        break;
      }
  }
  return lanes;
}

TEST(Lowering, GivesBalancedParametersALaneATaskAndOthersOne) {
  const MldrlSetup heads = synthetic_setup();
  const std::map<std::string, std::vector<int>> expected = {
      {"encoder1.linear1", {-1}}, {"encoder2.linear1", {-1}}, {"_enc_mu", {0, 1, 2}},    {"decoder1.linear1", {0}},
      {"decoder1.linear2", {0}},  {"decoder2.linear1", {0}},  {"decoder2.linear2", {0}}, {"fc1", {2}}};
  EXPECT_EQ(lanes_of(synthetic_program(heads, 8)), expected);

  MldrlSetup encoder = heads;
  encoder.over = "encoder1.linear1.weight";
  std::map<std::string, std::vector<int>> all = expected;
  all["encoder1.linear1"] = {0, 1, 2};
  all["_enc_mu"] = {-1};  // the tensors behind it stay apart, but its own gradient is merged
  EXPECT_EQ(lanes_of(synthetic_program(encoder, 8)), all);
}

TEST(Lowering, MergesEverythingWhereNothingIsBalanced) {
  LowerOptions o = training_options(synthetic_setup(), 8, {});
  o.balance_over.clear();
  o.gradnorm = false;
  const auto lanes = lanes_of(lower(mldrl_graph(synthetic_setup().model, LatentNoise::drawn), o));
  EXPECT_EQ(lanes.at("_enc_mu"), std::vector<int>{-1});
  EXPECT_EQ(lanes.at("encoder1.linear1"), std::vector<int>{-1});
  EXPECT_EQ(lanes.at("fc1"), std::vector<int>{2});
}

/// Values and labels for a random graph; 13 rows.
constexpr int kRows = 13;
RunTables tables_of(const RandomGraph& r, uint64_t seed) {
  reference::Draws draws(seed + 1000);
  RunTables tables;
  for (int cols : r.source_cols) {
    tables.sources.push_back({{}, cols});
    for (int i = 0; i < kRows * cols; ++i)
      tables.sources.back().values.push_back(static_cast<float>(draws.uniform(-1.5, 1.5)));
  }
  for (int i = 0; i < kRows; ++i) {
    tables.labels.push_back(draws.below(r.classes + 1) - 1);
    tables.row_list.push_back(i);
  }
  for (int c = 0; c < r.classes; ++c) tables.class_weights.push_back(0.5f + 0.5f * static_cast<float>(c));
  return tables;
}

Settings settings_of(const RandomGraph& r) {
  Settings s;
  s.rows = kRows;
  s.seed = 6;
  s.lr = s.task_lr = 2e-3;
  for (std::size_t k = 0; k < r.graph.tasks().size(); ++k) s.initial_weights[k] = 0.5 + 0.75 * static_cast<double>(k);
  return s;
}

/// State and control after some steps under one plan, as bytes.
struct Outcome {
  std::vector<float> state;
  Control control;
  bool operator==(const Outcome& o) const {
    return std::memcmp(state.data(), o.state.data(), state.size() * sizeof(float)) == 0 &&
           std::memcmp(&control, &o.control, sizeof control) == 0;
  }
};
Outcome outcome_of(const RandomGraph& r, const LowerOptions& options, const Settings& settings, Executor& executor,
                   int steps, const RunTables& tables) {
  const Program program = lower(r.graph, options);
  Outcome out{std::vector<float>(static_cast<std::size_t>(program.state_floats)),
              fresh_control(settings, static_cast<int>(r.graph.tasks().size()))};
  initialise(program, out.state, settings.seed, 0);
  executor.load_tables(tables);
  executor.load_state(out.state, program.state_floats);
  executor.run(program, {&settings, 1}, {&out.control, 1}, {steps, false});
  executor.store_state(out.state);
  return out;
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

/// The layers of a graph from a replica's state.
std::vector<GraphLayer> layers_of(const Graph& graph, const Program& program, std::span<const float> state) {
  std::vector<GraphLayer> layers;
  for (const Layer& l : graph.layers()) layers.push_back({reference::Matrix(0, l.in), reference::Matrix(1, 0)});
  for (const ParameterInfo& p : program.parameters) {
    const std::vector<float> values = read_parameter(program, p, StatePart::parameter, state);
    GraphLayer& layer = layers[static_cast<std::size_t>(p.layer)];
    reference::Matrix& m = p.shape.size() == 2 ? layer.weight : layer.bias;
    m.values.insert(m.values.end(), values.begin(), values.end());
    (p.shape.size() == 2 ? m.rows : m.cols) += static_cast<int>(p.shape[0]);
  }
  return layers;
}

/// The first batch of a run over the tables, in the order of the row list.
GraphBatch batch_of(const RandomGraph& r, const RunTables& tables, const Settings& settings, int batch) {
  GraphBatch b;
  b.n = batch;
  for (const RunTables::Values& s : tables.sources)
    b.sources.emplace_back(batch, s.cols, std::vector<double>(s.values.begin(), s.values.begin() + batch * s.cols));
  for (std::size_t t = 0; t < r.graph.tensors().size(); ++t) {
    const Tensor& tensor = r.graph.tensors()[t];
    b.noise.emplace_back(tensor.blocks * batch, tensor.cols);
    if (tensor.origin != TensorOrigin::drawn) continue;
    for (int row = 0; row < tensor.blocks * batch; ++row)
      for (int c = 0; c < tensor.cols; ++c) {
        float four[4];
        normals(draw({settings.seed, settings.replica, 0, static_cast<uint32_t>(Purpose::noise)},
                     static_cast<uint32_t>(row * ((tensor.cols + 3) / 4) + c / 4)),
                four);
        b.noise.back().at(row, c) = four[c % 4];
      }
  }
  b.labels.assign(tables.labels.begin(), tables.labels.begin() + batch);
  b.class_weights.assign(tables.class_weights.begin(), tables.class_weights.end());
  return b;
}

/// Derivatives of every task by one layer's parameters, by central differences: [task][element of W then of b].
std::vector<std::vector<double>> differences(const Graph& graph, std::vector<GraphLayer> layers, std::size_t layer,
                                             const GraphBatch& batch) {
  constexpr double kStep = 1e-5;
  std::vector<std::vector<double>> by_task(graph.tasks().size());
  for (reference::Matrix* m : {&layers[layer].weight, &layers[layer].bias})
    for (double& value : m->values) {
      const double middle = value;
      value = middle + kStep;
      const std::vector<double> above = GraphReference(graph, layers, batch).losses();
      value = middle - kStep;
      const std::vector<double> below = GraphReference(graph, layers, batch).losses();
      value = middle;
      for (std::size_t k = 0; k < by_task.size(); ++k) by_task[k].push_back((above[k] - below[k]) / (2 * kStep));
    }
  return by_task;
}

// With beta1 = 0 Adam's first moment after one step is the total gradient itself.
void expect_total_gradient(const RandomGraph& r, uint64_t seed) {
  LowerOptions options = options_of(r, 5, {});
  options.shuffle = false;
  options.loss_scale = 0.5f;
  Settings settings = settings_of(r);
  settings.beta1 = 0;
  settings.lr = 0;
  const RunTables tables = tables_of(r, seed);
  HostExecutor executor(1);
  const Outcome out = outcome_of(r, options, settings, executor, 1, tables);
  const Program program = lower(r.graph, options);
  const std::vector<GraphLayer> layers = layers_of(r.graph, program, out.state);
  const GraphBatch batch = batch_of(r, tables, settings, 5);

  const std::vector<double> losses = GraphReference(r.graph, layers, batch).losses();
  for (std::size_t k = 0; k < losses.size(); ++k)
    EXPECT_NEAR(out.control.losses[k], losses[k], 1e-5 * (1 + std::fabs(losses[k])))
        << "seed " << seed << ", task " << k;

  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    const auto by_task = differences(r.graph, layers, layer, batch);
    std::vector<double> expected(by_task[0].size(), 0.0);
    double largest = 0;
    for (std::size_t k = 0; k < by_task.size(); ++k)
      for (std::size_t e = 0; e < expected.size(); ++e) {
        expected[e] += 0.5 * settings.initial_weights[k] * by_task[k][e];
        largest = std::max(largest, std::fabs(settings.initial_weights[k] * by_task[k][e]));
      }
    std::size_t e = 0;
    for (bool bias : {false, true})
      for (const ParameterInfo& p : program.parameters) {
        if (p.layer != static_cast<int>(layer) || (p.shape.size() == 1) != bias) continue;
        for (float g : read_parameter(program, p, StatePart::moment1, out.state)) {
          // Dot products of up to 20 terms through at most five layers; differences off by some 1e-9.
          EXPECT_NEAR(g, expected[e], 4e-6 * largest + 1e-7) << "seed " << seed << ", " << p.name << ", element " << e;
          ++e;
        }
      }
  }
}

TEST(Lowering, DerivesTheTotalGradientOfRandomGraphsAsCentralDifferencesGiveIt) {
  for (uint64_t seed = 1; seed <= kGraphs; ++seed) expect_total_gradient(random_graph(seed), seed);
}

}  // namespace
}  // namespace equipoise::test
