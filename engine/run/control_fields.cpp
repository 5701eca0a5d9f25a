// engine/run/control_fields.cpp - the one list of Control's fields beside its declaration.
#include "engine/run/control_fields.h"

#include <algorithm>

namespace equipoise {

ControlSizes control_sizes(const Program& program) {
  const std::size_t tasks = program.task_names.size(), balancers = std::max<std::size_t>(program.chains.size(), 1);
  return {tasks, program.term_names.size(), balancers, balancers * tasks, balancers * tasks * tasks};
}

std::vector<ControlField> control_fields(Control& c, const ControlSizes& n) {
  using enum FieldType;
  constexpr bool kKept = true, kStep = false;
  return {{"step", &c.step, 1, int64, kKept},
          {"epoch", &c.epoch, 1, int32, kKept},
          {"position", &c.position, 1, int32, kKept},
          {"status", &c.status, 1, int32, kKept},
          {"skipped", &c.skipped, 1, int32, kKept},
          {"bad_step", &c.bad_step, 1, int64, kKept},
          {"bad_kind", &c.bad_kind, 1, int32, kKept},
          {"bad_index", &c.bad_index, 1, int32, kKept},
          {"beta1_power", &c.beta1_power, 1, float64, kKept},
          {"beta2_power", &c.beta2_power, 1, float64, kKept},
          {"weights", c.weights, n.weights, float64, kKept},
          {"shared_weights", c.shared_weights, n.weights, float64, kKept},
          {"private_weights", c.private_weights, n.weights, float64, kKept},
          {"terms", c.terms, n.terms, float64, kStep},
          {"term_slope", c.term_slope, n.terms, float64, kStep},
          {"term_rows", c.term_rows, n.terms, float64, kStep},
          {"losses", c.losses, n.tasks, float64, kStep},
          {"task_rows", c.task_rows, n.tasks, float64, kStep},
          {"present", c.present, n.tasks, int32, kStep},
          {"gram", c.gram, n.grams, float64, kStep},
          {"norms", c.norms, n.weights, float64, kStep},
          {"targets", c.targets, n.weights, float64, kStep},
          {"gradnorm_loss", c.gradnorm_loss, n.balancers, float64, kStep},
          {"step_norm", c.step_norm, n.balancers, float64, kStep},
          {"certificate", c.certificate, n.balancers, float64, kStep},
          {"gradient_norm", &c.gradient_norm, 1, float64, kStep},
          {"label_weight", &c.label_weight, 1, float64, kStep},
          {"finite", &c.finite, 1, int32, kStep},
          {"sum_steps", &c.sum_steps, 1, float64, kKept},
          {"sum_terms", c.sum_terms, n.terms, float64, kKept},
          {"sum_term_rows", c.sum_term_rows, n.terms, float64, kKept},
          {"sum_losses", c.sum_losses, n.tasks, float64, kKept},
          {"sum_task_rows", c.sum_task_rows, n.tasks, float64, kKept},
          {"sum_norms", c.sum_norms, n.weights, float64, kKept},
          {"sum_gram", c.sum_gram, n.grams, float64, kKept},
          {"sum_gradient_norm", &c.sum_gradient_norm, 1, float64, kKept},
          {"sum_step_norm", c.sum_step_norm, n.balancers, float64, kKept},
          {"worst_certificate", c.worst_certificate, n.balancers, float64, kKept}};
}

}  // namespace equipoise
