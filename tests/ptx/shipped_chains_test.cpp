// tests/ptx/shipped_chains_test.cpp - balancing methods on Gram matrices that training would seldom meet, and both
// batches of solvers: what the shipped kernels leave is what one thread of the CPU leaves.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/balance/methods.h"
#include "kernels/run/gram_batch_launch.h"
#include "kernels/run/min_norm_batch.h"
#include "tests/cuda/problem.h"
#include "tests/kernels/balance/gradient_families.h"
#include "tests/ptx/hand_program.h"

namespace equipoise::ptx::test {

namespace {

using equipoise::test::Change;
using equipoise::test::Family;
using equipoise::test::GradientFamilies;
using equipoise::test::Rows;

using Specs = std::vector<std::string>;

/// What a chain meets besides its gradients' inner products.
struct Meeting {
  bool rescale = false, private_weights = false;
  int absent = -1;          ///< a task without labelled rows
  int zero = -1;            ///< a task whose gradient is zero
  double lost = 1.0;        ///< the losses' factor
  bool not_finite = false;  ///< a loss is NaN: the step is refused
};

std::vector<double> family_gram(Family family, Change change, int tasks, uint64_t seed) {
  GradientFamilies families(seed);
  Rows rows = families.rows(family, tasks);
  return families.gram(rows, change);
}

/// Three steps of one chain, weights alone where it has no use for gradients.
void walk_chain(const Specs& specs, int tasks, const std::vector<double>& gram, const Meeting& with = {}) {
  HandProgram p(2, 2, static_cast<uint64_t>(tasks));
  const MethodList list = parse_methods(specs, "test");
  Chain& chain = p.chains[0] = make_chain(list.methods, tasks);
  chain.rescale = with.rescale;
  chain.private_weights = with.private_weights;
  if (list.alpha) p.settings.alpha = *list.alpha;
  if (list.task_lr) p.settings.task_lr = *list.task_lr;
  Control& k = p.control;
  std::copy(gram.begin(), gram.end(), k.gram);
  for (int i = 0; i < tasks; ++i) {
    k.losses[i] *= with.lost;
    if (i == with.zero)
      for (int j = 0; j < tasks; ++j) k.gram[i * tasks + j] = k.gram[j * tasks + i] = 0;
  }
  if (with.absent >= 0) k.present[with.absent] = 0;
  if (with.not_finite) {
    k.losses[tasks - 1] = std::nan("");
    k.finite = 0;
    p.settings.on_nonfinite = OnNonfinite::skip;
  }
  const Place state = p.doubles(chain.state + 1, 0, 0), next = p.doubles(chain.state + tasks),
              mixing = p.doubles(tasks * tasks), scratch = p.doubles(Balance::balance_scratch(tasks));
  p.scratch = scratch;
  const bool weighs = !needs_gram(chain);
  if (weighs) p.add(Weigh{state, scratch, 0});
  p.add(Balance{state, next, mixing, scratch, 0, weighs});
  p.add(CommitBalance{state, next, 0});
  p.add(CloseStep{tasks, 2, 1, 1, 2, true});
  p.steps = 3;
  std::string what;
  for (const std::string& spec : specs) what += spec + " ";
  p.expect_the_cpus_bits(what + "of " + std::to_string(tasks), 32);
}

/// Everything on the device is NaN until it is written.
void solve_min_norm(int problems, int tasks, const std::vector<double>& grams) {
  const auto count = static_cast<std::size_t>(problems), k = static_cast<std::size_t>(tasks);
  std::vector<double> expected(count * (k + 2), std::nan("")), got = expected;  // weights, values, gaps
  const auto batch = [&](const double* gram, double* to) {
    return MinNormBatch{problems, tasks, gram, to, to + count * k, to + count * (k + 1)};
  };
  min_norm_batch_cpu(batch(grams.data(), expected.data()), 1);
  const DeviceMemory gram = uploaded(0, grams), to = uploaded(0, got);
  min_norm_batch_device(0, batch(gram.as<const double>(), to.as<double>()));
  to.download(got.data(), got.size() * sizeof(double));
  equipoise::test::expect_equal_bits(expected, got, "min-norm of " + std::to_string(tasks));
}

const Specs kMixing = {"mgda",   "pcgrad",   "gradvac",     "cagrad",   "imtl_g",   "nsgd",
                       "upgrad", "dualproj", "aligned_mtl", "nash_mtl", "fairgrad", "config"};

}  // namespace

TEST(HandChains, OfOneMixingMethodHaveTheCpusBits) {
  for (const std::string& method : kMixing)
    for (const int tasks : {2, 3, 5, 8, 9, 13}) {
      const auto seed = static_cast<uint64_t>(tasks);
      walk_chain({method}, tasks, family_gram(Family::random, Change::none, tasks, seed));
      walk_chain({method}, tasks, family_gram(Family::fewer_dimensions_than_tasks, Change::none, tasks, seed));
      walk_chain({method + ":normalise=loss+"}, tasks, family_gram(Family::near_opposites, Change::noise, tasks, seed),
                 {.rescale = true, .private_weights = true, .absent = tasks - 1});
    }
}

TEST(HandChains, OfHardGradientsHaveTheCpusBits) {
  for (const std::string& method : kMixing)
    for (const Family family : {Family::rank_one, Family::duplicates, Family::near_duplicates, Family::opposites,
                                Family::zero_in_hull, Family::little_conflict})
      for (const Change change : {Change::none, Change::scales_and_noise})
        walk_chain({method}, 4, family_gram(family, change, 4, 3), {.zero = change == Change::none ? -1 : 1});
}

/// Bargaining has its solution before the first step.
TEST(HandChains, OfGradientsThatHaveNothingInCommonHaveTheCpusBits) {
  for (const std::string& method : kMixing)
    for (const int tasks : {3, 6}) {
      std::vector<double> gram(static_cast<std::size_t>(tasks * tasks));
      for (int i = 0; i < tasks; ++i) gram[static_cast<std::size_t>(i * tasks + i)] = 4.0;
      walk_chain({method}, tasks, gram);
    }
}

TEST(HandChains, OfSettingsHaveTheCpusBits) {
  for (const char* method : {"cagrad:c=0", "cagrad:c=0.99", "fairgrad:alpha=0.1", "fairgrad:alpha=10",
                             "nsgd:update_at=1", "nsgd:update_at=9", "pcgrad:order=identity",
                             "gradvac:order=identity,beta=1", "mgda:normalise=l2", "upgrad:normalise=loss"})
    for (const int tasks : {3, 6}) {
      walk_chain({method}, tasks, family_gram(Family::random, Change::none, tasks, 5), {.lost = -1});
      walk_chain({method}, tasks, family_gram(Family::opposites, Change::none, tasks, 6), {.zero = 0});
    }
}

TEST(HandChains, ThatWeighHaveTheCpusBits) {
  for (const int tasks : {1, 2, 3, 5, 9}) {
    const std::vector<double> gram = family_gram(Family::random, Change::none, tasks, 7);
    for (const char* method : {"identity", "equal", "uw", "dwa:temperature=0.5", "rlw", "famo"})
      for (const int absent : {-1, 0}) walk_chain({method}, tasks, gram, {.absent = absent});
    for (const std::string name : {"gradnorm", "gradnorm_modified"})
      for (const char* settings :
           {"form=softmax", "form=softmax,restart=each_step,loss_ratio=weighted", "renormalise=none,alpha=0",
            "renormalise=in_loss", "renormalise=in_loss,loss_ratio=weighted", "restart=each_step,lr=10,alpha=5"}) {
        walk_chain({name + ":" + settings}, tasks, gram);
        walk_chain({name + ":" + settings}, tasks, gram, {.private_weights = true, .absent = 0, .zero = tasks - 1});
        walk_chain({name + ":" + settings}, tasks, gram, {.lost = 0});
      }
  }
}

TEST(HandChains, OfSeveralMethodsHaveTheCpusBits) {
  for (const int tasks : {2, 4, 7, 16}) {
    const std::vector<double> gram = family_gram(Family::random, Change::scales, tasks, 8);
    walk_chain({"famo", "gradnorm", "pcgrad:normalise=loss", "mgda:normalise=l2"}, tasks, gram, {.rescale = true});
    walk_chain({"uw", "dwa", "rlw", "equal"}, tasks, gram, {.rescale = true, .private_weights = true});
    walk_chain({"gradvac", "upgrad", "graddrop"}, tasks, gram, {.absent = 0});
  }
}

TEST(HandChains, OfStepsThatAreRefusedHaveTheCpusBits) {
  for (const char* method : {"equal", "uw", "dwa", "famo", "gradnorm", "mgda", "nash_mtl"})
    walk_chain({method}, 3, family_gram(Family::random, Change::none, 3, 9), {.not_finite = true});
}

TEST(HandBatches, OfMinNormProblemsHaveTheCpusBits) {
  for (const int tasks : {1, 2, 4, 5, 7, 10}) {
    std::vector<double> grams;
    int problems = 0;
    for (int family = 0; family < equipoise::test::kFamilies; ++family)
      for (const Change change : {Change::none, Change::scales_and_noise}) {
        const std::vector<double> gram =
            family_gram(static_cast<Family>(family), change, tasks, static_cast<uint64_t>(10 + family));
        grams.insert(grams.end(), gram.begin(), gram.end());
        ++problems;
      }
    solve_min_norm(problems, tasks, grams);
  }
}

}  // namespace equipoise::ptx::test
