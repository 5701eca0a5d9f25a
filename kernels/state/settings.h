// kernels/state/settings.h - what one replica is told once: settings that never change over its run.
#pragma once

#include <cstdint>

namespace equipoise {

inline constexpr int kMaxTasks = 32;

/// How GradNorm's task weights are kept at sum K: not, rescaled after a step, or only where the losses use them.
enum class Normalise : int32_t { none, after_step, in_loss };
enum class LossRatio : int32_t { raw, weighted };           ///< L/L(0) or wL/(wL)(0)
enum class OnNonfinite : int32_t { stop, skip, freeze };    ///< policy when a step meets a non-finite value
enum class OptimizerKind : int32_t { adam, rmsprop, sgd };  ///< of the network

/// Settings of one replica, constant over its run.
struct Settings {
  uint64_t seed = 1;
  uint32_t replica = 0;  ///< logical number: keys the random draws, wherever the replica runs
  OnNonfinite on_nonfinite = OnNonfinite::stop;
  double lr = 1e-3, eps = 1e-8;            ///< of the network's optimizer
  double beta1 = 0.9, beta2 = 0.999;       ///< Adam of the network and of task weights
  double smoothing = 0.99;                 ///< RMSProp's decay of the mean square
  double momentum = 0;                     ///< RMSProp and SGD
  double weight_decay = 0;                 ///< decoupled (AdamW): p -= lr * weight_decay * p
  double clip_norm = 0;                    ///< bound on the global gradient norm; 0 = off
  double dropout = 0;                      ///< share of units that masks of dropout leave out, in [0, 1)
  double task_lr = 1e-3, alpha = 0.16;     ///< of task weights; GradNorm's
  double initial_weights[kMaxTasks] = {};  ///< task weights of the first step
  int32_t first_row = 0, rows = 0;         ///< this replica's rows: row_list[first_row ...]
  int32_t first_class_weight = 0;          ///< in class_weights
  int32_t source_set = 0;                  ///< whose values and labels its rows have
};

}  // namespace equipoise
