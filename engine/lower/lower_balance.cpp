// engine/lower/lower_balance.cpp - lower(): the Gram matrices of the task gradients, and the chains of methods that
// balance them.
#include <algorithm>
#include <stdexcept>

#include "engine/balance/methods.h"
#include "engine/lower/lowering.h"

namespace equipoise {

bool Lowering::weights_known(int b) const {
  if (!balances(b)) return true;
  const Chain& chain = balancer(b).chain;
  bool known = !chain.rescale;
  for (int a = 0; a < chain.count; ++a) known = known && weighs_losses(chain.methods[a].kind);
  return known;
}

bool Lowering::weights_come_late(int b) const {
  if (!balances(b)) return false;
  const Chain& chain = balancer(b).chain;
  bool late = !weights_known(b);
  for (int a = 0; a < chain.count; ++a) late = late || needs_losses(chain.methods[a].kind);
  return late;
}

bool Lowering::drops_gradients(int b) const {
  return balances(b) && balancer(b).chain.methods[balancer(b).chain.count - 1].kind == MethodKind::graddrop;
}

// Several balancers merge the tasks at places of their own; a lane that one has merged no other can tell apart.
void Lowering::check_balancers() const {
  if (options_.probe || !options_.trains) return;
  for (int b = 0; b < balancers(); ++b) {
    const Region& at = balancer(b).at;
    if (at.tensor < 0 && balancers() > 1) throw std::logic_error("several balancers must each stand at a tensor");
    if (at.tensor < 0) continue;
    if (at.col != 0 || at.cols != graph_.tensors()[at.tensor].cols)
      throw std::logic_error("a balancer stands at whole blocks of a tensor");
    for (int a = 0; a < b; ++a) {
      const Region& other = balancer(a).at;
      if (other.tensor == at.tensor && other.block < at.block + at.blocks && at.block < other.block + other.blocks)
        throw std::logic_error("two balancers stand at the same block");
    }
  }
}

void Lowering::share_parameters() {
  std::vector<Stretch>& over = options_.balancers[0].over;
  over.clear();
  for (int layer = 0; layer < static_cast<int>(layout_.size()); ++layer)
    if (is_shared(layer))
      for (const bool bias : {false, true}) over.push_back({layer, bias, 0, graph_.layers()[layer].out, 1});
}

void Lowering::weigh_operation(int b) {
  if (!balances(b)) return;
  const Balancing& here = balancing_[static_cast<std::size_t>(b)];
  std::vector<Access> reads{whole(here.state)};
  if (weights_come_late(b))
    for (int loss : task_loss_) reads.push_back(whole(loss));
  const int scratch = assembly_.doubles("task weights at work", tasks_);
  assembly_.add(reads, {whole(here.weights), whole(scratch)},
                [scratch, b, state = here.state](const Locator& at) {
                  return operation(Weigh{at.place(state), at.place(scratch), b});
                });
}

// The lanes of the representation, side by side: what the Gram matrix and GradDrop read. A task that does not reach a
// tensor has gradient zero there.
void Lowering::represent(int b) {
  int& representation = balancing_[static_cast<std::size_t>(b)].representation;
  if (representation >= 0) return;
  const Region& region = balancer(b).at;
  representation =
      assembly_.matrix("gradients by " + graph_.tensors()[region.tensor].name, tasks_ * region.blocks, region.cols);
  for (int k = 0; k < tasks_; ++k) {
    const auto lane = adjoint_.find({region.tensor, k});
    const Access to = assembly_.part(representation, k * region.blocks, region.blocks, 0, region.cols);
    std::vector<Access> reads;
    if (lane != adjoint_.end()) reads.push_back(access(region, lane->second));
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
}

void Lowering::drop_rows(int b, int buffer) {
  Balancing& here = balancing_[static_cast<std::size_t>(b)];
  here.mixing = assembly_.doubles("mixing matrix", int64_t{tasks_} * tasks_);
  const Region& region = balancer(b).at;
  const Access from = whole(here.representation), input = access(region), to = access(region, buffer);
  assembly_.add({from, input, whole(here.mixing), whole(here.weights)}, {to},
                [this, from, input, to, b, mixing = here.mixing](const Locator& at) {
                  return operation(GradDropRows{assembly_.view(at, from), assembly_.view(at, input), at.place(mixing),
                                                b, leak(b), assembly_.view(at, to)});
                });
}

void Lowering::close_gram(int b, int sums) {
  assembly_.add({whole(sums)}, {whole(balancing_[static_cast<std::size_t>(b)].gram)},
                [this, sums, b](const Locator& at) {
                  return operation(GramClose{at.place(sums), tasks_, b});
                });
}

void Lowering::measure_representation(int b) {
  const Region& region = balancer(b).at;
  const Access from = whole(balancing_[static_cast<std::size_t>(b)].representation);
  const int pairs = gram_pairs(tasks_);
  if (!balancer(b).sum_rows) {
    const int per_sample = region.blocks * kRowLanes;
    const int slots = assembly_.doubles("slots of the Gram matrix", int64_t{pairs} * per_sample * assembly_.batch());
    assembly_.add({from}, {whole(slots)}, [this, from, slots](const Locator& at) {
      return operation(GramRows{assembly_.view(at, from), tasks_, at.place(slots)});
    });
    close_gram(b, join(slots, pairs, per_sample, true));
    return;
  }
  const int stride = padded(region.cols), lane = region.blocks * stride, count = flat_slots(lane);
  const int summed = assembly_.floats("gradients summed over the batch", int64_t{tasks_} * lane);
  assembly_.add({from}, {whole(summed)}, [this, from, summed, stride](const Locator& at) {
    return operation(RowSums{assembly_.view(at, from), at.place(summed), stride});
  });
  const int slots = assembly_.doubles("slots of the Gram matrix", int64_t{pairs} * count);
  assembly_.add({whole(summed)}, {whole(slots)}, [this, summed, slots, lane, count](const Locator& at) {
    GramSlots g{};
    g.gradient = at.place(summed);
    g.lane_stride = lane;
    for (int k = 0; k < tasks_; ++k) g.lane_of_task[k] = static_cast<int8_t>(k);
    g.tasks = tasks_;
    g.count = lane;
    g.fold = 1;
    g.slots = at.place(slots);
    g.slots_per_pair = count;
    return operation(g);
  });
  close_gram(b, join(slots, pairs, count, false));
}

void Lowering::measure_stretches(int b) {
  const std::vector<Stretch>& over = balancer(b).over;
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
  close_gram(b, join(slots, pairs, slots_per_pair, false));
}

void Lowering::balance_operations(int b) {
  Balancing& here = balancing_[static_cast<std::size_t>(b)];
  if (at_tensor(b)) measure_representation(b);
  else if (!balancer(b).over.empty()) measure_stretches(b);
  else if (balances(b) && needs_gram(balancer(b).chain))
    throw std::logic_error("a method needs gradients and none are measured");
  if (!balances(b)) return;
  here.next = assembly_.doubles("balancing methods' next state", balancer(b).chain.state + tasks_);
  if (here.mixing < 0) here.mixing = assembly_.doubles("mixing matrix", int64_t{tasks_} * tasks_);
  const int scratch = assembly_.doubles("balancing at work", Balance::balance_scratch(tasks_));
  std::vector<Access> reads{whole(here.gram), whole(here.state)};
  for (int loss : task_loss_) reads.push_back(whole(loss));
  std::vector<Access> writes{whole(here.next), whole(here.mixing), whole(scratch)};
  if (!weights_known(b)) writes.push_back(whole(here.weights));
  assembly_.add(reads, writes, [this, scratch, b](const Locator& at) {
    const Balancing& h = balancing_[static_cast<std::size_t>(b)];
    return operation(
        Balance{at.place(h.state), at.place(h.next), at.place(h.mixing), at.place(scratch), b, weights_known(b)});
  });
}

void Lowering::balance_all() {
  std::vector<int> late;
  for (int b = 0; b < balancers(); ++b)
    if (weights_come_late(b)) late.push_back(balancing_[static_cast<std::size_t>(b)].weights);
  if (reaches_network()) late.push_back(curvature_);
  std::vector<PendingOperation> waiting = assembly_.take_dependents(late);
  const std::size_t before = assembly_.operations().size();
  for (int b = 0; b < balancers(); ++b) {
    if (weights_come_late(b) && weights_known(b)) weigh_operation(b);
    balance_operations(b);
  }
  curvature_weights();
  for (std::size_t i = before; i < assembly_.operations().size(); ++i)
    for (const Access& read : assembly_.operations()[i].reads)
      for (const PendingOperation& w : waiting)
        for (const Access& written : w.writes)
          if (overlap(read, written))
            throw std::logic_error("what one balancer measures depends on what another one merges");
  assembly_.append(std::move(waiting));
}

void Lowering::combine_operations() {
  if (!drops_gradients(0) || at_tensor(0)) return;
  const Balancing& here = balancing_[0];
  for (std::size_t layer = 0; layer < layout_.size(); ++layer) {
    const std::vector<int> lanes_of = layer_lanes(static_cast<int>(layer));
    if (lanes_of.size() < 2) continue;
    const int to = assembly_.floats(graph_.layers()[layer].slices.front().name + " gradient after GradDrop",
                                    layout_[layer].floats);
    combined_[layer] = to;
    assembly_.add({whole(gradient_[layer]), whole(here.mixing), whole(here.weights)}, {whole(to)},
                  [this, layer, lanes_of, to](const Locator& at) {
                    GradDropParameters drop{};
                    drop.gradient = at.place(gradient_[layer]);
                    drop.lane_stride = layout_[layer].floats;
                    std::fill(std::begin(drop.lane_of_task), std::end(drop.lane_of_task), int8_t{-1});
                    for (std::size_t lane = 0; lane < lanes_of.size(); ++lane)
                      drop.lane_of_task[lanes_of[lane]] = static_cast<int8_t>(lane);
                    drop.count = layout_[layer].floats;
                    drop.first_element = layout_[layer].state_offset;
                    drop.mixing = at.place(balancing_[0].mixing);
                    drop.leak = leak(0);
                    drop.to = at.place(to);
                    return operation(drop);
                  });
  }
}

}  // namespace equipoise
