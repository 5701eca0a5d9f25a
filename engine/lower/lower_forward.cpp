// engine/lower/lower_forward.cpp - lower(): the forward operations and the losses.
#include <algorithm>
#include <utility>

#include "engine/lower/lowering.h"

namespace equipoise {

int Lowering::join(int slots, int groups, int count, bool per_sample, int into, int at_double) {
  int left = per_sample ? count * options_.batch : count;
  int from = slots;
  for (int level = 0; left > 1; ++level) {
    left = divide_up(left, kJoin);
    const bool last = left == 1 && into >= 0;
    const int to = last ? into : assembly_.doubles("sums", int64_t{groups} * left);
    const Access write = last ? assembly_.part(to, 0, 1, at_double, 1) : whole(to);
    assembly_.add({whole(from)}, {write}, [=](const Locator& at) {
      Place place = at.place(to);
      if (last) place.offset += 2 * at_double;
      return operation(Join{at.place(from), place, groups, count, level, per_sample});
    });
    from = to;
  }
  return from;
}

LinearPlace Lowering::linear_place(const Locator& at, int layer, int buffer, int lane) const {
  Place weight = at.place(buffer);
  weight.offset += lane * layout_[layer].floats;
  Place bias = weight;
  bias.offset += layout_[layer].bias_offset;
  return {weight, bias, layout_[layer].stride};
}

int Lowering::slots_for(int term, int64_t count, int per_sample) {
  const int slots = assembly_.doubles("slots of " + graph_.terms()[term].name, count);
  term_sum_[term] = slots;  // replaced by the joined sum once the operation is in
  slots_per_sample_[term] = per_sample;
  return slots;
}

void Lowering::forward(const LinearNode& o) {
  const Access x = access(o.x), y = access(o.y);
  assembly_.add({x, whole(parameter_[o.layer])}, {y}, [this, x, y, o](const Locator& at) {
    return operation(Linear{assembly_.view(at, x), linear_place(at, o.layer, parameter_[o.layer], 0),
                            assembly_.view(at, y), o.activation});
  });
}

void Lowering::forward(const LatentNode& o) {
  const Access heads = access(graph_.all(o.heads)), noise = access(graph_.all(o.noise)),
               sigma = access(graph_.all(o.sigma)), z = access(graph_.all(o.z));
  const int blocks = graph_.tensors()[o.heads].blocks;
  const int64_t count = int64_t{blocks} * assembly_.batch() * kRowLanes;
  const int slots = o.kl_term < 0 ? assembly_.doubles("slots of a kl that no task wants", count)
                                  : slots_for(o.kl_term, count, blocks * kRowLanes);
  std::vector<Access> reads{heads};
  if (o.use_noise) reads.push_back(noise);
  assembly_.add(
      std::move(reads), {sigma, z, whole(slots)}, [this, heads, noise, sigma, z, slots, o](const Locator& at) {
        const Assembly& a = assembly_;
        return operation(Latent{a.view(at, heads), o.use_noise ? a.view(at, noise) : a.view(at, heads),
                                a.view(at, sigma), a.view(at, z), at.place(slots), o.use_noise, o.log_factor});
      });
}

void Lowering::forward(const SumNode& o) {
  const Access to = access(o.to);
  for (std::size_t first = 0; first < o.from.size(); first += kMaxSummands) {
    std::vector<Access> reads;
    std::vector<float> coefficient;
    for (std::size_t s = first; s < o.from.size() && s < first + kMaxSummands; ++s) {
      reads.push_back(access(o.from[s]));
      coefficient.push_back(o.coefficient[s]);
    }
    assembly_.add(reads, {to}, [this, reads, to, coefficient, accumulate = first > 0](const Locator& at) {
      SumViews sum{};
      sum.to = assembly_.view(at, to);
      sum.count = static_cast<int32_t>(reads.size());
      sum.accumulate = accumulate;
      for (std::size_t s = 0; s < reads.size(); ++s) {
        sum.from[s] = assembly_.view(at, reads[s]);
        sum.coefficient[s] = coefficient[s];
        sum.task[s] = -1;
      }
      return operation(sum);
    });
  }
}

void Lowering::forward(const SoftmaxNode& o) {
  const Access x = access(o.x), y = access(o.y);
  assembly_.add({x}, {y}, [this, x, y](const Locator& at) {
    return operation(Softmax{assembly_.view(at, x), assembly_.view(at, y)});
  });
}

void Lowering::forward(const MultiplyNode& o) {
  const Access a = access(o.a), b = access(o.b), y = access(o.y);
  assembly_.add({a, b}, {y}, [this, a, b, y](const Locator& at) {
    return operation(Multiply{assembly_.view(at, a), assembly_.view(at, b), assembly_.view(at, y), false});
  });
}

// A loss whose gradient needs nothing but its own inputs writes it in the same pass, to its lane's adjoint.
Lowering::LossGradient Lowering::loss_gradient(const Region& by, int term) {
  const int task = graph_.terms()[term].task;
  const std::vector<int> lanes_of = lanes(by.tensor);
  const bool merged = !lanes_of.empty() && lanes_of.front() == kMerged;
  const bool wanted = merged || std::find(lanes_of.begin(), lanes_of.end(), task) != lanes_of.end();
  LossGradient g{merged ? kMerged : task, -1, -1, -1};
  if (!options_.trains || !wanted) return g;
  g.buffer = assembly_.matrix("gradient by " + graph_.tensors()[by.tensor].name, by.blocks, by.cols);
  (weights_come_late(0) ? g.late_weight : g.weight) = weight_in(g.lane, task);
  return g;
}

void Lowering::loss_operation(const Region& by, int term, std::vector<Access> reads, int slots,
                              std::function<Operation(const Locator&, View dx, bool has_gradient, int weight)> make,
                              bool in_place) {
  const LossGradient g = loss_gradient(by, term);
  const bool has_gradient = g.buffer >= 0;
  const Access dx = has_gradient ? whole(g.buffer) : access(by);
  std::vector<Access> writes{whole(slots)};
  if (has_gradient) writes.push_back(dx);
  if (g.weight >= 0) reads.push_back(whole(balancing_[0].weights));
  assembly_.add(std::move(reads), std::move(writes),
                [this, dx, has_gradient, weight = g.weight, make = std::move(make)](const Locator& at) {
                  return make(at, assembly_.view(at, dx), has_gradient, weight);
                });
  if (!has_gradient) return;
  if (in_place && by.block == 0 && by.col == 0) assembly_.allow_replacing(tensor_buffer_[by.tensor], g.buffer);
  own_gradient(by, g.lane, g.buffer, g.late_weight);
}

int Lowering::count_targets(const Region& target, int term, int first_weight) {
  const Access t = access(target);
  const int slots = assembly_.doubles("slots of targets", int64_t{assembly_.batch()} * kRowLanes);
  assembly_.add({t}, {whole(slots)}, [this, t, slots, first_weight](const Locator& at) {
    return operation(CountTargets{assembly_.view(at, t), at.place(slots), first_weight});
  });
  return term_count_[term] = join(slots, 1, kRowLanes, true);
}

void Lowering::forward(const SquaredErrorNode& o) {
  const Access y = access(o.y), target = access(o.target);
  const Term& term = graph_.terms()[o.term];
  const int slots = slots_for(o.term, int64_t{o.y.blocks} * assembly_.batch() * kRowLanes, o.y.blocks * kRowLanes);
  const bool summed = sums(o.term);
  const float scale = summed ? static_cast<float>(1.0 / term.per_row) : 1.0f;
  loss_operation(
      o.y, o.term, {y, target}, slots,
      [=, this](const Locator& at, View dy, bool has_gradient, int weight) {
        return operation(SquaredError{assembly_.view(at, y), assembly_.view(at, target), dy, at.place(slots), scale,
                                      weight, has_gradient, summed});
      },
      true);
}

void Lowering::forward(const TargetNode& o) {
  const Access x = access(o.x), target = access(o.target);
  const int count = count_targets(o.target, o.term, o.first_weight);
  const int slots = slots_for(o.term, int64_t{assembly_.batch()} * kRowLanes, kRowLanes);
  loss_operation(
      o.x, o.term, {x, target, whole(count)}, slots,
      [=, this](const Locator& at, View dx, bool has_gradient, int weight) {
        return operation(TargetLoss{assembly_.view(at, x), assembly_.view(at, target), at.place(count), dx,
                                    at.place(slots), o.form, weight, o.first_weight, has_gradient, sums(o.term)});
      });
}

void Lowering::forward(const TargetCrossEntropyNode& o) {
  const Access x = access(o.x), target = access(o.target);
  const int count = count_targets(o.target, o.term, o.first_weight);
  const int slots = slots_for(o.term, assembly_.batch(), 1);
  loss_operation(
      o.x, o.term, {x, target, whole(count)}, slots,
      [=, this](const Locator& at, View dx, bool has_gradient, int weight) {
        return operation(TargetCrossEntropy{assembly_.view(at, x), assembly_.view(at, target), at.place(count), dx,
                                            at.place(slots), weight, o.first_weight, has_gradient, sums(o.term)});
      });
}

void Lowering::forward(const AdversarialNode& o) {
  const Access x = access(o.x);
  const int slots = slots_for(o.term, int64_t{o.x.blocks} * assembly_.batch() * kRowLanes, o.x.blocks * kRowLanes);
  loss_operation(o.x, o.term, {x}, slots, [=, this](const Locator& at, View dx, bool has_gradient, int weight) {
    return operation(
        Adversarial{assembly_.view(at, x), dx, at.place(slots), o.offset, weight, o.real, has_gradient, sums(o.term)});
  });
}

void Lowering::forward(const CrossEntropyNode& o) {
  const Access x = access(o.x);
  const int slots = slots_for(o.term, assembly_.batch(), 1);
  loss_operation(o.x, o.term, {x, whole(labels_), whole(label_weight_)}, slots,
                 [=, this](const Locator& at, View dx, bool has_gradient, int weight) {
                   return operation(CrossEntropy{assembly_.view(at, x), at.place(labels_), dx, at.place(slots), 1.0f,
                                                 weight, has_gradient});
                 });
}

void Lowering::forward(const InherentVariationalNode& o) {
  const Access z = access(o.z);
  const int64_t count = int64_t{assembly_.batch()} * kRowLanes;
  const int inherent = slots_for(o.inherent_term, count, kRowLanes);
  const int variational = slots_for(o.variational_term, count, kRowLanes);
  assembly_.add({z}, {whole(inherent), whole(variational)}, [this, z, inherent, variational, o](const Locator& at) {
    return operation(
        InherentVariational{assembly_.view(at, z), o.shared, at.place(inherent), at.place(variational)});
  });
}

// A gradient that already stands in a buffer of its own shape joins the lane by copying; it takes its task's weight
// then, where that was not known when it was written.
void Lowering::own_gradient(Region region, int lane, int buffer, int weight) {
  Region from = region;
  from.block = 0;
  from.col = 0;
  copies_[{region.tensor, lane}].push_back({region, from, buffer, weight, 1.0f, true});
}

void Lowering::forward_operations() {
  for (const Node& node : graph_.nodes()) std::visit([this](const auto& o) { forward(o); }, node);
  for (auto& [term, buffer] : term_sum_) buffer = join(buffer, 1, slots_per_sample_.at(term), true);
}

void Lowering::loss_operations() {
  for (int k = 0; k < tasks_; ++k) {
    const Task& task = graph_.tasks()[k];
    std::vector<Access> reads{whole(label_weight_)};
    for (int term : task.terms) {
      reads.push_back(whole(term_sum_.at(term)));
      if (term_count_.contains(term)) reads.push_back(whole(term_count_.at(term)));
    }
    assembly_.add(reads, {whole(task_loss_[k])}, [this, k, task](const Locator& at) {
      TaskLoss loss{};
      loss.task = k;
      loss.form = task.form;
      loss.terms = static_cast<int32_t>(task.terms.size());
      for (std::size_t t = 0; t < task.terms.size(); ++t) {
        const Term& term = graph_.terms()[task.terms[t]];
        loss.term[t] = task.terms[t];
        loss.sum[t] = at.place(term_sum_.at(task.terms[t]));
        loss.divisor[t] = term.divisor;
        loss.per_row[t] = term.per_row;
        if (term.divisor == Divisor::counted) loss.count[t] = at.place(term_count_.at(task.terms[t]));
      }
      return operation(loss);
    });
  }
}

}  // namespace equipoise
