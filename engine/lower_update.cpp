// engine/lower_update.cpp - lower(): Gram matrix, GradNorm, the finite gate and Adam.
#include <algorithm>
#include <utility>

#include "engine/lowering.h"

namespace equipoise {

void Lowering::balance_operations() {
  const std::vector<Stretch>& over = options_.balance_over;
  if (over.empty()) return;
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
  assembly_.add({whole(sums), whole(weights_)}, {whole(gram_)}, [this, sums](const Locator& at) {
    return operation(GramClose{at.place(sums), tasks_});
  });
}

GradientBlock Lowering::gradient_block(const Locator& at, int layer) const {
  GradientBlock block{};
  block.gradient = at.place(gradient_[layer]);
  block.lane_stride = layout_[layer].floats;
  const std::vector<int> lanes_of = layer_lanes(layer);
  block.lanes = static_cast<int32_t>(lanes_of.size());
  for (std::size_t lane = 0; lane < lanes_of.size(); ++lane)
    block.task[lane] = static_cast<int8_t>(lanes_of[lane] == kMerged ? -1 : lanes_of[lane]);
  block.count = layout_[layer].floats;
  block.loss_scale = options_.loss_scale;
  return block;
}

void Lowering::update_operations() {
  if (options_.probe) return;
  for (std::size_t layer = 0; layer < layout_.size(); ++layer)
    if (std::find(gradient_written_[layer].begin(), gradient_written_[layer].end(), true) !=
        gradient_written_[layer].end())
      layer_of_block_.push_back(static_cast<int>(layer));
  const int blocks = static_cast<int>(layer_of_block_.size());
  const int sums = assembly_.doubles("squared gradient norms", blocks);
  for (int b = 0; b < blocks; ++b) {
    const int layer = layer_of_block_[b], count = flat_slots(layout_[layer].floats);
    const int slots = assembly_.doubles("slots of squared gradients", count);
    assembly_.add({whole(gradient_[layer]), whole(weights_)}, {whole(slots)}, [this, layer, slots](const Locator& at) {
      return operation(GradientSquares{gradient_block(at, layer), at.place(slots)});
    });
    join(slots, 1, count, false, sums, b);
  }

  std::vector<Access> reads{whole(sums), whole(gram_)};
  for (int loss : task_loss_) reads.push_back(whole(loss));
  assembly_.add(reads, {whole(finite_)}, [this, sums, blocks](const Locator& at) {
    return operation(FiniteGate{at.place(sums), blocks, tasks_});
  });
  if (options_.gradnorm)
    assembly_.add({whole(finite_), whole(gram_)}, {}, [this](const Locator&) {
      return operation(GradNorm{tasks_, options_.loss_ratio, options_.normalise});
    });
  for (int layer : layer_of_block_)
    assembly_.add({whole(gradient_[layer]), whole(finite_), whole(weights_)},
                  {whole(parameter_[layer]), whole(moment1_[layer]), whole(moment2_[layer])},
                  [this, layer](const Locator& at) {
                    return operation(Adam{gradient_block(at, layer), at.place(parameter_[layer]),
                                          at.place(moment1_[layer]), at.place(moment2_[layer])});
                  });
}

}  // namespace equipoise
