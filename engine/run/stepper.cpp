// engine/run/stepper.cpp - a training one step at a time.
#include "engine/run/stepper.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "engine/run/parameters.h"

namespace equipoise {

Stepper::Stepper(Program train, Program probe, std::span<const Settings> replicas, Executor& executor)
    : executor_(executor),
      train_(std::move(train)),
      probe_(std::move(probe)),
      settings_(replicas.begin(), replicas.end()) {
  for (const Settings& s : settings_)
    controls_.push_back(
        fresh_control(s, static_cast<int>(train_.task_names.size()), static_cast<int>(train_.chains.size())));
}

std::vector<float> Stepper::state(std::size_t replica) const {
  std::vector<float> state(static_cast<std::size_t>(train_.state_floats));
  executor_.store_states(replica, state);
  return state;
}

void Stepper::probe() {
  // All replicas run the probe, which updates nothing; the scratch that is kept is the first one's.
  std::vector<Control> probed = controls_;
  probed_rows_ = std::min(train_.batch, settings_.front().rows - controls_.front().position);
  executor_.run(probe_, settings_, probed, {1, false}, nullptr, &work_);
  probed_ = probed.front();
}

const View& Stepper::view_of(const std::string& tensor) const {
  const auto found =
      std::find_if(probe_.kept.begin(), probe_.kept.end(), [&](const Kept& k) { return k.name == tensor; });
  if (found == probe_.kept.end()) throw std::logic_error("the probe has no tensor '" + tensor + "'");
  return found->view;
}

std::vector<float> Stepper::kept(const std::string& tensor, int block, int col, int cols) const {
  const View& v = view_of(tensor);
  std::vector<float> values;
  for (int r = 0; r < probed_rows_; ++r) {
    const float* row = work_.data() + v.place.offset + int64_t{block * probed_rows_ + r} * v.stride + col;
    values.insert(values.end(), row, row + cols);
  }
  return values;
}

std::vector<float> Stepper::kept(const std::string& tensor) const { return kept(tensor, 0, 0, view_of(tensor).cols); }

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

void Stepper::step() { executor_.run(train_, settings_, controls_, {1, false}); }

std::string Stepper::describe_bad(std::size_t replica) const {
  return equipoise::describe_bad(train_, controls_[replica]);
}

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
