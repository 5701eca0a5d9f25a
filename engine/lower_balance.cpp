// engine/lower_balance.cpp - lower(): the Gram matrix of the task gradients, and the chain of methods that balances
// them.
#include <algorithm>
#include <stdexcept>

#include "engine/lowering.h"
#include "engine/methods.h"

namespace equipoise {

bool Lowering::weights_known() const {
  const Chain& chain = options_.chain;
  if (options_.probe || chain.count == 0) return true;
  bool known = !chain.rescale;
  for (int a = 0; a < chain.count; ++a) known = known && weighs_losses(chain.methods[a].kind);
  return known;
}

bool Lowering::weights_come_late() const {
  const Chain& chain = options_.chain;
  if (options_.probe || chain.count == 0) return false;
  bool late = !weights_known();
  for (int a = 0; a < chain.count; ++a) late = late || needs_losses(chain.methods[a].kind);
  return late;
}

bool Lowering::drops_gradients() const {
  const Chain& chain = options_.chain;
  return !options_.probe && chain.count > 0 && chain.methods[chain.count - 1].kind == MethodKind::graddrop;
}

void Lowering::share_parameters() {
  options_.balance_over.clear();
  for (int layer = 0; layer < static_cast<int>(layout_.size()); ++layer)
    if (is_shared(layer))
      for (const bool bias : {false, true})
        options_.balance_over.push_back({layer, bias, 0, graph_.layers()[layer].out, 1});
}

void Lowering::weigh_operation() {
  if (options_.probe || options_.chain.count == 0) return;
  std::vector<Access> reads{whole(balance_state_)};
  if (weights_come_late())
    for (int loss : task_loss_) reads.push_back(whole(loss));
  const int scratch = assembly_.doubles("task weights at work", tasks_);
  assembly_.add(reads, {whole(weights_), whole(scratch)}, [this, scratch](const Locator& at) {
    return operation(Weigh{at.place(balance_state_), at.place(scratch)});
  });
}

// The lanes of the representation, side by side: what the Gram matrix and GradDrop read. A task that does not reach a
// tensor has gradient zero there.
void Lowering::represent(int tensor) {
  if (representation_ >= 0) return;
  const Tensor& t = graph_.tensors()[tensor];
  representation_ = assembly_.matrix("gradients by " + t.name, tasks_ * t.blocks, t.cols);
  for (int k = 0; k < tasks_; ++k) {
    const int lane = adjoint_.contains({tensor, k}) ? adjoint_.at({tensor, k}) : -1;
    const Access to = assembly_.part(representation_, k * t.blocks, t.blocks, 0, t.cols);
    std::vector<Access> reads;
    if (lane >= 0) reads.push_back(whole(lane));
    assembly_.add(reads, {to}, [this, reads, to](const Locator& at) {
      SumViews copy{};
      copy.to = assembly_.view(at, to);
      copy.count = static_cast<int32_t>(reads.size());
      if (!reads.empty()) copy.from[0] = assembly_.view(at, reads[0]);
      copy.coefficient[0] = 1.0f;
      copy.task[0] = -1;
      return operation(copy);
    });
  }
  if (!drops_gradients()) return;
  const int merged = assembly_.matrix("d " + t.name + " after GradDrop", t.blocks, t.cols);
  const double leak = options_.chain.methods[options_.chain.count - 1].leak;
  balance_mixing_ = assembly_.doubles("mixing matrix", int64_t{tasks_} * tasks_);
  const Access from = whole(representation_), input = whole(tensor_buffer_[tensor]), to = whole(merged);
  assembly_.add({from, input, whole(balance_mixing_), whole(weights_)}, {to},
                [this, from, input, to, leak](const Locator& at) {
                  return operation(GradDropRows{assembly_.view(at, from), assembly_.view(at, input),
                                                at.place(balance_mixing_), leak, assembly_.view(at, to)});
                });
  adjoint_[{tensor, kMerged}] = merged;
}

void Lowering::measure_representation() {
  const Tensor& t = graph_.tensors()[options_.balance_at];
  const int pairs = gram_pairs(tasks_), per_sample = t.blocks * kRowLanes;
  const int slots = assembly_.doubles("slots of the Gram matrix", int64_t{pairs} * per_sample * assembly_.batch());
  const Access from = whole(representation_);
  assembly_.add({from}, {whole(slots)}, [this, from, slots](const Locator& at) {
    return operation(GramRows{assembly_.view(at, from), tasks_, at.place(slots)});
  });
  const int sums = join(slots, pairs, per_sample, true);
  assembly_.add({whole(sums)}, {whole(gram_)}, [this, sums](const Locator& at) {
    return operation(GramClose{at.place(sums), tasks_});
  });
}

void Lowering::measure_stretches() {
  const std::vector<Stretch>& over = options_.balance_over;
  int slots_per_pair = 0;
  const auto elements = [&](const Stretch& s) { return s.bias ? s.rows : s.rows * layout_[s.layer].stride; };
  for (const Stretch& s : over) slots_per_pair += flat_slots(elements(s));
  const int pairs = gram_pairs(tasks_);
  const int slots = assembly_.doubles("slots of the Gram matrix", int64_t{pairs} * slots_per_pair);
  int first_slot = 0;
  for (std::size_t i = 0; i < over.size(); ++i) {
    const Stretch s = over[i];
    const int count = elements(s);
    const Access to = assembly_.part(slots, 0, 1, static_cast<int>(i), 1);
    assembly_.add({whole(gradient_[s.layer])}, {to}, [=, this](const Locator& at) {
      GramSlots g{};
      g.gradient = at.place(gradient_[s.layer]);
      g.gradient.offset += s.bias ? layout_[s.layer].bias_offset + s.first_row : s.first_row * layout_[s.layer].stride;
      g.lane_stride = layout_[s.layer].floats;
      std::fill(std::begin(g.lane_of_task), std::end(g.lane_of_task), int8_t{-1});
      const std::vector<int> lanes_of = layer_lanes(s.layer);
      for (std::size_t lane = 0; lane < lanes_of.size(); ++lane)
        g.lane_of_task[lanes_of[lane]] = static_cast<int8_t>(lane);
      g.tasks = tasks_;
      g.count = count;
      g.fold = s.fold;
      g.slots = at.place(slots);
      g.slots_per_pair = slots_per_pair;
      g.first_slot = first_slot;
      return operation(g);
    });
    first_slot += flat_slots(count);
  }
  const int sums = join(slots, pairs, slots_per_pair, false);
  assembly_.add({whole(sums)}, {whole(gram_)}, [this, sums](const Locator& at) {
    return operation(GramClose{at.place(sums), tasks_});
  });
}

void Lowering::balance_operations() {
  if (options_.balance_at >= 0) measure_representation();
  else if (!options_.balance_over.empty()) measure_stretches();
  else if (needs_gram(options_.chain)) throw std::logic_error("a method needs gradients and none are measured");
  if (options_.probe || options_.chain.count == 0) return;
  const int state = options_.chain.state;
  balance_next_ = assembly_.doubles("balancing methods' next state", state + tasks_);
  if (balance_mixing_ < 0) balance_mixing_ = assembly_.doubles("mixing matrix", int64_t{tasks_} * tasks_);
  const int scratch = assembly_.doubles("balancing at work", Balance::balance_scratch(tasks_));
  std::vector<Access> reads{whole(gram_), whole(balance_state_)};
  for (int loss : task_loss_) reads.push_back(whole(loss));
  std::vector<Access> writes{whole(balance_next_), whole(balance_mixing_), whole(scratch)};
  if (!weights_known()) writes.push_back(whole(weights_));
  assembly_.add(reads, writes, [this, scratch](const Locator& at) {
    return operation(Balance{at.place(balance_state_), at.place(balance_next_), at.place(balance_mixing_),
                             at.place(scratch), weights_known()});
  });
}

void Lowering::combine_operations() {
  if (!drops_gradients() || options_.balance_at >= 0) return;
  for (std::size_t layer = 0; layer < layout_.size(); ++layer) {
    const std::vector<int> lanes_of = layer_lanes(static_cast<int>(layer));
    if (lanes_of.size() < 2) continue;
    const int to = assembly_.floats(graph_.layers()[layer].slices.front().name + " gradient after GradDrop",
                                    layout_[layer].floats);
    combined_[layer] = to;
    assembly_.add({whole(gradient_[layer]), whole(balance_mixing_), whole(weights_)}, {whole(to)},
                  [this, layer, lanes_of, to](const Locator& at) {
                    GradDropParameters drop{};
                    drop.gradient = at.place(gradient_[layer]);
                    drop.lane_stride = layout_[layer].floats;
                    std::fill(std::begin(drop.lane_of_task), std::end(drop.lane_of_task), int8_t{-1});
                    for (std::size_t lane = 0; lane < lanes_of.size(); ++lane)
                      drop.lane_of_task[lanes_of[lane]] = static_cast<int8_t>(lane);
                    drop.count = layout_[layer].floats;
                    drop.first_element = layout_[layer].state_offset;
                    drop.mixing = at.place(balance_mixing_);
                    drop.leak = options_.chain.methods[options_.chain.count - 1].leak;
                    drop.to = at.place(to);
                    return operation(drop);
                  });
  }
}

}  // namespace equipoise
