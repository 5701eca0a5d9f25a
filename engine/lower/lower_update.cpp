// engine/lower/lower_update.cpp - lower(): the finite gate, Adam, and the balancing methods' next state.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/lower/lowering.h"

namespace equipoise {

GradientBlock Lowering::gradient_block(const Locator& at, int layer) const {
  GradientBlock block{};
  block.count = layout_[layer].floats;
  block.loss_scale = options_.loss_scale;
  block.shared = is_shared(layer);
  block.gradient = at.place(gradient_of(layer));
  std::fill(std::begin(block.route), std::end(block.route), 1.0f);
  if (combined_[layer] >= 0) {
    block.lanes = 1;
    block.task[0] = -1;
    return block;
  }
  block.lane_stride = layout_[layer].floats;
  const std::vector<int> lanes_of = layer_lanes(layer);
  block.lanes = static_cast<int32_t>(lanes_of.size());
  for (std::size_t lane = 0; lane < lanes_of.size(); ++lane) {
    const int task = lanes_of[lane];
    block.task[lane] = static_cast<int8_t>(task == kMerged ? -1 : task);
    const float route = task == kMerged ? 1.0f : graph_.route(layer, task);
    if (lane < kMaxRoutes) block.route[lane] = route;
    else if (route != 1.0f) throw std::logic_error("the routing table has too many losses for one layer");
  }
  for (int k : curvature_lanes_[layer]) block.task[block.lanes++] = static_cast<int8_t>(tasks_ + k);
  return block;
}

void Lowering::gate_operations() {
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
    assembly_.add(reads_of_update(layer), {whole(slots)}, [this, layer, slots](const Locator& at) {
      return operation(GradientSquares{gradient_block(at, layer), at.place(slots)});
    });
    join(slots, 1, count, false, sums, b);
  }

  std::vector<Access> reads{whole(sums)};
  for (const Balancing& b : balancing_) reads.push_back(whole(b.gram));
  for (int loss : task_loss_) reads.push_back(whole(loss));
  assembly_.add(reads, {whole(finite_)}, [this, sums, blocks](const Locator& at) {
    return operation(FiniteGate{at.place(sums), blocks, tasks_});
  });
  if (options_.optimizer != OptimizerKind::adam) return;
  adam_factors_ = assembly_.floats("factors of Adam", kAdamNumbers);
  assembly_.add({}, {whole(adam_factors_)},
                [this](const Locator& at) { return operation(AdamFactors{at.place(adam_factors_)}); });
}

void Lowering::update_operations() {
  if (options_.probe) return;
  for (int b = 0; b < balancers(); ++b) {
    const Balancing& here = balancing_[static_cast<std::size_t>(b)];
    if (here.next < 0) continue;
    assembly_.add({whole(finite_), whole(here.next)}, {whole(here.state)},
                  [b, state = here.state, next = here.next](const Locator& at) {
                    return operation(CommitBalance{at.place(state), at.place(next), b});
                  });
  }
  for (int layer : layer_of_block_) {
    std::vector<Access> updates = reads_of_update(layer);
    updates.push_back(whole(finite_));
    if (adam_factors_ >= 0) updates.push_back(whole(adam_factors_));
    assembly_.add(updates, {whole(parameter_[layer]), whole(moment1_[layer]), whole(moment2_[layer])},
                  [this, layer](const Locator& at) { return update_of(at, layer); });
  }
}

std::vector<Access> Lowering::reads_of_update(int layer) const {
  std::vector<Access> reads{whole(gradient_of(layer)), whole(balancing_[0].weights)};
  if (!curvature_lanes_[layer].empty()) reads.push_back(whole(curvature_));
  return reads;
}

Operation Lowering::update_of(const Locator& at, int layer) const {
  const GradientBlock block = gradient_block(at, layer);
  const Place p = at.place(parameter_[layer]), m = at.place(moment1_[layer]), v = at.place(moment2_[layer]);
  switch (options_.optimizer) {
    case OptimizerKind::rmsprop:
      return operation(RmsProp{block, p, m, v});
    case OptimizerKind::sgd:
      return operation(Sgd{block, p, m});
    case OptimizerKind::adam:
      break;
  }
  return operation(Adam{block, p, m, v, at.place(adam_factors_)});
}

}  // namespace equipoise
