// tests/engine/systems/system_reference.h - a training's networks, parameters and batches as the double references have
// them.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/vaegan/vaegan_system.h"
#include "tests/engine/systems/synthetic_systems.h"
#include "tests/reference/mtl.h"
#include "tests/reference/vaegan_backward.h"

namespace equipoise::test {

inline reference::Matrix matrix_of(const std::vector<float>& values, int rows) {
  return {rows, static_cast<int>(values.size()) / rows, std::vector<double>(values.begin(), values.end())};
}

inline reference::Activation reference_activation(Activation activation) {
  switch (activation) {
    case Activation::relu:
      return reference::Activation::relu;
    case Activation::tanh:
      return reference::Activation::tanh;
    case Activation::sigmoid:
      return reference::Activation::sigmoid;
    default:
      return reference::Activation::identity;
  }
}

/// Parameters as they stand, or one of their moments.
inline reference::MldrlParameters reference_parameters(const SteppedSystem& s, StatePart part = StatePart::parameter) {
  reference::MldrlParameters parameters;
  for (const ParameterInfo& p : s.stepper.program().parameters)
    parameters.by_name[p.name] = matrix_of(s.value(p, part), p.rows);
  return parameters;
}

/// `weights` are the run's class weights, of which a model that weighs no classes takes none.
inline reference::MtlNetwork reference_network(const MtlModel& m, std::span<const float> weights = {}) {
  const MtlLayerNames names(m);
  reference::MtlNetwork network;
  network.hidden_activation = reference_activation(m.activation);
  network.dropout = m.dropout;
  for (std::size_t i = 0; i < m.trunk.size(); ++i) network.trunk.push_back(names.trunk(static_cast<int>(i)));
  for (std::size_t k = 0; k < m.tasks.size(); ++k) {
    const Likelihood* kind = m.tasks[k].likelihood;
    reference::MtlTask task{m.tasks[k].name,
                            kind == &binary()       ? reference::TargetKind::binary
                            : kind == &multiclass() ? reference::TargetKind::classes
                            : kind == &count()      ? reference::TargetKind::count
                                                    : reference::TargetKind::regression,
                            {}};
    if (const int first = m.first_weight(k); first >= 0)
      for (const float w :
           weights.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(classes_of(m.tasks[k]))))
        task.class_weights.push_back(w);
    for (std::size_t i = 0; i <= m.tower.size(); ++i)
      task.layers.push_back(names.tower(static_cast<int>(k), static_cast<int>(i)));
    network.tasks.push_back(std::move(task));
  }
  return network;
}

/// Rows, targets and masks of the step just probed.
inline reference::MtlBatch reference_mtl_batch(const SteppedSystem& s, const reference::MtlNetwork& network) {
  const MtlModel& m = mtl(s.system.plan.setup);
  const int rows = s.stepper.probed_rows();
  reference::MtlBatch batch{matrix_of(s.stepper.kept("x"), rows), {}, {}};
  const reference::Matrix targets = matrix_of(s.stepper.kept("targets"), rows);
  for (const Target& t : m.tasks) batch.target.push_back(reference::columns(targets, t.first_col, t.cols));
  if (m.dropout == 0) return batch;
  std::vector<std::string> hidden = network.trunk;
  for (const reference::MtlTask& task : network.tasks)
    hidden.insert(hidden.end(), task.layers.begin(), task.layers.end() - 1);
  const std::vector<MtlMask> masks = mtl_masks(m);
  for (std::size_t i = 0; i < masks.size(); ++i) {
    reference::Matrix kept = matrix_of(s.stepper.kept("mask." + masks[i].name), rows);
    for (double& unit : kept.values) unit = unit != 0 ? 1 : 0;
    batch.kept[hidden.at(i)] = std::move(kept);
  }
  return batch;
}

/// Rows, noise and labels of the step just probed.
inline reference::VaeganBatch reference_vaegan_batch(const SteppedSystem& s) {
  const int rows = s.stepper.probed_rows();
  reference::VaeganBatch batch{matrix_of(s.stepper.kept("x"), rows), matrix_of(s.stepper.kept("noise"), rows),
                               matrix_of(s.stepper.kept("prior"), rows), reference::Matrix(rows, 0)};
  if (vaegan(s.system.plan.setup).labels > 0) batch.aux = matrix_of(s.stepper.kept("labels"), rows);
  for (double& label : batch.aux.values)
    if (std::isnan(label)) label = -1;
  return batch;
}

/// Empty where every entry is within `relative` of the expected tensor's largest entry plus `absolute`; else the first
/// entry that is not.
inline std::string off_by(const std::vector<float>& got, const reference::Matrix& expected, double relative,
                          double absolute) {
  if (got.size() != expected.values.size()) return "another number of entries";
  const double tolerance = relative * reference::max_abs(expected) + absolute;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::fabs(double{got[i]} - expected.values[i]) <= tolerance))
      return "entry " + std::to_string(i) + ": got " + std::to_string(got[i]) + ", expected " +
             std::to_string(expected.values[i]) + ", tolerance " + std::to_string(tolerance);
  return {};
}

}  // namespace equipoise::test
