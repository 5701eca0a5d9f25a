// kernels/balance_step.h - balancing as operations of a program: weights before the gradients are known, the chain of
// methods once their Gram matrix is, and the state that follows if the step is accepted.
//
// State of the methods lies in the replica's state behind the moments, as float64, zero before the first step. A step
// writes the state to come beside it; only a step with finite losses and gradients makes it the state.
#pragma once

#include "kernels/balance/chain.h"
#include "kernels/memory.h"
#include "kernels/team.h"

namespace equipoise {

EQ_FN StepDraws step_draws(const Context& c) {
  return {c.settings->seed, c.settings->replica, static_cast<uint32_t>(c.control->step)};
}

EQ_FN ChainStep chain_step(const Context& c, Place state) {
  ChainStep s{};
  s.present = c.control->present;
  s.loss = c.control->losses;
  s.gram = c.control->gram;
  s.settings = c.settings;
  s.draws = step_draws(c);
  // An epoch whose first steps were refused still begins; sums start afresh with it.
  s.epoch_begins = c.control->position == 0 || c.control->sum_steps == 0;
  s.state = c.doubles(state);
  return s;
}

/// control.shared_weights and private_weights of a chain that only weighs losses.
struct Weigh {
  Place state;    // [chain.state] float64
  Place scratch;  // [K] float64

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
    if (warp.thread_rank() != 0) return;
    ChainStep s = chain_step(c, state);
    s.scratch = c.doubles(scratch);
    s.shared = c.control->shared_weights;
    s.own = c.control->private_weights;
    weigh_chain(*c.chain, s);
  }
};

/// Runs the chain on control.gram and control.losses: coefficients, mixing matrix, and the state to come.
struct Balance {
  Place state;         // [chain.state] float64
  Place next;          // [chain.state + K] float64: the state to come, then the next step's weights; overwritten
  Place mixing;        // [K, K] float64, overwritten
  Place scratch;       // [balance_scratch(K)] float64
  bool weights_known;  // Weigh has written the coefficients, which are read elsewhere already

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
    const int tasks = c.chain->tasks;
    double* const shared = c.doubles(scratch);
    double* const own = shared + tasks;
    ChainStep s = chain_step(c, state);
    s.next = c.doubles(next);
    s.scratch = own + tasks;
    s.mixing = c.doubles(mixing);
    s.shared = shared;
    s.own = own;
    s.next_weight = s.next + c.chain->state;
    s.target = k.targets;
    s.gradnorm_loss = &k.gradnorm_loss;
    s.step_norm = &k.step_norm;
    s.certificate = &k.certificate;
    run_chain(warp, *c.chain, s);
    for (int i = warp.thread_rank(); i < tasks; i += warp.size()) {
      k.norms[i] = shared[i] * sqrt(k.gram[i * tasks + i]);
      if (weights_known) continue;
      k.shared_weights[i] = shared[i];
      k.private_weights[i] = own[i];
    }
  }
};

/// The state to come becomes the state, if the step may update anything.
struct CommitBalance {
  Place state;  // [chain.state] float64, overwritten
  Place next;   // [chain.state + K] float64

  template <class Team>
  EQ_FN int units(const Context& c) const {
    return c.chain->state + c.chain->tasks;
  }
  template <class Team>
  EQ_FN void unit(const Context& c, int u) const {
    if (!c.control->finite) return;
    const double value = c.doubles(next)[u];
    if (u < c.chain->state) c.doubles(state)[u] = value;
    else c.control->weights[u - c.chain->state] = value;
  }
};

}  // namespace equipoise
