// tests/engine/likelihood/likelihood_test.cpp - every likelihood by its promises, and two made up for the corners that
// no page turns yet: one that fits numbers besides the network, one whose loss needs the batch as a whole.
#include "engine/likelihood/likelihood.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "engine/train/checkpoint.h"
#include "tests/engine/likelihood/made_likelihood.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

TEST(Likelihoods, AreFoundByNamesThatDiffer) {
  std::set<std::string_view> names;
  for (const Likelihood* l : likelihoods()) {
    EXPECT_TRUE(names.insert(l->name()).second) << l->name();
    EXPECT_EQ(find_likelihood(l->name()), l);
    EXPECT_FALSE(l->meaning().empty());
  }
  EXPECT_EQ(find_likelihood("no likelihood"), nullptr);
  for (const char* page : {"regression", "binary", "multiclass", "count"}) EXPECT_TRUE(names.contains(page)) << page;
}

/// A target of `classes` classes, or of two columns where the likelihood has as many.
Target target_of(const Likelihood& l) {
  Target t{.name = "t", .likelihood = &l};
  l.size_by_answers(l.columns().most > 1 ? 2 : l.classes().most > 2 ? 3 : 1, t);
  return t;
}

TEST(Likelihoods, TellTheSizesOfATargetByItsAnswers) {
  for (const Likelihood* l : likelihoods()) {
    const Target t = target_of(*l);
    EXPECT_EQ(answers_of(t), l->columns().most > 1 ? 2 : l->classes().most > 2 ? 3 : 1) << l->name();
    EXPECT_EQ(t.classes > 0, l->classes().least < l->classes().most) << l->name();
  }
}

TEST(Likelihoods, TellAColumnForEachNumberOfAnAnswer) {
  for (const Likelihood* l : likelihoods()) {
    SCOPED_TRACE(l->name());
    const Target t = target_of(*l);
    FittedTarget fitted{.likelihood = l, .columns = {"a"}, .mean = {}, .scale = {}, .class_names = {}};
    for (int c = 1; c < t.cols; ++c) fitted.columns.push_back("b");
    if (l->cells() == Cells::numbers) fitted.mean = fitted.scale = std::vector<double>(fitted.columns.size(), 1.0);
    else
      fitted.class_names = t.classes > 0 ? std::vector<std::string>{"x", "y", "z"} : std::vector<std::string>{"x", "y"};
    const std::vector<float> answer(static_cast<std::size_t>(answers_of(t)), 0.25f);
    const std::size_t told = l->told(t, answer).size();
    const std::vector<AnswerColumn> columns = l->answer_columns(fitted);
    ASSERT_EQ(columns.size(), told);
    EXPECT_EQ(static_cast<std::size_t>(l->told_numbers(t)), told);
    for (std::size_t c = 0; c < told; ++c) EXPECT_EQ(columns[c].at, c);
  }
}

// By hand: errors 1, 0, 2 around values 1, 3, 5 of mean 3.
TEST(Regression, TellsSquaredErrorAndItsShareOfTheVariance) {
  const Target t{.name = "stay", .likelihood = &regression()};
  const std::vector<float> answer{2, 3, 3, 9}, truth{1, 3, 5, kMissing};
  const std::vector<Figure> figures = regression().figures({t, truth}, regression().told(t, answer));
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].name, "stay.mse");
  EXPECT_DOUBLE_EQ(figures[0].values[0], 5.0 / 3);
  EXPECT_EQ(figures[1].name, "stay.r2");
  EXPECT_DOUBLE_EQ(figures[1].values[0], 1 - 5.0 / 8);
}

TEST(Binary, TellsBothProbabilities) {
  const Target t{.name = "died", .likelihood = &binary()};
  const std::vector<float> answer{0.0f, 2.0f, -1.0f}, truth{1, 1, 0};
  const std::vector<double> told = binary().told(t, answer);
  ASSERT_EQ(told.size(), 6u);
  EXPECT_DOUBLE_EQ(told[1], 0.5);
  EXPECT_NEAR(told[3], 1 / (1 + std::exp(-2.0)), 1e-12);
  EXPECT_NEAR(told[2] + told[3], 1.0, 1e-15);
  const std::vector<Figure> figures = binary().figures({t, truth}, told);
  EXPECT_EQ(figures[0].name, "died.auc");
  EXPECT_EQ(figures[0].values[0], 1.0);
  EXPECT_EQ(figures[1].name, "died.accuracy");
  EXPECT_DOUBLE_EQ(figures[1].values[0], 1);  // at even odds, as at any threshold, a row is called positive
  EXPECT_DOUBLE_EQ(binary().figures({t, truth, 0.6}, told)[1].values[0], 2.0 / 3);
}

// Of scikit-learn 1.9.1: mean_poisson_deviance, mean_absolute_error and d2_tweedie_score of power 1.
TEST(Counts, TellDevianceErrorAndItsShare) {
  const Target t{.name = "visits", .likelihood = &count()};
  const std::vector<float> answer{-1, 0.5f, 2, 0.25f, 1, 9}, truth{0, 2, 7, 1, 4, kMissing};
  const std::vector<double> told = count().told(t, answer);
  EXPECT_NEAR(told[1], std::exp(0.5), 1e-15);
  const std::vector<Figure> figures = count().figures({t, truth}, told);
  ASSERT_EQ(figures.size(), 3u);
  EXPECT_EQ(figures[0].name, "visits.deviance");
  EXPECT_NEAR(figures[0].values[0], 0.2843227619742611, 1e-14);
  EXPECT_EQ(figures[1].name, "visits.mae");
  EXPECT_NEAR(figures[1].values[0], 0.5347915715261322, 1e-14);
  EXPECT_EQ(figures[2].name, "visits.d2");
  EXPECT_NEAR(figures[2].values[0], 0.884198908118219, 1e-14);
}

// The deviance of the figure above, from the loss that is trained.
TEST(Counts, HaveADevianceOfTwiceWhatTheLossExceedsItsLeastBy) {
  const std::vector<double> answer{-1, 0.5, 2, 0.25, 1};
  const std::vector<float> truth{0, 2, 7, 1, 4}, some{0, kMissing, 3};
  double loss = 0;
  for (std::size_t i = 0; i < answer.size(); ++i)
    loss += (std::exp(answer[i]) - double{truth[i]} * answer[i] + std::lgamma(double{truth[i]} + 1)) / 5;
  EXPECT_NEAR(count().deviance_scale() * (loss - count().least_loss(truth)), 0.2843227619742611, 1e-13);
  EXPECT_NEAR(count().least_loss(some), (3 - 3 * std::log(3.0) + std::log(6.0)) / 2, 1e-14) << "none counted: 0";
  EXPECT_EQ(count().least_loss(std::vector<float>{kMissing}), 0);
}

TEST(Counts, HaveNoShareWhereAllAreEqualAndNoFigureWhereNoneIsKnown) {
  const Target t{.name = "visits", .likelihood = &count()};
  const std::vector<float> answer{0, 1}, equal{3, 3}, none{kMissing, kMissing};
  const std::vector<double> told = count().told(t, answer);
  EXPECT_TRUE(std::isnan(count().figures({t, equal}, told)[2].values[0]));
  for (const Figure& figure : count().figures({t, none}, told)) EXPECT_TRUE(std::isnan(figure.values[0]));
}

TEST(Counts, AreWholeNumbersFromZeroThatAFloatHolds) {
  for (const double good : {0.0, -0.0, 1.0, 3e5, 16777216.0}) EXPECT_EQ(count().fault(good), "") << good;
  EXPECT_EQ(count().fault(-1), "is negative, and counts are not");
  EXPECT_EQ(count().fault(2.5), "is no whole number, and counts are");
  EXPECT_EQ(count().fault(16777217), "is beyond 16777216, the largest count");
}

TEST(Likelihoods, StratifyByClassesAlone) {
  const std::vector<double> values{1, 0, std::numeric_limits<double>::quiet_NaN(), 2};
  EXPECT_EQ(multiclass().strata(values, 1), (std::vector<int>{1, 0, -1, 2}));
  EXPECT_EQ(binary().strata(values, 1), (std::vector<int>{1, 0, -1, 2}));
  EXPECT_TRUE(regression().strata(values, 1).empty());
  EXPECT_TRUE(count().strata(values, 1).empty());
}

TEST(AFittingLikelihood, LeavesItsNumbersInTheModelFile) {
  static const Fitting fitting;
  auto setup = synthetic_towers(2);
  mtl(setup).tasks[1].likelihood = &fitting;
  mtl(setup).dropout = 0;
  const SyntheticSystem s = synthetic_system(setup);
  const auto executor = make_cpu_executor(1);
  Trainer trainer(s.data, s.split, s.plan, *executor);
  while (trainer.control().epoch < 2) trainer.advance(100);
  const std::string hash = trainer.hash({});
  const TensorFile model = trainer.model();
  EXPECT_EQ(trainer.hash({}), hash) << "the training's state was touched";
  const std::vector<double> offset = model.at("fitted.task1.offset").to_doubles();
  ASSERT_EQ(offset.size(), 2u);
  // The same by the evaluation's answers.
  Evaluator evaluator(s.plan.setup, s.data, 256, *executor);
  executor->load_tables(tables_of(*setup.system, s.data, s.split, s.plan.class_weights));
  executor->load_state(read_model(trainer.program(), model), trainer.program().state_floats);
  const Evaluation e = evaluator.evaluate(0, s.split.train);
  double sum = 0, count = 0;
  for (std::size_t r = 0; r < s.split.train.size(); ++r)
    for (int c = 0; c < 3; ++c) {
      const float truth = s.data.targets[static_cast<std::size_t>(s.split.train[r] * s.data.target_cols + 1 + c)];
      if (std::isnan(truth)) continue;
      sum += double{truth} - e.answers[r * static_cast<std::size_t>(e.answer_cols) + 1 + static_cast<std::size_t>(c)];
      count += 1;
    }
  EXPECT_EQ(offset[1], count);
  EXPECT_NEAR(offset[0], sum / count, 1e-12);
}

TEST(ALikelihoodThatNeedsTheBatchAsAWhole, IsEvaluatedOnAllRowsAtOnce) {
  static const Whole whole;
  auto setup = synthetic_towers(1);
  const SyntheticSystem in_parts = synthetic_system(setup);
  mtl(setup).tasks[0].likelihood = &whole;
  const SyntheticSystem s = synthetic_system(setup);
  const auto executor = make_cpu_executor(1);
  executor->load_tables(tables_of(*setup.system, s.data, s.split, s.plan.class_weights));
  Evaluator evaluator(s.plan.setup, s.data, 5, *executor), parts(in_parts.plan.setup, s.data, 5, *executor);
  executor->load_state(std::vector<float>(static_cast<std::size_t>(evaluator.program().state_floats), 0.0f),
                       evaluator.program().state_floats);
  const Evaluation all = evaluator.evaluate(0, s.split.train);
  EXPECT_EQ(evaluator.program().batch, static_cast<int>(s.split.train.size()));
  const Evaluation pieces = parts.evaluate(0, s.split.train);
  EXPECT_EQ(parts.program().batch, 5);
  EXPECT_NEAR(all.losses[0], pieces.losses[0], 1e-12);
}

}  // namespace
}  // namespace equipoise::test
