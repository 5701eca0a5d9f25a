// tests/reference/mldrl_settings_test.cpp - settings as a record's metadata spells them.
#include "tests/reference/mldrl_settings.h"

#include <gtest/gtest.h>

namespace equipoise::reference {
namespace {

TEST(MldrlSettings, WithoutMetadataAreThePapersAndVariantCodeGivesTheCodes) {
  const MldrlSettings paper = settings_from({});
  EXPECT_EQ(paper.cross_decoder1, CrossOrder::shared_first);
  EXPECT_EQ(paper.inherent_variational, InherentVariational::ratio);
  EXPECT_EQ(paper.classifier, Classifier::logits);
  EXPECT_EQ(paper.output_activation, Activation::identity);
  EXPECT_EQ(paper.loss_scale, 1.0);
  EXPECT_EQ(paper.loss_ratio, LossRatio::raw);
  EXPECT_EQ(paper.gradnorm_over.size(), 4u);
  EXPECT_TRUE(paper.renormalise_after_step);

  const MldrlSettings code = settings_from({{"variant", "code"}});
  EXPECT_EQ(code.cross_decoder1, CrossOrder::specific_first);
  EXPECT_EQ(code.inherent_variational, InherentVariational::difference);
  EXPECT_EQ(code.classifier, Classifier::sigmoid_softmax);
  EXPECT_EQ(code.output_activation, Activation::relu);
  EXPECT_EQ(code.loss_scale, 1.0 / 3.0);
  EXPECT_EQ(code.loss_ratio, LossRatio::weighted);
  EXPECT_EQ(code.gradnorm_over_form, OverForm::averaged);
  EXPECT_FALSE(code.renormalise_after_step);
}

TEST(MldrlSettings, EachKeyOverridesItsVariantAlone) {
  const MldrlSettings s = settings_from({{"variant", "code"},
                                         {"shared", "3"},
                                         {"inherent_variational", "ratio"},
                                         {"loss_scale", "2/5"},
                                         {"initial_task_weights", "1 2.5 1e-1"},
                                         {"gradnorm_over", "heads"},
                                         {"renormalise", "after_step"},
                                         {"output_activation", "tanh"},
                                         {"lr", "1e-3"}});
  EXPECT_EQ(s.shared, 3);
  EXPECT_EQ(s.inherent_variational, InherentVariational::ratio);
  EXPECT_EQ(s.loss_scale, 0.4);
  EXPECT_EQ(s.initial_task_weights, (std::vector<double>{1.0, 2.5, 0.1}));
  EXPECT_EQ(s.gradnorm_over, kLatentHeads);
  EXPECT_EQ(s.gradnorm_over_form, OverForm::concatenated);
  EXPECT_TRUE(s.renormalise_after_step);
  EXPECT_EQ(s.output_activation, Activation::tanh);
  EXPECT_EQ(s.adam.lr, 1e-3);
  EXPECT_EQ(s.classifier, Classifier::sigmoid_softmax);
}

TEST(MldrlSettings, RefuseAnUnknownValue) {
  EXPECT_THROW(settings_from({{"loss_ratio", "rawish"}}), std::invalid_argument);
  EXPECT_THROW(settings_from({{"output_activation", "gelu"}}), std::invalid_argument);
}

}  // namespace
}  // namespace equipoise::reference
