// tests/engine/systems/systems_gradients_test.cpp - losses and gradients of multi-task networks and VAE-GANs are those
// of the double references, and of central differences where a network is deeper than the reference's.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "tests/engine/systems/system_reference.h"
#include "tests/reference/finite_difference.h"
#include "tests/reference/random_problem.h"

namespace equipoise::test {
namespace {

using reference::GradientByName;
using reference::Matrix;

// Sums of up to 20 products in float32 through at most seven layers: some ten roundings of 6e-8 in what does not
// cancel, and the largest entry of a tensor may be a tenth of what was added up. The absolute part is for tensors whose
// entries all cancel: it is counted in units of the task's largest derivative.
constexpr double kRelative = 5e-6, kAbsolute = 5e-7;

double largest_entry(const GradientByName& gradient) {
  double largest = 0;
  for (const auto& [name, g] : gradient) largest = std::max(largest, reference::max_abs(g));
  return largest;
}

/// The probed gradients of one task, of parameters that `takes` accepts; all others must be zero.
template <class Takes>
void expect_task_gradient(const SteppedSystem& s, int task, const GradientByName& expected, Takes takes) {
  const double absolute = kAbsolute * largest_entry(expected);
  for (const ParameterInfo& p : s.stepper.program().parameters) {
    const Matrix none(p.rows, p.cols);
    const std::string off =
        off_by(s.stepper.gradient(task, p), takes(p.name) ? expected.at(p.name) : none, kRelative, absolute);
    EXPECT_EQ(off, "") << "task " << task << ", " << p.name;
  }
}

/// Runs one step that moves nothing and expects the total gradient, which plain SGD keeps as its velocity.
void expect_total_gradient(const SteppedSystem& s, const GradientByName& expected) {
  const double absolute = kAbsolute * largest_entry(expected);
  for (const ParameterInfo& p : s.stepper.program().parameters)
    EXPECT_EQ(off_by(s.value(p, StatePart::moment1), expected.at(p.name), kRelative, absolute), "") << p.name;
}

Setup still(Setup setup) {
  setup.optimizer = OptimizerKind::sgd;
  setup.settings.lr = setup.settings.momentum = setup.settings.clip_norm = setup.settings.weight_decay = 0;
  setup.loss_scale = 0.75;
  return setup;
}

Setup random_mtl(reference::Draws& draws) {
  Setup setup = draws.below(2) == 0 ? synthetic_towers() : synthetic_trunk();
  MtlModel& m = mtl(setup);
  const auto widths = [&](int least) {
    std::vector<int> w;
    for (int i = least + draws.below(3); i > 0; --i) w.push_back(2 + draws.below(19));
    return w;
  };
  m.features = 1 + draws.below(20);
  m.trunk = widths(1);
  m.tower = widths(0);
  m.dropout = draws.below(2) == 0 ? 0.0 : draws.uniform(0.1, 0.7);
  m.activation = static_cast<Activation>(draws.below(4));
  m.tasks = mixed_tasks(1 + draws.below(8));
  if (draws.below(2) == 0) count_instead(m.tasks);
  setup.settings.seed = static_cast<uint64_t>(draws.below(1000));
  for (double& w : setup.settings.initial_weights) w = draws.uniform(0.5, 2.0);
  return setup;
}

void expect_gradients_of_random_networks(bool weighed) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reference::Draws draws(seed);
    const int batch = 2 + draws.below(12);
    Setup setup = random_mtl(draws);
    if (weighed) setup.system->weigh_classes();
    SteppedSystem s(setup, batch);
    const reference::MtlNetwork network = reference_network(mtl(setup), s.system.plan.class_weights);
    for (int step = 0; step < 2; ++step, s.stepper.step()) {
      s.stepper.probe();
      const reference::MldrlParameters parameters = reference_parameters(s);
      const reference::MtlForward f = mtl_forward(network, parameters, reference_mtl_batch(s, network));
      const std::vector<GradientByName> gradients = mtl_task_gradients(network, parameters, f);
      for (std::size_t k = 0; k < gradients.size(); ++k) {
        // A loss is a sum in float64 of terms that carry the rounding of float32 answers.
        EXPECT_NEAR(s.stepper.probed().losses[k], f.tasks[k].loss, 2e-6 * (1 + f.tasks[k].loss)) << "task " << k;
        EXPECT_EQ(s.stepper.probed().present[k] != 0, f.tasks[k].labelled);
        expect_task_gradient(s, static_cast<int>(k), gradients[k], [](const std::string&) { return true; });
      }
    }
  }
}

TEST(MtlGradients, AreThoseOfTheReferenceForRandomNetworks) { expect_gradients_of_random_networks(false); }

TEST(MtlGradients, AreThoseOfTheReferenceWhereClassesHaveWeights) { expect_gradients_of_random_networks(true); }

// The reference's own, so that both cannot share a wrong formula.
TEST(MtlGradients, WhereClassesHaveWeightsAreCentralDifferences) {
  auto setup = synthetic_weighed();
  mtl(setup).activation = Activation::tanh;  // no kinks
  SteppedSystem s(setup, 9);
  s.stepper.probe();
  const reference::MtlNetwork network = reference_network(mtl(setup), s.system.plan.class_weights);
  const reference::MtlBatch batch = reference_mtl_batch(s, network);
  reference::MldrlParameters parameters = reference_parameters(s);
  for (const std::size_t task : {2u, 3u}) {  // the binary one and that of three classes
    ASSERT_FALSE(network.tasks[task].class_weights.empty());
    GradientByName expected;
    for (auto& [name, value] : parameters.by_name) {
      const Matrix middle = value;
      expected.emplace(name, reference::central_difference(middle, [&, &entry = value](const Matrix& at) {
                         entry = at;
                         const Matrix answer = mtl_forward(network, parameters, batch).prediction(task);
                         double sum = 0, weight = 0;
                         for (int r = 0; r < answer.rows; ++r) {
                           const double t = batch.target[task].at(r, 0);
                           if (std::isnan(t)) continue;
                           const auto y = static_cast<int>(t);
                           double all = 0;  // of exp; a binary task's first class has the logit 0
                           for (int j = 0; j < answer.cols; ++j) all += std::exp(answer.at(r, j));
                           const bool binary = answer.cols == 1;
                           const double w = network.tasks[task].class_weights[static_cast<std::size_t>(y)];
                           sum += w * (std::log(all + binary) - (binary ? y * answer.at(r, 0) : answer.at(r, y)));
                           weight += w;
                         }
                         return sum / weight;
                       }));
      value = middle;
    }
    expect_task_gradient(s, static_cast<int>(task), expected, [](const std::string&) { return true; });
  }
}

TEST(MtlGradients, OfAStepAreTheWeightedSum) {
  for (uint64_t seed = 100; seed < 112; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reference::Draws draws(seed);
    SteppedSystem s(still(random_mtl(draws)), 9);
    const reference::MtlNetwork network = reference_network(mtl(s.system.plan.setup));
    s.stepper.step();
    s.stepper.probe();
    s.stepper.step();
    const reference::MldrlParameters parameters = reference_parameters(s);
    const reference::MtlForward f = mtl_forward(network, parameters, reference_mtl_batch(s, network));
    const std::vector<GradientByName> gradients = mtl_task_gradients(network, parameters, f);
    GradientByName total;
    for (const auto& [name, value] : parameters.by_name) {
      total.emplace(name, Matrix(value.rows, value.cols));
      for (std::size_t k = 0; k < gradients.size(); ++k)
        accumulate(total.at(name), gradients[k].at(name), 0.75 * s.stepper.control().shared_weights[k]);
    }
    expect_total_gradient(s, total);
  }
}

TEST(MtlGradients, OfABatchWithoutAnyTargetOfATaskAreZero) {
  SyntheticSystem data = synthetic_system(synthetic_towers());
  SteppedSystem s(synthetic_towers(), 12);
  const auto cols = static_cast<std::size_t>(s.system.data.target_cols);
  for (std::size_t r = 0; r < data.data.targets.size() / cols; ++r) data.data.targets[r * cols] = std::nanf("");
  s.executor->load_tables(tables_of(*data.plan.setup.system, data.data, data.split, data.plan.class_weights));
  s.stepper.probe();
  EXPECT_EQ(s.stepper.probed().losses[0], 0.0);
  EXPECT_EQ(s.stepper.probed().present[0], 0);
  EXPECT_EQ(s.stepper.probed().present[1], 1);
  for (const ParameterInfo& p : s.stepper.program().parameters)
    EXPECT_EQ(s.stepper.gradient(0, p), std::vector<float>(static_cast<std::size_t>(p.rows * p.cols), 0.0f)) << p.name;
}

/// Which of the tasks prior, feature, generator, discriminator, auxiliary reaches a parameter.
bool reaches(int task, const std::string& parameter) {
  const char* const groups[] = {"encoder", "encoder decoder", "decoder", "discriminator", "discriminator"};
  return std::string(groups[task]).find(parameter.substr(0, parameter.find('.'))) != std::string::npos;
}

const std::vector<std::vector<std::string>> kTaskTerms = {
    {"kl"}, {"llike"}, {"gen_recon", "gen_sampled"}, {"dis_original", "dis_recon", "dis_sampled"}, {"auxiliary"}};

Setup random_vaegan(reference::Draws& draws) {
  Setup setup = synthetic_vaegan(draws.below(4));
  VaeganModel& m = vaegan(setup);
  m.features = 2 + draws.below(19);
  m.latent = 1 + draws.below(6);
  for (std::vector<int>* widths : {&m.encoder, &m.decoder, &m.discriminator}) *widths = {2 + draws.below(19)};
  m.gamma = draws.uniform(0.05, 0.95);
  m.lambda = draws.uniform(0.1, 1.5);
  setup.settings.seed = static_cast<uint64_t>(draws.below(1000));
  return setup;
}

TEST(VaeganGradients, AreThoseOfTheReferenceForRandomNetworks) {
  for (uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reference::Draws draws(seed);
    SteppedSystem s(random_vaegan(draws), 2 + draws.below(12));
    for (int step = 0; step < 2; ++step, s.stepper.step()) {
      s.stepper.probe();
      const reference::MldrlParameters parameters = reference_parameters(s);
      const reference::VaeganBatch batch = reference_vaegan_batch(s);
      const reference::VaeganForward f = vaegan_forward(parameters, batch);
      for (std::size_t k = 0; k < s.stepper.program().task_names.size(); ++k) {
        double loss = 0;
        GradientByName gradient;
        for (const std::string& term : kTaskTerms[k]) {
          loss += f.terms.at(term);
          for (const auto& [name, g] : vaegan_term_gradient(term, parameters, batch, f))
            accumulate(gradient.emplace(name, zeros_like(g)).first->second, g);
        }
        EXPECT_NEAR(s.stepper.probed().losses[k], loss, 2e-6 * (1 + loss)) << "task " << k;
        expect_task_gradient(s, static_cast<int>(k), gradient,
                             [&](const std::string& name) { return reaches(static_cast<int>(k), name); });
      }
    }
  }
}

TEST(VaeganGradients, OfAStepAreThoseOfTheRoutingTable) {
  for (uint64_t seed = 200; seed < 212; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    reference::Draws draws(seed);
    SteppedSystem s(still(random_vaegan(draws)), 9);
    s.stepper.probe();
    s.stepper.step();
    const VaeganModel& m = vaegan(s.system.plan.setup);
    const reference::MldrlParameters parameters = reference_parameters(s);
    const reference::VaeganBatch batch = reference_vaegan_batch(s);
    const reference::VaeganForward f = vaegan_forward(parameters, batch);
    GradientByName total;
    for (const std::string& group : reference::kVaeganGroups)
      total.merge(routed_gradient(reference::vaegan_routing(m.gamma, m.lambda), group, parameters, batch, f));
    for (auto& [name, g] : total)
      for (double& value : g.values) value *= 0.75;
    expect_total_gradient(s, total);
  }
}

/// A VAE-GAN of any depth, forward only, for central differences.
class DeepVaegan {
 public:
  DeepVaegan(const VaeganModel& model, const reference::VaeganBatch& batch) : m_(model), batch_(batch) {}

  /// By task.
  std::vector<double> losses(const reference::MldrlParameters& p) const {
    const Matrix h = hidden(p, "encoder", batch_.x, m_.encoder.size());
    const Matrix mu = apply_linear(p, "encoder.mu", h);
    Matrix log_sigma = apply_linear(p, "encoder.logvar", h), z = mu;
    for (std::size_t i = 0; i < z.values.size(); ++i)
      z.values[i] += std::exp(log_sigma.values[i] *= 0.5) * batch_.noise.values[i];
    const Judged original = judge(p, batch_.x), again = judge(p, decode(p, z)),
                 made_up = judge(p, decode(p, batch_.prior));
    std::vector<double> losses = {sum(reference::divergences(mu, log_sigma)),
                                  sum(reference::half_squared_distances(again.feature, original.feature)),
                                  surprise(again, true) + surprise(made_up, true),
                                  surprise(original, true) + surprise(again, false) + surprise(made_up, false)};
    if (m_.labels > 0)
      losses.push_back(auxiliary_loss(apply_linear(p, "discriminator.aux", original.last), batch_.aux).loss);
    return losses;
  }

 private:
  struct Judged {
    Matrix feature, last, logit;
  };
  static double sum(const Matrix& m) {
    double total = 0;
    for (double v : m.values) total += v;
    return total;
  }
  static double surprise(const Judged& j, bool as_original) {
    double total = 0;
    for (double logit : j.logit.values) total += reference::adversarial(logit, as_original).loss;
    return total;
  }
  Matrix hidden(const reference::MldrlParameters& p, const std::string& group, Matrix x, std::size_t layers) const {
    for (std::size_t i = 1; i <= layers; ++i)
      x = activate(reference_activation(m_.activation),
                   apply_linear(p, group + ".hidden" + (i > 1 ? std::to_string(i) : ""), x));
    return x;
  }
  Matrix decode(const reference::MldrlParameters& p, const Matrix& z) const {
    return activate(reference_activation(m_.output_activation),
                    apply_linear(p, "decoder.out", hidden(p, "decoder", z, m_.decoder.size())));
  }
  Judged judge(const reference::MldrlParameters& p, const Matrix& x) const {
    const Matrix last = hidden(p, "discriminator", x, m_.discriminator.size());
    return {hidden(p, "discriminator", x, static_cast<std::size_t>(m_.feature_layer)), last,
            apply_linear(p, "discriminator.out", last)};
  }

  const VaeganModel& m_;
  const reference::VaeganBatch& batch_;
};

/// Derivatives of every task's loss by every parameter.
std::vector<GradientByName> differences(const DeepVaegan& model, reference::MldrlParameters p, std::size_t tasks) {
  std::vector<GradientByName> gradients(tasks);
  for (auto& [name, value] : p.by_name) {
    const Matrix middle = value;
    for (std::size_t k = 0; k < tasks; ++k)
      gradients[k].emplace(name, reference::central_difference(middle, [&, &entry = value](const Matrix& at) {
                             entry = at;
                             return model.losses(p)[k];
                           }));
    value = middle;
  }
  return gradients;
}

TEST(VaeganGradients, OfDeeperNetworksAreCentralDifferences) {
  for (const int feature_layer : {1, 2})
    for (const int labels : {0, 2}) {
      SCOPED_TRACE("feature layer " + std::to_string(feature_layer) + ", labels " + std::to_string(labels));
      auto setup = synthetic_vaegan(labels, {6, 5}, feature_layer);
      VaeganModel& m = vaegan(setup);
      m.features = 7;
      m.activation = labels > 0 ? Activation::tanh : Activation::relu;
      m.output_activation = labels > 0 ? Activation::sigmoid : Activation::identity;
      SteppedSystem s(setup, 6);
      s.stepper.step();
      s.stepper.probe();
      const reference::VaeganBatch batch = reference_vaegan_batch(s);
      const reference::MldrlParameters parameters = reference_parameters(s);
      const DeepVaegan deep(m, batch);
      const std::vector<double> losses = deep.losses(parameters);
      const std::vector<GradientByName> expected = differences(deep, parameters, losses.size());
      for (std::size_t k = 0; k < losses.size(); ++k) {
        EXPECT_NEAR(s.stepper.probed().losses[k], losses[k], 2e-6 * (1 + losses[k])) << "task " << k;
        expect_task_gradient(s, static_cast<int>(k), expected[k],
                             [&](const std::string& name) { return reaches(static_cast<int>(k), name); });
      }
    }
}

}  // namespace
}  // namespace equipoise::test
