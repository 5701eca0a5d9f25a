// tests/engine/lower/operation_access.h - what an operation reads and writes as ranges of addresses, told from its own
// fields and the kernels' documentation, not from what the lowering declared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "engine/balance/methods.h"
#include "kernels/program/operation.h"

namespace equipoise::test {

/// The control counts as one more space, in units of 4 bytes.
inline constexpr int kControlSpace = kSpaces;

/// Floats begin .. end - 1 of a space.
struct Range {
  int space;
  int64_t begin, end;
};
struct Touched {
  std::vector<Range> reads, writes;
};

/// Collects the ranges of one operation in a batch of n rows.
class AccessOf {
 public:
  AccessOf(const Operation& o, const std::vector<Chain>& chains, int batch, int n) {
    c_.chains = chains.data();
    c_.batch = batch;
    c_.n = n;
    switch (o.kind) {
#define EQ_CASE(tag, Struct) \
  case OperationKind::tag:   \
    collect(o.tag);          \
    break;
      EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
    }
  }
  const Touched& touched() const { return touched_; }

 private:
  using Ranges = std::vector<Range>;
  Ranges& reads() { return touched_.reads; }
  Ranges& writes() { return touched_.writes; }

  static void floats(Ranges& to, Place p, int64_t count) {
    to.push_back({static_cast<int>(p.space), p.offset, p.offset + count});
  }
  static void doubles(Ranges& to, Place p, int64_t count) { floats(to, p, 2 * count); }
  void view(Ranges& to, const View& v) const {
    for (int r = 0; r < c_.rows(v); ++r) {
      const int64_t begin = v.place.offset + int64_t{v.block * c_.n + r} * v.stride;
      to.push_back({static_cast<int>(v.place.space), begin, begin + v.cols});
    }
  }
  static void control(Ranges& to, std::size_t offset, std::size_t bytes) {
    to.push_back({kControlSpace, static_cast<int64_t>(offset / 4), static_cast<int64_t>((offset + bytes) / 4)});
  }
#define EQ_FIELD(to, field) control(to, offsetof(Control, field), sizeof(Control::field))
  /// Entries first .. first + count - 1 of a list of doubles.
  static void entries(Ranges& to, std::size_t offset, int first, int count) {
    control(to, offset + static_cast<std::size_t>(first) * sizeof(double),
            static_cast<std::size_t>(count) * sizeof(double));
  }
  /// A balancer's own entries of a list [balancers, each].
#define EQ_OWN(to, field, balancer, each) entries(to, offsetof(Control, field), (balancer) * (each), each)
  static void weight_of(Ranges& to, int task, bool shared = true) {
    const std::size_t offset = shared ? offsetof(Control, shared_weights) : offsetof(Control, private_weights);
    if (task >= 0) entries(to, offset, task, 1);
  }
  static void weights(Ranges& to, const LinearPlace& p, int in, int out) {
    for (int o = 0; o < out; ++o) floats(to, {p.weight.offset + o * p.stride, p.weight.space}, in);
  }
  static void block(Ranges& to, const GradientBlock& b) {
    for (int lane = 0; lane < b.lanes; ++lane) {
      floats(to, {b.gradient.offset + lane * b.lane_stride, b.gradient.space}, b.count);
      weight_of(to, b.task[lane], b.shared);
    }
  }

  void collect(const ChooseRows& o) {
    EQ_FIELD(reads(), position);
    EQ_FIELD(reads(), epoch);
    floats(writes(), o.rows, c_.n);
    floats(writes(), o.labels, c_.n);
  }
  void collect(const LabelWeight& o) {
    floats(reads(), o.labels, c_.n);
    EQ_FIELD(writes(), label_weight);
  }
  void collect(const Gather& o) {
    floats(reads(), o.rows, c_.n);
    view(writes(), o.to);
  }
  void collect(const Emit& o) {
    view(reads(), o.from);
    EQ_FIELD(reads(), position);
  }
  void collect(const DrawNoise& o) {
    EQ_FIELD(reads(), step);
    view(writes(), o.to);
  }
  void collect(const DrawMask& o) {
    EQ_FIELD(reads(), step);
    view(writes(), o.to);
  }
  void collect(const Multiply& o) {
    view(reads(), o.a);
    view(reads(), o.b);
    if (o.accumulate) view(reads(), o.to);
    view(writes(), o.to);
  }
  void collect(const Linear& o) {
    view(reads(), o.x);
    weights(reads(), o.parameters, o.x.cols, o.y.cols);
    floats(reads(), o.parameters.bias, o.y.cols);
    view(writes(), o.y);
  }
  void collect(const LinearInputGradient& o) {
    view(reads(), o.dy);
    weights(reads(), o.parameters, o.dx.cols, o.dy.cols);
    if (o.activation != Activation::identity) view(reads(), o.x);
    if (o.accumulate) view(reads(), o.dx);
    view(writes(), o.dx);
  }
  void collect(const LinearWeightGradient& o) {
    view(reads(), o.dy);
    if (o.has_weight) {
      view(reads(), o.x);
      if (o.accumulate) weights(reads(), o.gradient, o.x.cols, o.dy.cols);
      floats(writes(), o.gradient.weight, int64_t{o.dy.cols} * o.gradient.stride);
    }
    if (!o.has_bias) return;
    if (o.accumulate) floats(reads(), o.gradient.bias, o.dy.cols);
    floats(writes(), o.gradient.bias, (o.dy.cols + 3) / 4 * 4);
  }
  void collect(const ActivationGradient& o) {
    view(reads(), o.y);
    view(reads(), o.dy);
    view(writes(), o.dy);
  }
  void collect(const Latent& o) {
    view(reads(), o.heads);
    if (o.use_noise) view(reads(), o.noise);
    view(writes(), o.sigma);
    view(writes(), o.z);
    doubles(writes(), o.kl, int64_t{c_.rows(o.heads)} * kRowLanes);
  }
  void collect(const LatentGradient& o) {
    for (const View& v : {o.heads, o.noise, o.sigma}) view(reads(), v);
    if (o.has_dz) view(reads(), o.dz);
    weight_of(reads(), o.kl_task);
    view(writes(), o.dheads);
  }
  void collect(const SumViews& o) {
    for (int s = 0; s < o.count; ++s) {
      view(reads(), o.from[s]);
      weight_of(reads(), o.task[s]);
    }
    if (o.accumulate) view(reads(), o.to);
    view(writes(), o.to);
  }
  void collect(const SquaredError& o) {
    view(reads(), o.y);
    view(reads(), o.target);
    weight_of(reads(), o.task);
    doubles(writes(), o.slots, int64_t{c_.rows(o.y)} * kRowLanes);
    if (o.has_gradient) view(writes(), o.dy);
  }
  void collect(const Softmax& o) {
    view(reads(), o.x);
    view(writes(), o.y);
  }
  void collect(const SoftmaxGradient& o) {
    view(reads(), o.y);
    view(reads(), o.dy);
    view(writes(), o.dx);
  }
  void collect(const CrossEntropy& o) {
    view(reads(), o.x);
    floats(reads(), o.labels, c_.n);
    EQ_FIELD(reads(), label_weight);
    weight_of(reads(), o.task);
    doubles(writes(), o.slots, c_.n);
    if (o.has_gradient) view(writes(), o.dx);
  }
  void collect(const CountTargets& o) {
    view(reads(), o.target);
    doubles(writes(), o.slots, int64_t{c_.rows(o.target)} * kRowLanes);
  }
  /// A loss against targets with gaps; `slots` doubles hold its sums.
  template <class Op>
  void target_loss(const Op& o, int64_t slots) {
    view(reads(), o.x);
    view(reads(), o.target);
    doubles(writes(), o.slots, slots);
    if (!o.has_gradient) return;
    doubles(reads(), o.count, 1);
    weight_of(reads(), o.task);
    view(writes(), o.dx);
  }
  void collect(const TargetLoss& o) { target_loss(o, int64_t{c_.rows(o.x)} * kRowLanes); }
  void collect(const TargetCrossEntropy& o) { target_loss(o, c_.n); }
  void collect(const Adversarial& o) {
    view(reads(), o.x);
    doubles(writes(), o.slots, int64_t{c_.rows(o.x)} * kRowLanes);
    if (!o.has_gradient) return;
    weight_of(reads(), o.task);
    view(writes(), o.dx);
  }
  void collect(const TargetCurvature& o) {
    for (const View& v : {o.x, o.target, o.tangent}) view(reads(), v);
    doubles(reads(), o.count, 1);
    view(writes(), o.to);
  }
  void collect(const CurvatureWeights& o) {
    EQ_OWN(reads(), gram, 0, o.tasks * o.tasks);
    EQ_OWN(reads(), shared_weights, 0, o.tasks);
    EQ_OWN(reads(), targets, 0, o.tasks);
    control(reads(), offsetof(Control, present), static_cast<std::size_t>(o.tasks) * sizeof(int32_t));
    EQ_OWN(writes(), shared_weights, 1, o.tasks);
    EQ_OWN(writes(), private_weights, 1, o.tasks);
  }
  void collect(const InherentVariational& o) {
    view(reads(), o.z);
    doubles(writes(), o.inherent, int64_t{c_.n} * kRowLanes);
    doubles(writes(), o.variational, int64_t{c_.n} * kRowLanes);
  }
  void collect(const InherentVariationalGradient& o) {
    view(reads(), o.z);
    for (int term : {o.inherent_term, o.variational_term}) entries(reads(), offsetof(Control, term_slope), term, 1);
    weight_of(reads(), o.task);
    view(writes(), o.dz);
  }
  void collect(const Join& o) {
    doubles(reads(), o.from, int64_t{o.groups} * o.slots(c_, o.level));
    doubles(writes(), o.to, int64_t{o.groups} * o.slots(c_, o.level + 1));
  }
  void collect(const TaskLoss& o) {
    for (int t = 0; t < o.terms; ++t) {
      if (o.divisor[t] == Divisor::label_weight) EQ_FIELD(reads(), label_weight);
      if (o.divisor[t] == Divisor::counted) doubles(reads(), o.count[t], 1);
      doubles(reads(), o.sum[t], 1);
      for (std::size_t list : {offsetof(Control, terms), offsetof(Control, term_slope), offsetof(Control, term_rows)})
        entries(writes(), list, o.term[t], 1);
    }
    entries(writes(), offsetof(Control, losses), o.task, 1);
    entries(writes(), offsetof(Control, task_rows), o.task, 1);
    control(writes(), offsetof(Control, present) + static_cast<std::size_t>(o.task) * sizeof(int32_t), sizeof(int32_t));
  }
  void collect(const RowSums& o) {
    view(reads(), o.from);
    floats(writes(), o.to, int64_t{o.from.blocks} * o.stride);
  }
  void collect(const GramSlots& o) {
    for (int k = 0; k < o.tasks; ++k)
      if (o.lane_of_task[k] >= 0)
        floats(reads(), {o.gradient.offset + o.lane_of_task[k] * o.lane_stride, o.gradient.space},
               int64_t{o.count} * o.fold);
    for (int q = 0; q < gram_pairs(o.tasks); ++q)
      doubles(writes(), {o.slots.offset + 2 * (q * o.slots_per_pair + o.first_slot), o.slots.space},
              flat_slots(o.count));
  }
  void collect(const GramClose& o) {
    doubles(reads(), o.sums, gram_pairs(o.tasks));
    EQ_OWN(writes(), gram, o.balancer, o.tasks * o.tasks);
  }
  void collect(const GramRows& o) {
    view(reads(), o.gradient);
    doubles(writes(), o.slots, int64_t{gram_pairs(o.tasks)} * o.task_rows(c_) * kRowLanes);
  }
  void collect(const Weigh& o) {
    const Chain& chain = c_.chains[o.balancer];
    doubles(reads(), o.state, chain.state);
    bool losses = false;
    for (int a = 0; a < chain.count; ++a) losses = losses || needs_losses(chain.methods[a].kind);
    if (losses) EQ_FIELD(reads(), losses);
    if (losses) EQ_FIELD(reads(), present);
    epoch_begins();
    doubles(writes(), o.scratch, chain.tasks);
    EQ_OWN(writes(), shared_weights, o.balancer, chain.tasks);
    EQ_OWN(writes(), private_weights, o.balancer, chain.tasks);
  }
  void epoch_begins() {
    EQ_FIELD(reads(), step);
    EQ_FIELD(reads(), position);
    EQ_FIELD(reads(), sum_steps);
  }
  void collect(const Balance& o) {
    const int tasks = c_.chains[o.balancer].tasks, state = c_.chains[o.balancer].state;
    doubles(reads(), o.state, state);
    EQ_FIELD(reads(), losses);
    EQ_FIELD(reads(), present);
    EQ_OWN(reads(), gram, o.balancer, tasks * tasks);
    epoch_begins();
    doubles(writes(), o.next, state + tasks);
    doubles(writes(), o.mixing, int64_t{tasks} * tasks);
    doubles(writes(), o.scratch, Balance::balance_scratch(tasks));
    EQ_OWN(writes(), norms, o.balancer, tasks);
    EQ_OWN(writes(), targets, o.balancer, tasks);
    EQ_OWN(writes(), gradnorm_loss, o.balancer, 1);
    EQ_OWN(writes(), step_norm, o.balancer, 1);
    EQ_OWN(writes(), certificate, o.balancer, 1);
    if (o.weights_known) return;
    EQ_OWN(writes(), shared_weights, o.balancer, tasks);
    EQ_OWN(writes(), private_weights, o.balancer, tasks);
  }
  void collect(const CommitBalance& o) {
    const Chain& chain = c_.chains[o.balancer];
    EQ_FIELD(reads(), finite);
    doubles(reads(), o.next, chain.state + chain.tasks);
    doubles(writes(), o.state, chain.state);
    EQ_OWN(writes(), weights, o.balancer, chain.tasks);
  }
  void collect(const GradDropParameters& o) {
    const int tasks = c_.chains[o.balancer].tasks;
    for (int k = 0; k < tasks; ++k)
      if (o.lane_of_task[k] >= 0)
        floats(reads(), {o.gradient.offset + o.lane_of_task[k] * o.lane_stride, o.gradient.space}, o.count);
    doubles(reads(), o.mixing, int64_t{tasks} * tasks);
    EQ_FIELD(reads(), step);
    floats(writes(), o.to, o.count);
  }
  void collect(const GradDropRows& o) {
    const int tasks = c_.chains[o.balancer].tasks;
    view(reads(), o.gradient);
    view(reads(), o.input);
    doubles(reads(), o.mixing, int64_t{tasks} * tasks);
    EQ_FIELD(reads(), step);
    view(writes(), o.to);
  }
  void collect(const GradientSquares& o) {
    block(reads(), o.block);
    doubles(writes(), o.slots, flat_slots(o.block.count));
  }
  void collect(const FiniteGate& o) {
    doubles(reads(), o.sums, o.blocks);
    EQ_FIELD(reads(), losses);
    EQ_FIELD(reads(), step);
    EQ_FIELD(writes(), gradient_norm);
    EQ_FIELD(writes(), finite);
    EQ_FIELD(writes(), bad_kind);
    EQ_FIELD(writes(), bad_index);
    EQ_FIELD(writes(), bad_step);
  }
  void update(const GradientBlock& b, std::initializer_list<Place> places) {
    EQ_FIELD(reads(), finite);
    EQ_FIELD(reads(), gradient_norm);
    block(reads(), b);
    for (const Place p : places) {
      floats(reads(), p, b.count);
      floats(writes(), p, b.count);
    }
  }
  void collect(const AdamFactors& o) {
    EQ_FIELD(reads(), beta1_power);
    EQ_FIELD(reads(), beta2_power);
    floats(writes(), o.to, kAdamNumbers);
  }
  void collect(const Adam& o) {
    floats(reads(), o.factors, kAdamNumbers);
    update(o.block, {o.parameter, o.moment1, o.moment2});
  }
  void collect(const RmsProp& o) { update(o.block, {o.parameter, o.moment1, o.moment2}); }
  void collect(const Sgd& o) { update(o.block, {o.parameter, o.moment1}); }
  void collect(const CloseStep&) {  // reads nearly everything, but not what a method's next step begins with
    control(reads(), 0, offsetof(Control, weights));
    control(reads(), offsetof(Control, shared_weights), sizeof(Control) - offsetof(Control, shared_weights));
    control(writes(), 0, offsetof(Control, bad_step));  // step, epoch, position, status, skipped
    EQ_FIELD(writes(), beta1_power);
    EQ_FIELD(writes(), beta2_power);
    control(writes(), offsetof(Control, sum_steps), sizeof(Control) - offsetof(Control, sum_steps));
  }
#undef EQ_FIELD
#undef EQ_OWN

  Context c_{};
  Touched touched_;
};

}  // namespace equipoise::test
