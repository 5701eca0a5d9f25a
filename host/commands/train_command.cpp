// host/commands/train_command.cpp - train: from a config to a run folder.
#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/machine_memory.h"
#include "engine/generate/kernel_source.h"
#include "engine/systems/words.h"
#include "engine/train/checkpoint.h"
#include "engine/train/memory_needed.h"
#include "host/commands/study_commands.h"
#include "host/config/model_config.h"
#include "host/data/table/table.h"
#include "host/run/answers.h"
#include "host/run/data_places.h"
#include "host/run/device_choice.h"
#include "host/run/outcome.h"
#include "host/run/run_config.h"
#include "host/run/run_folder.h"
#include "host/run/run_summary.h"
#include "host/run/training.h"
#include "host/text/printable.h"
#include "host/text/shell_word.h"
#include "host/text/signals.h"
#include "host/text/trimmed.h"
#include "kernels/run/interpreter_launch.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// What may change in a run that goes on: when it ends.
constexpr std::string_view kChangeable[] = {"train.epochs", "train.patience", "train.warmup"};

void expect_changeable(const std::string& setting) {
  const std::string_view key = trimmed(std::string_view(setting).substr(0, setting.find('=')));
  if (std::find(std::begin(kChangeable), std::end(kChangeable), key) == std::end(kChangeable))
    throw Error(
        ExitCode::usage,
        fmt::format("train --resume: --set {}: cannot change in a run; only {} can, for all else start a new run", key,
                    fmt::join(kChangeable, ", ")));
}

Config config_of(const TrainOptions& o) {
  if (!o.resume && o.data_root)
    throw Error(ExitCode::usage, "train: --data-root belongs to --resume; a config names its tables in data.views");
  if (!o.resume) {
    if (!o.config) throw Error(ExitCode::usage, "train: no config is given; write equipoise train CONFIG.toml");
    return load_config(*o.config, o.settings);
  }
  if (!o.out) throw Error(ExitCode::usage, "train --resume: no run is given; add --out with its folder");
  Config config = read_run_config(*o.out);
  if (!o.config && !o.settings.empty()) {
    for (const std::string& setting : o.settings) expect_changeable(setting);
    return changed_config(config, (*o.out / run_file::kConfig).string(), o.settings);
  }
  if (o.config && load_config(*o.config, o.settings) != config)
    throw Error(ExitCode::usage, fmt::format("{}: differs from {}, with which the run was started; leave the config "
                                             "out to resume, or start a new run in another --out",
                                             o.config->string(), (*o.out / run_file::kConfig).string()));
  return config;
}

bool selects(const TrainingPlan& plan, const Split& split) {
  return plan.monitor != Monitor::none && !split.validation.empty();
}

/// Such as "AUC", or "deviance of visits".
std::string monitor_words(const TrainingPlan& plan) {
  std::string words(plan.monitor == Monitor::auc ? "AUC" : name_in(kMonitors, plan.monitor));
  if (plan.monitor_task >= 0)
    words += " of " + plan.setup.system->tasks()[static_cast<std::size_t>(plan.monitor_task)].name;
  return words;
}

void tell(Log& log, const PreparedData& prepared, bool monitors) {
  for (const std::string& notice : prepared.notices) log.info(notice);
  const Split& s = prepared.split;
  log.info(fmt::format("data: {} rows, {} columns; {} train, {} validate, {} are held out for a test",
                       prepared.data.rows, fmt::join(prepared.data.features, " and "), s.train.size(),
                       s.validation.size(), s.test.size()));
  if (s.validation.empty() && monitors)
    log.info("no row validates: patience is ignored, all epochs run, and the last state is the model");
}

/// Writes the source of the kernel that a GPU runs the training with; without one at hand, of a GPU of compute
/// capability 9.0, whose blocks may have 227 KiB of shared memory.
void write_kernel(const fs::path& path, const PreparedData& prepared, const TrainingPlan& plan,
                  const Executor& executor) {
  constexpr int64_t kFastFloats = 227 * 1024 / sizeof(float);
  std::string first(kMadeSource.size(), ' ');
  if (std::ifstream there(path, std::ios::binary);
      there && !(there.read(first.data(), std::ssize(first)) && first == kMadeSource))
    throw Error(ExitCode::usage,
                fmt::format("--kernel {}: the file is there and is no kernel's source; name another", path.string()));
  PlanLimits limits = executor.plan_limits();
  if (!limits.resident_parameters) limits = {kFastFloats, true};
  const Member member{&prepared.data, &prepared.split, plan};
  const TrainingPrograms programs = training_programs({&member, 1}, limits);
  const Program* const all[] = {&programs.train, &programs.validate};
  write_file_atomically(path, std::string_view(kernel_source(all, kBlockThreads)));
}

ExitCode dry_run(const Config& config, const TrainOptions& o, Log& log) {
  const PreparedData prepared = prepare_data(config);
  tell(log, prepared, config.train.monitor != "none");
  const auto executor = make_executor(o.device, log);
  const Trainer trainer(prepared.data, prepared.split, training_plan(config, prepared.data, prepared.split), *executor);
  const Split& s = prepared.split;
  if (o.kernel) write_kernel(*o.kernel, prepared, trainer.plan(), *executor);
  print_result(fmt::format(
      "1 run on {}\nrows: {} train, {} validation, {} test\n{} steps an epoch, at most {} epochs\n"
      "memory: about {} and the program's own, of {}; 1 process, 1 thread, at most {} while tables are read\n"
      "{}",
      executor->name(), s.train.size(), s.validation.size(), s.test.size(), trainer.steps_per_epoch(),
      config.train.epochs, bytes_text(training_bytes(trainer.program()) + data_bytes(prepared.data)),
      bytes_text(machine_memory()), table_threads(), describe(trainer.program())));
  return ExitCode::done;
}

/// What a finished run says on standard output.
std::string report(const RunFolder& folder, const Trainer& trainer, const RunSummary& s, const PreparedData& prepared,
                   LogFormat format) {
  const std::string path = folder.path().string();
  if (format == LogFormat::json) {
    nlohmann::ordered_json json{{"run", path},
                                {"status", s.status},
                                {"finish_reason", s.finish_reason},
                                {"epochs", s.epochs},
                                {"best_epoch", s.best_epoch},
                                {"chosen_by", s.best ? "validation" : "last epoch"},
                                {"best_validation", nullptr},
                                {"skipped_steps", s.skipped},
                                {"dead_layers", s.dead_layers},
                                {"warnings", s.warnings},
                                {"hash", s.hash}};
    if (s.best)
      json["best_validation"] =
          nlohmann::ordered_json::parse(evaluation_json(*s.best, trainer.program().task_names, -1));
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  std::string text = fmt::format("{}: {}\n", s.status, s.finish_reason);
  if (s.best) {
    text += fmt::format("best epoch: {}, chosen by the {} of the {} validation rows\n", s.best_epoch,
                        monitor_words(trainer.plan()), s.best->rows);
    std::string figures;
    for (const Figure& f : s.best->figures)
      if (f.values.size() == 1 && f.values[0] == f.values[0])
        figures += fmt::format("{}{} {:.4f}", figures.empty() ? "" : ", ", f.name, f.values[0]);
    if (!figures.empty())
      text += fmt::format("validation: {} (these rows chose the epoch: too good a figure for new ones)\n", figures);
  } else {
    text += fmt::format("model: the state after epoch {}, as {}\n", s.epochs,
                        prepared.split.validation.empty()         ? "no row validates"
                        : trainer.plan().monitor == Monitor::none ? "train.monitor = \"none\" chooses no epoch"
                                                                  : "no epoch could be validated");
  }
  if (s.skipped > 0) text += fmt::format("steps left out because of a non-finite value: {}\n", s.skipped);
  if (!s.dead_layers.empty())
    text += fmt::format("dead layers: {} (in the last state no unit of theirs is positive on any training row)\n",
                        fmt::join(s.dead_layers, ", "));
  text += fmt::format("results: {}\nhash: {}\n", printable(path), s.hash);
  if (!prepared.split.test.empty())
    text +=
        fmt::format("test: {} rows chose nothing; look at them once, at the end: equipoise evaluate {} --split test\n",
                    prepared.split.test.size(), printable(shell_word(path)));
  return text;
}

/// One training in its folder, from the first or from the newest checkpoint's step to the end or a signal.
class TrainRun {
 public:
  TrainRun(const Config& config, const TrainOptions& options, StopSignals& signals, Log& log)
      : config_(config), options_(options), signals_(signals), log_(log) {}

  ExitCode start() {
    const PreparedData prepared = prepare_data(config_);
    tell(log_, prepared, config_.train.monitor != "none");
    const auto executor = make_executor(options_.device, log_, 1, options_.kernel_mode);
    Trainer trainer(prepared.data, prepared.split, training_plan(config_, prepared.data, prepared.split), *executor);
    expect_distinct_columns(*trainer.plan().setup.system, prepared.preprocess);
    signals_.listen();
    // The folder appears once everything that can be wrong with the input was found right.
    const fs::path place = options_.out ? *options_.out : default_run_folder(*options_.config);
    if (failed_at_once(place))
      log_.info(fmt::format("{}: the run in it failed in its first epoch and is replaced", place.string()));
    RunFolder folder = RunFolder::create(place);
    summary_.started = time_now();
    summary_.device = executor->name();
    executor_ = executor.get();
    summary_.data_sha256 = prepared.sha256;
    summary_.notices = prepared.notices;
    summary_.folder = folder.path();
    summary_.selects = selects(trainer.plan(), prepared.split);
    folder.begin(config_, prepared, to_json(summary_, prepared, trainer.program().task_names));
    log_.info(fmt::format("run folder: {}", folder.path().string()));
    return run(folder, prepared, trainer, *executor);
  }

  ExitCode resume() {
    RunFolder folder = RunFolder::open(*options_.out);
    const EarlierRun earlier = read_earlier_run(folder.file(run_file::kSummary));
    const PreparedData prepared =
        prepare_data_as(with_tables_found(config_, folder.path(), earlier, options_.data_root), folder.path());
    expect_same_data(earlier, prepared);
    signals_.listen();
    tell(log_, prepared, config_.train.monitor != "none");
    const auto executor = make_executor(options_.device, log_, 1, options_.kernel_mode);
    Trainer trainer(prepared.data, prepared.split, training_plan(config_, prepared.data, prepared.split), *executor);
    const auto restore = [&](const TensorFile& checkpoint) {
      trainer.restore(checkpoint);
      trainer.best();  // while the device is sound: what ends a run badly still tells it
      return trainer.control().epoch;
    };
    folder.resume(restore, [&](const std::string& sentence) { log_.warning(sentence); });
    summary_.started = earlier.started;
    summary_.resumed = std::min(earlier.resumed, INT_MAX - 1) + 1;
    summary_.device = executor->name();
    executor_ = executor.get();
    earlier_use_ = {earlier.interpreted_steps, earlier.generated_steps, ""};
    summary_.data_sha256 = prepared.sha256;
    summary_.notices = earlier.notices.empty() ? prepared.notices : earlier.notices;
    summary_.folder = folder.path();
    summary_.selects = selects(trainer.plan(), prepared.split);
    const int done = trainer.control().epoch;
    if (!options_.settings.empty()) {
      expect_no_less_patience(read_run_config(folder.path()).train, trainer);
      if (config_.train.epochs < done)
        throw Error(ExitCode::usage, fmt::format("train --resume: --set train.epochs: is {}, but {} epochs are done; "
                                                 "give as many or more",
                                                 config_.train.epochs, done));
      folder.write_config(config_);
    }
    log_.info(fmt::format("resumed {} after epoch {}, step {}", folder.path().string(), done, trainer.control().step));
    if (trainer.finished()) log_.info("nothing is left to train: " + how_to_go_on(trainer));
    else account(folder, prepared, trainer, "running", "");  // no longer that of the run as it ended
    return run(folder, prepared, trainer, *executor);
  }

 private:
  /// A run that had been less patient might have ended before, and its bits would be others.
  void expect_no_less_patience(const TrainConfig& was, const Trainer& trainer) const {
    const TrainConfig& now = config_.train;
    const auto refuse = [](const char* key, int value, int had) {
      throw Error(ExitCode::usage,
                  fmt::format("train --resume: --set {}: is {}, but the run had {}; give as much or more, "
                              "or start a new run",
                              key, value, had > 0 ? std::to_string(had) : "none"));
    };
    const auto endless = [](int patience) { return patience > 0 ? patience : INT_MAX; };
    if (endless(now.patience) < endless(was.patience)) refuse("train.patience", now.patience, was.patience);
    // Without a warm-up patience counts from where the training loss had first fallen.
    const int fell = epoch_of_fall(trainer.losses().total), done = trainer.control().epoch;
    const auto from = [&](int warmup) { return warmup > 0 ? warmup : fell > 0 ? fell : done; };
    if (from(now.warmup) < from(was.warmup)) refuse("train.warmup", now.warmup, from(was.warmup));
  }

  /// Why a training that is resumed has ended, and the command that trains it for longer.
  std::string how_to_go_on(const Trainer& trainer) const {
    const std::string why = trainer.finish_reason();
    if (!trainer.failure().empty()) return why + "; start a new run";
    const bool impatient = trainer.out_of_patience();
    return fmt::format("{}{}; to train for longer: equipoise train --resume --out {} --set train.{}={}",
                       impatient ? "patience ended the run, " : "", why, shell_word(*options_.out),
                       impatient ? "patience" : "epochs",
                       2 * int64_t{impatient ? trainer.plan().patience : trainer.plan().epochs});
  }

  ExitCode run(RunFolder& folder, const PreparedData& prepared, Trainer& trainer, Executor& executor) {
    Progress progress(log_, trainer.program(), trainer.plan(), trainer.steps_per_epoch(), trainer.control().step);
    Pace pace;
    pace.stop = [&] { return signals_.received() != 0; };
    try {
      return train_into(folder, trainer, progress, pace) ? finish(folder, prepared, trainer, executor)
                                                         : stop(folder, prepared, trainer);
    } catch (const Error& error) {
      if (error.code() != ExitCode::stopped && !written_) {
        try {
          account(folder, prepared, trainer, "failed", error.what());
        } catch (const Error&) {
          // As on a full disk: the first error is the one to tell.
        }
      }
      throw;
    }
  }

  [[noreturn]] ExitCode stop(const RunFolder& folder, const PreparedData& prepared, Trainer& trainer) {
    account(folder, prepared, trainer, "stopped", signal_name(signals_.received()));
    const std::string path = folder.path().string();
    throw Error(ExitCode::stopped,
                fmt::format("stopped by {} after epoch {}, step {}; resume with: equipoise train --resume --out {}",
                            signal_name(signals_.received()), trainer.control().epoch, trainer.control().step,
                            shell_word(path)));
  }

  ExitCode finish(RunFolder& folder, const PreparedData& prepared, Trainer& trainer, Executor& executor) {
    summary_.dead_layers = trainer.dead_layers();
    summary_.hash = trainer.hash_over([&](const auto& visit) { folder.each_metric_without_time(visit); });
    TensorFile model = trainer.model();
    if (const std::string bad = nonfinite_parameter(trainer, model); !bad.empty()) {
      folder.write_model(model);
      const std::string why = fmt::format("the parameter {} is not finite: training diverged", bad);
      throw Error(ExitCode::numerics,
                  fmt::format("{}: {}; lower optimizer.lr or set optimizer.clip_norm", folder.path().string(), why));
    }
    ModelRunner runner(model, prepared.data, prepared.split, executor);
    std::vector<std::string> notices;
    const std::vector<double> thresholds = chosen_thresholds(config_.evaluate.threshold, runner, prepared, notices);
    for (const std::string& notice : notices) log_.warning(notice);
    set_thresholds(model, thresholds);
    folder.write_model(model);
    // Of generated rows nobody needs predictions; they can be made again at any time.
    if (!config_.data.generated())
      write_predictions(folder.place(run_file::kPredictions), runner, prepared, config_.train.seed, thresholds);
    const std::string failure = trainer.failure();
    summary_.warnings = warnings_of(trainer, judged(runner, prepared, thresholds));
    if (!failure.empty()) summary_.warnings.insert(summary_.warnings.begin(), "training failed: " + failure);
    std::optional<Evaluation> at_thresholds;
    if (trainer.best() && !thresholds.empty()) at_thresholds = runner.evaluate(Part::validation, thresholds);
    account(folder, prepared, trainer, failure.empty() ? "finished" : "failed", trainer.finish_reason(), at_thresholds);
    written_ = true;
    for (const std::string& warning : summary_.warnings) log_.warning(warning);
    if (!summary_.kernel.problem.empty()) log_.info("kernel: " + summary_.kernel.problem);
    log_.clear_live();
    print_result(report(folder, trainer, summary_, prepared, options_.log_format));
    return failure.empty() ? ExitCode::done : ExitCode::numerics;
  }

  static Judged judged(ModelRunner& runner, const PreparedData& prepared, const std::vector<double>& thresholds) {
    Judged judged;
    if (!has_class_figures(runner.system())) return judged;
    judged.train = runner.evaluate(Part::train, thresholds);
    if (!prepared.split.validation.empty()) judged.validation = runner.evaluate(Part::validation, thresholds);
    return judged;
  }

  /// Writes run.json. The best validation is told at the run's own thresholds, where it has some.
  void account(const RunFolder& folder, const PreparedData& prepared, Trainer& trainer, const char* status,
               const std::string& reason, const std::optional<Evaluation>& at_thresholds = std::nullopt) {
    summary_.status = status;
    summary_.finish_reason = reason;
    summary_.ended = time_now();
    summary_.epochs = trainer.control().epoch;
    summary_.steps = trainer.control().step;
    summary_.skipped = trainer.control().skipped;
    summary_.kernel = executor_->kernel_use();
    summary_.kernel.interpreted_steps += earlier_use_.interpreted_steps;
    summary_.kernel.generated_steps += earlier_use_.generated_steps;
    summary_.best_epoch = trainer.best_epoch();
    summary_.best = at_thresholds ? at_thresholds : trainer.best();
    const std::string text = to_json(summary_, prepared, trainer.program().task_names);
    write_file_atomically(folder.place(run_file::kSummary), std::string_view(text));
  }

  const Config& config_;
  const TrainOptions& options_;
  StopSignals& signals_;
  Log& log_;
  RunSummary summary_;
  const Executor* executor_ = nullptr;
  KernelUse earlier_use_;
  bool written_ = false;  ///< the account of the end, after which nothing of the run can fail
};

}  // namespace

ExitCode train_command(const TrainOptions& options) { return train_config(config_of(options), options); }

ExitCode train_config(const Config& config, const TrainOptions& options) {
  if (options.kernel && !options.dry_run)
    throw Error(ExitCode::usage, "train: --kernel belongs to --dry-run, which writes the source of the GPU's kernel");
  if (options.print_config) {
    print_result(to_toml(config));
    return ExitCode::done;
  }
  Log log(options.log_format, options.quiet);
  if (options.dry_run) return dry_run(config, options, log);
  StopSignals signals;
  TrainRun run(config, options, signals, log);
  return options.resume ? run.resume() : run.start();
}

}  // namespace equipoise
