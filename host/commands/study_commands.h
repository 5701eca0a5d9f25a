// host/commands/study_commands.h - commands that train many models, or ask them: cross-validate, sweep, member, study.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "host/commands/commands.h"
#include "host/study/study_plan.h"

namespace equipoise {

struct StudyOptions {
  StudyKind kind = StudyKind::cross_validation;
  std::optional<std::filesystem::path> config;  ///< may be left out to resume
  std::vector<std::string> settings;            ///< of --set, and what the options say of [study]
  std::optional<std::filesystem::path> out;
  std::string device = "auto";
  KernelMode kernel_mode = KernelMode::automatic;
  int threads = 0;                                 ///< of a CPU; 0 = all
  std::optional<std::string> part;                 ///< "2/8"
  std::optional<std::filesystem::path> data_root;  ///< of --resume
  int fixed_weights = 0;  ///< of sweep: parts that the tasks' fixed weights are made of; 0 = none
  bool resume = false, dry_run = false;
  bool tells_part = true;  ///< says how to merge a part that is trained
  LogFormat log_format = LogFormat::text;
  bool quiet = false;
};
/// Trains a study, goes on with one, or shows what it would do.
ExitCode study_command(const StudyOptions& options);

struct MemberOptions {
  std::filesystem::path study;
  int number = 0;
  std::optional<std::filesystem::path> out;        ///< run folder
  std::optional<std::filesystem::path> data_root;  ///< where the study's tables lie now
  std::string device = "auto";
  bool quiet = false;
};
/// Trains one member into a run folder. Throws Error(numerics) if it is not, bit for bit, that of the study.
ExitCode member_command(const MemberOptions& options);

struct MergeOptions {
  std::vector<std::filesystem::path> parts;
  std::filesystem::path out;
  std::string device = "auto";
  std::optional<std::filesystem::path> data_root;
  bool quiet = false;
};
/// Makes one study of parts that were trained apart.
ExitCode merge_command(const MergeOptions& options);

/// Trains a config into a run folder, as `train` does with a config file.
ExitCode train_config(const Config& config, const TrainOptions& options);

/// predict, evaluate and embed of a study: its chosen members as an ensemble.
ExitCode predict_study(const PredictOptions& options);
ExitCode evaluate_study(const EvaluateOptions& options);
ExitCode embed_study(const EmbedOptions& options);

}  // namespace equipoise
