// tests/engine/train/evaluation_test.cpp - evaluation against the double reference run on latent means.
#include "engine/train/evaluator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "engine/run/parameters.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "tests/reference/mldrl.h"
#include "tests/reference/random_problem.h"

namespace equipoise {
namespace {

/// A data set, a model with random parameters, and the same for the reference.
struct Case {
  explicit Case(const std::string& variant, int rows, int classes, const std::vector<int>& features = {6, 9})
      : setup(mldrl_setup(variant)) {
    mldrl(setup).features = features;
    if (features.size() == 1) mldrl(setup).losses = {kReconstruction, kClassification};
    mldrl(setup).hidden = 7;
    mldrl(setup).shared = 3;
    mldrl(setup).specific = 2;
    mldrl(setup).classes = classes;
    reference::ProblemSize size;
    size.batch = rows;
    size.features = features;
    size.hidden = 7;
    size.shared = 3;
    size.specific = 2;
    size.classes = classes;
    reference::Draws draws(17);
    parameters = reference::random_parameters(size, draws);
    batch = reference::random_batch(size, draws, true);
    for (reference::Matrix& noise : batch.noise) noise = reference::Matrix(noise.rows, noise.cols);
    data.rows = rows;
    data.classes = classes;
    data.features = features;
    for (const reference::Matrix& view : batch.view) data.views.emplace_back(view.values.begin(), view.values.end());
    data.label.assign(batch.label.begin(), batch.label.end());
    for (int r = 0; r < rows; ++r) split.train.push_back(r);
  }
  Evaluation evaluate(int batch_size) {
    const std::unique_ptr<Executor> executor = make_cpu_executor(1);
    Evaluator evaluator(setup, data, batch_size, *executor);
    executor->load_tables(
        tables_of(*setup.system, data, split, std::vector<float>(static_cast<std::size_t>(data.classes), 1.0f)));
    std::vector<float> state(static_cast<std::size_t>(evaluator.program().state_floats), 0.0f);
    for (const ParameterInfo& p : evaluator.program().parameters) {
      const std::vector<double>& values = parameters.by_name.at(p.name).values;
      write_parameter(evaluator.program(), p, StatePart::parameter, state,
                      std::vector<float>(values.begin(), values.end()));
    }
    executor->load_state(state, evaluator.program().state_floats);
    return evaluator.evaluate(0, split.train);
  }
  Setup setup;
  reference::MldrlParameters parameters;
  reference::Batch batch;
  Dataset data;
  Split split;
};

/// A figure's values, one for each view.
std::vector<double> values_of(const Evaluation& e, const std::string& name) {
  for (const Figure& f : e.figures)
    if (f.name == name) {
      EXPECT_EQ(f.values.size(), 2u) << name;
      return f.values;
    }
  ADD_FAILURE() << "no figure " << name;
  return {};
}

// float32 forward passes of depth 4 and width at most 9: about 50 roundings of 6e-8 on values of order 1.
constexpr double kTolerance = 1e-5;

TEST(Evaluation, AgreesWithTheReferenceOnLatentMeans) {
  for (const char* variant : {"paper", "code"})
    for (int classes : {2, 3}) {
      Case c(variant, 37, classes);
      const Evaluation e = c.evaluate(64);
      reference::MldrlSettings settings =
          std::string(variant) == "paper" ? reference::paper_settings() : reference::code_settings();
      settings.shared = 3;
      const reference::Forward f = reference::forward(settings, c.parameters, c.batch);
      const reference::Matrix p = reference::class_probabilities(settings, f);
      ASSERT_EQ(e.answers.size(), p.values.size());
      for (std::size_t i = 0; i < p.values.size(); ++i)
        EXPECT_NEAR(e.answers[i], p.values[i], kTolerance) << variant << " element " << i;
      for (std::size_t k = 0; k < 3; ++k)
        EXPECT_NEAR(e.losses[k], f.losses[k], kTolerance * std::max(1.0, std::fabs(f.losses[k])))
            << variant << " task " << k;
      double errors = 0;
      for (const char* name : {"reconstruction_error", "crossed_error"})
        for (double of_view : values_of(e, name)) errors += of_view;
      EXPECT_NEAR(errors, f.terms.reconstruction, kTolerance * f.terms.reconstruction);
    }
}

/// Each view's own error, and the mean of its crossed ones, of the reference.
void expect_errors(const Evaluation& e, const reference::Forward& f) {
  const auto views = f.view.size();
  std::map<std::string, std::vector<double>> expected;
  for (const reference::ViewPass& v : f.view) {
    expected["reconstruction_error"].push_back(reference::mean_squared_error(v.own.reconstruction, v.x));
    double crossed = 0;
    for (const reference::DecoderPass& pass : v.crossed)
      if (pass.reconstruction.rows > 0) crossed += reference::mean_squared_error(pass.reconstruction, v.x);
    if (views > 1) expected["crossed_error"].push_back(crossed / static_cast<double>(views - 1));
  }
  std::map<std::string, std::vector<double>> got;
  for (const Figure& figure : e.figures)
    if (figure.name.ends_with("_error")) got[figure.name] = figure.values;
  ASSERT_EQ(got.size(), expected.size()) << views << " views";
  for (const auto& [name, values] : expected) {
    ASSERT_EQ(got[name].size(), values.size()) << name << " of " << views << " views";
    for (std::size_t v = 0; v < values.size(); ++v)
      EXPECT_NEAR(got[name][v], values[v], kTolerance * values[v]) << name << " of view " << v << " of " << views;
  }
}

TEST(Evaluation, OfAnyNumberOfViewsAgreesWithTheReference) {
  for (const std::vector<int>& features : {std::vector<int>{6}, {6, 9}, {6, 9, 4}, {6, 9, 4, 5}, {6, 9, 4, 5, 3, 2}}) {
    Case c("paper", 21, 2, features);
    const Evaluation e = c.evaluate(64);
    reference::MldrlSettings settings = reference::paper_settings();
    settings.shared = 3;
    const reference::Forward f = reference::forward(settings, c.parameters, c.batch);
    const reference::Matrix p = reference::class_probabilities(settings, f);
    for (std::size_t i = 0; i < p.values.size(); ++i) EXPECT_NEAR(e.answers[i], p.values[i], kTolerance) << i;
    expect_errors(e, f);
  }
}

TEST(Evaluation, OfSmallBatchesHasTheSameProbabilities) {
  Case c("paper", 37, 2);
  const Evaluation whole = c.evaluate(64), pieces = c.evaluate(5);
  EXPECT_EQ(whole.answers, pieces.answers);
  EXPECT_EQ(whole.figure("auc"), pieces.figure("auc"));
  EXPECT_EQ(values_of(whole, "reconstruction_error"), values_of(pieces, "reconstruction_error"));
}

TEST(Evaluation, HasNoFiguresWithoutLabels) {
  Case c("paper", 12, 2);
  c.data.label.assign(12, -1);
  const Evaluation e = c.evaluate(8);
  EXPECT_EQ(e.labelled, 0);
  EXPECT_TRUE(std::isnan(e.figure("auc")));
  EXPECT_TRUE(std::isnan(e.figure("accuracy")));
  EXPECT_TRUE(std::isnan(e.losses[2]));
  EXPECT_TRUE(std::isfinite(e.losses[0]));
}

}  // namespace
}  // namespace equipoise
