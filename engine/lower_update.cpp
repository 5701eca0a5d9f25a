// engine/lower_update.cpp - lower(): the finite gate, Adam, and the balancing methods' next state.
#include <algorithm>
#include <utility>

#include "engine/lowering.h"

namespace equipoise {

GradientBlock Lowering::gradient_block(const Locator& at, int layer) const {
  GradientBlock block{};
  block.count = layout_[layer].floats;
  block.loss_scale = options_.loss_scale;
  block.shared = is_shared(layer);
  block.gradient = at.place(gradient_of(layer));
  if (combined_[layer] >= 0) {
    block.lanes = 1;
    block.task[0] = -1;
    return block;
  }
  block.lane_stride = layout_[layer].floats;
  const std::vector<int> lanes_of = layer_lanes(layer);
  block.lanes = static_cast<int32_t>(lanes_of.size());
  for (std::size_t lane = 0; lane < lanes_of.size(); ++lane)
    block.task[lane] = static_cast<int8_t>(lanes_of[lane] == kMerged ? -1 : lanes_of[lane]);
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
    assembly_.add({whole(gradient_of(layer)), whole(weights_)}, {whole(slots)},
                  [this, layer, slots](const Locator& at) {
                    return operation(GradientSquares{gradient_block(at, layer), at.place(slots)});
                  });
    join(slots, 1, count, false, sums, b);
  }

  std::vector<Access> reads{whole(sums), whole(gram_)};
  for (int loss : task_loss_) reads.push_back(whole(loss));
  assembly_.add(reads, {whole(finite_)}, [this, sums, blocks](const Locator& at) {
    return operation(FiniteGate{at.place(sums), blocks, tasks_});
  });
  if (balance_next_ >= 0)
    assembly_.add({whole(finite_), whole(balance_next_)}, {whole(balance_state_)}, [this](const Locator& at) {
      return operation(CommitBalance{at.place(balance_state_), at.place(balance_next_)});
    });
  for (int layer : layer_of_block_)
    assembly_.add({whole(gradient_of(layer)), whole(finite_), whole(weights_)},
                  {whole(parameter_[layer]), whole(moment1_[layer]), whole(moment2_[layer])},
                  [this, layer](const Locator& at) {
                    return operation(Adam{gradient_block(at, layer), at.place(parameter_[layer]),
                                          at.place(moment1_[layer]), at.place(moment2_[layer])});
                  });
}

}  // namespace equipoise
