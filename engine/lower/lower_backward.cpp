// engine/lower/lower_backward.cpp - lower(): the backward pass, from the last node to the first.
//
// Consumers leave contributions with the tensors they read; when the walk reaches a tensor's producer, every consumer
// has been seen and the tensor's adjoint is finished: copies that meet in a region become one sum, other contributions
// write or add in place, and the derivative of the producer's activation comes last (or rides on a product).
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/lower/lowering.h"

namespace equipoise {

namespace {

bool covers(const Region& r, const Tensor& t) {
  return r.block == 0 && r.blocks == t.blocks && r.col == 0 && r.cols == t.cols;
}

/// Which blocks and columns of an adjoint have been written so far.
class Coverage {
 public:
  explicit Coverage(const Tensor& t) : cols_(t.cols), done_(static_cast<std::size_t>(t.blocks) * t.cols) {}
  /// Marks a region; true if it had been written before, throws if only part of it had.
  bool write(const Region& r) {
    int before = 0;
    for (int b = r.block; b < r.block + r.blocks; ++b)
      for (int c = r.col; c < r.col + r.cols; ++c) {
        before += done_[static_cast<std::size_t>(b) * cols_ + c];
        done_[static_cast<std::size_t>(b) * cols_ + c] = true;
      }
    if (before != 0 && before != r.blocks * r.cols)
      throw std::logic_error("regions that read one tensor must be equal, disjoint or nested in written ones");
    return before != 0;
  }
  bool complete() const { return std::find(done_.begin(), done_.end(), false) == done_.end(); }

 private:
  int cols_;
  std::vector<bool> done_;
};

}  // namespace

std::vector<int> Lowering::lanes(int tensor) const {
  std::vector<int> tasks;
  for (int k = 0; k < tasks_; ++k)
    if (reach_[tensor][k]) tasks.push_back(k);
  if (!separate_[tensor] && tasks.size() > 1) return {kMerged};
  return tasks;
}

std::vector<int> Lowering::layer_lanes(int layer) const {
  std::vector<int> tasks;
  for (int k = 0; k < tasks_; ++k)
    if (layer_reach_[layer][k]) tasks.push_back(k);
  if (!balanced_[layer] && tasks.size() > 1) return {kMerged};
  return tasks;
}

bool Lowering::is_shared(int layer) const {
  return std::count(layer_reach_[layer].begin(), layer_reach_[layer].end(), true) > 1;
}

bool Lowering::balanced_at(int tensor) const {
  bool here = false;
  for (int b = 0; b < balancers(); ++b) here = here || (at_tensor(b) && balancer(b).at.tensor == tensor);
  return here;
}

void Lowering::contribute(int tensor, int lane, Region region, std::function<void(int, bool, Activation)> emit) {
  contributions_[{tensor, lane}].push_back({region, std::move(emit)});
}

void Lowering::finish_adjoint(int tensor) {
  const Tensor& t = graph_.tensors()[tensor];
  const Activation activation = made_by_[tensor];
  for (int lane : lanes(tensor)) {
    const std::pair<int, int> key{tensor, lane};
    if (adjoint_.contains(key)) continue;
    std::vector<Copy> copies = copies_[key];
    const std::vector<Contribution> direct = contributions_[key];
    if (copies.empty() && direct.empty()) continue;

    const bool alone = copies.size() == 1 && direct.empty() && copies[0].owned && copies[0].task < 0 &&
                       copies[0].from.col == 0 && copies[0].from.block == 0 && covers(copies[0].region, t) &&
                       assembly_.buffers()[copies[0].from_buffer].cols == t.cols;
    bool fused = false;
    int buffer;
    if (alone) {
      buffer = copies[0].from_buffer;
    } else {
      buffer = assembly_.matrix("d " + t.name + (lane == kMerged ? " merged" : " by " + graph_.tasks()[lane].name),
                                t.blocks, t.cols);
      Coverage coverage(t);
      // Large regions first: what is nested in them then adds to them.
      std::stable_sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) {
        return a.region.blocks * a.region.cols > b.region.blocks * b.region.cols;
      });
      while (!copies.empty()) {
        const Region region = copies.front().region;
        std::vector<Copy> here;
        for (auto c = copies.begin(); c != copies.end();) {
          const Region& r = c->region;
          const bool same =
              r.block == region.block && r.blocks == region.blocks && r.col == region.col && r.cols == region.cols;
          if (same && here.size() < kMaxSummands) here.push_back(*c), c = copies.erase(c);
          else ++c;
        }
        const bool accumulate = coverage.write(region);
        std::vector<Access> reads;
        for (const Copy& c : here) reads.push_back(access(c.from, c.from_buffer));
        if (std::any_of(here.begin(), here.end(), [](const Copy& c) { return c.task >= 0; }))
          reads.push_back(whole(balancing_[0].weights));
        if (std::any_of(here.begin(), here.end(), [this](const Copy& c) { return c.task >= tasks_; }))
          reads.push_back(whole(curvature_));
        const Access to = access(region, buffer);
        assembly_.add(reads, {to}, [this, reads, to, here, accumulate](const Locator& at) {
          SumViews sum{};
          sum.to = assembly_.view(at, to);
          sum.count = static_cast<int32_t>(here.size());
          sum.accumulate = accumulate;
          for (std::size_t s = 0; s < here.size(); ++s) {
            sum.from[s] = assembly_.view(at, reads[s]);
            sum.coefficient[s] = here[s].coefficient;
            sum.task[s] = here[s].task;
          }
          return operation(sum);
        });
      }
      fused = direct.size() == 1 && coverage.complete() == false && covers(direct[0].region, t) && copies_[key].empty();
      for (const Contribution& c : direct)
        c.emit(buffer, coverage.write(c.region), fused ? activation : Activation::identity);
      if (!coverage.complete()) throw std::logic_error("part of " + t.name + " has no gradient");
    }
    if (!fused && activation != Activation::identity) {
      const Access y = whole(tensor_buffer_[tensor]), dy = whole(buffer);
      assembly_.add({y, dy}, {dy}, [this, y, dy, activation](const Locator& at) {
        return operation(ActivationGradient{assembly_.view(at, y), assembly_.view(at, dy), activation});
      });
    }
    adjoint_[key] = buffer;
  }
  for (int b = 0; b < balancers(); ++b)
    if (at_tensor(b) && balancer(b).at.tensor == tensor) represent(b);
}

int Lowering::adjoint(int tensor, int lane) {
  const auto found = adjoint_.find({tensor, lane});
  if (found != adjoint_.end()) return found->second;
  if (lane != kMerged) return -1;
  const Tensor& t = graph_.tensors()[tensor];
  bool any = false;
  for (int k = 0; k < tasks_; ++k) any = any || adjoint_.contains({tensor, k});
  if (!any) return -1;
  const int buffer = assembly_.matrix("d " + t.name + " merged", t.blocks, t.cols);
  // Where balancers stand at blocks of the tensor, each merges its own; the first one's coefficients merge the rest.
  std::vector<int> owner(static_cast<std::size_t>(t.blocks), -1);
  for (int b = 0; b < balancers(); ++b)
    if (at_tensor(b) && balancer(b).at.tensor == tensor)
      std::fill_n(owner.begin() + balancer(b).at.block, balancer(b).at.blocks, b);
  for (int first = 0, end = 0; first < t.blocks; first = end) {
    const int b = owner[static_cast<std::size_t>(first)];
    while (end < t.blocks && owner[static_cast<std::size_t>(end)] == b) ++end;
    const Region region{tensor, first, end - first, 0, t.cols};
    if (b >= 0 && drops_gradients(b)) drop_rows(b, buffer);
    else merge_lanes(region, std::max(b, 0), buffer);
  }
  adjoint_[{tensor, kMerged}] = buffer;
  return buffer;
}

void Lowering::merge_lanes(const Region& region, int b, int buffer) {
  std::vector<std::pair<int, int>> parts;  // (task, buffer)
  for (int k = 0; k < tasks_; ++k)
    if (const auto part = adjoint_.find({region.tensor, k}); part != adjoint_.end())
      parts.emplace_back(k, part->second);
  const Access to = access(region, buffer);
  for (std::size_t first = 0; first < parts.size(); first += kMaxSummands) {
    std::vector<Access> reads{whole(balancing_[static_cast<std::size_t>(b)].weights)};
    std::vector<int> weights;
    for (std::size_t s = first; s < parts.size() && s < first + kMaxSummands; ++s) {
      reads.push_back(access(region, parts[s].second));
      weights.push_back(b * tasks_ + parts[s].first);
    }
    assembly_.add(reads, {to}, [this, reads, weights, to, accumulate = first > 0](const Locator& at) {
      SumViews sum{};
      sum.to = assembly_.view(at, to);
      sum.count = static_cast<int32_t>(weights.size());
      sum.accumulate = accumulate;
      for (std::size_t s = 0; s < weights.size(); ++s) {
        sum.from[s] = assembly_.view(at, reads[s + 1]);
        sum.coefficient[s] = 1.0f;
        sum.task[s] = weights[s];
      }
      return operation(sum);
    });
  }
}

void Lowering::backward(const LinearNode& o) {
  finish_adjoint(o.y.tensor);
  const Access x = access(o.x);
  const std::vector<int> weight_lanes = layer_lanes(o.layer);
  for (std::size_t i = 0; i < weight_lanes.size(); ++i) {
    const int dy_buffer = adjoint(o.y.tensor, weight_lanes[i]);
    if (dy_buffer < 0) continue;
    const bool accumulate = gradient_written_[o.layer][i];
    gradient_written_[o.layer][i] = true;
    const Access dy = access(o.y, dy_buffer);
    // Lanes of one gradient lie side by side in one buffer; they may be written in the same phase.
    const Access to{gradient_[o.layer], 0, 1, static_cast<int>(i), static_cast<int>(i) + 1};
    assembly_.add({x, dy}, {to}, [this, x, dy, o, i, accumulate](const Locator& at) {
      return operation(LinearWeightGradient{assembly_.view(at, x), assembly_.view(at, dy),
                                            linear_place(at, o.layer, gradient_[o.layer], static_cast<int>(i)),
                                            accumulate, true});
    });
  }
  if (reaches_network() && o.layer == balancer(0).over[0].layer) curvature_operations(o);
  if (graph_.tensors()[o.x.tensor].origin != TensorOrigin::computed) return;
  for (int lane : lanes(o.x.tensor)) {
    const int dy_buffer = adjoint(o.y.tensor, lane);
    if (dy_buffer < 0) continue;
    const Access dy = access(o.y, dy_buffer);
    contribute(o.x.tensor, lane, o.x, [this, x, dy, o](int buffer, bool add, Activation activation) {
      const Access dx = access(o.x, buffer);
      std::vector<Access> reads{dy, whole(parameter_[o.layer])};
      if (activation != Activation::identity) reads.push_back(x);
      assembly_.add(reads, {dx}, [this, x, dy, dx, o, add, activation](const Locator& at) {
        return operation(LinearInputGradient{assembly_.view(at, dy), linear_place(at, o.layer, parameter_[o.layer], 0),
                                             assembly_.view(at, x), assembly_.view(at, dx), activation, add});
      });
    });
  }
}

void Lowering::backward(const LatentNode& o) {
  finish_adjoint(o.z);
  const bool wanted = o.kl_term >= 0, kl_sums = wanted && sums(o.kl_term);
  const int kl_task = wanted ? graph_.terms()[o.kl_term].task : -1;
  const float kl_scale = kl_sums ? static_cast<float>(1.0 / graph_.terms()[o.kl_term].per_row) : 1.0f;
  const Access heads = access(graph_.all(o.heads)), noise = access(graph_.all(o.noise)),
               sigma = access(graph_.all(o.sigma));
  for (int lane : lanes(o.heads)) {
    const int dz = adjoint(o.z, lane);
    const bool has_kl = wanted && (lane == kMerged || lane == kl_task);
    if (dz < 0 && !has_kl) continue;
    const int dheads = assembly_.matrix("gradient by " + graph_.tensors()[o.heads].name,
                                        graph_.tensors()[o.heads].blocks, graph_.tensors()[o.heads].cols);
    std::vector<Access> reads{heads, noise, sigma};
    if (dz >= 0) reads.push_back(whole(dz));
    if (has_kl && weight_in(lane, kl_task) >= 0) reads.push_back(whole(balancing_[0].weights));
    assembly_.add(
        reads, {whole(dheads)},
        [this, heads, noise, sigma, dz, dheads, has_kl, kl_task, kl_scale, kl_sums, lane, o](const Locator& at) {
          return operation(LatentGradient{
              assembly_.view(at, heads), assembly_.view(at, noise), assembly_.view(at, sigma),
              dz >= 0 ? assembly_.view(at, whole(dz)) : assembly_.view(at, sigma), assembly_.view(at, whole(dheads)),
              has_kl ? kl_scale : 0.0f, has_kl ? weight_in(lane, kl_task) : -1, dz >= 0, o.log_factor, kl_sums});
        });
    own_gradient(graph_.all(o.heads), lane, dheads);
  }
}

void Lowering::backward(const SumNode& o) {
  finish_adjoint(o.to.tensor);
  for (std::size_t s = 0; s < o.from.size(); ++s) {
    if (graph_.tensors()[o.from[s].tensor].origin != TensorOrigin::computed) continue;
    for (int lane : lanes(o.from[s].tensor)) {
      // Into a merged lane, a single task's lane goes directly, with its weight: the sum does the merging.
      std::vector<std::pair<int, int>> sources;                                        // (buffer, weight)
      if (lane == kMerged && balanced_at(o.to.tensor)) adjoint(o.to.tensor, kMerged);  // its balancer does the merging
      if (const int own = adjoint_.contains({o.to.tensor, lane}) ? adjoint_.at({o.to.tensor, lane}) : -1; own >= 0)
        sources.emplace_back(own, -1);
      else if (lane == kMerged)
        for (int k = 0; k < tasks_; ++k)
          if (adjoint_.contains({o.to.tensor, k})) sources.emplace_back(adjoint_.at({o.to.tensor, k}), k);
      for (const auto& [buffer, weight] : sources)
        copies_[{o.from[s].tensor, lane}].push_back({o.from[s], o.to, buffer, weight, o.coefficient[s], false});
    }
  }
}

void Lowering::backward(const SoftmaxNode& o) {
  finish_adjoint(o.y.tensor);
  const Access y = access(o.y);
  for (int lane : lanes(o.x.tensor)) {
    const int dy_buffer = adjoint(o.y.tensor, lane);
    if (dy_buffer < 0) continue;
    const Access dy = access(o.y, dy_buffer);
    const int dx = assembly_.matrix("gradient by " + graph_.tensors()[o.x.tensor].name, o.x.blocks, o.x.cols);
    assembly_.add({y, dy}, {whole(dx)}, [this, y, dy, dx](const Locator& at) {
      return operation(SoftmaxGradient{assembly_.view(at, y), assembly_.view(at, dy), assembly_.view(at, whole(dx))});
    });
    own_gradient(o.x, lane, dx);
  }
}

void Lowering::backward(const MultiplyNode& o) {
  finish_adjoint(o.y.tensor);
  const Access b = access(o.b);
  for (int lane : lanes(o.a.tensor)) {
    const int dy_buffer = adjoint(o.y.tensor, lane);
    if (dy_buffer < 0) continue;
    const Access dy = access(o.y, dy_buffer);
    contribute(o.a.tensor, lane, o.a, [this, b, dy, o](int buffer, bool add, Activation activation) {
      const Access da = access(o.a, buffer), a = access(o.a);
      assembly_.add({dy, b}, {da}, [this, dy, b, da, add](const Locator& at) {
        return operation(Multiply{assembly_.view(at, dy), assembly_.view(at, b), assembly_.view(at, da), add});
      });
      if (activation == Activation::identity) return;
      assembly_.add({a, da}, {da}, [this, a, da, activation](const Locator& at) {
        return operation(ActivationGradient{assembly_.view(at, a), assembly_.view(at, da), activation});
      });
    });
  }
}

void Lowering::backward(const InherentVariationalNode& o) {
  const int task = graph_.terms()[o.inherent_term].task;
  const std::vector<int> all = lanes(o.z.tensor);
  const int lane = !all.empty() && all.front() == kMerged ? kMerged : task;
  const Access z = access(o.z);
  const int dz = assembly_.matrix("inherent-variational gradient", o.z.blocks, o.z.cols);
  const Access d = assembly_.part(dz, 0, o.z.blocks, 0, o.z.cols);
  const int weight = weight_in(lane, task);
  std::vector<Access> reads{z, whole(task_loss_[task])};
  if (weight >= 0) reads.push_back(whole(balancing_[0].weights));
  assembly_.add(reads, {d}, [this, z, d, o, weight](const Locator& at) {
    return operation(InherentVariationalGradient{assembly_.view(at, z), assembly_.view(at, d), o.shared,
                                                 o.inherent_term, o.variational_term, weight});
  });
  own_gradient(o.z, lane, dz);
}

void Lowering::backward_operations() {
  for (auto node = graph_.nodes().rbegin(); node != graph_.nodes().rend(); ++node)
    std::visit([this](const auto& o) { backward(o); }, *node);
}

}  // namespace equipoise
