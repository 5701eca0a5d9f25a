// engine/lower/lower.cpp - lower(): analysis, allocation, and the beginning and end of a step.
#include "engine/lower/lower.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/lower/canonical.h"
#include "engine/lower/lowering.h"

namespace equipoise {

std::vector<LayerLayout> layer_layouts(const Graph& graph) {
  std::vector<LayerLayout> layouts;
  int64_t offset = 0;
  for (const Layer& layer : graph.layers()) {
    LayerLayout l;
    l.stride = row_stride(layer.in);
    if (int64_t{layer.out} * l.stride + padded(layer.out) > INT32_MAX) refuse_size();
    l.bias_offset = layer.out * l.stride;
    l.floats = l.bias_offset + padded(layer.out);
    l.state_offset = offset;
    offset += l.floats;
    layouts.push_back(l);
  }
  return layouts;
}

int64_t parameter_floats(const Graph& graph) {
  const auto layouts = layer_layouts(graph);
  return layouts.empty() ? 0 : layouts.back().state_offset + layouts.back().floats;
}

int64_t balance_doubles(const std::vector<Chain>& chains, std::size_t balancers) {
  int64_t doubles = 0;
  for (std::size_t b = 0; b < balancers; ++b) doubles += chains[b].state;
  return doubles;
}

Lowering::Lowering(const Graph& graph, const LowerOptions& options)
    : graph_(graph),
      options_(options),
      assembly_(options.batch),
      tasks_(static_cast<int>(graph.tasks().size())),
      layout_(layer_layouts(graph)) {
  const auto limit = [](std::size_t count, int most, const char* what) {
    if (count > static_cast<std::size_t>(most))
      throw std::logic_error("a model has at most " + std::to_string(most) + " " + what);
  };
  limit(graph.tasks().size(), kMaxTasks, "tasks");
  limit(options.balancers.size(), kMaxBalancers, "balancers");
  limit(options.balancers.size() * graph.tasks().size(), kMaxTasks, "tasks, counted once for each balancer");
  limit(graph.terms().size(), kMaxTerms, "loss terms");
  limit(graph.outputs().size(), kMaxOutputs, "outputs");
  for (const Term& term : graph.terms())
    if (term.task < 0) throw std::logic_error("term " + term.name + " is in no task");
  for (const Task& task : graph.tasks()) limit(task.terms.size(), kMaxTaskTerms, "terms a task");
  for (const Tensor& tensor : graph.tensors())
    limit(static_cast<std::size_t>(tensor.source + 1), kMaxSources, "data sources");
}

// Which tasks each tensor and layer reaches (backwards), and which tensors depend on balanced parameters (forwards).
void Lowering::analyse() {
  const std::size_t tensors = graph_.tensors().size(), layers = graph_.layers().size();
  reach_.assign(tensors, std::vector<bool>(tasks_));
  layer_reach_.assign(layers, std::vector<bool>(tasks_));
  separate_.assign(tensors, options_.probe || graph_.routed());
  balanced_.assign(layers, options_.probe || graph_.routed());
  made_by_.assign(tensors, Activation::identity);

  std::vector<bool> produced(tensors);
  const auto term_task = [&](int term) { return graph_.terms()[term].task; };
  for (auto node = graph_.nodes().rbegin(); node != graph_.nodes().rend(); ++node) {
    const NodeAccess a = access_of(graph_, *node);
    std::vector<bool> tasks(tasks_);
    for (const Region& w : a.writes)
      for (int k = 0; k < tasks_; ++k) tasks[k] = tasks[k] || reach_[w.tensor][k];
    for (int term : terms_of(*node)) tasks[term_task(term)] = true;
    for (const Region& r : a.reads)
      for (int k = 0; k < tasks_; ++k) reach_[r.tensor][k] = reach_[r.tensor][k] || tasks[k];
    const auto* linear = std::get_if<LinearNode>(&*node);
    for (const Region& w : a.writes) {
      const Activation activation = linear ? linear->activation : Activation::identity;
      if (produced[w.tensor] && made_by_[w.tensor] != activation)
        throw std::logic_error("blocks of " + graph_.tensors()[w.tensor].name +
                               " have different activations; use one tensor for each");
      produced[w.tensor] = true;
      made_by_[w.tensor] = activation;
    }
    for (int k = 0; linear && k < tasks_; ++k)
      layer_reach_[linear->layer][k] =
          layer_reach_[linear->layer][k] || (tasks[k] && graph_.route(linear->layer, k) != 0.0f);
  }
  keep_needed();
  if (balancers() > 0 && balancer(0).over_shared) share_parameters();
  for (int b = 0; b < balancers(); ++b) {
    for (const Stretch& s : balancer(b).over) balanced_[s.layer] = true;
    if (at_tensor(b)) separate_[balancer(b).at.tensor] = true;
  }
  check_balancers();
  for (std::size_t layer = 0; layer < layers; ++layer)
    if (drops_gradients(0) && !at_tensor(0) && is_shared(static_cast<int>(layer))) balanced_[layer] = true;
  for (const Node& node : graph_.nodes()) {
    const NodeAccess a = access_of(graph_, node);
    bool depends = false;
    for (const Region& r : a.reads) depends = depends || separate_[r.tensor];
    if (const auto* o = std::get_if<LinearNode>(&node)) depends = depends || balanced_[o->layer];
    for (const Region& w : a.writes) separate_[w.tensor] = separate_[w.tensor] || depends;
  }
  find_paths();
}

// A gradient is needed where some parameter that takes it lies upstream.
void Lowering::keep_needed() {
  std::vector<std::vector<bool>> needed(graph_.tensors().size(), std::vector<bool>(tasks_));
  for (const Node& node : graph_.nodes()) {
    const NodeAccess a = access_of(graph_, node);
    const auto* linear = std::get_if<LinearNode>(&node);
    for (const Region& w : a.writes)
      for (int k = 0; k < tasks_; ++k) {
        bool here = linear && graph_.route(linear->layer, k) != 0.0f;
        for (const Region& r : a.reads) here = here || needed[r.tensor][k];
        needed[w.tensor][k] = needed[w.tensor][k] || here;
      }
  }
  for (std::size_t t = 0; t < needed.size(); ++t)
    for (int k = 0; k < tasks_; ++k) reach_[t][k] = reach_[t][k] && needed[t][k];
}

void Lowering::allocate() {
  for (const Tensor& t : graph_.tensors()) tensor_buffer_.push_back(assembly_.matrix(t.name, t.blocks, t.cols));
  const int64_t moments = parameter_floats(graph_);
  for (std::size_t i = 0; i < layout_.size(); ++i) {
    const std::string& name = graph_.layers()[i].slices.front().name;
    parameter_.push_back(assembly_.state(name, layout_[i].floats, layout_[i].state_offset));
    moment1_.push_back(assembly_.state(name + " moment 1", layout_[i].floats, moments + layout_[i].state_offset));
    moment2_.push_back(assembly_.state(name + " moment 2", layout_[i].floats, 2 * moments + layout_[i].state_offset));
    const std::size_t lanes_here = layer_lanes(static_cast<int>(i)).size() + curvature_lanes_[i].size();
    const int64_t lane_count = options_.trains ? std::max<std::size_t>(lanes_here, 1) : 0;
    gradient_.push_back(assembly_.floats(name + " gradient", lane_count * layout_[i].floats));
  }
  for (std::size_t i = 0; i < layout_.size(); ++i)
    gradient_written_.emplace_back(layer_lanes(static_cast<int>(i)).size(), false);
  std::vector<Chain> chains;
  for (int b = 0; b < std::max(1, balancers()); ++b) {
    chains.push_back(b < balancers() ? balancer(b).chain : Chain{});
    Balancing here{};
    here.weights = assembly_.token("task weights");
    here.gram = assembly_.token("gram");
    here.state = assembly_.state("balancing methods", 2 * int64_t{chains.back().state},
                                 3 * moments + 2 * balance_doubles(chains, static_cast<std::size_t>(b)));
    balancing_.push_back(here);
  }
  combined_.assign(layout_.size(), -1);
  rows_ = assembly_.ints("rows", options_.batch);
  labels_ = assembly_.ints("labels", options_.batch);
  label_weight_ = assembly_.token("label weight");
  finite_ = assembly_.token("finite");
  if (reaches_network()) curvature_ = assembly_.token("weights of the GradNorm loss");
  for (const Task& task : graph_.tasks()) task_loss_.push_back(assembly_.token("loss of " + task.name));
}

void Lowering::batch_operations() {
  assembly_.add({}, {whole(rows_), whole(labels_)}, [this](const Locator& at) {
    return operation(ChooseRows{at.place(rows_), at.place(labels_)});
  });
  assembly_.add({whole(labels_)}, {whole(label_weight_)},
                [this](const Locator& at) { return operation(LabelWeight{at.place(labels_)}); });
  for (std::size_t t = 0; t < graph_.tensors().size(); ++t) {
    const Tensor& tensor = graph_.tensors()[t];
    const Access to = whole(tensor_buffer_[t]);
    if (tensor.origin == TensorOrigin::gathered)
      assembly_.add({whole(rows_)}, {to}, [this, to, source = tensor.source](const Locator& at) {
        return operation(Gather{at.place(rows_), source, assembly_.view(at, to)});
      });
    if (tensor.origin == TensorOrigin::drawn)
      assembly_.add({}, {to}, [this, to, &tensor](const Locator& at) {
        return operation(DrawNoise{assembly_.view(at, to), tensor.stream});
      });
    if (tensor.origin == TensorOrigin::masked)
      assembly_.add({}, {to}, [this, to, &tensor](const Locator& at) {
        return operation(DrawMask{assembly_.view(at, to), tensor.stream});
      });
  }
}

void Lowering::close_operations() {
  if (!options_.trains) {
    for (std::size_t i = 0; i < graph_.outputs().size(); ++i) {
      const Access from = access(graph_.outputs()[i]);
      assembly_.add({from}, {}, [this, from, i](const Locator& at) {
        return operation(Emit{assembly_.view(at, from), static_cast<int32_t>(i)});
      });
    }
  }
  CloseStep close{tasks_, static_cast<int32_t>(graph_.terms().size()), balancers(), 0,
                  0,      options_.trains && !options_.probe};
  for (std::size_t t = 0; t < graph_.terms().size(); ++t)
    if (sums(static_cast<int>(t))) {
      close.summed_terms |= uint64_t{1} << t;
      close.summed_tasks |= uint64_t{1} << graph_.terms()[t].task;
    }
  assembly_.add_last([close](const Locator&) { return operation(close); });
}

Program Lowering::run() {
  analyse();
  allocate();
  batch_operations();
  for (int b = 0; options_.trains && b < balancers(); ++b)
    if (!weights_come_late(b)) weigh_operation(b);
  forward_operations();
  loss_operations();
  if (options_.trains) {
    backward_operations();
    balance_all();
    combine_operations();
    gate_operations();
  }
  close_operations();
  if (options_.trains) update_operations();  // beside the end of the step, which changes nothing that they read

  Program program;
  program.batch = options_.batch;
  program.shuffle = options_.shuffle;
  program.routed = graph_.routed();
  for (const Balancer& b : options_.balancers) make_canonical(program.chains.emplace_back(b.chain));
  for (int b = 0; b < balancers(); ++b) program.measured.push_back(at_tensor(b) || !balancer(b).over.empty());
  program.moment_stride = parameter_floats(graph_);
  program.state_floats =
      3 * program.moment_stride + (2 * balance_doubles(program.chains, program.chains.size()) + 3) / 4 * 4;
  for (const Task& t : graph_.tasks()) program.task_names.push_back(t.name);
  for (const Term& t : graph_.terms()) program.term_names.push_back(t.name);
  program.layer_of_block = layer_of_block_;
  for (const Region& r : graph_.outputs()) program.output_cols.push_back(r.cols);
  for (std::size_t i = 0; i < layout_.size(); ++i) {
    const Layer& layer = graph_.layers()[i];
    const LayerLayout& l = layout_[i];
    for (const LayerSlice& s : layer.slices) {
      program.parameters.push_back({s.name + ".weight",
                                    {s.rows, layer.in},
                                    static_cast<int>(i),
                                    l.state_offset + int64_t{s.first_row} * l.stride,
                                    s.rows,
                                    layer.in,
                                    l.stride,
                                    layer.in});
      program.parameters.push_back({s.name + ".bias",
                                    {s.rows},
                                    static_cast<int>(i),
                                    l.state_offset + l.bias_offset + s.first_row,
                                    1,
                                    s.rows,
                                    l.stride,
                                    layer.in});
    }
  }
  plan(assembly_, options_.limits, options_.probe, program, [&](const Locator& at) {
    if (!options_.probe) return;
    program.labels = at.place(labels_);
    for (std::size_t t = 0; t < graph_.tensors().size(); ++t)
      program.kept.push_back({graph_.tensors()[t].name, assembly_.view(at, whole(tensor_buffer_[t]))});
    for (std::size_t p = 0; p < program.parameters.size(); ++p) {
      const int layer = program.parameters[p].layer;
      const std::vector<int> lanes_of = layer_lanes(layer);
      for (std::size_t lane = 0; lane < lanes_of.size(); ++lane) {
        Place place = at.place(gradient_[layer]);
        place.offset += static_cast<int>(lane) * layout_[layer].floats +
                        static_cast<int>(program.parameters[p].offset - layout_[layer].state_offset);
        program.kept_gradients.push_back({lanes_of[lane], static_cast<int>(p), place});
      }
    }
  });
  return program;
}

Program lower(const Graph& graph, const LowerOptions& options) { return Lowering(graph, options).run(); }

}  // namespace equipoise
