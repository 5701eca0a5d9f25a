// kernels/ops/balance_step.h - balancing as operations of a program: weights before the gradients are known, the chain
// of methods once their Gram matrix is, and the state that follows if the step is accepted.
//
// State of the methods lies in the replica's state behind the moments, as float64, zero before the first step. A step
// writes the state to come beside it; only a step with finite losses and gradients makes it the state.
#pragma once

#include "kernels/balance/run_chain.h"
#include "kernels/base/fields.h"
#include "kernels/base/team.h"
#include "kernels/state/memory.h"

namespace equipoise {

EQ_FN StepDraws step_draws(const Context& c, int balancer) {
  return {c.settings->seed, c.settings->replica, static_cast<uint32_t>(c.control->step), balancer};
}

EQ_FN ChainStep chain_step(const Context& c, Place state, int balancer) {
  ChainStep s{};
  s.present = c.control->present;
  s.loss = c.control->losses;
  s.gram = c.control->gram + balancer * c.chains[balancer].tasks * c.chains[balancer].tasks;
  s.settings = c.settings;
  s.draws = step_draws(c, balancer);
  // An epoch whose first steps were refused still begins; sums start afresh with it.
  s.epoch_begins = c.control->position == 0 || c.control->sum_steps == 0;
  s.state = c.doubles(state);
  return s;
}

/// control.shared_weights and private_weights of a chain that only weighs losses.
struct Weigh {
  Place state;       // [chain.state] float64
  Place scratch;     // [K] float64
  int32_t balancer;  // number of the chain
  EQ_FIELDS(state, scratch, balancer)

  static constexpr bool kOneWarp = true;

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
    const Chain& chain = c.chains[balancer];
    ChainStep s = chain_step(c, state, balancer);
    s.scratch = c.doubles(scratch);
    s.shared = c.control->shared_weights + balancer * chain.tasks;
    s.own = c.control->private_weights + balancer * chain.tasks;
    weigh_chain(warp, chain, s);
  }
};

/// Runs the chain on control.gram and control.losses: coefficients, mixing matrix, and the state to come.
struct Balance {
  Place state;         // [chain.state] float64
  Place next;          // [chain.state + K] float64: the state to come, then the next step's weights; overwritten
  Place mixing;        // [K, K] float64, overwritten
  Place scratch;       // [balance_scratch(K)] float64
  int32_t balancer;    // number of the chain
  bool weights_known;  // Weigh has written the coefficients, which are read elsewhere already
  EQ_FIELDS(state, next, mixing, scratch, balancer, weights_known)

  EQ_FN static constexpr int balance_scratch(int tasks) { return 3 * tasks + chain_scratch(tasks); }

  static constexpr bool kOneWarp = true;  // a warp shares the work where there is one

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
    const Chain& chain = c.chains[balancer];
    const int tasks = chain.tasks, first = balancer * tasks;
    double* const shared = c.doubles(scratch);
    double* const own = shared + tasks;
    ChainStep s = chain_step(c, state, balancer);
    s.next = c.doubles(next);
    s.scratch = own + tasks;
    s.mixing = c.doubles(mixing);
    s.shared = shared;
    s.own = own;
    s.next_weight = s.next + chain.state;
    s.target = k.targets + first;
    s.gradnorm_loss = k.gradnorm_loss + balancer;
    s.step_norm = k.step_norm + balancer;
    s.certificate = k.certificate + balancer;
    run_chain(warp, chain, s);
    EQ_ROLLED
    for (int i = warp.thread_rank(); i < tasks; i += warp.size()) {
      k.norms[first + i] = shared[i] * sqrt(s.gram[i * tasks + i]);
      if (weights_known) continue;
      k.shared_weights[first + i] = shared[i];
      k.private_weights[first + i] = own[i];
    }
  }
};

/// The state to come becomes the state, if the step may update anything.
struct CommitBalance {
  Place state;  // [chain.state] float64, overwritten
  Place next;   // [chain.state + K] float64
  int32_t balancer;
  EQ_FIELDS(state, next, balancer)

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.chains[balancer].state + c.chains[balancer].tasks;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (!c.control->finite) return;
    const Chain& chain = c.chains[balancer];
    const double value = c.doubles(next)[u];
    if (u < chain.state) c.doubles(state)[u] = value;
    else c.control->weights[balancer * chain.tasks + u - chain.state] = value;
  }
};

}  // namespace equipoise
