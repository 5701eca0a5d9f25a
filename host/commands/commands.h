// host/commands/commands.h - the program's commands and what each is asked to do.
//
// Results go to standard output, everything else to standard error. A command returns the exit code of what it did and
// throws Error for what it could not do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "host/run/model_runner.h"
#include "host/text/progress.h"

namespace equipoise {

struct DeviceReport;  // kernels/run/device.h

struct TrainOptions {
  std::optional<std::filesystem::path> config;  ///< may be left out to resume
  std::vector<std::string> settings;            ///< of --set: key=value
  std::optional<std::filesystem::path> out;     ///< run folder
  std::string device = "auto";
  KernelMode kernel_mode = KernelMode::automatic;
  std::optional<std::filesystem::path> kernel;     ///< of a dry run: receives the source of the GPU's kernel
  std::optional<std::filesystem::path> data_root;  ///< of --resume: where the run's tables lie now
  bool resume = false, dry_run = false, print_config = false;
  LogFormat log_format = LogFormat::text;
  bool quiet = false;  ///< here and below: neither notices nor progress
};
/// Trains, resumes, or shows what it would do. Returns `stopped` after a signal.
ExitCode train_command(const TrainOptions& options);

struct EvaluateOptions {
  std::filesystem::path run;
  std::optional<Part> part;                        ///< of the run's own data; default: validation
  std::vector<std::filesystem::path> views;        ///< of other patients, instead of a part
  std::optional<std::filesystem::path> outcome;    ///< of those
  std::optional<std::filesystem::path> data_root;  ///< where the run's own tables lie now
  std::string device = "auto";
  bool json = false, quiet = false;
};
/// Figures of a run's model on a part of its data, or on other patients.
ExitCode evaluate_command(const EvaluateOptions& options);

struct PredictOptions {
  std::filesystem::path run;
  std::vector<std::filesystem::path> views;  ///< tables of the patients
  std::optional<std::filesystem::path> out;  ///< standard output without it
  bool latent = false;                       ///< latents too
  bool force = false, quiet = false;
  std::string device = "auto";
};
/// What a run's model says of patients that it has not seen.
ExitCode predict_command(const PredictOptions& options);

struct EmbedOptions {
  std::filesystem::path run;
  std::vector<std::filesystem::path> views;        ///< tables of the patients; none: the run's own
  std::optional<std::filesystem::path> data_root;  ///< where the run's own tables lie now
  std::optional<std::filesystem::path> out;        ///< .npy, else a table; standard output without it
  bool force = false, quiet = false;
  std::string device = "auto";
};
/// The numbers by which a run's model represents rows.
ExitCode embed_command(const EmbedOptions& options);

struct GenerateOptions {
  std::filesystem::path run;
  int rows = 1000;
  uint64_t seed = 1;
  std::optional<std::filesystem::path> out;  ///< standard output without it
  bool force = false;                        ///< here and below: replaces a file that `out` names
  std::string device = "auto";
  bool quiet = false;
};
/// New rows from a trained VAE-GAN, as a table in the data's units.
ExitCode generate_command(const GenerateOptions& options);

struct RecordOptions {
  std::filesystem::path config;
  std::vector<std::string> settings;
  int steps = 0;
  std::filesystem::path out;
  bool force = false;
  std::string device = "auto";
  bool quiet = false;
};
/// Writes down the first steps of a training.
ExitCode record_command(const RecordOptions& options);

struct ReplayOptions {
  std::filesystem::path record;
  std::string device = "auto";
  double tolerance = 1e-4;
  bool json = false, quiet = false;
  std::optional<std::filesystem::path> out;
  bool force = false;
};
/// Runs a record's steps and compares; returns `numerics` if a tensor deviates by more than the tolerance.
ExitCode replay_command(const ReplayOptions& options);

struct BalanceOptions {
  std::filesystem::path file;
  std::optional<std::string> tensor;  ///< of gradients [K, D] in a safetensors file; default: grads
  std::vector<std::string> methods;
  std::vector<double> losses, initial_losses;  ///< empty: ones
  uint64_t seed = 1;
  bool identity_order = false;              ///< PCGrad and GradVac visit tasks in rising order
  std::optional<std::string> draws, input;  ///< GradDrop's tensors
  std::string device = "cpu";               ///< where the gradients are measured; no GPU is started unasked
  bool rescale = false, json = false;
  std::optional<std::filesystem::path> out;
  bool force = false;
};
/// What a composition of methods makes of one step's gradients.
ExitCode balance_command(const BalanceOptions& options);

/// What --help says of balance beyond its options: the methods, and what one step means for those that learn.
std::string balance_help();

struct InitOptions {
  std::string system;
  std::vector<std::filesystem::path> tables;  ///< to choose values for; {} = the defaults
};
/// Prints a commented config to start from. Throws Error(usage) for a system that is not known, and what
/// config_for_tables throws.
ExitCode init_command(const InitOptions& options);

/// Prints what was built, what the machine has, and what to do if no GPU is found.
ExitCode doctor_command();
/// What doctor prints where `report` is what the machine has.
std::string doctor_text(const DeviceReport& report);

/// Prints version, commit, compiler and CUDA.
ExitCode version_command();

/// Writes a result to the file of --out, of which `told` is said then, or else to standard output.
void give_result(const std::optional<std::filesystem::path>& out, bool force, const TextSource& text, Log& log,
                 const std::string& told);

/// Writes to standard output. Throws Error(file_system) if that fails, as on a full disk.
void print_result(std::string_view text);

}  // namespace equipoise
