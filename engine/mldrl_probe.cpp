// engine/mldrl_probe.cpp - MLDRL one step at a time.
#include "engine/mldrl_probe.h"

#include <algorithm>

#include "engine/parameters.h"

namespace equipoise {

namespace {

LowerOptions probe_options(const MldrlSetup& setup, int batch, bool shuffle, const PlanLimits& limits) {
  LowerOptions o = training_options(setup, batch, limits);
  o.shuffle = shuffle;
  o.probe = true;
  o.over_shared = false;
  o.balance_at = -1;
  o.balance_over = mldrl_heads(setup.model);
  return o;
}

LowerOptions train_options(const MldrlSetup& setup, int batch, bool shuffle, const PlanLimits& limits) {
  LowerOptions o = training_options(setup, batch, limits);
  o.shuffle = shuffle;
  return o;
}

}  // namespace

MldrlStepper::MldrlStepper(const MldrlSetup& setup, int batch, LatentNoise noise, bool shuffle, Executor& executor)
    : setup_(setup),
      executor_(executor),
      train_(lower(mldrl_graph(setup.model, noise), train_options(setup, batch, shuffle, executor.plan_limits()))),
      probe_(lower(mldrl_graph(setup.model, noise), probe_options(setup, batch, shuffle, executor.plan_limits()))),
      control_(fresh_control(setup.settings, 3)) {}

void MldrlStepper::run_probe() {
  probed_ = control_;
  probed_rows_ = std::min(train_.batch, setup_.settings.rows - control_.position);
  executor_.run(probe_, {&setup_.settings, 1}, {&probed_, 1}, {1, false}, nullptr, &work_);
}

std::vector<float> MldrlStepper::kept(const std::string& tensor, int block, int col, int cols) const {
  const View& v =
      std::find_if(probe_.kept.begin(), probe_.kept.end(), [&](const Kept& k) { return k.name == tensor; })->view;
  std::vector<float> values;
  for (int r = 0; r < probed_rows_; ++r) {
    const float* row = work_.data() + v.place.offset + int64_t{block * probed_rows_ + r} * v.stride + col;
    values.insert(values.end(), row, row + cols);
  }
  return values;
}

void MldrlStepper::probe(TensorFile& to) {
  run_probe();
  const MldrlModel& m = setup_.model;
  const int latent = m.shared + m.specific, features[2] = {m.features1, m.features2};
  const auto put = [&](const std::string& name, const std::vector<float>& values, int cols) {
    to.tensors[name] = StoredTensor::from_floats({probed_rows_, cols}, values);
  };
  for (int i = 0; i < 2; ++i) {
    const std::string n = std::to_string(i + 1);
    put("out.mu" + n, kept("heads", i, 0, latent), latent);
    put("out.sigma" + n, kept("sigma", i, 0, latent), latent);
    put("out.reconstruction" + n, kept("decoder" + n + " output", 0, 0, features[i]), features[i]);
    put("out.cross" + n, kept("decoder" + n + " output", 1, 0, features[i]), features[i]);
  }
  const int joint = m.shared + 2 * m.specific;
  put("out.classifier_input", kept("classifier_input", 0, 0, joint), joint);
  put("out.prediction", kept("prediction", 0, 0, m.classes), m.classes);

  for (const ParameterInfo& p : probe_.parameters)  // a task that does not reach a parameter has gradient zero
    for (const std::string& task : probe_.task_names)
      to.tensors["grad." + task + "." + p.name] =
          StoredTensor::from_floats(p.shape, std::vector<float>(static_cast<std::size_t>(p.rows) * p.cols, 0.0f));
  for (const KeptGradient& g : probe_.kept_gradients) {
    const ParameterInfo& p = probe_.parameters[static_cast<std::size_t>(g.parameter)];
    std::vector<float> values;
    for (int r = 0; r < p.rows; ++r) {
      const float* row = work_.data() + g.place.offset + int64_t{r} * p.stride;
      values.insert(values.end(), row, row + p.cols);
    }
    to.tensors["grad." + probe_.task_names[static_cast<std::size_t>(g.task)] + "." + p.name] =
        StoredTensor::from_floats(p.shape, values);
  }
  to.tensors["gram.latent_heads"] = StoredTensor::from_doubles({3, 3}, {probed_.gram, 9});
}

MldrlStepper::Batch MldrlStepper::batch() {
  run_probe();
  const int latent = setup_.model.shared + setup_.model.specific;
  Batch b;
  b.rows = probed_rows_;
  b.view1 = kept("view1", 0, 0, setup_.model.features1);
  b.view2 = kept("view2", 0, 0, setup_.model.features2);
  b.noise1 = kept("noise", 0, 0, latent);
  b.noise2 = kept("noise", 1, 0, latent);
  const Place labels = probe_.labels;
  for (int r = 0; r < probed_rows_; ++r) {
    int32_t label;
    std::copy_n(reinterpret_cast<const char*>(work_.data() + labels.offset + r), sizeof label,
                reinterpret_cast<char*>(&label));
    b.label.push_back(label);
  }
  return b;
}

void MldrlStepper::step() {
  executor_.run(train_, {&setup_.settings, 1}, {&control_, 1}, {1, false});
  const Control& c = control_;
  losses_.insert(losses_.end(), c.losses, c.losses + 3);
  norms_.insert(norms_.end(), c.norms, c.norms + 3);
  targets_.insert(targets_.end(), c.targets, c.targets + 3);
  gradnorm_loss_.push_back(c.gradnorm_loss);
  const double terms[5] = {c.terms[0] + c.terms[1], c.terms[2], c.terms[3], c.terms[4], c.terms[5]};
  terms_.insert(terms_.end(), terms, terms + 5);
  weights_.insert(weights_.end(), c.shared_weights, c.shared_weights + 3);
}

void MldrlStepper::finish(TensorFile& to) {
  const auto steps = static_cast<int64_t>(gradnorm_loss_.size());
  to.tensors["trace.losses"] = StoredTensor::from_doubles({steps, 3}, losses_);
  to.tensors["trace.terms"] = StoredTensor::from_doubles({steps, 5}, terms_);
  to.tensors["trace.weights"] = StoredTensor::from_doubles({steps, 3}, weights_);
  to.tensors["trace.norms"] = StoredTensor::from_doubles({steps, 3}, norms_);
  to.tensors["trace.targets"] = StoredTensor::from_doubles({steps, 3}, targets_);
  to.tensors["trace.gradnorm_loss"] = StoredTensor::from_doubles({steps, 1}, gradnorm_loss_);
  to.tensors["final.task_weights"] = StoredTensor::from_doubles({3}, {control_.weights, 3});
  std::vector<float> state(static_cast<std::size_t>(train_.state_floats));
  executor_.store_state(state);
  for (const ParameterInfo& p : train_.parameters)
    to.tensors["final." + p.name] =
        StoredTensor::from_floats(p.shape, read_parameter(train_, p, StatePart::parameter, state));
}

std::string MldrlStepper::describe_bad() const { return equipoise::describe_bad(train_, control_); }

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
