// engine/run/stepper.cpp - a training one step at a time.
#include "engine/run/stepper.h"

#include <algorithm>
#include <utility>

#include "engine/run/parameters.h"

namespace equipoise {

Stepper::Stepper(Program train, Program probe, const Settings& settings, Executor& executor)
    : executor_(executor),
      train_(std::move(train)),
      probe_(std::move(probe)),
      settings_(settings),
      control_(fresh_control(settings_, static_cast<int>(train_.task_names.size()),
                             static_cast<int>(train_.chains.size()))) {}

std::vector<float> Stepper::state() const {
  std::vector<float> values(static_cast<std::size_t>(train_.state_floats));
  executor_.store_state(values);
  return values;
}

void Stepper::probe() {
  probed_ = control_;
  probed_rows_ = std::min(train_.batch, settings_.rows - control_.position);
  executor_.run(probe_, {&settings_, 1}, {&probed_, 1}, {1, false}, nullptr, &work_);
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

void Stepper::step() { executor_.run(train_, {&settings_, 1}, {&control_, 1}, {1, false}); }

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
