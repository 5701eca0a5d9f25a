// tests/engine/operation_access.h - what an operation reads and writes as ranges of addresses, told from its own fields
// and the kernels' documentation, not from what the lowering declared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/methods.h"
#include "kernels/interpreter.h"

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
  AccessOf(const Operation& o, const Chain& chain, int batch, int n) {
    c_.chain = &chain;
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
  static void item(Ranges& to, std::size_t offset, int index, std::size_t size) {
    control(to, offset + static_cast<std::size_t>(index) * size, size);
  }
  static void weight_of(Ranges& to, int task, bool shared = true) {
    const std::size_t offset = shared ? offsetof(Control, shared_weights) : offsetof(Control, private_weights);
    if (task >= 0) item(to, offset, task, sizeof(double));
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
    view(reads(), o.x);
    view(reads(), o.dy);
    if (o.accumulate) {
      weights(reads(), o.gradient, o.x.cols, o.dy.cols);
      floats(reads(), o.gradient.bias, o.dy.cols);
    }
    floats(writes(), o.gradient.weight, int64_t{o.dy.cols} * o.gradient.stride);
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
  void collect(const InherentVariational& o) {
    view(reads(), o.z1);
    view(reads(), o.z2);
    doubles(writes(), o.inherent, int64_t{c_.n} * kRowLanes);
    doubles(writes(), o.variational, int64_t{c_.n} * kRowLanes);
  }
  void collect(const InherentVariationalGradient& o) {
    view(reads(), o.z1);
    view(reads(), o.z2);
    for (int term : {o.inherent_term, o.variational_term})
      item(reads(), offsetof(Control, term_slope), term, sizeof(double));
    weight_of(reads(), o.task);
    view(writes(), o.dz1);
    view(writes(), o.dz2);
  }
  void collect(const Join& o) {
    doubles(reads(), o.from, int64_t{o.groups} * o.slots(c_, o.level));
    doubles(writes(), o.to, int64_t{o.groups} * o.slots(c_, o.level + 1));
  }
  void collect(const TaskLoss& o) {
    EQ_FIELD(reads(), label_weight);
    for (int t = 0; t < o.terms; ++t) {
      doubles(reads(), o.sum[t], 1);
      item(writes(), offsetof(Control, terms), o.term[t], sizeof(double));
      item(writes(), offsetof(Control, term_slope), o.term[t], sizeof(double));
    }
    item(writes(), offsetof(Control, losses), o.task, sizeof(double));
    item(writes(), offsetof(Control, present), o.task, sizeof(int32_t));
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
    EQ_FIELD(writes(), gram);
  }
  void collect(const GramRows& o) {
    view(reads(), o.gradient);
    doubles(writes(), o.slots, int64_t{gram_pairs(o.tasks)} * o.task_rows(c_) * kRowLanes);
  }
  void collect(const Weigh& o) {
    doubles(reads(), o.state, c_.chain->state);
    bool losses = false;
    for (int a = 0; a < c_.chain->count; ++a) losses = losses || needs_losses(c_.chain->methods[a].kind);
    if (losses) EQ_FIELD(reads(), losses);
    if (losses) EQ_FIELD(reads(), present);
    EQ_FIELD(reads(), step);
    EQ_FIELD(reads(), position);
    doubles(writes(), o.scratch, c_.chain->tasks);
    EQ_FIELD(writes(), shared_weights);
    EQ_FIELD(writes(), private_weights);
  }
  void collect(const Balance& o) {
    const int tasks = c_.chain->tasks;
    doubles(reads(), o.state, c_.chain->state);
    EQ_FIELD(reads(), losses);
    EQ_FIELD(reads(), present);
    EQ_FIELD(reads(), gram);
    EQ_FIELD(reads(), step);
    EQ_FIELD(reads(), position);
    doubles(writes(), o.next, c_.chain->state + tasks);
    doubles(writes(), o.mixing, int64_t{tasks} * tasks);
    doubles(writes(), o.scratch, Balance::balance_scratch(tasks));
    EQ_FIELD(writes(), norms);
    EQ_FIELD(writes(), targets);
    EQ_FIELD(writes(), gradnorm_loss);
    EQ_FIELD(writes(), step_norm);
    EQ_FIELD(writes(), certificate);
    if (o.weights_known) return;
    EQ_FIELD(writes(), shared_weights);
    EQ_FIELD(writes(), private_weights);
  }
  void collect(const CommitBalance& o) {
    EQ_FIELD(reads(), finite);
    doubles(reads(), o.next, c_.chain->state + c_.chain->tasks);
    doubles(writes(), o.state, c_.chain->state);
    EQ_FIELD(writes(), weights);
  }
  void collect(const GradDropParameters& o) {
    for (int k = 0; k < c_.chain->tasks; ++k)
      if (o.lane_of_task[k] >= 0)
        floats(reads(), {o.gradient.offset + o.lane_of_task[k] * o.lane_stride, o.gradient.space}, o.count);
    doubles(reads(), o.mixing, int64_t{c_.chain->tasks} * c_.chain->tasks);
    EQ_FIELD(reads(), step);
    floats(writes(), o.to, o.count);
  }
  void collect(const GradDropRows& o) {
    view(reads(), o.gradient);
    view(reads(), o.input);
    doubles(reads(), o.mixing, int64_t{c_.chain->tasks} * c_.chain->tasks);
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
  void collect(const Adam& o) {
    EQ_FIELD(reads(), finite);
    EQ_FIELD(reads(), gradient_norm);
    EQ_FIELD(reads(), beta1_power);
    EQ_FIELD(reads(), beta2_power);
    block(reads(), o.block);
    for (const Place p : {o.parameter, o.moment1, o.moment2}) floats(writes(), p, o.block.count);
  }
  void collect(const CloseStep&) {  // reads nearly everything; its phase must hold nothing else that writes the control
    control(reads(), 0, sizeof(Control));
    control(writes(), 0, offsetof(Control, bad_step));  // step, epoch, position, status, skipped
    EQ_FIELD(writes(), beta1_power);
    EQ_FIELD(writes(), beta2_power);
    control(writes(), offsetof(Control, sum_rows), sizeof(Control) - offsetof(Control, sum_rows));
  }
#undef EQ_FIELD

  Context c_{};
  Touched touched_;
};

}  // namespace equipoise::test
