// engine/mldrl_probe.h - MLDRL one step at a time, with everything that happens inside laid open under a record's
// names: what replay, record and the tests look through.
#pragma once

#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/mldrl_setup.h"
#include "engine/safetensors.h"

namespace equipoise {

class MldrlStepper {
 public:
  /// The executor's tables and state (one replica) are loaded by the caller before the first step.
  MldrlStepper(const MldrlSetup& setup, int batch, LatentNoise noise, bool shuffle, Executor& executor);

  /// The training program.
  const Program& program() const { return train_; }
  const Control& control() const { return control_; }

  /// Runs the coming step without updating anything and writes out.*, grad.* and gram.* to the file.
  void probe(TensorFile& to);
  /// As probe, but the batch itself: view1, view2, noise1, noise2 ([batch, .]) and label.
  struct Batch {
    int rows = 0;
    std::vector<float> view1, view2, noise1, noise2;
    std::vector<int64_t> label;
  };
  Batch batch();
  /// One training step; its losses, weights, norms and targets join the traces.
  void step();
  /// Writes trace.* and final.* to the file.
  void finish(TensorFile& to);
  /// What was not finite first, such as "the loss of classification".
  std::string describe_bad() const;

 private:
  void run_probe();
  std::vector<float> kept(const std::string& tensor, int block, int col, int cols) const;

  MldrlSetup setup_;
  Executor& executor_;
  Program train_, probe_;
  Control control_;
  std::vector<float> work_;
  int probed_rows_ = 0;
  Control probed_;
  std::vector<double> losses_, terms_, weights_, norms_, targets_, gradnorm_loss_;
};

/// What a control says was not finite first.
std::string describe_bad(const Program& program, const Control& control);

}  // namespace equipoise
