// kernels/balance/gradnorm.h - GradNorm (Chen et al. 2018, algorithm 1), from gradient norms alone.
//   n_i = w_i |g_i|,  r_i = (L_i / L_i(0)) / mean,  t_i = mean(n) r_i^alpha,  loss = sum |n_i - t_i|
//   d loss / d w_i = sign(n_i - t_i) |g_i|, then Adam on w and, if asked, rescaling to sum K.
// The mean of the ratios keeps its sign; a negative r counts as 0, and if the mean is not positive every r is 1. A task
// that has no loss in this batch sits the step out. Targets are constants to the derivative, as in the paper.
//
// `softmax` is the form of the impartial-VAE code: w = K exp(v) / sum exp(v) and Adam steps the logits v, so that no
// weight can turn negative and the sum is K throughout.
//
// Habits of published programs: `renormalise = in_loss` lets Adam step weights v that are left alone and uses
// w = K v / sum v from the second step on (v as it is in the first), with the derivative taken through the sum;
// `restart` forgets Adam's moments after each step, so that every weight moves by about task_lr.
//
// Settings: alpha, task_lr, beta1, beta2, eps, initial_weights; method.loss_ratio, renormalise, restart, softmax.
// State [8, K]: weights (before renormalising in the loss) or logits, two moments, their powers of beta, first loss,
// has first loss, started.
#pragma once

#include "kernels/balance/method.h"
#include "kernels/balance/task_adam.h"
#include "kernels/base/strict_math.h"
#include "kernels/base/team.h"

namespace equipoise {

/// No step of Adam takes a task weight below this: a negative one would have its loss maximised, and weights of both
/// signs would explode when they are rescaled to their sum. The paper takes weights to be positive.
inline constexpr double kMinTaskWeight = 1e-6;

/// Rows of GradNorm's state.
struct GradNormState {
  enum Row { kValue, kMoment1, kMoment2, kPower1, kPower2, kFirst, kHasFirst, kStarted };
  const Weighing& in;

  EQ_FN double old(Row row, int i) const { return in.state[row * in.tasks + i]; }
  EQ_FN double& next(Row row, int i) const { return in.next[row * in.tasks + i]; }
  /// Weight or logit of the step to come, from the settings before the first.
  EQ_FN double value(int i, bool softmax) const {
    if (old(kStarted, 0) != 0) return old(kValue, i);
    const double w = in.settings->initial_weights[i];
    return softmax ? strict_log(w > kMinTaskWeight ? w : kMinTaskWeight) : w;
  }
};

/// GradNorm with `measured(i)` in the place of the loss whose fall is compared with the other tasks'. Collective: each
/// member takes tasks for what is long (powers, roots, quotients) and leaves what sums are made of where the results
/// will lie; every member forms the sums, tasks rising. Begins after a barrier, ends with one.
template <class Team, class Measured>
EQ_FN void weigh_by_gradient_norms(const Team& team, const Weighing& in, const Method& method, Measured&& measured) {
  using State = GradNormState;
  const State s{in};
  const int tasks = in.tasks;
  const auto each = [&](auto&& f) {
    share(team, tasks, f);
    team.sync();
  };
  const bool softmax = method.softmax != 0;
  // The first step's weights are used as they are given.
  const bool in_loss = !softmax && method.renormalise == Normalise::in_loss && s.old(State::kStarted, 0) != 0;
  double raised = 1.0;
  each([&](int i) { in.weight[i] = softmax ? strict_exp(s.value(i, true)) : s.value(i, false); });
  if (softmax || in_loss) {
    double sum_values = 0;
    for (int i = 0; i < tasks; ++i) sum_values += in.weight[i];
    team.sync();
    if (in_loss) raised = tasks / sum_values;
    each([&](int i) { in.weight[i] = softmax ? tasks * (in.weight[i] / sum_values) : raised * in.weight[i]; });
  }
  if (!in.norm) return;

  // A gradient that vanishes has fallen to nothing, even if it always was zero; a loss of 0 / 0 has no ratio.
  const auto ratio = [&](int i) {
    const double now = measured(i);
    return method.kind == MethodKind::gradnorm_modified && now == 0.0 ? 0.0 : now / s.next(State::kFirst, i);
  };
  each([&](int i) {
    s.next(State::kValue, i) = s.value(i, softmax);
    s.next(State::kStarted, i) = 1;
    in.target[i] = 0;
    if (!in.present[i]) return;
    if (s.old(State::kHasFirst, i) == 0) {
      s.next(State::kFirst, i) = measured(i);
      s.next(State::kHasFirst, i) = 1;
    }
    in.target[i] = ratio(i);
  });
  double sum_norm = 0, sum_ratio = 0;
  int present = 0;
  for (int i = 0; i < tasks; ++i) {
    if (!in.present[i]) continue;
    sum_ratio += in.target[i];
    sum_norm += in.weight[i] * in.norm[i];
    ++present;
  }
  team.sync();
  const double mean_ratio = sum_ratio / present, mean_norm = sum_norm / present;
  const bool rates = mean_ratio > 0 && mean_ratio - mean_ratio == 0.0;  // else a first loss was zero, or signs cancel
  each([&](int i) {
    if (!in.present[i]) return;
    const double rate = rates ? in.target[i] / mean_ratio : 1.0;
    in.target[i] = mean_norm * strict_pow(rate > 0 ? rate : 0.0, in.settings->alpha);
  });
  const auto off_target = [&](int i) { return in.weight[i] * in.norm[i] - in.target[i]; };
  const auto slope_of = [&](int i, double off) { return (off > 0 ? 1.0 : (off < 0 ? -1.0 : 0.0)) * in.norm[i]; };
  double loss = 0, pulled = 0;  // pulled: sum of weight times derivative, where weights share a sum
  for (int i = 0; i < tasks; ++i) {
    if (!in.present[i]) continue;
    const double off = off_target(i);
    loss += off < 0 ? -off : off;
    pulled += in.weight[i] * slope_of(i, off);
  }
  if (team.thread_rank() == 0) *in.gradnorm_loss = loss;

  const AdamSettings adam{in.settings->task_lr, in.settings->beta1, in.settings->beta2, in.settings->eps};
  each([&](int i) {
    if (in.present[i]) {
      double slope = slope_of(i, off_target(i));
      if (softmax) slope = in.weight[i] * (slope - pulled / tasks);
      if (in_loss) slope = raised * (slope - pulled / tasks);
      const bool fresh = method.restart != 0 || s.old(State::kPower2, i) == 0;  // beta1 to the power of t may underflow
      if (method.restart != 0) s.next(State::kMoment1, i) = s.next(State::kMoment2, i) = 0;
      s.next(State::kPower1, i) = (fresh ? 1.0 : s.old(State::kPower1, i)) * in.settings->beta1;
      s.next(State::kPower2, i) = (fresh ? 1.0 : s.old(State::kPower2, i)) * in.settings->beta2;
      const double next = adam_scalar(adam, s.next(State::kValue, i), slope, s.next(State::kMoment1, i),
                                      s.next(State::kMoment2, i), s.next(State::kPower1, i), s.next(State::kPower2, i));
      s.next(State::kValue, i) = next < kMinTaskWeight && !softmax ? kMinTaskWeight : next;
    }
    in.next_weight[i] = softmax ? strict_exp(s.next(State::kValue, i)) : s.next(State::kValue, i);
  });
  double sum = 0;
  for (int i = 0; i < tasks; ++i) sum += in.next_weight[i];
  team.sync();
  const bool rescale = !softmax && method.renormalise == Normalise::after_step && sum > 0;
  const double next_raised = !softmax && method.renormalise == Normalise::in_loss ? tasks / sum : 1.0;
  each([&](int i) {
    if (rescale) s.next(State::kValue, i) *= tasks / sum;
    in.next_weight[i] = softmax ? tasks * (in.next_weight[i] / sum) : next_raised * s.next(State::kValue, i);
  });
}

template <class Team>
EQ_FN void weigh_gradnorm(const Team& team, const Weighing& in, const Method& method) {
  weigh_by_gradient_norms(team, in, method, [&](int i) {
    return method.loss_ratio == LossRatio::weighted ? in.weight[i] * in.loss[i] : in.loss[i];
  });
}

}  // namespace equipoise
