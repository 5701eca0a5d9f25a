// kernels/ops/close_step.h - the end of a step: sums for the epoch's metrics, powers of beta, progress, and the policy
// for a step that met something non-finite.
//
// Machines, and compilers on one machine, differ in the sign and payload of the NaNs they make; a control shall not. So
// where a step met one, all that control holds are made the same before anybody reads them.
#pragma once

#include "kernels/base/fields.h"
#include "kernels/base/strict_math.h"
#include "kernels/base/team.h"
#include "kernels/state/memory.h"

namespace equipoise {

inline constexpr uint64_t kCanonicalNan = 0x7ff8000000000000u;  ///< the bits of every NaN in a control

struct CloseStep {
  int32_t tasks, terms, balancers;
  uint64_t summed_terms;  // bit t: term t is a sum over the batch; the epoch's mean is by row all the same
  uint64_t summed_tasks;
  bool trains;  // false in evaluation: sums and progress only
  EQ_FIELDS(tasks, terms, balancers, summed_terms, summed_tasks, trains)

  static constexpr bool kOneWarp = true;  // a lane takes a term, a task or a pair of tasks

  template <class Team>
  EQ_FN int units(const Context&) const {
    return 1;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int) const {
    on_warp(Solo{}, c);
  }
  template <class Warp>
  EQ_FN void on_warp(const Warp& warp, const Context& c) const {
    Control& k = *c.control;
    const Settings& s = *c.settings;
    const bool good = !trains || k.finite != 0;
    if (good) add_sums(warp, c);
    warp.sync();
    const bool mend = !good || (!trains && !(k.gradient_norm - k.gradient_norm == 0.0 && sums_are_finite(k)));
    warp.sync();  // all know before anything is mended
    if (mend) canonical_nans(warp, *this, k);
    if (warp.thread_rank() != 0) return;
    if (trains && good) {
      k.beta1_power *= s.beta1;
      k.beta2_power *= s.beta2;
    }
    if (!good) {
      ++k.skipped;
      if (s.on_nonfinite == OnNonfinite::stop) k.status = Status::stopped;
      if (s.on_nonfinite == OnNonfinite::freeze) k.status = Status::frozen;
    }
    ++k.step;
    k.position += c.n;
    if (k.position >= s.rows) {
      k.position = 0;
      ++k.epoch;
    }
  }

  /// An evaluation has no gate: its sums tell, once for the whole epoch.
  EQ_FN bool sums_are_finite(const Control& k) const {
    double sum = 0;
    for (int i = 0; i < tasks; ++i) sum += k.sum_losses[i] - k.sum_losses[i];
    return sum == 0.0;
  }
  template <class Warp>
  EQ_COLD static void canonical_nans(const Warp& warp, const CloseStep& step, Control& k) {
    const auto mend = [&](double* values, int count) {
      // By bits: a comparison of floats would let a compiler keep any NaN it likes.
      share(warp, count, [&](int i) {
        if ((bits_as<uint64_t>(values[i]) & 0x7fffffffffffffffu) > 0x7ff0000000000000u)
          values[i] = bits_as<double>(kCanonicalNan);
      });
    };
    mend(k.shared_weights, kMaxTasks);
    mend(k.private_weights, kMaxTasks);
    mend(k.terms, step.terms);
    mend(k.term_slope, step.terms);
    mend(k.term_rows, step.terms);
    mend(k.losses, step.tasks);
    mend(k.task_rows, step.tasks);
    mend(k.gram, step.balancers * step.tasks * step.tasks);
    mend(k.norms, step.balancers * step.tasks);
    mend(k.targets, step.balancers * step.tasks);
    mend(k.gradnorm_loss, step.balancers);
    mend(k.step_norm, step.balancers);
    mend(k.certificate, step.balancers);
    mend(&k.gradient_norm, 1);
    mend(&k.label_weight, 1);
    mend(k.sum_terms, step.terms);
    mend(k.sum_term_rows, step.terms);
    mend(k.sum_losses, step.tasks);
    mend(k.sum_task_rows, step.tasks);
  }

  template <class Warp>
  EQ_FN void add_sums(const Warp& warp, const Context& c) const {
    Control& k = *c.control;
    const int rank = warp.thread_rank();
    share(warp, terms, [&](int t) {
      k.sum_term_rows[t] += k.term_rows[t];
      k.sum_terms[t] += (summed_terms >> t & 1u ? 1.0 : k.term_rows[t]) * k.terms[t];
    });
    share(warp, tasks, [&](int i) {
      k.sum_task_rows[i] += k.task_rows[i];
      k.sum_losses[i] += (summed_tasks >> i & 1u ? 1.0 : k.task_rows[i]) * k.losses[i];
    });
    if (rank == 0) k.sum_steps += 1.0;
    if (!trains) return;
    if (rank == 0) k.sum_gradient_norm += k.gradient_norm;
    share(warp, balancers, [&](int b) {
      k.sum_step_norm[b] += k.step_norm[b];
      if (k.certificate[b] > k.worst_certificate[b]) k.worst_certificate[b] = k.certificate[b];
    });
    share(warp, balancers * tasks, [&](int i) { k.sum_norms[i] += k.norms[i]; });
    share(warp, balancers * tasks * tasks, [&](int i) { k.sum_gram[i] += k.gram[i]; });
  }
};

}  // namespace equipoise
