// host/config/config.h - what a run is asked to do: the config file as plain structs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/systems/system.h"
#include "host/data/generators.h"
#include "host/data/select/select.h"

namespace equipoise {

// What each key means, its range and its default stand in one table: host/config/config_schema.cpp.

struct DataConfig : GeneratorSpec {              ///< what rows are generated of, if they are
  std::vector<ViewSource> views;                 ///< paths absolute once loaded
  std::optional<std::filesystem::path> outcome;  ///< absolute once loaded
  std::string id = "id";
  std::string label = "label";
  std::vector<std::string> tasks;  ///< "kind:column", of systems with targets; host/data/targets.h reads them
  std::map<std::string, std::string> transform;  ///< pattern of features -> name of a transform
  std::string empty_views = "leave_out";         ///< or impute
  double validation = 0.2;
  double test = 0.2;
  std::optional<std::filesystem::path> split;  ///< absolute once loaded
  bool imputes_empty() const { return empty_views == "impute"; }
  // Keys that a resolved config names only where they are given.
  std::optional<std::vector<std::string>> missing, unlabelled, positive, allow, columns, leave_out, categorical;
  std::optional<std::string> group, fold, inner_fold, outliers;
  std::optional<int> repeat;

  bool operator==(const DataConfig&) const = default;
};

/// What the system is, and its own settings; the system's keys name them.
struct ModelConfig {
  ModelConfig();

  std::string kind;     ///< of the system
  std::string variant;  ///< one of the system's; "" if it has none
  AnySystem system;     ///< sizes that the data decide are left open

  bool operator==(const ModelConfig& other) const;
};

struct BalanceConfig {
  std::vector<std::string> methods = {"gradnorm"};  ///< each with all its own keys once loaded
  double alpha = 0.16;
  std::vector<std::string> over;      ///< a name that the system knows, {"shared"} or parameter names; {} = by variant;
                                      ///< empty once loaded only at a latent
  std::string at = "parameters";      ///< or a place that the system knows
  std::string private_parts = "own";  ///< or weights
  bool rescale = false;               ///< the step gets the plain sum's norm
  std::vector<double> initial_weights;  ///< {} = by kind and method; one a task once loaded
  std::optional<double> lr;             ///< of the task weights; the optimizer's once loaded, if any learn
  bool sum_rows = false;                ///< at a latent: over the gradient summed over the batch's rows

  bool operator==(const BalanceConfig&) const = default;
};

struct OptimizerConfig {
  std::string kind = "adam";
  double lr = 1e-3;
  double beta1 = 0.9;  ///< beta1, beta2: of adam
  double beta2 = 0.999;
  double eps = 1e-8;        ///< of adam and rmsprop
  double weight_decay = 0;  ///< decoupled
  double clip_norm = 0;     ///< of all gradients together; 0 = no clipping
  double smoothing = 0.99;  ///< of rmsprop
  double momentum = 0;      ///< of rmsprop and sgd

  bool operator==(const OptimizerConfig&) const = default;
};

/// Weights of the classes of a label or task: none, given, or by the inverse of their frequency.
struct ClassWeighing {
  bool balanced = false;
  std::vector<double> values = {};  ///< [classes], or empty

  bool operator==(const ClassWeighing&) const = default;
};

/// The same of the label or the tasks, or of each task by its name; a task that is not named has none.
struct ClassWeights {
  ClassWeighing all = {};
  std::map<std::string, ClassWeighing> by_task = {};

  bool operator==(const ClassWeights&) const = default;
};

/// From which probability of the second of two classes on a row is called by it: a number, or Youden's point of the
/// validation rows.
struct ThresholdChoice {
  bool youden = false;
  double value = 0.5;

  bool operator==(const ThresholdChoice&) const = default;
};

struct EvaluateConfig {
  ThresholdChoice threshold;  ///< of systems that decide between classes

  bool operator==(const EvaluateConfig&) const = default;
};

struct TrainConfig {
  int epochs = 400;
  int batch = 32;
  uint64_t seed = 1;
  int patience = 50;            ///< 0 with monitor none
  std::string monitor = "auc";  ///< auc, loss, deviance or none: the last state is the model
  ClassWeights class_weights;   ///< of systems that weigh classes
  std::string on_nonfinite = "stop";
  int warmup = 0;  ///< epochs before patience counts; 0 = until the training loss has fallen (engine/train/learning.h)
  std::string monitor_task = {};  ///< of systems with targets: the one that the monitor is of; "" = all

  bool operator==(const TrainConfig&) const = default;
};

/// Which models a study trains of one config: folds, repeats, seeds, settings (host/study/study_settings.h). It says
/// nothing of one model.
struct StudyConfig {
  int folds = 5;
  int repeats = 1;
  int seeds = 1;
  int inner_folds = 0;  ///< 0 = the share data.validation validates
  std::vector<std::string> grid = {};
  int random = 0;
  std::vector<std::string> ranges = {};

  bool operator==(const StudyConfig&) const = default;
};

/// Bytes of a config.
inline constexpr std::size_t kLargestConfig = std::size_t{1} << 20;

/// As it stands, the defaults of the first kind. What the kind does not know keeps its default.
struct Config {
  DataConfig data;
  SelectConfig select;
  ModelConfig model;
  std::vector<BalanceConfig> balance = {
      {}};  ///< balancers in the order of the file; at least one, identity where losses are routed
  OptimizerConfig optimizer;
  TrainConfig train;
  EvaluateConfig evaluate;
  std::optional<StudyConfig> study;  ///< where the config has a section [study]

  bool operator==(const Config&) const = default;
};

inline constexpr size_t kMaxBalanceSections = 4;

/// How many losses the system has, so far as the config tells: 0 if only the data do.
size_t loss_count(const Config& config);

/// Reads a config: built-in defaults, then the file, then the environment variable EQUIPOISE_SET (key=value pairs
/// joined by semicolons), then `overrides` ("section.key=value"), the later winning. A value of an override is TOML, or
/// plain text where that is not. What the file leaves to the variant is filled in, and methods get all their keys.
/// Relative paths are taken from the folder of the config file, or, in an override, from the current folder. An
/// override without a value ("data.outcome=") takes back what was said of the key, unless an empty text means something
/// to it. `balance[1].key` names the second of several
/// [[balance]] sections, `balance.key` the first. A key of the file that only an override of data.source,
/// optimizer.kind or train.monitor makes meaningless falls away. Throws Error(usage) naming every unknown key, key of
/// another kind, wrong type and value out of range at once, one a line, as file:line:column; Error(file_system) when
/// the file cannot be read.
Config load_config(const std::filesystem::path& path, const std::vector<std::string>& overrides = {});

/// `config` with `overrides` on top, as load_config checks them; `file` names it in messages.
Config changed_config(const Config& config, const std::string& file, const std::vector<std::string>& overrides);

/// The config of a text that to_toml wrote; `file` names it in messages. Throws as load_config does.
Config config_of_text(const std::string& text, const std::string& file);

/// The config of one model: as it is, without the section [study].
Config without_study(Config config);

/// The config as TOML; load_config makes the same Config of it, wherever it is stored.
std::string to_toml(const Config& config);

/// Configs that `init` knows: mldrl, towers, trunk, vaegan.
std::vector<std::string> preset_names();

/// One of them to start from, each key with its meaning; it loads as it stands.
std::string commented_config(const std::string& preset);

}  // namespace equipoise
