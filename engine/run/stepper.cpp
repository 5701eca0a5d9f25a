// engine/run/stepper.cpp - a training one step at a time.
#include "engine/run/stepper.h"

#include <algorithm>

#include "engine/run/parameters.h"

namespace equipoise {

namespace {

LowerOptions train_options(const Setup& setup, Pass pass, int batch, bool shuffle, const PlanLimits& limits) {
  LowerOptions o = training_options(setup, batch, limits, pass);
  o.shuffle = shuffle;
  return o;
}

/// MLDRL's records hold the Gram matrix over the latent heads, others that over all shared parameters.
LowerOptions probe_options(const Setup& setup, Pass pass, int batch, bool shuffle, const PlanLimits& limits) {
  LowerOptions o = train_options(setup, pass, batch, shuffle, limits);
  o.probe = true;
  Balancer measures;
  if (const auto* m = std::get_if<MldrlModel>(&setup.model)) measures.over = mldrl_heads(*m);
  else measures.over_shared = true;
  // Balancers' states keep their places, so that both programs read one state.
  for (Balancer& b : o.balancers) {
    measures.chain = b.chain;
    b = measures;
    measures = {};
  }
  return o;
}

}  // namespace

Stepper::Stepper(const Setup& setup, int batch, Pass pass, bool shuffle, Executor& executor)
    : setup_(setup),
      executor_(executor),
      train_(lower(model_graph(setup.model, pass), train_options(setup, pass, batch, shuffle, executor.plan_limits()))),
      probe_(lower(model_graph(setup.model, pass), probe_options(setup, pass, batch, shuffle, executor.plan_limits()))),
      control_(fresh_control(setup.settings, task_count(setup.model), static_cast<int>(setup.balance.size()))) {
  setup_.settings = replica_settings(setup);
}

std::vector<float> Stepper::state() const {
  std::vector<float> values(static_cast<std::size_t>(train_.state_floats));
  executor_.store_state(values);
  return values;
}

void Stepper::probe() {
  probed_ = control_;
  probed_rows_ = std::min(train_.batch, setup_.settings.rows - control_.position);
  executor_.run(probe_, {&setup_.settings, 1}, {&probed_, 1}, {1, false}, nullptr, &work_);
}

std::vector<float> Stepper::kept(const std::string& tensor, int block, int col, int cols) const {
  const View& v =
      std::find_if(probe_.kept.begin(), probe_.kept.end(), [&](const Kept& k) { return k.name == tensor; })->view;
  std::vector<float> values;
  for (int r = 0; r < probed_rows_; ++r) {
    const float* row = work_.data() + v.place.offset + int64_t{block * probed_rows_ + r} * v.stride + col;
    values.insert(values.end(), row, row + cols);
  }
  return values;
}

std::vector<float> Stepper::kept(const std::string& tensor) const {
  const auto found =
      std::find_if(probe_.kept.begin(), probe_.kept.end(), [&](const Kept& k) { return k.name == tensor; });
  return kept(tensor, 0, 0, found->view.cols);
}

std::vector<float> Stepper::gradient(int task, const ParameterInfo& p) const {
  for (const KeptGradient& g : probe_.kept_gradients) {
    if (g.task != task || probe_.parameters[static_cast<std::size_t>(g.parameter)].name != p.name) continue;
    std::vector<float> values;
    for (int r = 0; r < p.rows; ++r) {
      const float* row = work_.data() + g.place.offset + int64_t{r} * p.stride;
      values.insert(values.end(), row, row + p.cols);
    }
    return values;
  }
  return std::vector<float>(static_cast<std::size_t>(p.rows) * p.cols, 0.0f);
}

std::vector<int64_t> Stepper::labels() const {
  std::vector<int64_t> labels;
  for (int r = 0; r < probed_rows_; ++r) {
    int32_t label;
    std::copy_n(reinterpret_cast<const char*>(work_.data() + probe_.labels.offset + r), sizeof label,
                reinterpret_cast<char*>(&label));
    labels.push_back(label);
  }
  return labels;
}

void Stepper::step() { executor_.run(train_, {&setup_.settings, 1}, {&control_, 1}, {1, false}); }

std::string Stepper::describe_bad() const { return equipoise::describe_bad(train_, control_); }

std::string describe_bad(const Program& program, const Control& control) {
  const auto index = static_cast<std::size_t>(control.bad_index);
  if (control.bad_kind == BadKind::loss) return "the loss of " + program.task_names[index];
  if (control.bad_kind == BadKind::gradient) {
    const int layer = program.layer_of_block[index];
    for (const ParameterInfo& p : program.parameters)
      if (p.layer == layer) return "the gradient of " + p.name.substr(0, p.name.rfind('.'));
  }
  return "nothing";
}

}  // namespace equipoise
