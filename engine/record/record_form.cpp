// engine/record/record_form.cpp - what the records of all systems have in common.
#include "engine/record/record_form.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/base/error.h"
#include "engine/run/parameters.h"

namespace equipoise {

void Traces::put(TensorFile& to) const {
  for (const auto& [name, row] : rows_) {
    const auto cols = static_cast<int64_t>(row.first);
    to.tensors["trace." + name] =
        StoredTensor::from_doubles({static_cast<int64_t>(row.second.size()) / cols, cols}, row.second);
  }
}

std::vector<double> RecordForm::final_weights(const Stepper& stepper) const {
  const double* weights = stepper.control().weights;
  return {weights, weights + stepper.program().task_names.size()};
}

void put_final(const Stepper& stepper, const RecordForm& form, TensorFile& to) {
  const std::vector<float> state = stepper.state();
  for (const ParameterInfo& p : stepper.program().parameters)
    to.tensors["final." + p.name] =
        StoredTensor::from_floats(p.shape, read_parameter(stepper.program(), p, StatePart::parameter, state));
  const std::vector<double> weights = form.final_weights(stepper);
  to.tensors["final.task_weights"] = StoredTensor::from_doubles({static_cast<int64_t>(weights.size())}, weights);
}

void refuse_record(const TensorFile& record, const std::string& why) {
  throw Error(ExitCode::checkpoint, fmt::format("{}: {}; re-create the record", record.path, why));
}

int record_dimension(const TensorFile& record, const std::string& name, std::size_t rank, std::size_t axis) {
  const StoredTensor& t = record.at(name);
  if (t.shape.size() != rank)
    refuse_record(record, fmt::format("tensor '{}' has {} dimensions where {} are needed", name, t.shape.size(), rank));
  if (t.shape[axis] < 1 || t.shape[axis] > (1 << 24))
    refuse_record(record, fmt::format("tensor '{}' has an impossible shape", name));
  return static_cast<int>(t.shape[axis]);
}

void expect_record_shape(const TensorFile& record, const std::string& name, const std::vector<int64_t>& shape) {
  if (record.at(name).shape != shape)
    refuse_record(record, fmt::format("tensor '{}' has shape [{}] where [{}] is needed", name,
                                      fmt::join(record.at(name).shape, ", "), fmt::join(shape, ", ")));
}

void number_rows(RunTables& tables, const RecordSizes& sizes) {
  for (int r = 0; r < sizes.steps * sizes.batch; ++r) tables.row_list.push_back(r);
  tables.labels.assign(tables.row_list.size(), -1);
  tables.class_weights = {1.0f};
}

void put_task_gradients(const Stepper& stepper, TensorFile& to) {
  const Program& program = stepper.program();
  for (const ParameterInfo& p : program.parameters)
    for (std::size_t k = 0; k < program.task_names.size(); ++k)
      to.tensors["grad." + program.task_names[k] + "." + p.name] =
          StoredTensor::from_floats(p.shape, stepper.gradient(static_cast<int>(k), p));
}

void put_rows(const Stepper& stepper, TensorFile& to, const std::string& name, const std::vector<float>& values) {
  const int64_t rows = stepper.probed_rows();
  to.tensors[name] = StoredTensor::from_floats({rows, static_cast<int64_t>(values.size()) / rows}, values);
}

void add_common_trace(const Stepper& stepper, const std::string& weights, Traces& traces) {
  const Control& c = stepper.control();
  const std::size_t tasks = stepper.program().task_names.size();
  traces.add("losses", {c.losses, c.losses + tasks});
  traces.add("norms", {c.norms, c.norms + tasks});
  traces.add("gradnorm_loss", {c.gradnorm_loss[0]});
  traces.add(weights, {c.shared_weights, c.shared_weights + tasks});
}

}  // namespace equipoise
