// host/commands/study_command.cpp - cross-validate and sweep: from a config to a study folder.
#include <fmt/format.h>

#include <set>

#include "engine/base/machine_memory.h"
#include "engine/train/memory_needed.h"
#include "engine/train/trainer.h"
#include "host/commands/study_going.h"
#include "host/data/duplicate_rows.h"
#include "host/run/device_choice.h"
#include "host/study/stored_study.h"
#include "host/study/study_files.h"
#include "host/study/study_ranks.h"
#include "host/study/study_training.h"
#include "kernels/run/device.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

std::vector<StudySetting> settings_of(const StudyOptions& o, const Config& config, const Resolve& resolve, Log& log) {
  const StudyConfig study = config.study.value_or(StudyConfig{});
  std::vector<StudySetting> settings = study_settings(study, config.train.seed);
  if (o.fixed_weights > 0) {
    if (!study.grid.empty() || study.random > 0)
      throw Error(ExitCode::usage,
                  "sweep --fixed-weights: makes the settings itself; drop --grid, --random and --range");
    settings = fixed_weight_settings(loss_count(config), o.fixed_weights);
  }
  for (const std::string& told : check_settings(settings, resolve)) log.info(told);
  return settings;
}

ExitCode dry_run(const StudyOptions& o, StudyWork& work, Log& log) {
  const StudyPlan& plan = work.record.plan;
  StudyData& data = *work.data;
  const auto executors = make_study_executors(o.device, log, o.threads, o.kernel_mode);
  Executor* const executor = executors[0].get();
  const StudyPart part = o.part ? study_part(*o.part) : StudyPart{};
  std::vector<Member> members;
  int64_t steps = 0, bytes = 0;
  std::set<const PreparedData*> prepared;
  for (const StudyMember& member : plan.members) {
    if (!part.takes(member.number)) continue;
    members.push_back(data.engine_member(member));
    const Member& m = members.back();
    const auto rows = static_cast<int64_t>(m.split->train.size());
    steps += (rows + m.plan.batch - 1) / m.plan.batch * m.plan.epochs;
    if (prepared.insert(&data.of(member)).second) bytes += data_bytes(*m.data);
  }
  const auto groups = groups_of(members, executor->plan_limits());
  std::size_t waves = 0, largest = 0;
  int64_t most = 0;
  for (const std::vector<std::size_t>& group : groups) {
    const std::size_t at_once = members_at_once(members[group[0]], *executor, kMembersAtOnce, executors.size());
    waves += (group.size() + at_once - 1) / at_once;
    largest = std::max(largest, std::min(group.size(), at_once));
    const Trainer trainer(std::span(&members[group[0]], 1), *executor);
    most = std::max(most, training_bytes(trainer.program(), std::min(group.size(), at_once * executors.size())));
  }
  print_result(fmt::format(
      "{} members on {}: settings {}, splits {}, seeds {}\n{} group{} of equal structure, {} wave{} "
      "of at most {}\nat most {} steps\nmemory: about {} of data and {} of models, of {}\n",
      members.size(), executor->name(), plan.settings.size(), plan.splits.size(),
      plan.members.size() / plan.settings.size() / plan.splits.size(), groups.size(), groups.size() == 1 ? "" : "s",
      waves, waves == 1 ? "" : "s", largest, steps, bytes_text(bytes), bytes_text(most), bytes_text(machine_memory())));
  return ExitCode::done;
}

ExitCode start(const StudyOptions& o, Log& log) {
  if (!o.config)
    throw Error(ExitCode::usage,
                fmt::format("{0}: no config is given; write equipoise {0} CONFIG.toml", name_of(o.kind)));
  const Config config = load_config(*o.config, o.settings);
  RawData raw = read_raw_data(config);
  std::vector<std::string> notices = raw.cohort.notices;
  StudyWork work;
  StudyRecord& record = work.record;
  if (o.part) record.part = study_part(*o.part);
  // As `train CONFIG --set ...` would: what a key left open in the file follows the setting, too.
  const Resolve resolve = [&](const std::vector<std::string>& overrides) {
    std::vector<std::string> all = o.settings;
    all.insert(all.end(), overrides.begin(), overrides.end());
    return load_config(*o.config, all);
  };
  record.plan = plan_study(o.kind, config, settings_of(o, config, resolve, log), resolve, raw, notices);
  record.files = files_of_rows(raw, config);
  record.data_sha256 = hash_of(raw.cohort);
  record.notices = notices;
  record.identity = identity_of(config, record);
  record.started = time_now();
  for (const std::string& notice : notices) log.info(notice);
  if (const std::string told = tell_duplicates(raw.cohort); !told.empty()) log.warning(told);
  const fs::path place = o.out ? *o.out : default_study_folder(*o.config);
  const std::string told = raw.split ? config.data.split->string() : study_file::kSplits;
  take_data(work, config, std::move(raw), fs::absolute(place / study_file::kSplits), told);
  if (o.dry_run) return dry_run(o, work, log);
  StopSignals signals;
  signals.listen();
  const StudyFolder folder = StudyFolder::create(place);
  folder.begin(config, record);
  log.info(fmt::format("study folder: {}", folder.path().string()));
  return go_on(folder, work, o, signals, log);
}

ExitCode resume(const StudyOptions& o, Log& log) {
  if (!o.out)
    throw Error(ExitCode::usage,
                fmt::format("{} --resume: no study is given; add --out with its folder", name_of(o.kind)));
  const StudyFolder folder = StudyFolder::open(*o.out);
  StoredStudy study = read_study(folder.path());
  if (o.kind != study.record.plan.kind)
    throw Error(ExitCode::usage,
                fmt::format("{}: is a study of equipoise {}", o.out->string(), name_of(study.record.plan.kind)));
  if (o.config && load_config(*o.config, o.settings) != study.config)
    throw Error(ExitCode::usage, fmt::format("{}: differs from {}, with which the study was started; leave the config "
                                             "out to resume, or start a new study in another --out",
                                             o.config->string(), folder.file(study_file::kConfig).string()));
  if (!o.config && !o.settings.empty())
    throw Error(ExitCode::usage, fmt::format("{} --resume: a study keeps its settings; start a new one in another "
                                             "--out to change {}",
                                             name_of(o.kind), o.settings.front()));
  if (o.part && !(study_part(*o.part) == study.record.part))
    throw Error(ExitCode::usage, fmt::format("{} --resume: this study's part is {}/{}", name_of(o.kind),
                                             study.record.part.index, study.record.part.of));
  if (study.record.status == "finished" || study.record.status == "trained") {
    log.info(fmt::format("{}: nothing is left to train", folder.path().string()));
    return ExitCode::done;
  }
  RawData raw = read_raw_data(with_study_tables(study, o.data_root));
  if (hash_of(raw.cohort) != study.record.data_sha256)
    throw Error(ExitCode::data, fmt::format("{}: the tables hold other rows or values than when the study was started; "
                                            "put the old ones back, or start a new study",
                                            folder.path().string()));
  StopSignals signals;
  signals.listen();
  StudyWork work{std::move(study.record)};
  ++work.record.resumed;
  const fs::path folds = folder.file(study_file::kSplits);
  take_data(work, study.config, std::move(raw), fs::absolute(folds), folds.string());
  return go_on(folder, work, o, signals, log);
}

ExitCode start_or_resume(const StudyOptions& options) {
  Log log(options.log_format, options.quiet);
  return options.resume ? resume(options, log) : start(options, log);
}

/// This process's part, and, of the first, the whole study once all are trained.
ExitCode train_as_rank(const StudyOptions& options, const Ranks& ranks) {
  if (!options.out)
    throw Error(ExitCode::usage, fmt::format("{}: {} processes train one study; name its folder by --out",
                                             name_of(options.kind), ranks.size));
  std::vector<fs::path> parts;
  for (int index = 1; index <= ranks.size; ++index) parts.push_back(part_folder(*options.out, {index, ranks.size}));
  StudyOptions mine = options;
  mine.part = fmt::format("{}/{}", ranks.rank + 1, ranks.size);
  mine.out = parts[static_cast<std::size_t>(ranks.rank)];
  mine.resume = options.resume && holds_study(*mine.out);
  mine.quiet = options.quiet || ranks.rank > 0;
  mine.tells_part = false;
  mine.device = device_of_rank(options.device, ranks.local, static_cast<int>(device_report(false).devices.size()));
  if (options.resume && !mine.resume && !options.config) return start_or_resume(options);  // a study that is whole
  if (const ExitCode code = start_or_resume(mine); code != ExitCode::done || ranks.rank > 0) return code;
  {
    StopSignals signals;
    signals.listen();
    wait_for_parts(parts, [&] { return signals.received() != 0; });
  }
  const ExitCode code = merge_command({parts, *options.out, options.device, options.data_root, options.quiet});
  std::error_code ignored;
  for (const fs::path& part : parts) fs::remove_all(part, ignored);
  return code;
}

}  // namespace

ExitCode study_command(const StudyOptions& options) {
  if (options.part) study_part(*options.part);
  expect_devices(options.device, options.kernel_mode);
  if (const Ranks ranks = ranks_of_environment(); ranks.size > 1 && !options.part && !options.dry_run)
    return train_as_rank(options, ranks);
  return start_or_resume(options);
}

}  // namespace equipoise
