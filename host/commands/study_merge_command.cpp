// host/commands/study_merge_command.cpp - study merge: one study of parts that were trained apart.
#include <fmt/format.h>

#include <set>

#include "host/commands/study_going.h"
#include "host/run/device_choice.h"
#include "host/study/stored_study.h"
#include "host/study/study_files.h"
#include "host/study/study_journal.h"

namespace equipoise {

namespace fs = std::filesystem;

ExitCode merge_command(const MergeOptions& o) {
  expect_devices(o.device);
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
