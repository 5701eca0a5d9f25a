// engine/record/record_form.h - how a system's steps are written down: the names and shapes of a record's tensors.
//
// Everything per system that record and replay need; what is common to all (parameters before and after, task weights,
// gradients by task) they do themselves.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "engine/files/safetensors.h"
#include "engine/run/executor.h"
#include "engine/run/stepper.h"

namespace equipoise {

struct RecordSizes {
  int steps = 0, batch = 0;
};

/// Rows that grow a step at a time: a tensor with a leading step axis.
class Traces {
 public:
  void add(const std::string& name, std::vector<double> values) {
    auto& [cols, all] = rows_[name];
    cols = values.size();
    all.insert(all.end(), values.begin(), values.end());
  }
  /// As [steps, values a step], float64.
  void put(TensorFile& to) const;

 private:
  std::map<std::string, std::pair<std::size_t, std::vector<double>>> rows_;
};

class RecordForm {
 public:
  virtual ~RecordForm() = default;
  /// Steps and rows a step of a record, whose inputs must have the shapes that the setup asks for.
  virtual RecordSizes sizes(const TensorFile& record) const = 0;
  /// The inputs of all steps as the sources of Pass::given.
  virtual RunTables tables(const TensorFile& record, const RecordSizes& sizes) const = 0;
  /// Remembers the inputs of the step just probed.
  virtual void add_inputs(const Stepper& stepper) = 0;
  virtual void put_inputs(TensorFile& to, const RecordSizes& sizes, std::span<const float> class_weights) const = 0;
  /// Writes out.*, grad.* and gram.* of the step just probed.
  virtual void put_outcome(const Stepper& stepper, TensorFile& to) const = 0;
  /// What a step's control says for trace.*; `before` is the state before the step.
  virtual void add_trace(const Stepper& stepper, const std::vector<float>& before, Traces& traces) const = 0;
  /// What the record calls final.task_weights.
  virtual std::vector<double> final_weights(const Stepper& stepper) const;
};

/// Writes final.*: parameters and task weights as they stand.
void put_final(const Stepper& stepper, const RecordForm& form, TensorFile& to);

// For the forms.

/// Throws Error(checkpoint) for a record that cannot be replayed.
[[noreturn]] void refuse_record(const TensorFile& record, const std::string& why);
/// Dimension `axis` of a tensor that must have `rank` dimensions.
int record_dimension(const TensorFile& record, const std::string& name, std::size_t rank, std::size_t axis);
void expect_record_shape(const TensorFile& record, const std::string& name, const std::vector<int64_t>& shape);
/// Rows 0, 1, ... in order, without labels.
void number_rows(RunTables& tables, const RecordSizes& sizes);
/// Writes grad.<task>.<parameter> of every task and parameter.
void put_task_gradients(const Stepper& stepper, TensorFile& to);
/// Writes [rows, cols] values of the step just probed.
void put_rows(const Stepper& stepper, TensorFile& to, const std::string& name, const std::vector<float>& values);
/// Adds trace.losses, norms and gradnorm_loss, and trace.<weights> with the coefficients of the step.
void add_common_trace(const Stepper& stepper, const std::string& weights, Traces& traces);

}  // namespace equipoise
