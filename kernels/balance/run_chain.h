// kernels/balance/run_chain.h - a composition of methods, left to right, as one K x K mixing matrix.
//
// With gradients J [K, D] and G = J J^T, every method maps (G, losses, its state) to a matrix M; the next one sees
// M G M^T, and the whole is the product C of all M. The step is 1^T C J: task j's gradient enters it with the sum of
// column j of C. The long gradients are not read here.
//
// Who takes part: a mixing method sees the tasks that are present and whose gradient is not zero; the others keep the
// row of the identity. With fewer than two such tasks it is the identity, bit for bit.
// Cost: methods aside, 4 K^3 fma for each mixing method.
#pragma once

#include <cstdint>

#include "kernels/balance/aligned_mtl.h"
#include "kernels/balance/cagrad.h"
#include "kernels/balance/chain.h"
#include "kernels/balance/config.h"
#include "kernels/balance/dualproj.h"
#include "kernels/balance/dwa.h"
#include "kernels/balance/equal.h"
#include "kernels/balance/fairgrad.h"
#include "kernels/balance/famo.h"
#include "kernels/balance/gradnorm.h"
#include "kernels/balance/gradnorm_modified.h"
#include "kernels/balance/gradvac.h"
#include "kernels/balance/identity.h"
#include "kernels/balance/imtl_g.h"
#include "kernels/balance/method.h"
#include "kernels/balance/mgda.h"
#include "kernels/balance/nash_mtl.h"
#include "kernels/balance/nsgd.h"
#include "kernels/balance/pcgrad.h"
#include "kernels/balance/rlw.h"
#include "kernels/balance/upgrad.h"
#include "kernels/balance/uw.h"
#include "kernels/base/team.h"
#include "kernels/state/control.h"

namespace equipoise {

/// What one step gives to a chain and gets from it. Arrays of K, matrices [K, K] row-major, by task number.
struct ChainStep {
  const int32_t* present;
  const double* loss;
  const double* gram;  ///< of the unweighted gradients
  const Settings* settings;
  StepDraws draws;
  bool epoch_begins;
  const double* state;  ///< [chain.state]
  double* next;         ///< [chain.state] written: the state once the step is accepted
  double* scratch;      ///< chain_scratch(K) doubles
  double* mixing;       ///< C
  double* shared;       ///< sums of C's columns: coefficients of gradients of shared parameters
  double* own;          ///< coefficients of gradients of private parameters
  double* next_weight;  ///< next step's weights, so far as weighing methods know them
  double* target;       ///< GradNorm's
  double* gradnorm_loss;
  double* step_norm;    ///< of 1^T C J
  double* certificate;  ///< gap of the last min-norm solution, or kNoCertificate
};

EQ_SIZE int chain_scratch(int tasks) { return 5 * tasks * tasks + 8 * tasks + 8 + mixing_scratch(tasks); }

/// Doubles that ChainRun takes of its scratch for itself; the methods find the rest.
EQ_SIZE int chain_kept(int tasks) { return 5 * tasks * tasks + 4 * tasks + tasks / 2 + 1; }
static_assert([] {
  for (int tasks = 1; tasks <= kMaxTasks; ++tasks)
    if (chain_kept(tasks) + mixing_scratch(tasks) > chain_scratch(tasks)) return false;
  return true;
}());

EQ_FN void weigh_by_one(const Weighing& in, const Method& method) {
  switch (method.kind) {
    case MethodKind::identity:
      return weigh_identity(in, method);
    case MethodKind::equal:
      return weigh_equal(in, method);
    case MethodKind::uw:
      return weigh_uw(in, method);
    case MethodKind::dwa:
      return weigh_dwa(in, method);
    case MethodKind::rlw:
      return weigh_rlw(in, method);
    case MethodKind::famo:
      return weigh_famo(in, method);
    case MethodKind::gradnorm:  // the whole team: see `weigh`
    case MethodKind::gradnorm_modified:
    case MethodKind::mgda:  // these change gradients: see `mix`
    case MethodKind::pcgrad:
    case MethodKind::gradvac:
    case MethodKind::cagrad:
    case MethodKind::imtl_g:
    case MethodKind::nsgd:
    case MethodKind::upgrad:
    case MethodKind::dualproj:
    case MethodKind::aligned_mtl:
    case MethodKind::nash_mtl:
    case MethodKind::fairgrad:
    case MethodKind::config:
    case MethodKind::graddrop:
      break;
  }
}

/// Collective; begins after a barrier, ends with one. What it is given is copied: every store to a double could change
/// what is reached through a reference, and so would have it read again.
template <class Team>
EQ_APART void weigh(const Team& team, const Weighing& given, const Method& chosen) {
  const Weighing in = given;
  const Method method = chosen;
  if (in.tasks > 1 && method.kind == MethodKind::gradnorm) return weigh_gradnorm(team, in, method);
  if (in.tasks > 1 && method.kind == MethodKind::gradnorm_modified) return weigh_gradnorm_modified(team, in, method);
  if (team.thread_rank() == 0) {
    if (in.tasks == 1 && method.kind != MethodKind::identity) weigh_equal(in, method);  // one task alone weighs 1
    else weigh_by_one(in, method);
  }
  team.sync();
}

template <class Team>
EQ_FN void mix(const Team& team, const Mixing& in, const Method& method) {
  switch (method.kind) {
    case MethodKind::mgda:
      return mix_mgda(team, in, method);
    case MethodKind::pcgrad:
      return mix_pcgrad(team, in, method);
    case MethodKind::gradvac:
      return mix_gradvac(team, in, method);
    case MethodKind::cagrad:
      return mix_cagrad(team, in, method);
    case MethodKind::imtl_g:
      return mix_imtl_g(team, in, method);
    case MethodKind::nsgd:
      return mix_nsgd(team, in, method);
    case MethodKind::upgrad:
      return mix_upgrad(team, in, method);
    case MethodKind::dualproj:
      return mix_dualproj(team, in, method);
    case MethodKind::aligned_mtl:
      return mix_aligned_mtl(team, in, method);
    case MethodKind::nash_mtl:
      return mix_nash_mtl(team, in, method);
    case MethodKind::fairgrad:
      return mix_fairgrad(team, in, method);
    case MethodKind::config:
      return mix_config(team, in, method);
    case MethodKind::graddrop:  // mixes elements, in the combine pass
    case MethodKind::identity:  // these weigh losses: see `weigh`
    case MethodKind::equal:
    case MethodKind::gradnorm:
    case MethodKind::gradnorm_modified:
    case MethodKind::uw:
    case MethodKind::dwa:
    case MethodKind::rlw:
    case MethodKind::famo:
      break;
  }
}

/// The call of a weighing method; `norm` null: weights only.
EQ_FN Weighing weighing_of(const Chain& chain, const ChainStep& s, const Method& method, const double* norm,
                           double* weight, double* next_weight) {
  Weighing w{};
  w.tasks = chain.tasks;
  w.present = s.present;
  w.loss = s.loss;
  w.norm = norm;
  w.settings = s.settings;
  w.draws = s.draws;
  w.epoch_begins = s.epoch_begins;
  w.state = s.state + method.state;
  w.next = s.next ? s.next + method.state : nullptr;
  w.weight = weight;
  w.next_weight = next_weight;
  w.target = s.target;
  w.gradnorm_loss = s.gradnorm_loss;
  return w;
}

/// Weights of a chain of weighing methods, before any gradient is known: shared and own. `s.scratch` holds K doubles;
/// nothing else of the step is written. Collective.
template <class Team>
EQ_FN void weigh_chain(const Team& team, const Chain& chain, const ChainStep& s) {
  share(team, chain.tasks, [&](int i) { s.shared[i] = 1.0; });
  for (int a = 0; a < chain.count; ++a) {
    weigh(team, weighing_of(chain, s, chain.methods[a], nullptr, s.scratch, nullptr), chain.methods[a]);
    share(team, chain.tasks, [&](int i) { s.shared[i] *= s.scratch[i]; });
    team.sync();
  }
  share(team, chain.tasks, [&](int i) {
    if (s.shared[i] - s.shared[i] != 0.0)
      s.shared[i] = 1.0;  // from a loss that is not finite: the gate refuses the step
    s.own[i] = s.shared[i];
  });
}

/// A run of a chain: the working arrays, cut from scratch, and its stages. Collective.
template <class Team>
class ChainRun {
 public:
  EQ_FN ChainRun(const Team& team, const Chain& chain, const ChainStep& step)
      : team_(team), chain_(chain), s_(step), k_(chain.tasks) {
    double* at = step.scratch;
    const auto take = [&](int count) {
      double* const here = at;
      at += count;
      return here;
    };
    gram_ = take(k_ * k_);
    compact_ = take(k_ * k_);
    mixing_ = take(k_ * k_);
    product_ = take(k_ * k_);
    old_ = take(k_ * k_);
    norm_ = take(k_);
    weight_ = take(k_);
    next_weight_ = take(k_);
    factor_ = take(k_);
    task_ = reinterpret_cast<int32_t*>(take(k_ / 2 + 1));
    for_method_ = take(0);
  }

  EQ_FN void run() {
    begin();
    if (finite())
      for (int a = 0; a < chain_.count; ++a) {
        const Method& method = chain_.methods[a];
        if (weighs_losses(method.kind)) weigh_losses(method);
        else if (method.kind != MethodKind::graddrop) change_gradients(method);
      }
    end();
  }

 private:
  EQ_FN int rank() const { return team_.thread_rank(); }
  template <class F>
  EQ_FN void each(int count, F&& f) const {  // with a barrier behind
    share(team_, count, f);
    team_.sync();
  }

  EQ_FN void begin() {
    share(team_, chain_.state, [&](int i) { s_.next[i] = s_.state[i]; });
    share(team_, k_, [&](int i) {
      s_.own[i] = s_.next_weight[i] = 1.0;
      s_.target[i] = 0.0;
    });
    if (rank() == 0) {
      *s_.certificate = kNoCertificate;
      *s_.gradnorm_loss = 0.0;
    }
    each(k_ * k_, [&](int e) {
      const int i = e / k_, j = e % k_;
      gram_[e] = s_.present[i] && s_.present[j] ? s_.gram[e] : 0.0;
      s_.mixing[e] = i == j ? 1.0 : 0.0;
    });
  }

  /// False where a gradient or loss is not: the chain is then the identity, and the step is refused at the gate.
  EQ_FN bool finite() const {
    double sum = 0;
    for (int i = 0; i < k_; ++i) sum += gram_[i * k_ + i] - gram_[i * k_ + i];
    for (int i = 0; i < k_; ++i) sum += s_.present[i] ? s_.loss[i] - s_.loss[i] : 0.0;
    return sum == 0.0;
  }

  EQ_FN void weigh_losses(const Method& method) {
    each(k_, [&](int i) { norm_[i] = sqrt(gram_[i * k_ + i]); });
    weigh(team_, weighing_of(chain_, s_, method, norm_, weight_, next_weight_), method);
    share(team_, k_, [&](int i) {
      s_.own[i] *= weight_[i];
      s_.next_weight[i] *= next_weight_[i];
    });
    each(k_ * k_, [&](int e) {
      const int i = e / k_, j = e % k_;
      s_.mixing[e] = weight_[i] * s_.mixing[e];
      gram_[e] = weight_[i] * weight_[j] * gram_[e];
    });
  }

  EQ_FN void change_gradients(const Method& method) {
    int m = 0;  // tasks that take part; counted by everyone, listed by one
    for (int i = 0; i < k_; ++i)
      if (gram_[i * k_ + i] > 0) {
        if (rank() == 0) task_[m] = i;
        ++m;
      }
    team_.sync();
    if (m < 2) return;
    each(m, [&](int a) { factor_[a] = normaliser(method.normaliser, task_[a]); });
    share(team_, k_ * k_, [&](int e) { old_[e] = s_.mixing[e]; });
    each(m * m, [&](int e) {
      const int a = e / m, b = e % m;
      compact_[e] = factor_[a] * factor_[b] * gram_[task_[a] * k_ + task_[b]];
    });
    Mixing in{};
    in.tasks = m;
    in.task = task_;
    in.all_tasks = k_;
    in.gram = compact_;
    in.draws = s_.draws;
    in.state = s_.state + method.state;
    in.next = s_.next + method.state;
    in.mixing = mixing_;
    in.certificate = s_.certificate;
    in.scratch = for_method_;
    mix(team_, in, method);
    apply(m);
  }

  EQ_FN double normaliser(Normaliser kind, int task) const {
    const double norm = sqrt(gram_[task * k_ + task]), loss = s_.loss[task] > 0 ? s_.loss[task] : 1.0;
    switch (kind) {
      case Normaliser::l2:
        return 1.0 / norm;
      case Normaliser::loss:
        return 1.0 / loss;
      case Normaliser::loss_plus:
        return 1.0 / (loss * norm);
      case Normaliser::none:
        break;
    }
    return 1.0;
  }

  /// C and G after the method: M F C and M F G F M^T, F the normaliser's diagonal, on the rows of tasks that take part.
  /// `old_` holds C. Begins after the method's last barrier; C is read behind others.
  EQ_FN void apply(int m) {
    share(team_, m * k_, [&](int e) {
      const int a = e / k_, j = e % k_;
      double sum = 0;
      for (int b = 0; b < m; ++b) sum = fma(mixing_[a * m + b] * factor_[b], old_[task_[b] * k_ + j], sum);
      s_.mixing[task_[a] * k_ + j] = sum;
    });
    each(m * m, [&](int e) {
      const int a = e / m, b = e % m;
      double sum = 0;
      for (int c = 0; c < m; ++c) sum = fma(mixing_[a * m + c], compact_[c * m + b], sum);
      product_[e] = sum;
    });
    each(m * m, [&](int e) {
      const int a = e / m < e % m ? e / m : e % m, b = e / m < e % m ? e % m : e / m;  // one of a pair, so symmetric
      double sum = 0;
      for (int c = 0; c < m; ++c) sum = fma(product_[a * m + c], mixing_[b * m + c], sum);
      gram_[task_[e / m] * k_ + task_[e % m]] = e / m == e % m && !(sum > 0) ? 0.0 : sum;
    });
  }

  EQ_FN void end() {
    each(k_, [&](int j) {
      double sum = 0;
      for (int i = 0; i < k_; ++i) sum += s_.mixing[i * k_ + j];
      s_.shared[j] = sum;
    });
    double plain = 0, length = 0;
    squared_norms(plain, length);
    const bool rescale = chain_.rescale && length > 0 && plain >= 0;
    const double scale = rescale ? sqrt(plain) / sqrt(length) : 1.0;
    team_.sync();
    if (rescale) {
      share(team_, k_, [&](int j) { s_.shared[j] *= scale; });
      share(team_, k_ * k_, [&](int e) { s_.mixing[e] *= scale; });
    }
    if (rank() == 0) *s_.step_norm = scale * sqrt(length > 0 ? length : 0.0);
    if (chain_.private_weights)  // a member copies what it has scaled itself
      share(team_, k_, [&](int j) { s_.own[j] = s_.shared[j]; });
    team_.sync();
  }

  /// c^T G c of the gradients as they came, for c of ones and for the step's: two sums that do not wait for each other,
  /// and selects, so that entries are read ahead.
  EQ_FN void squared_norms(double& plain, double& length) const {
    for (int i = 0; i < k_; ++i)
      for (int j = 0; j < k_; ++j) {
        const bool counts = (s_.present[i] != 0) & (s_.present[j] != 0);
        const double entry = s_.gram[i * k_ + j], longer = fma(s_.shared[i] * s_.shared[j], entry, length);
        plain = counts ? plain + entry : plain;
        length = counts ? longer : length;
      }
  }

  const Team& team_;
  const Chain& chain_;
  const ChainStep& s_;
  int k_;
  double *gram_, *compact_, *mixing_, *product_, *old_, *norm_, *weight_, *next_weight_, *factor_, *for_method_;
  int32_t* task_;
};

template <class Team>
EQ_APART void run_chain(const Team& team, const Chain& chain, const ChainStep& step) {
  ChainRun<Team>(team, chain, step).run();
}

#if !defined(__CUDACC__)
// Compiled once, in kernels/balance/run_chain.cpp, and not by every program that interprets.
extern template void run_chain<Solo>(const Solo& team, const Chain& chain, const ChainStep& step);
#endif

}  // namespace equipoise
