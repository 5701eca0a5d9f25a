// host/commands/study_command.cpp - cross-validate and sweep: from a config to a study folder.
#include <fmt/format.h>

#include <numeric>
#include <set>

#include "engine/base/machine_memory.h"
#include "engine/train/memory_needed.h"
#include "engine/train/trainer.h"
#include "host/commands/study_commands.h"
#include "host/run/device_choice.h"
#include "host/study/stored_study.h"
#include "host/study/study_files.h"
#include "host/study/study_ranks.h"
#include "host/study/study_run.h"
#include "host/study/study_training.h"
#include "host/text/printable.h"
#include "host/text/shell_word.h"
#include "host/text/signals.h"
#include "kernels/run/device.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

const char* name_of(StudyKind kind) { return kind == StudyKind::sweep ? "sweep" : "cross-validate"; }

std::vector<DataFile> files_of_rows(const RawData& raw, const Config& config) {
  std::vector<DataFile> files;
  for (const ReadFile& file : raw.cohort.files) {
    if (!file.seekable)
      throw Error(ExitCode::data, fmt::format("{}: is a pipe, which can be read once; a study needs its rows again, so "
                                              "save them as a file",
                                              file.path.string()));
    files.push_back({file.path.string(), file.sha256});
  }
  if (raw.split) files.push_back({config.data.split->string(), raw.split->sha256});
  return files;
}

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

/// Ids of patients whose rows are equal in every view, which a fold each would tell of one another.
void tell_duplicates(const RawCohort& cohort, Log& log) {
  std::map<std::vector<double>, std::string> seen;
  std::vector<std::string> pairs;
  for (std::size_t row = 0; row < cohort.ids.size(); ++row) {
    std::vector<double> values;
    for (const RawView& view : cohort.views) {
      const auto first = view.values.begin() + static_cast<std::ptrdiff_t>(row * view.columns.size());
      values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(view.columns.size()));
    }
    for (double& value : values)
      if (value != value) value = -1.7976931348623157e308;  // missing: equal to itself, and no value of a table
    const auto [same, is_new] = seen.emplace(std::move(values), cohort.ids[row]);
    if (!is_new) pairs.push_back(fmt::format("'{}' and '{}'", same->second, cohort.ids[row]));
  }
  if (pairs.empty()) return;
  std::string told = pairs[0];
  for (std::size_t i = 1; i < std::min<std::size_t>(pairs.size(), 3); ++i) told += ", " + pairs[i];
  log.warning(
      fmt::format("{} {} of patients have the same values in every view ({}{}): where one of them is held out, "
                  "the other may train; name a data.group, or drop one",
                  pairs.size(), pairs.size() == 1 ? "pair" : "pairs", told, pairs.size() > 3 ? ", ..." : ""));
}

ExitCode dry_run(const StudyOptions& o, StudyWork& work, Log& log) {
  const StudyPlan& plan = work.record.plan;
  StudyData& data = *work.data;
  const auto executor = make_executor(o.device, log, o.threads);
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
    const std::size_t at_once = members_at_once(members[group[0]], *executor, kMembersAtOnce);
    waves += (group.size() + at_once - 1) / at_once;
    largest = std::max(largest, std::min(group.size(), at_once));
    const Trainer trainer(std::span(&members[group[0]], 1), *executor);
    most = std::max(most, training_bytes(trainer.program(), std::min(group.size(), at_once)));
  }
  print_result(fmt::format(
      "{} members on {}: settings {}, splits {}, seeds {}\n{} group{} of equal structure, {} wave{} "
      "of at most {}\nat most {} steps\nmemory: about {} of data and {} of models, of {}\n",
      members.size(), executor->name(), plan.settings.size(), plan.splits.size(),
      plan.members.size() / plan.settings.size() / plan.splits.size(), groups.size(), groups.size() == 1 ? "" : "s",
      waves, waves == 1 ? "" : "s", largest, steps, bytes_text(bytes), bytes_text(most), bytes_text(machine_memory())));
  return ExitCode::done;
}

/// Runs what is left, and says how it ended.
ExitCode go_on(const StudyFolder& folder, StudyWork& work, const StudyOptions& o, StopSignals& signals, Log& log) {
  const auto executor = make_executor(o.device, log, o.threads);
  work.record.device = executor->name();
  work.record.status = "running";
  folder.write_record(work.record);
  const auto summary = run_study(folder, work, *executor, log, [&] { return signals.received() != 0; });
  log.clear_live();
  const std::string path = printable(shell_word(folder.path()));
  if (work.record.status == "stopped")
    throw Error(ExitCode::stopped, fmt::format("stopped by {}; resume with: equipoise {} --resume --out {}",
                                               signal_name(signals.received()), name_of(work.record.plan.kind), path));
  if (!summary && !o.tells_part) return ExitCode::done;
  if (!summary) {
    print_result(
        fmt::format("part {}/{} is trained: {}\nonce all parts are: equipoise study merge --out STUDY PART...\n",
                    work.record.part.index, work.record.part.of, folder.path().string()));
    return ExitCode::done;
  }
  for (const std::string& notice : summary->notices) log.warning(notice);
  if (summary->failed > 0)
    log.warning(
        fmt::format("{} of {} members cannot be relied on; members.csv says why", summary->failed, summary->members));
  print_result(o.log_format == LogFormat::json
                   ? to_json(*summary)
                   : to_text(*summary) + fmt::format("\nstudy: {}\n", folder.path().string()));
  return summary->failed == summary->members ? ExitCode::numerics : ExitCode::done;
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
  tell_duplicates(raw.cohort, log);
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

}  // namespace

namespace {

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
  if (const Ranks ranks = ranks_of_environment(); ranks.size > 1 && !options.part && !options.dry_run)
    return train_as_rank(options, ranks);
  return start_or_resume(options);
}

ExitCode merge_command(const MergeOptions& o) {
  Log log(LogFormat::text, o.quiet);
  std::optional<StoredStudy> first;
  std::set<int> seen;
  for (const fs::path& part : o.parts) {
    StoredStudy study = read_study(part);
    if (study.record.status != "trained")
      throw Error(ExitCode::usage,
                  fmt::format("{}: is {}; merge takes parts that are trained to their end", part.string(),
                              study.record.part.whole() ? "a whole study" : "unfinished"));
    if (!first) first = study;
    const bool same = study.record.identity == first->record.identity && study.record.part.of == first->record.part.of;
    if (!same)
      throw Error(ExitCode::usage,
                  fmt::format("{}: is a part of another study than {}", part.string(), o.parts.front().string()));
    if (!seen.insert(study.record.part.index).second)
      throw Error(ExitCode::usage, fmt::format("{}: is part {}/{}, which is named twice", part.string(),
                                               study.record.part.index, study.record.part.of));
  }
  std::string missing;
  for (int index = 1; index <= first->record.part.of; ++index)
    if (!seen.contains(index))
      missing += fmt::format("{}{}/{}", missing.empty() ? "" : ", ", index, first->record.part.of);
  if (!missing.empty())
    throw Error(ExitCode::usage, fmt::format("study merge: part {} is missing; name it too", missing));

  const Config found = with_study_tables(*first, o.data_root);
  RawData raw = read_raw_data(found);
  if (hash_of(raw.cohort) != first->record.data_sha256)
    throw Error(ExitCode::data,
                "study merge: the tables hold other rows or values than when the parts were trained; "
                "put the old ones back");
  StopSignals signals;
  signals.listen();
  const StudyFolder folder = StudyFolder::create(o.out);
  StudyRecord record = first->record;
  record.part = {};
  record.files = files_of_rows(raw, found);
  record.status = "running";
  Config config = first->config;
  config.data.views = found.data.views;  // as they lie on this machine
  config.data.outcome = found.data.outcome;
  folder.begin(config, record);
  const StudyJournal journal(folder.place(study_file::kProgress), record.identity);
  for (const fs::path& part : o.parts)
    for (const auto& entry : fs::directory_iterator(part / study_file::kProgress))
      fs::copy_file(entry.path(), journal.folder() / entry.path().filename(), fs::copy_options::overwrite_existing);
  StudyWork work{std::move(record)};
  const fs::path folds = folder.file(study_file::kSplits);
  take_data(work, config, std::move(raw), fs::absolute(folds), folds.string());
  StudyOptions options;
  options.device = o.device;
  return go_on(folder, work, options, signals, log);
}

}  // namespace equipoise
