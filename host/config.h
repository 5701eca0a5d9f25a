// host/config.h - what a run is asked to do: the config file as plain structs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace equipoise {

// What each key means, its range and its default stand in one table: host/config_schema.cpp.

struct DataConfig {
  std::vector<std::filesystem::path> views;      ///< absolute once loaded
  std::optional<std::filesystem::path> outcome;  ///< absolute once loaded
  std::string id = "id";
  std::string label = "label";
  double validation = 0.2;
  double test = 0.2;
  uint64_t seed = 1;
  std::optional<std::filesystem::path> split;  ///< absolute once loaded

  bool operator==(const DataConfig&) const = default;
};

struct ModelConfig {
  std::string kind = "mldrl";
  std::string variant = "paper";
  int hidden = 32;
  int shared = 6;
  int specific = 4;
  std::string output_activation;     ///< "" = by variant; never empty once loaded
  std::string inherent_variational;  ///< "" = by variant; never empty once loaded

  bool operator==(const ModelConfig&) const = default;
};

struct BalanceConfig {
  std::vector<std::string> methods = {"gradnorm"};
  double alpha = 0.16;
  std::vector<std::string> over;  ///< {"heads"}, {"head_biases_mean"}, {"shared"} or parameter names; {} = by variant;
                                  ///< never empty once loaded
  std::string at = "parameters";  ///< or latent
  std::string private_parts = "own";    ///< or weights
  bool rescale = false;                 ///< the step gets the plain sum's norm
  std::vector<double> initial_weights;  ///< {} = published with gradnorm, else ones; never empty once loaded
  std::optional<double> lr;             ///< of the task weights; without it the optimizer's

  bool operator==(const BalanceConfig&) const = default;
};

struct OptimizerConfig {
  std::string kind = "adam";
  double lr = 8.5e-5;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;  ///< decoupled
  double clip_norm = 0;     ///< of all gradients together; 0 = no clipping

  bool operator==(const OptimizerConfig&) const = default;
};

/// Weights of the classes in the cross-entropy: none, given, or by the inverse of their frequency.
struct ClassWeights {
  bool balanced = false;
  std::vector<double> values;  ///< [classes], or empty

  bool operator==(const ClassWeights&) const = default;
};

struct TrainConfig {
  int epochs = 400;
  int batch = 32;
  uint64_t seed = 1;
  int patience = 50;
  std::string monitor = "auc";
  ClassWeights class_weights;
  std::string on_nonfinite = "stop";

  bool operator==(const TrainConfig&) const = default;
};

struct Config {
  DataConfig data;
  ModelConfig model;
  BalanceConfig balance;
  OptimizerConfig optimizer;
  TrainConfig train;

  bool operator==(const Config&) const = default;
};

/// Reads a config: built-in defaults, then the file, then the environment variable EQUIPOISE_SET (key=value pairs
/// joined by semicolons), then `overrides` ("section.key=value"), the later winning. A value of an override is TOML, or
/// plain text where that is not. What the file leaves to the variant is filled in. Relative paths are taken from the
/// folder of the config file, or, in an override, from the current folder. Throws Error(usage) naming every unknown
/// key, wrong type and value out of range at once, one a line, as file:line:column; Error(file_system) when the file
/// cannot be read.
Config load_config(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// The config as TOML; load_config makes the same Config of it, wherever it is stored.
std::string to_toml(const Config& config);

/// A config of MLDRL to start from, each key with its meaning; it loads as it stands.
std::string commented_config_mldrl();

}  // namespace equipoise
