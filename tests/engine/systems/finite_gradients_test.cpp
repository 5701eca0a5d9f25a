// tests/engine/systems/finite_gradients_test.cpp - the engine's float32 task gradients against the double reference,
// and against central differences of the reference's losses.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/record/record_form.h"
#include "engine/run/parameters.h"
#include "engine/run/stepper.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/stepping.h"
#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"
#include "tests/reference/train_step.h"

namespace equipoise::test {
namespace {

/// One model and batch, as the reference has it; every number is a float.
struct Problem {
  reference::MldrlSettings settings;
  reference::ProblemSize size;
  int capacity = 0;  ///< rows that the engine's batch could hold; the batch may be shorter
  reference::MldrlParameters parameters;
  reference::Batch batch;
};

void round_to_floats(reference::Matrix& m) {
  for (double& v : m.values) v = static_cast<float>(v);
}

Problem problem_of(reference::MldrlSettings settings, const reference::ProblemSize& size, uint64_t seed,
                   bool unlabelled) {
  reference::Draws draws(seed);
  settings.shared = size.shared;
  Problem p{settings, size, size.batch, reference::random_parameters(size, draws),
            reference::random_batch(size, draws, unlabelled)};
  for (auto& [name, value] : p.parameters.by_name) round_to_floats(value);
  for (auto* matrices : {&p.batch.view, &p.batch.noise})
    for (reference::Matrix& m : *matrices) round_to_floats(m);
  return p;
}

Setup setup_of(const Problem& p) {
  Setup s = mldrl_setup("paper");
  mldrl(s) = MldrlModel{p.size.features,
                        p.size.hidden,
                        p.size.shared,
                        p.size.specific,
                        p.size.classes,
                        static_cast<Activation>(p.settings.output_activation),
                        p.settings.inherent_variational == reference::InherentVariational::ratio,
                        p.settings.cross_decoder1 == reference::CrossOrder::specific_first,
                        p.settings.classifier == reference::Classifier::sigmoid_softmax};
  if (p.size.features.size() == 1) mldrl(s).losses = {kReconstruction, kClassification};
  s.settings.rows = p.size.batch;
  return s;
}

std::vector<float> floats(const reference::Matrix& m) { return {m.values.begin(), m.values.end()}; }

/// What the engine's probe makes of the problem.
TensorFile probe(const Problem& p) {
  const Setup setup = setup_of(p);
  const std::unique_ptr<Executor> executor = make_cpu_executor(1);
  Stepper stepper = stepper_of(setup, p.capacity, Pass::given, false, *executor);
  const int latent = p.size.shared + p.size.specific;
  RunTables tables;
  for (std::size_t i = 0; i < p.batch.view.size(); ++i)
    tables.sources.push_back({floats(p.batch.view[i]), p.size.features[i]});
  for (const reference::Matrix& noise : p.batch.noise) tables.sources.push_back({floats(noise), latent});
  tables.labels.assign(p.batch.label.begin(), p.batch.label.end());
  for (int r = 0; r < p.size.batch; ++r) tables.row_list.push_back(r);
  tables.class_weights.assign(static_cast<std::size_t>(p.size.classes), 1.0f);
  for (std::size_t c = 0; c < p.settings.class_weights.size(); ++c)
    tables.class_weights[c] = static_cast<float>(p.settings.class_weights[c]);
  executor->load_tables(tables);
  std::vector<float> state(static_cast<std::size_t>(stepper.program().state_floats), 0.0f);
  for (const ParameterInfo& info : stepper.program().parameters)
    write_parameter(stepper.program(), info, StatePart::parameter, state, floats(p.parameters.at(info.name)));
  executor->load_state(state, stepper.program().state_floats);
  TensorFile outcome;
  stepper.probe();
  setup.system->record_form(setup)->put_outcome(stepper, outcome);
  return outcome;
}

// A gradient is a chain of at most four products whose dot products are a few tens of terms long, each within n u of
// the sum of absolute values; where terms cancel, that sum stands in the tensor's other rows.
constexpr double kOfRow = 64 * 0x1p-24, kOfTensor = 16 * 0x1p-24;

/// How large a layer's gradient is. A bias counts with its weight: the terms of its sum may cancel, as those of the
/// shared heads' mu do exactly in the inherent-variational task, and leave roundings of terms as large as the weight's.
double layer_size(const reference::GradientByName& gradient, const std::string& name) {
  const std::string weight = name.substr(0, name.rfind('.')) + ".weight";
  return std::max(reference::max_abs(gradient.at(name)),
                  name == weight ? 0.0 : reference::max_abs(gradient.at(weight)));
}

/// Each row by its own size, so that one wrong row cannot hide in a large tensor; `largest` is the layer's size.
void expect_rows(const std::vector<double>& got, const reference::Matrix& expected, double largest, double of_row,
                 double of_tensor, const std::string& what) {
  ASSERT_EQ(got.size(), expected.values.size()) << what;
  for (int r = 0; r < expected.rows; ++r) {
    double row = 0;
    for (int c = 0; c < expected.cols; ++c) row = std::max(row, std::fabs(expected.at(r, c)));
    for (int c = 0; c < expected.cols; ++c) {
      const double value = got[static_cast<std::size_t>(r * expected.cols + c)],
                   off = std::fabs(value - expected.at(r, c));
      if (!(off <= of_row * row + of_tensor * largest))
        ADD_FAILURE() << what << "[" << r << ", " << c << "] is " << value << " where the reference has "
                      << expected.at(r, c) << " (row's largest " << row << ", layer's " << largest << ")";
    }
  }
}

void expect_gradients(const Problem& p, const std::string& what) {
  const TensorFile outcome = probe(p);
  const reference::Forward f = reference::forward(p.settings, p.parameters, p.batch);
  const auto gradients = reference::task_gradients(p.settings, p.parameters, p.batch, f);
  for (const auto& [task, by_name] : gradients)
    for (const auto& [name, expected] : by_name)
      if (task != kInherentVariational || p.batch.view.size() > 1)
        expect_rows(outcome.at("grad." + task + "." + name).to_doubles(), expected, layer_size(by_name, name), kOfRow,
                  kOfTensor, what + ": " + task + " by " + name);
}

reference::MldrlSettings settings_of(bool paper) {
  return paper ? reference::paper_settings() : reference::code_settings();
}

TEST(FiniteGradients, AreTheReferencesInBothVariantsAtRandomShapes) {
  for (uint64_t seed = 1; seed <= 40; ++seed)
    for (bool paper : {true, false}) {
      reference::Draws draws(seed);
      reference::ProblemSize size;
      size.batch = 1 + draws.below(12);
      size.features = {1 + draws.below(40), 1};
      size.features[1] += draws.below(40);
      size.hidden = 1 + draws.below(33);
      size.shared = 1 + draws.below(7);
      size.specific = 1 + draws.below(7);
      size.classes = 2 + draws.below(3);
      expect_gradients(problem_of(settings_of(paper), size, seed, draws.below(2) == 0),
                       (paper ? "paper, seed " : "code, seed ") + std::to_string(seed));
    }
}

TEST(FiniteGradients, AreTheReferencesForOneToSixViews) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    reference::Draws draws(200 + seed);
    reference::ProblemSize size{.batch = 1 + draws.below(12), .features = {}, .hidden = 1 + draws.below(20)};
    const int views = 1 + static_cast<int>(seed % 6);
    for (int i = 0; i < views; ++i) size.features.push_back(1 + draws.below(20));
    reference::MldrlSettings settings = reference::paper_settings();
    if (seed >= 12) settings.inherent_variational = reference::InherentVariational::difference;
    expect_gradients(problem_of(settings, size, seed, seed % 2 == 0),
                     std::to_string(views) + " views, seed " + std::to_string(seed));
  }
}

TEST(FiniteGradients, AreTheReferencesAtThePublishedSizes) {
  reference::ProblemSize size{32, {81, 81}, 32, 6, 4, 2};
  for (bool paper : {true, false})
    expect_gradients(problem_of(settings_of(paper), size, 50, true), paper ? "paper" : "code");
}

TEST(FiniteGradients, AreTheReferencesForEveryOutputActivation) {
  reference::ProblemSize size{7, {20, 9}, 16, 3, 2, 3};
  for (reference::Activation a : {reference::Activation::identity, reference::Activation::relu,
                                  reference::Activation::tanh, reference::Activation::sigmoid}) {
    reference::MldrlSettings settings = reference::paper_settings();
    settings.output_activation = a;
    expect_gradients(problem_of(settings, size, 60, false), "activation " + std::to_string(static_cast<int>(a)));
  }
}

TEST(FiniteGradients, AreTheReferencesWithClassWeightsAndUnlabelledRows) {
  reference::ProblemSize size{13, {8, 6}, 10, 2, 3, 3};
  for (bool paper : {true, false}) {
    reference::MldrlSettings settings = settings_of(paper);
    settings.class_weights = {0.5, 2.0, 1.25};
    Problem p = problem_of(settings, size, 70, true);
    p.batch.label[0] = -1;
    p.batch.label[1] = 2;
    expect_gradients(p, paper ? "paper" : "code");
  }
}

TEST(FiniteGradients, OfABatchShorterThanItsCapacityAreThoseOfItsRows) {
  reference::ProblemSize size{5, {17, 8}, 12, 3, 4, 2};
  Problem p = problem_of(reference::paper_settings(), size, 80, false);
  p.capacity = 32;
  expect_gradients(p, "5 rows of 32");
}

TEST(FiniteGradients, OfClassificationAreExactlyZeroWithoutALabel) {
  reference::ProblemSize size{6, {5, 7}, 8, 2, 2, 2};
  Problem p = problem_of(reference::paper_settings(), size, 90, false);
  p.batch.label.assign(6, -1);
  expect_gradients(p, "unlabelled");
  const TensorFile outcome = probe(p);
  for (const auto& [name, value] : p.parameters.by_name)
    for (double g : outcome.at("grad.classification." + name).to_doubles()) EXPECT_EQ(g, 0.0) << name;
}

TEST(FiniteGradients, DoNotPassAClampedLogSigma) {
  reference::ProblemSize size{4, {5, 7}, 8, 1, 2, 2};
  Problem p = problem_of(reference::paper_settings(), size, 91, false);
  p.parameters.by_name["_enc_log_sigma.bias"].at(0, 1) = -100.0;
  expect_gradients(p, "clamped below");
}

TEST(FiniteGradients, AreTheCentralDifferencesOfTheReferencesLosses) {
  reference::ProblemSize size{5, {6, 4}, 7, 2, 2, 3};
  for (bool paper : {true, false}) {
    reference::MldrlSettings settings = settings_of(paper);
    settings.class_weights = {0.5, 2.0, 1.25};
    const Problem p = problem_of(settings, size, 92, true);
    const TensorFile outcome = probe(p);
    for (std::size_t task = 0; task < reference::kTasks; ++task) {
      reference::GradientByName differences;
      for (const auto& [name, value] : p.parameters.by_name) {
        const auto loss = [&, parameter = name](const reference::Matrix& at) {
          reference::MldrlParameters changed = p.parameters;
          changed.by_name.at(parameter) = at;
          return reference::forward(p.settings, changed, p.batch).losses[task];
        };
        differences.emplace(name, reference::central_difference(value, loss));
      }
      // Differences with h = 1e-5 are off by some 1e-10 of the loss; float32 gradients by much more.
      for (const auto& [name, difference] : differences)
        expect_rows(outcome.at("grad." + reference::kTaskNames[task] + "." + name).to_doubles(), difference,
                    layer_size(differences, name), kOfRow, 2 * kOfTensor, reference::kTaskNames[task] + " by " + name);
    }
  }
}

TEST(FiniteGradients, HaveTheGramMatrixOfTheReferencesHeads) {
  reference::ProblemSize size{9, {14, 10}, 16, 3, 3, 2};
  for (bool paper : {true, false}) {
    const Problem p = problem_of(settings_of(paper), size, 93, true);
    const reference::Forward f = reference::forward(p.settings, p.parameters, p.batch);
    const reference::Matrix gram =
        reference::latent_heads_gram(reference::task_gradients(p.settings, p.parameters, p.batch, f));
    const std::vector<double> got = probe(p).at("gram.latent_heads").to_doubles();
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j)
        EXPECT_NEAR(got[static_cast<std::size_t>(i * 3 + j)], gram.at(i, j),
                    2e-5 * std::sqrt(gram.at(i, i) * gram.at(j, j)))
            << i << ", " << j;
  }
}

}  // namespace
}  // namespace equipoise::test
