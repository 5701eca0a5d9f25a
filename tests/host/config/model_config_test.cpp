// tests/host/config/model_config_test.cpp - what a config says of balancing, and how its words reach the plan.
#include "host/config/model_config.h"

#include <gtest/gtest.h>

#include "engine/systems/mldrl/mldrl_system.h"
#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

using testing::refusal;

Config config_of(const std::string& variant = "paper", const std::vector<std::string>& settings = {}) {
  const testing::TemporaryFolder folder;
  auto all = settings;
  all.insert(all.begin(), "model.variant=" + variant);
  return load_config(folder.write("c.toml", "[data]\nviews = [\"a.csv\", \"b.csv\"]\n"), all);
}

/// Six rows of 3 and 2 columns; the first four train (labels 0, 0, 0, 1), the rest validate.
struct Small {
  Dataset data;
  Split split{{0, 1, 2, 3}, {4, 5}, {}};

  explicit Small(std::vector<int> label = {0, 0, 0, 1, 0, 1}, int classes = 2) {
    data.rows = 6;
    data.classes = classes;
    data.features = {3, 2};
    data.label = std::move(label);
  }
  TrainingPlan plan(const Config& config) const { return training_plan(config, data, split); }
};

TEST(TrainingPlanOfAConfig, TakesSizesFromTheDataAndTheRestFromTheConfig) {
  const TrainingPlan plan = Small().plan(
      config_of("paper", {"model.hidden=7", "model.shared=5", "model.specific=3", "model.output_activation=tanh",
                          "train.epochs=9", "train.batch=2", "train.patience=4", "train.monitor=loss", "train.seed=77",
                          "train.on_nonfinite=skip", "optimizer.lr=0.5", "optimizer.beta1=0.8", "optimizer.beta2=0.7",
                          "optimizer.eps=1e-6", "optimizer.weight_decay=0.1", "optimizer.clip_norm=3",
                          "balance.alpha=0.4", "balance.initial_weights=[1, 2, 3]"}));
  const MldrlModel& m = mldrl(plan.setup);
  EXPECT_EQ(m.features, (std::vector<int>{3, 2}));
  EXPECT_EQ(m.classes, 2);
  EXPECT_EQ(m.hidden, 7);
  EXPECT_EQ(m.shared, 5);
  EXPECT_EQ(m.specific, 3);
  EXPECT_EQ(m.output_activation, Activation::tanh);
  EXPECT_EQ(plan.epochs, 9);
  EXPECT_EQ(plan.batch, 2);
  EXPECT_EQ(plan.patience, 4);
  EXPECT_EQ(plan.monitor, Monitor::loss);
  const Settings& s = plan.setup.settings;
  EXPECT_EQ(s.seed, 77u);
  EXPECT_EQ(s.on_nonfinite, OnNonfinite::skip);
  EXPECT_EQ(s.lr, 0.5);
  EXPECT_EQ(s.task_lr, 0.5);  // the optimizer's, unless balance.lr is given
  EXPECT_EQ(s.beta1, 0.8);
  EXPECT_EQ(s.beta2, 0.7);
  EXPECT_EQ(s.eps, 1e-6);
  EXPECT_EQ(s.weight_decay, 0.1);
  EXPECT_EQ(s.clip_norm, 3);
  EXPECT_EQ(s.alpha, 0.4);
  EXPECT_EQ(std::vector<double>(s.initial_weights, s.initial_weights + 3), (std::vector<double>{1, 2, 3}));
}

TEST(TrainingPlanOfAConfig, KeepsTheVariantsChoicesThatNoKeyOverrules) {
  const equipoise::Setup paper = Small().plan(config_of("paper")).setup, code = Small().plan(config_of("code")).setup;
  EXPECT_TRUE(mldrl(paper).ratio);
  EXPECT_FALSE(mldrl(paper).softmax_twice);
  EXPECT_EQ(paper.balance[0].over, "heads");
  EXPECT_EQ(paper.loss_scale, 1.0);
  EXPECT_FALSE(mldrl(code).ratio);
  EXPECT_TRUE(mldrl(code).softmax_twice);
  EXPECT_TRUE(mldrl(code).crossed1_specific_first);
  EXPECT_EQ(code.balance[0].over, "head_biases_mean");
  EXPECT_EQ(mldrl(code).output_activation, Activation::relu);
  EXPECT_EQ(code.loss_scale, 1.0 / 3.0);
  EXPECT_TRUE(mldrl(Small().plan(config_of("code", {"model.inherent_variational=ratio"})).setup).ratio);
}

TEST(TrainingPlanOfAConfig, ReadsBalancing) {
  EXPECT_EQ(Small().plan(config_of()).setup.balance[0].methods[0].kind, MethodKind::gradnorm);
  EXPECT_EQ(Small().plan(config_of("paper", {"balance.methods=[\"identity\"]"})).setup.balance[0].methods[0].kind,
            MethodKind::identity);
  EXPECT_EQ(Small().plan(config_of("paper", {"balance.lr=0.25"})).setup.settings.task_lr, 0.25);
  const auto over =
      Small().plan(config_of("paper", {"balance.over=[\"_enc_mu.weight\", \"_enc_mu.bias\"]"})).setup.balance[0].over;
  EXPECT_EQ(over, "_enc_mu.weight _enc_mu.bias");
  EXPECT_CONTAINS(refusal(ExitCode::usage, [] { Small().plan(config_of("paper", {"balance.over=[\"_enc_mux\"]"})); }),
                  "'_enc_mux'");
}

TEST(TrainingPlanOfAConfig, PassesOnHowTheStepIsMade) {
  const BalanceSetup plain = Small().plan(config_of()).setup.balance.at(0);
  EXPECT_EQ(plain.at, "parameters");
  EXPECT_FALSE(plain.sum_rows || plain.private_weights || plain.rescale);
  const equipoise::Setup setup =
      Small()
          .plan(config_of(
              "paper", {"balance.at=latent", "balance.sum_rows=true", "balance.private=weights", "balance.rescale=true",
                        "balance.methods=[\"uw:lr=0.5\", \"cagrad:c=0.25,normalise=l2\"]"}))
          .setup;
  const BalanceSetup& all = setup.balance.at(0);
  EXPECT_EQ(all.at, "latent");
  EXPECT_TRUE(all.sum_rows && all.private_weights && all.rescale);
  ASSERT_EQ(all.methods.size(), 2u);
  EXPECT_EQ(all.methods[0].kind, MethodKind::uw);
  EXPECT_EQ(setup.settings.task_lr, 0.5);
  EXPECT_EQ(all.methods[1].kind, MethodKind::cagrad);
  EXPECT_EQ(all.methods[1].c, 0.25);
  EXPECT_EQ(all.methods[1].normaliser, Normaliser::l2);
  EXPECT_EQ(std::vector<double>(setup.settings.initial_weights, setup.settings.initial_weights + 3),
            (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(Small().plan(config_of("paper", {"balance.over=shared"})).setup.balance[0].over, "shared");
}

TEST(TrainingPlanOfAConfig, TakesGradNormWithoutKeysAsItsHelpSaysWhateverTheVariant) {
  const auto gradnorm = [](const std::string& variant, const std::string& methods) {
    const equipoise::Setup setup = Small().plan(config_of(variant, {"balance.methods=" + methods})).setup;
    for (const Method& m : setup.balance.at(0).methods)
      if (m.kind == MethodKind::gradnorm) return m;
    ADD_FAILURE() << "no gradnorm in " << methods;
    return Method{};
  };
  for (const char* methods :
       {"[\"gradnorm\"]", "[\" gradnorm \"]", "[\"gradnorm\", \"pcgrad\"]", "[\"rlw\", \"gradnorm\"]"}) {
    const Method code = gradnorm("code", methods), paper = gradnorm("paper", methods);
    EXPECT_EQ(code.loss_ratio, LossRatio::raw) << methods;
    EXPECT_EQ(code.renormalise, Normalise::after_step) << methods;
    EXPECT_EQ(paper.loss_ratio, LossRatio::raw) << methods;
    EXPECT_EQ(paper.renormalise, Normalise::after_step) << methods;
  }
  EXPECT_EQ(gradnorm("code", "[\"gradnorm:alpha=0.16,loss_ratio=weighted\"]").renormalise, Normalise::after_step);
  const Method published = Small().plan(config_of("code")).setup.balance.at(0).methods.at(0);
  EXPECT_EQ(published.loss_ratio, LossRatio::weighted) << "a default of the variant, and written down as such";
  EXPECT_EQ(published.renormalise, Normalise::none);
  EXPECT_EQ(gradnorm("paper", "[\"gradnorm:renormalise=none\"]").renormalise, Normalise::none);
}

TEST(TrainingPlanOfAConfig, NeverStopsEarlyWithoutValidationRows) {
  Small all;
  all.split = {{0, 1, 2, 3, 4, 5}, {}, {}};
  EXPECT_EQ(all.plan(config_of()).patience, 0);
}

TEST(TrainingPlanOfAConfig, WithoutLabelsHasTwoClassesAndMustWatchTheLoss) {
  const Small unlabelled({-1, -1, -1, -1, -1, -1}, 0);
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { unlabelled.plan(config_of()); }), "set monitor = \"loss\"");
  EXPECT_EQ(mldrl(unlabelled.plan(config_of("paper", {"train.monitor=loss"})).setup).classes, 2);
}

TEST(TrainingPlanOfAConfig, WithoutLabelsNeedsALossThatTakesNone) {
  const Small unlabelled({-1, -1, -1, -1, -1, -1}, 0);
  const std::vector<std::string> settings = {"train.monitor=loss", "model.losses=[\"classification\"]"};
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { unlabelled.plan(config_of("paper", settings)); }),
                  "the classification alone has nothing to learn");
}

/// Configs that differ in their [balance], each in the same file.
class BalancingOfAConfig : public ::testing::Test {
 protected:
  Config load_text(const std::string& text) const { return load_config(folder_.write("c.toml", text)); }
  Config load(const std::string& lines) const {
    return load_text("[data]\nviews = [\"a.csv\", \"b.csv\"]\n[balance]\n" + lines + "\n");
  }
  std::string refused(const std::string& lines) const {
    return refusal(ExitCode::usage, [&] { load(lines); });
  }
  std::string file() const { return (folder_.path() / "c.toml").string(); }

  testing::TemporaryFolder folder_;
};

TEST_F(BalancingOfAConfig, RefusesMethodsThatCannotBeComposedInOneSentence) {
  const std::vector<std::pair<std::string, std::string>> refusals = {
      {"\"mgad\"", " 'mgad': 'mgad' is not a method; did you mean 'mgda'?"},
      {"\"\"",
       " '': '' is not a method; the names are identity, equal, gradnorm, gradnorm_modified, uw, dwa, rlw, famo, ..."},
      {"\"mgda\", \"pcgrad\", \"mgda:normalise=l2\"", ": mgda is named twice; a composition has each method once"},
      {"\"graddrop\", \"pcgrad\"",
       ": graddrop works on elements of the combined gradient, not on the Gram matrix; name it last"},
      {"\"uw\", \"dwa\", \"famo\", \"mgda\", \"nsgd\"", ": names 5 methods; a composition has at most 4"},
      {"\"gradnorm\", \"gradnorm_modified\"",
       ": gradnorm and gradnorm_modified share alpha, lr and targets; name one of them"},
      {"\"cagrad:c=1\"", " 'cagrad:c=1': c must be a number in [0, 1), not '1'"},
      {"\"cagrad:c=nan\"", " 'cagrad:c=nan': c must be a number in [0, 1), not 'nan'"},
      {"\"cagrad:c=-0.1\"", " 'cagrad:c=-0.1': c must be a number in [0, 1), not '-0.1'"},
      {"\"cagrad:c=0.4,c=0.4\"", " 'cagrad:c=0.4,c=0.4': c is given twice; keep one"},
      {"\"cagrad:radius=0.4\"", " 'cagrad:radius=0.4': cagrad takes no key 'radius'; the names are normalise, c"},
      {"\"cagrad:\"", " 'cagrad:': '' is no key=value; write cagrad:key=value,key=value"},
      {"\"mgda:normalise=l1\"", " 'mgda:normalise=l1': normalise must be one of none, l2, loss, loss+, not 'l1'"},
      {"\"equal:c=1\"", " 'equal:c=1': equal takes no keys; leave 'c' out"},
      {"\"uw:lr=0.1\", \"gradnorm:lr=0.2\"",
       " 'gradnorm:lr=0.2': lr is 0.1 of an earlier method, and a run has but one; give both the same"},
      {"\"gradnorm:lr=1e31\"", " says lr = 1e+31; it must be at most 1e+30"},
  };
  const std::string place = file() + ":4:11: balance.methods";
  for (const auto& [methods, why] : refusals) EXPECT_EQ(refused("methods = [" + methods + "]"), place + why);
  EXPECT_CONTAINS(refused("methods = []"), place + ": names no method; name one of identity, equal, gradnorm,");
  EXPECT_EQ(refused("methods = \"mgda\""), place + " is 'mgda' but must be a list in square brackets");
}

TEST_F(BalancingOfAConfig, RefusesBalancingThatContradictsItself) {
  const std::vector<std::pair<std::string, std::string>> refusals = {
      {"at = \"latent\"\nover = \"shared\"",
       "5:8: balance.over names parameters, but balance.at = \"latent\" measures no parameter's gradient; drop one, "
       "or set balance.over = \"\""},
      {"methods = [\"pcgrad\", \"graddrop\"]\nrescale = true",
       "5:11: balance.rescale needs a step that is known from the Gram matrix, and graddrop drops single elements; "
       "drop one"},
      {"methods = [\"gradnorm:alpha=0.3\"]\nalpha = 0.16",
       "5:9: balance.alpha is 0.16 but balance.methods says 0.3; drop one"},
      {"methods = [\"uw:lr=0.3\"]\nlr = 0.2", "5:6: balance.lr is 0.2 but balance.methods says 0.3; drop one"},
      {"methods = [\"gradnorm:alpha=0.3\"]\nalpha = nan", "5:9: balance.alpha is nan but must be a finite number"},
      {"over = [\"_enc_mu.bias\", \" \"]", "4:8: balance.over has an empty name; name a parameter or leave it out"},
      {"over = [\"_enc_mu.bias\", \"_enc_mu.bias\"]", "4:8: balance.over names '_enc_mu.bias' twice; keep one"},
      {"initial_weights = [1, nan, 1]", "4:19: balance.initial_weights is nan but must be a finite number"},
      {"initial_weights = [1, 2]",
       "4:19: balance.initial_weights has 2 numbers, but there are 3 tasks; give one a task"},
      {"initial_weights = [0, 0, 0]", "4:19: balance.initial_weights are all 0; make one of them positive"},
  };
  for (const auto& [lines, why] : refusals) EXPECT_EQ(refused(lines), file() + ":" + why) << lines;
}

TEST_F(BalancingOfAConfig, ReadsBackEveryWayToBalanceFromItsResolvedForm) {
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"methods = [\"cagrad\"]", "methods = [\"cagrad:normalise=none,c=0.4\"]"},
      {"methods = [ 'gradnorm', \"pcgrad:order=identity\" ]",
       "methods = [\"gradnorm:form=weights,loss_ratio=raw,renormalise=after_step,restart=never,network=off\", "
       "\"pcgrad:normalise=none,order=identity\"]"},
      {"methods = [\"gradnorm\"]", "lr = 0.001"},
      {"methods = [\"rlw\"]", "methods = [\"rlw\"]"},
      {"methods = [\"gradnorm:alpha=0.3,lr=0.025\"]", "alpha = 0.3"},
      {"methods = [\"gradnorm:alpha=0.3,lr=0.025\"]", "lr = 0.025"},
      {"methods = [\"gradnorm:alpha=0.3\"]\nalpha = 0.3", "alpha = 0.3"},
      {"over = \"shared\"", "over = \"shared\""},
      {"over = [\"shared\"]", "over = \"shared\""},
      {"over = [\"_enc_mu.bias\", \"_enc_log_sigma.bias\"]", "over = [\"_enc_mu.bias\", \"_enc_log_sigma.bias\"]"},
      {"over = []", "over = \"heads\""},
      {"at = \"latent\"", "at = \"latent\""},
      {"at = \"latent\"\nover = \"\"", "over = \"\""},
      {"private = \"weights\"", "private = \"weights\""},
      {"rescale = true", "rescale = true"},
      {"initial_weights = []", "initial_weights = [1.4, 3.0, 0.3]"},
      {"initial_weights = []\nmethods = [\"mgda\"]", "initial_weights = [1.0, 1.0, 1.0]"},
      {"methods = [\"graddrop:leak=0.25\"]\nat = \"latent\"\nprivate = \"weights\"",
       "methods = [\"graddrop:leak=0.25\"]"},
  };
  for (const auto& [lines, written] : ways) {
    const Config config = load(lines);
    const std::string text = to_toml(config);
    EXPECT_CONTAINS(text, "\n" + written + "\n") << lines;
    EXPECT_EQ(load_text(text), config) << lines;
  }
}

TEST_F(BalancingOfAConfig, StartsFromThePublishedWeightsWithGradNormAndFromOnesElse) {
  const std::vector<double> published{1.4, 3, 0.3}, ones{1, 1, 1};
  const auto start = [&](const std::string& lines) { return load(lines).balance.front().initial_weights; };
  EXPECT_EQ(start(""), published);
  EXPECT_EQ(start("methods = [\"pcgrad\", \"gradnorm:alpha=2\"]"), published);
  for (const char* method : {"identity", "equal", "uw", "famo", "mgda", "gradnorm_modified", "graddrop"})
    EXPECT_EQ(start("methods = [\"" + std::string(method) + "\"]"), ones) << method;
  EXPECT_EQ(start("methods = [\"mgda\"]\ninitial_weights = [0, 2, 1]"), (std::vector<double>{0, 2, 1}));
}

TEST_F(BalancingOfAConfig, TakesTheRunsSettingsFromTheMethodThatNamesThem) {
  const BalanceConfig named = load("methods = [\"gradnorm:alpha=2,lr=0.5\"]").balance.front();
  EXPECT_EQ(named.alpha, 2);
  EXPECT_EQ(named.lr, 0.5);
  const BalanceConfig fair = load("methods = [\"fairgrad:alpha=2\", \"famo:lr=0.5\"]").balance.front();
  EXPECT_EQ(fair.alpha, 0.16) << "fairgrad's alpha is its own";
  EXPECT_FALSE(fair.lr) << "so is famo's lr";
}

TEST_F(BalancingOfAConfig, MeasuresNoParameterWhereItBalancesAtTheLatent) {
  for (const std::string variant : {"paper", "code"})
    EXPECT_TRUE(config_of(variant, {"balance.at=latent"}).balance.front().over.empty()) << variant;
}

TEST(ClassWeightsOfAConfig, AreOnesUnlessAsked) {
  EXPECT_EQ(Small().plan(config_of()).class_weights, (std::vector<float>{1, 1}));
  EXPECT_EQ(Small().plan(config_of("paper", {"train.class_weights=[2, 0.5]"})).class_weights,
            (std::vector<float>{2, 0.5}));
}

TEST(ClassWeightsOfAConfig, AreOfTheRunsIdentity) {
  const TrainingPlan one = Small().plan(config_of("paper", {"train.class_weights=[2, 0.5]"}));
  EXPECT_EQ(identity_of(one).at("class_weights"), "2 0.5 ");
  EXPECT_NE(identity_of(one), identity_of(Small().plan(config_of())));
}

TEST(ClassWeightsOfAConfig, BalancedAreByTheTrainingRowsAlone) {
  // 4 labelled training rows, 2 classes: 4 / (2 * 3) and 4 / (2 * 1), whatever validates.
  const Small small({0, 0, 0, 1, 1, 1});
  EXPECT_EQ(small.plan(config_of("paper", {"train.class_weights=balanced"})).class_weights,
            (std::vector<float>{4.0f / 6.0f, 2.0f}));
  const Small partly({0, -1, 0, 1, 1, 1});  // an unlabelled row does not count: 3 / (2 * 2) and 3 / (2 * 1)
  EXPECT_EQ(partly.plan(config_of("paper", {"train.class_weights=balanced"})).class_weights,
            (std::vector<float>{0.75f, 1.5f}));
}

TEST(ClassWeightsOfAConfig, ThatDoNotFitTheClassesAreRefused) {
  EXPECT_CONTAINS(refusal(ExitCode::usage, [] { Small().plan(config_of("paper", {"train.class_weights=[1, 2, 3]"})); }),
                  "has 3 numbers but the data have 2 classes");
  EXPECT_CONTAINS(refusal(ExitCode::usage,
                          [] {
                            Small({0, 0, 0, 0, 0, 1}).plan(config_of("paper", {"train.class_weights=balanced"}));
                          }),
                  "class 1 has no labelled training row");
}

}  // namespace
}  // namespace equipoise
