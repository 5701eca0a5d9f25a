// engine/run/stepper.h - a training one step at a time, with everything that happens inside laid open: what replay,
// record and the tests look through.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/run/executor.h"

namespace equipoise {

class Stepper {
 public:
  /// Both programs lie over one state: `train` steps every replica, `probe` (lowered to be probed) lays a step of the
  /// first one open. `replicas` are their settings. The executor's tables and state are loaded by the caller before the
  /// first step.
  Stepper(Program train, Program probe, std::span<const Settings> replicas, Executor& executor);

  /// The training program.
  const Program& program() const { return train_; }
  const Control& control(std::size_t replica = 0) const { return controls_[replica]; }
  /// Parameters, moments and the state of balancing methods of a replica.
  std::vector<float> state(std::size_t replica = 0) const;

  /// Runs the first replica's coming step without updating anything; what follows reads what it computed.
  void probe();
  int probed_rows() const { return probed_rows_; }
  /// Losses, and the Gram matrix that the system's records hold.
  const Control& probed() const { return probed_; }
  /// Columns of the rows of one block of a tensor, [probed_rows, cols].
  std::vector<float> kept(const std::string& tensor, int block, int col, int cols) const;
  /// The same of all columns of a tensor of one block.
  std::vector<float> kept(const std::string& tensor) const;
  /// Gradient of a task's loss by a parameter, in the parameter's shape; zero where the task does not reach it.
  std::vector<float> gradient(int task, const ParameterInfo& parameter) const;
  std::vector<int64_t> labels() const;

  /// One training step of every replica.
  void step();
  /// What was not finite first in a replica, such as "the loss of classification".
  std::string describe_bad(std::size_t replica = 0) const;

 private:
  /// Throws logic_error for a tensor that the probe does not have.
  const View& view_of(const std::string& tensor) const;

  Executor& executor_;
  Program train_, probe_;
  std::vector<Settings> settings_;  // [replicas]
  std::vector<Control> controls_;   // [replicas]
  Control probed_;
  std::vector<float> work_;
  int probed_rows_ = 0;
};

/// What a control says was not finite first.
std::string describe_bad(const Program& program, const Control& control);

}  // namespace equipoise
