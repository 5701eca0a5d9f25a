// engine/systems/mtl/mtl_record.cpp - records of multi-task networks: rows, targets and kept units in; every task's
// answer out.
#include <fmt/format.h>

#include <algorithm>

#include "engine/record/record_form.h"
#include "engine/run/parameters.h"
#include "engine/systems/mtl/mtl_system.h"
#include "kernels/balance/gradnorm.h"

namespace equipoise {

namespace {

constexpr const char* kWeights = "class_weights";  // of the tasks with classes one after another, where they have any

class MtlRecord : public RecordForm {
 public:
  MtlRecord(const MtlModel& model, const Setup& setup)
      : m_(model), settings_(setup.settings), gradnorm_(setup.balance.front().methods.front()), masks_(mtl_masks(m_)) {
    const auto& tasks = m_.tasks;
    alike_ =
        std::all_of(tasks.begin(), tasks.end(), [&](const Target& t) { return answers_of(t) == answers_of(tasks[0]); });
  }

  RecordSizes sizes(const TensorFile& record) const override {
    const RecordSizes s{record_dimension(record, "batch.x", 3, 0), record_dimension(record, "batch.x", 3, 1)};
    expect_record_shape(record, "batch.x", {s.steps, s.batch, m_.features});
    expect_record_shape(record, "batch.y", target_shape(s));
    for (const MtlMask& mask : dropped())
      expect_record_shape(record, "mask." + mask.name, {s.steps, s.batch, mask.cols});
    return s;
  }

  // Targets of the tasks lie one after another in both shapes.
  RunTables tables(const TensorFile& record, const RecordSizes& sizes) const override {
    RunTables tables;
    tables.sources = {{record.at("batch.x").to_floats(), m_.features},
                      {record.at("batch.y").to_floats(), m_.target_cols()}};
    expect_targets(record, tables.sources[1].values);
    if (m_.dropout > 0) tables.sources.push_back({kept_units(record, sizes), m_.mask_cols()});
    number_rows(tables, sizes);
    if (m_.weighs_classes) {
      expect_record_shape(record, kWeights, {m_.class_weights()});
      tables.class_weights = record.at(kWeights).to_floats();
    }
    return tables;
  }

  void add_inputs(const Stepper& stepper) override {
    const auto add = [](std::vector<float>& to, const std::vector<float>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    add(x_, stepper.kept("x"));
    add(y_, stepper.kept("targets"));
    for (const MtlMask& mask : dropped())
      for (float unit : stepper.kept("mask." + mask.name)) units_[mask.name].push_back(unit != 0.0f ? 1 : 0);
  }

  void put_inputs(TensorFile& to, const RecordSizes& s, std::span<const float> class_weights) const override {
    if (m_.weighs_classes) to.tensors[kWeights] = StoredTensor::from_floats({m_.class_weights()}, class_weights);
    to.tensors["batch.x"] = StoredTensor::from_floats({s.steps, s.batch, m_.features}, x_);
    to.tensors["batch.y"] = StoredTensor::from_floats(target_shape(s), y_);
    for (const MtlMask& mask : dropped())
      to.tensors["mask." + mask.name] = StoredTensor::from_uint8({s.steps, s.batch, mask.cols}, units_.at(mask.name));
  }

  void put_outcome(const Stepper& stepper, TensorFile& to) const override {
    const auto tasks = static_cast<int>(m_.tasks.size());
    if (m_.names == MtlNames::trunk && alike_) put_predictions(stepper, to);
    else
      for (int k = 0; k < tasks; ++k)
        put_rows(stepper, to, "out." + m_.tasks[static_cast<std::size_t>(k)].name, stepper.kept(mtl_answer(k)));
    put_task_gradients(stepper, to);
    to.tensors["gram.shared"] = StoredTensor::from_doubles(
        {tasks, tasks}, {stepper.probed().gram, static_cast<std::size_t>(tasks) * static_cast<std::size_t>(tasks)});
  }

  void add_trace(const Stepper& stepper, const std::vector<float>& before, Traces& traces) const override {
    add_common_trace(stepper, in_loss() ? "weights_used" : "weights", traces);
    if (in_loss()) traces.add("raw_weights", raw_weights(stepper, before));
  }

  std::vector<double> final_weights(const Stepper& stepper) const override {
    return in_loss() ? raw_weights(stepper, stepper.state()) : RecordForm::final_weights(stepper);
  }

 private:
  bool in_loss() const { return gradnorm_.kind == MethodKind::gradnorm && gradnorm_.renormalise == Normalise::in_loss; }
  std::vector<MtlMask> dropped() const { return m_.dropout > 0 ? masks_ : std::vector<MtlMask>{}; }

  /// Tasks of several outputs each have an axis of their own.
  std::vector<int64_t> target_shape(const RecordSizes& s) const {
    const int cols = m_.tasks.front().cols;
    const bool square = std::all_of(m_.tasks.begin(), m_.tasks.end(), [&](const Target& t) { return t.cols == cols; });
    if (square && cols > 1) return {s.steps, s.batch, static_cast<int64_t>(m_.tasks.size()), cols};
    return {s.steps, s.batch, m_.target_cols()};
  }

  /// Classes that a kernel will index by.
  void expect_targets(const TensorFile& record, const std::vector<float>& values) const {
    const auto cols = static_cast<std::size_t>(m_.target_cols());
    for (const Target& t : m_.tasks) {
      const int classes = m_.weighs_classes ? classes_of(t) : t.classes;
      for (std::size_t i = static_cast<std::size_t>(t.first_col); classes > 0 && i < values.size(); i += cols)
        if (!(values[i] != values[i]) && !(values[i] >= 0 && values[i] < static_cast<float>(classes)))
          refuse_record(record, fmt::format("tensor 'batch.y' holds {}, which is no class of {}", values[i], t.name));
    }
  }

  /// The masks of a row side by side.
  std::vector<float> kept_units(const TensorFile& record, const RecordSizes& s) const {
    const auto cols = static_cast<std::size_t>(m_.mask_cols());
    const std::size_t rows = static_cast<std::size_t>(s.steps) * static_cast<std::size_t>(s.batch);
    std::vector<float> units(rows * cols);
    for (const MtlMask& mask : masks_) {
      const std::vector<float> values = record.at("mask." + mask.name).to_floats();
      const auto width = static_cast<std::size_t>(mask.cols);
      for (std::size_t r = 0; r < rows; ++r)
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(r * width), width,
                    units.begin() + static_cast<std::ptrdiff_t>(r * cols) + mask.first_col);
    }
    return units;
  }

  /// out.prediction [rows, output, task].
  void put_predictions(const Stepper& stepper, TensorFile& to) const {
    const int64_t rows = stepper.probed_rows(), tasks = static_cast<int64_t>(m_.tasks.size());
    const int64_t outputs = answers_of(m_.tasks.front());
    std::vector<float> all(static_cast<std::size_t>(rows * outputs * tasks));
    for (int64_t k = 0; k < tasks; ++k) {
      const std::vector<float> answer = stepper.kept(mtl_answer(static_cast<int>(k)));
      for (int64_t i = 0; i < rows * outputs; ++i)
        all[static_cast<std::size_t>(i * tasks + k)] = answer[static_cast<std::size_t>(i)];
    }
    to.tensors["out.prediction"] = StoredTensor::from_floats({rows, outputs, tasks}, all);
  }

  /// GradNorm's weights as Adam steps them, before they are brought to sum K.
  std::vector<double> raw_weights(const Stepper& stepper, const std::vector<float>& state) const {
    const auto tasks = m_.tasks.size();
    const std::vector<double> values = read_balance(stepper.program(), state);
    const double* initial = settings_.initial_weights;
    const bool started = values[GradNormState::kStarted * tasks] != 0;
    return started ? std::vector<double>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(tasks))
                   : std::vector<double>(initial, initial + tasks);
  }

  MtlModel m_;
  Settings settings_;
  Method gradnorm_;
  std::vector<MtlMask> masks_;
  bool alike_;
  std::vector<float> x_, y_;
  std::map<std::string, std::vector<uint8_t>> units_;
};

}  // namespace

std::unique_ptr<RecordForm> MtlSystem::record_form(const Setup& setup) const {
  return std::make_unique<MtlRecord>(model, setup);
}

}  // namespace equipoise
