// host/commands/study_going.cpp - a study from where it stands to its end.
#include "host/commands/study_going.h"

#include <fmt/format.h>

#include "host/run/device_choice.h"
#include "host/text/printable.h"
#include "host/text/shell_word.h"

namespace equipoise {

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

ExitCode go_on(const StudyFolder& folder, StudyWork& work, const StudyOptions& o, StopSignals& signals, Log& log) {
  const auto executors = make_study_executors(o.device, log, o.threads, o.kernel_mode);
  work.record.device = executors[0]->name();
  work.record.status = "running";
  folder.write_record(work.record);
  const auto summary = run_study(folder, work, executors, log, [&] { return signals.received() != 0; });
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
  for (const auto& executor : executors)
    if (const KernelUse use = executor->kernel_use(); !use.problem.empty()) {
      log.info("kernel: " + use.problem);
      break;
    }
  if (summary->failed > 0)
    log.warning(
        fmt::format("{} of {} members cannot be relied on; members.csv says why", summary->failed, summary->members));
  print_result(o.log_format == LogFormat::json
                   ? to_json(*summary)
                   : to_text(*summary) + fmt::format("\nstudy: {}\n", folder.path().string()));
  return summary->failed == summary->members ? ExitCode::numerics : ExitCode::done;
}

}  // namespace equipoise
