// tests/engine/systems/ensemble_test.cpp - answers of several models by hand, and judged without a network's outputs.
#include "engine/systems/ensemble.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "engine/systems/evaluation.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"

namespace equipoise::test {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// Stay in days, whose fold has this mean and scale; probabilities beside it.
std::vector<AnswerColumn> stay_and_death(double mean, double scale) {
  return {{"stay", 0, scale, mean}, {"died_no", 1}, {"died_yes", 2}};
}

// Two rows. The first member says 10 + 2 * 1.5 = 13 and 10 - 2 = 8 days, the second 4 + 3 * 5 = 19 and 4 + 3 * 2 = 10.
TEST(AnEnsemble, TellsMeansInTheDatasUnitsAndHowFarItsMembersAreApart) {
  const std::vector<double> first{1.5, 0.25, 0.75, -1, 1, 0}, second{5, 0.5, 0.5, 2, 0.5, 0.5};
  const std::vector<MemberAnswers> members{{stay_and_death(10, 2), first, 3}, {stay_and_death(4, 3), second, 3}};
  const EnsembleAnswers all = ensemble_answers(members);
  EXPECT_EQ(all.names, (std::vector<std::string>{"stay", "died_no", "died_yes"}));
  EXPECT_EQ(all.mean, (std::vector<double>{16, 0.375, 0.625, 9, 0.75, 0.25}));
  const double root = std::sqrt(2);  // of two values the deviation is their distance / sqrt(2)
  const std::vector<double> sd{6 / root, 0.25 / root, 0.25 / root, 2 / root, 0.5 / root, 0.5 / root};
  ASSERT_EQ(all.sd.size(), sd.size());
  for (std::size_t i = 0; i < sd.size(); ++i) EXPECT_NEAR(all.sd[i], sd[i], 1e-15) << i;
  // As the second member would have said them: (16 - 4) / 3 and (9 - 4) / 3.
  const std::vector<double> as_second = answers_in_scale(all.mean, members[1].columns, 3);
  EXPECT_EQ(as_second, (std::vector<double>{4, 0.375, 0.625, 5 / 3.0, 0.75, 0.25}));
}

TEST(AnEnsemble, OfOneMemberTellsItsAnswersAndNoDeviation) {
  const std::vector<double> answers{1.5, 0.25, 0.75};
  const std::vector<MemberAnswers> members{{stay_and_death(10, 2), answers, 3}};
  const EnsembleAnswers all = ensemble_answers(members);
  EXPECT_EQ(all.mean, (std::vector<double>{13, 0.25, 0.75}));
  for (const double sd : all.sd) EXPECT_TRUE(std::isnan(sd));
  EXPECT_EQ(answers_in_scale(all.mean, members[0].columns, 3), answers);
}

TEST(AnEnsemble, FindsAnswersByTheirPlacesAndLeavesOutThoseOfNoColumn) {
  const std::vector<double> answers{7, 1, 2, 8, 3, 4};
  const std::vector<AnswerColumn> columns{{"b", 2}, {"a", 1}};
  const std::vector<MemberAnswers> members{{columns, answers, 3}};
  EXPECT_EQ(ensemble_answers(members).mean, (std::vector<double>{2, 1, 4, 3}));
  const std::vector<double> back = answers_in_scale(ensemble_answers(members).mean, columns, 3);
  ASSERT_EQ(back.size(), 6u);
  EXPECT_TRUE(std::isnan(back[0]) && std::isnan(back[3]));
  EXPECT_EQ(back[1], 1);
  EXPECT_EQ(back[5], 4);
}

TEST(AnEnsemble, RefusesMembersThatDoNotAnswerTheSame) {
  const std::vector<double> one_row{1, 0, 1}, two_rows{1, 0, 1, 1, 0, 1}, part{1, 0};
  const auto columns = stay_and_death(0, 1);
  const auto ask = [](std::vector<MemberAnswers> members) { ensemble_answers(members); };
  ask({{columns, one_row, 3}, {columns, one_row, 3}});
  EXPECT_THROW(ask({}), std::invalid_argument);
  EXPECT_THROW(ask({{columns, one_row, 3}, {columns, two_rows, 3}}), std::invalid_argument);
  EXPECT_THROW(ask({{columns, part, 3}}), std::invalid_argument);
  EXPECT_THROW(ask({{columns, part, 2}}), std::invalid_argument) << "the third column is beyond two answers";
  auto renamed = columns;
  renamed[1].name = "died_maybe";
  EXPECT_THROW(ask({{columns, one_row, 3}, {renamed, one_row, 3}}), std::invalid_argument);
  EXPECT_THROW(answers_in_scale(part, columns, 3), std::invalid_argument);
  EXPECT_THROW(answers_in_scale(one_row, columns, 2), std::invalid_argument);
}

/// The same numbers, NaN included, and as many.
void expect_same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(std::bit_cast<uint64_t>(a[i]), std::bit_cast<uint64_t>(b[i]));
}

/// Whether judging a model's answers alone gives what judging its outputs gives, figures of these names left out.
void expect_same(const System& system, const Said& said, Evaluation by_outputs,
                 const std::vector<std::string>& of_outputs) {
  system.judge(said, by_outputs);
  Evaluation by_answers;
  system.judge_answers({said.data, said.rows, by_outputs.answers, said.thresholds}, by_answers);
  EXPECT_EQ(by_answers.rows, static_cast<int>(said.rows.size()));
  EXPECT_EQ(by_answers.labelled, by_outputs.labelled);
  EXPECT_EQ(by_answers.answer_cols, by_outputs.answer_cols);
  expect_same_bits(by_answers.answers, by_outputs.answers);
  std::erase_if(by_outputs.figures, [&](const Figure& f) {
    return std::find(of_outputs.begin(), of_outputs.end(), f.name) != of_outputs.end();
  });
  ASSERT_EQ(by_answers.figures.size(), by_outputs.figures.size());
  for (std::size_t f = 0; f < by_answers.figures.size(); ++f) {
    EXPECT_EQ(by_answers.figures[f].name, by_outputs.figures[f].name);
    expect_same_bits(by_answers.figures[f].values, by_outputs.figures[f].values);
  }
  Answered cut{said.data, said.rows, by_answers.answers, {}};
  cut.answers.push_back(0);
  EXPECT_THROW(system.judge_answers(cut, by_answers), std::invalid_argument);
}

TEST(AnswersOfMldrl, GiveItsFiguresOfClassesToTheBit) {
  equipoise::Setup setup = mldrl_setup("paper");
  mldrl(setup).features = {1, 1};
  Dataset data;
  data.rows = 4;
  data.label = {1, 0, -1, 1};
  data.features = {1, 1};
  data.views = {{1, 2, 3, 4}, {4, 3, 2, 1}};
  const std::vector<int> rows{3, 0, 1, 2};
  // Logits, then shared and specific parts of two views, which no figure reads, and what their decoders say.
  const std::vector<std::vector<float>> outputs{
      {0.1f, 0.7f, 0.3f, -0.2f, 0.9f, 0.4f, 0, 1}, {}, {}, {1, 2, 3, 4}, {4, 3, 2, 2}};
  const std::vector<double> thresholds{0.6};
  Evaluation e;
  e.terms = {5.5, 2.5, 9};
  for (const int classes : {2, 4}) {  // the same numbers are two rows of four
    mldrl(setup).classes = classes;
    const std::size_t asked = classes == 2 ? 4 : 2;
    expect_same(*setup.system, {data, std::span(rows).first(asked), outputs, thresholds}, e,
                {"reconstruction_error", "crossed_error"});
  }
  mldrl(setup).losses = {kReconstruction};
  const std::vector<std::vector<float>> decoded{{}, {}, {1, 2, 3, 4}, {4, 3, 2, 2}};
  expect_same(*setup.system, {data, rows, decoded, {}}, e, {"reconstruction_error", "crossed_error"});
}

/// Two columns of a regression, a binary task, a count and one of three classes.
equipoise::Setup four_tasks() {
  equipoise::Setup setup = mtl_setup("towers");
  of_kind<MtlSystem>(*setup.system).model.tasks = {{"stay", &regression(), 0, 2, 0},
                                                   {"died", &binary(), 2, 1, 0},
                                                   {"visits", &count(), 3, 1, 0},
                                                   {"stage", &multiclass(), 4, 1, 3}};
  return setup;
}

TEST(AnswersOfMtl, GiveTheFiguresOfEveryLikelihoodToTheBit) {
  const equipoise::Setup setup = four_tasks();
  Dataset data;
  data.rows = 3;
  data.target_cols = 5;
  data.targets = {0.3f,     -1.1f, 1,        4,        2,        kMissing, 0.7f,    0,
                  kMissing, 0,     kMissing, kMissing, kMissing, kMissing, kMissing};
  const std::vector<int> rows{1, 2, 0};
  const std::vector<std::vector<float>> outputs{{0.1f, 0.6f, -0.3f, 0.2f,  1,    0.5f, 0.7f, -0.4f, 0,    0.1f, 2,
                                                 0.3f, 0.2f, 0.6f,  -1.7f, 0.9f, 1.3f, 0,    0.1f,  0.4f, 0.8f},
                                                {}};
  const std::vector<double> thresholds{0.3, 0.5};
  expect_same(*setup.system, {data, rows, outputs, thresholds}, {}, {});
}

TEST(AnswersOfVaegan, AreTakenAndDecideNoFigure) {
  equipoise::Setup setup = vaegan_setup();
  vaegan(setup).features = vaegan(setup).latent = 2;
  Dataset data;
  data.rows = 3;
  data.features = {2};
  data.views = {{1, 2, 50, 60, 3, 4}};
  data.label = {1, 0, -1};
  const std::vector<int> rows{2, 0};
  const std::vector<std::vector<float>> outputs{{4, 6, 1, -1}, {11, 12, 13, 14}, {1, 0, -1, 0, 1, -1}};
  expect_same(*setup.system, {data, rows, outputs, {}}, {}, {"reconstruction_error", "discriminator_real"});
}

// Two models of folds that standardise the stay by means 10 and 4 and scales 2 and 3, on three rows that stayed 13, 9
// and 7 days, of which the first died. Their mean says 16, 9 and 8 days and 0.625, 0.25 and 0.5 for death. In the
// second fold's scale, (days - 4) / 3, the errors are 1, 0 and 1/3, and the truths lie 10/9, -2/9 and -8/9 from their
// mean.
TEST(AnEnsemble, IsJudgedInOneMembersScaleByTheMeansOfAll) {
  equipoise::Setup setup = mtl_setup("towers");
  of_kind<MtlSystem>(*setup.system).model.tasks = {{"stay", &regression(), 0, 1, 0}, {"died", &binary(), 1, 1, 0}};
  const std::vector<double> first{1.5, 0.25, 0.75, -1, 1, 0, -1, 0.5, 0.5},
      second{5, 0.5, 0.5, 2, 0.5, 0.5, 4 / 3.0, 0.5, 0.5};
  const std::vector<MemberAnswers> members{{stay_and_death(10, 2), first, 3}, {stay_and_death(4, 3), second, 3}};
  Dataset data;
  data.rows = 3;
  data.target_cols = 2;
  data.targets = {3, 1, 5 / 3.0f, 0, 1, 0};
  const std::vector<int> rows{0, 1, 2};
  const std::vector<double> thresholds{0.55};
  Evaluation e;
  setup.system->judge_answers(
      {data, rows, answers_in_scale(ensemble_answers(members).mean, members[1].columns, 3), thresholds}, e);
  EXPECT_EQ(e.rows, 3);
  EXPECT_EQ(e.labelled, 3);
  EXPECT_NEAR(e.figure("stay.mse"), (1 + 1 / 9.0) / 3, 1e-7);
  EXPECT_NEAR(e.figure("stay.r2"), 1 - (10 / 9.0) / (168 / 81.0), 1e-7);
  EXPECT_EQ(e.figure("died.auc"), 1);
  EXPECT_EQ(e.figure("died.accuracy"), 1);  // at 1/2 the third row would be called dead
}

// What means of models can say and one network cannot: surely no and surely yes, and nothing expected.
TEST(AnswersAtTheirEnds, HaveFiguresOfClassesAndAnInfiniteDevianceWhereNothingWasExpected) {
  const Target died{.name = "died", .likelihood = &binary()}, visits{.name = "visits", .likelihood = &count()};
  const std::vector<double> sure{1, 0, 0, 1};
  const std::vector<float> no_and_yes{0, 1};
  const std::vector<Figure> classes = binary().figures({died, no_and_yes}, sure);
  EXPECT_EQ(classes[0].values[0], 1);
  EXPECT_EQ(classes[1].values[0], 1);
  const std::vector<float> none_and_two{0, 2};
  const std::vector<Figure> none = count().figures({visits, none_and_two}, std::vector<double>{0, 2});
  EXPECT_EQ(none[0].values[0], 0);
  EXPECT_EQ(none[2].values[0], 1);
  const std::vector<Figure> missed = count().figures({visits, none_and_two}, std::vector<double>{0, 0});
  EXPECT_EQ(missed[0].values[0], INFINITY);
  EXPECT_EQ(missed[1].values[0], 1);
  EXPECT_EQ(missed[2].values[0], -INFINITY);
}

}  // namespace
}  // namespace equipoise::test
