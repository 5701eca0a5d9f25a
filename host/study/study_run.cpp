// host/study/study_run.cpp - the stages of a study, one after another.
#include "host/study/study_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/base/error.h"
#include "engine/train/checkpoint.h"
#include "host/run/run_summary.h"
#include "host/study/stored_study.h"
#include "host/study/study_files.h"
#include "host/study/study_tables.h"
#include "host/study/study_training.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// Sentences, each once and in their order.
std::vector<std::string> once(const std::vector<std::string>& sentences) {
  std::vector<std::string> kept;
  for (const std::string& sentence : sentences)
    if (std::find(kept.begin(), kept.end(), sentence) == kept.end()) kept.push_back(sentence);
  return kept;
}

/// Chosen members decide about new patients by these thresholds, too.
void keep_thresholds(const StudyPlan& plan, const std::vector<OuterPart>& outer, std::map<int, MemberResult>& results) {
  for (const OuterPart& part : outer)
    for (std::size_t i = 0; i < part.choice.members.size(); ++i)
      set_thresholds(results.at(plan.members[part.choice.members[i]].number).model, part.member_thresholds[i]);
}

StudySummary finish(const StudyFolder& folder, StudyRecord& record, std::map<int, MemberResult>& results,
                    StudyData& data, Executor& executor) {
  const StudyPlan& plan = record.plan;
  std::vector<std::string> notices;
  const std::vector<OuterChoice> choices = choose(plan, results);
  const std::vector<OuterPart> outer = judge_outer(plan, choices, results, data, executor, notices);
  StudySummary summary = summarise(plan, results, outer, data);
  for (const OuterChoice& choice : choices)
    if (choice.members.empty())
      notices.push_back(
          fmt::format("repeat {}, fold {}: no member can be relied on; lower optimizer.lr or set "
                      "optimizer.clip_norm",
                      choice.split.repeat, choice.split.fold));
  summary.notices = once(notices);
  keep_thresholds(plan, outer, results);
  write_models(folder, results, record.identity);
  record.fits_sha256 = write_preprocessing(folder, plan, choices, data);
  write_members_csv(folder.place(study_file::kMembers), plan, results, outer, data);
  write_study_predictions(folder.place(study_file::kPredictions), plan, outer, data);
  write_file_atomically(folder.place(study_file::kSummary), to_json(summary));
  write_file_atomically(folder.place(study_file::kText), to_text(summary));
  return summary;
}

}  // namespace

void take_data(StudyWork& work, const Config& config, RawData raw, const fs::path& folds, const std::string& told) {
  const StudyPlan& plan = work.record.plan;
  work.data = std::make_unique<StudyData>(config, plan, std::move(raw), folds, told);
  std::set<std::size_t> seen;
  bool validates = true;
  for (const StudyMember& member : plan.members)
    if (seen.insert(member.split).second) validates = validates && !work.data->of(member).split.validation.empty();
  if (plan.settings.size() > 1 && !validates)
    throw Error(
        ExitCode::usage,
        fmt::format("study: {} settings are to be compared, and no inner row validates; raise data.validation{}",
                    plan.settings.size(),
                    plan.kind == StudyKind::cross_validation ? ", or ask for --inner-folds" : ""));
}

std::optional<StudySummary> run_study(const StudyFolder& folder, StudyWork& work,
                                      std::span<const std::unique_ptr<Executor>> executors, Log& log,
                                      const std::function<bool()>& stop) {
  StudyRecord& record = work.record;
  const StudyPlan& plan = record.plan;
  StudyData& data = *work.data;
  StudyJournal journal(folder.place(study_file::kProgress), record.identity);
  std::map<int, MemberResult> results = journal.finished([&](const std::string& told) { log.warning(told); });
  std::vector<std::size_t> mine;
  std::size_t before = 0;
  for (std::size_t m = 0; m < plan.members.size(); ++m) {
    if (!record.part.takes(plan.members[m].number)) continue;
    mine.push_back(m);
    before += results.contains(plan.members[m].number) ? 1 : 0;
  }
  StudyProgress progress(log, mine.size(), before);
  StudyPace pace;
  pace.stop = stop;
  const bool done = train_members(plan, mine, data, executors, journal, results, progress, log, pace);
  record.ended = time_now();
  std::optional<StudySummary> summary;
  if (!done) {
    record.status = "stopped";
  } else if (!record.part.whole()) {
    record.status = "trained";
  } else {
    summary = finish(folder, record, results, data, *executors[0]);
    record.status = "finished";
  }
  folder.write_record(record);
  if (summary) {
    std::error_code ignored;
    fs::remove_all(folder.place(study_file::kProgress), ignored);
  }
  return summary;
}

}  // namespace equipoise
