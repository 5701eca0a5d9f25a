// engine/train/metrics.h - one line of metrics.jsonl: everything an epoch showed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/lower/program.h"
#include "engine/systems/evaluation.h"
#include "kernels/state/control.h"

namespace equipoise {

/// What one balancer did; without any there is one line of plain weights.
struct BalancerMetrics {
  std::vector<double> weights;        ///< coefficients of the last step, by shared parameters
  std::vector<double> next_weights;   ///< task weights of the next, so far as known
  std::vector<double> norms;          ///< mean over steps of the norm of coefficient times gradient
  std::vector<double> gram;           ///< [K, K] mean over steps, unweighted gradients
  std::vector<double> cosines;        ///< [K, K] of the mean Gram matrix; NaN where a gradient vanished all along
  std::vector<std::size_t> vanished;  ///< tasks with rows whose gradient was exactly zero in every step of the epoch
  double step_norm = 0;               ///< mean over steps of the norm of the combined gradient where it is balanced
  double certificate = -1;            ///< worst gap of the epoch's min-norm solutions; -1: no method has one
};

struct EpochMetrics {
  int epoch = 0;                      ///< epochs done, from 1
  int64_t step = 0;                   ///< steps done
  int skipped = 0;                    ///< steps so far that a non-finite value left without update
  std::vector<double> terms, losses;  ///< training means, each by what it is a mean over (rows, labels, entries)
  double gradient_norm = 0;           ///< mean over steps of the global norm
  std::vector<BalancerMetrics> balancers;
  bool validated = false;
  Evaluation validation{};
  double monitor = kUndefined;  ///< what was watched, larger is better; undefined without. In no line of metrics.jsonl
  bool best = false;            ///< the monitor improved
  double seconds = 0;           ///< wall time of the epoch, validation included
};

/// Mean losses of the tasks over the epoch that a control has summed.
std::vector<double> epoch_losses(const Program& program, const Control& control);
/// Means of the epoch that a control has summed.
EpochMetrics epoch_metrics(const Program& program, const Control& control);

/// One line of JSON, without the newline. The time comes last; `with_time` false leaves it out (for hashes).
std::string to_json_line(const Program& program, const EpochMetrics& metrics, bool with_time);

/// Such a line without time, with it.
std::string with_time(const std::string& line, double seconds);

/// The first line of metrics.jsonl: what it is.
std::string format_line();
/// Throws Error(checkpoint) naming `file` if its first line is not that of a format that is read.
void expect_metrics(const std::string& file, const std::string& first_line);

/// A line of metrics.jsonl without its time, as hashes see it. Throws Error(checkpoint) if it is not such a line.
std::string without_time(std::string_view line);

}  // namespace equipoise
