// host/commands/member_command.cpp - member: one model of a study as a run folder of its own.
#include <fmt/format.h>

#include "host/commands/study_commands.h"
#include "host/run/run_files.h"
#include "host/study/stored_study.h"
#include "host/study/study_files.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

namespace fs = std::filesystem;

/// Throws Error(numerics) at the first tensor that is another.
void expect_equal(const TensorFile& of_study, const TensorFile& of_run, const MemberOptions& o) {
  for (const auto& [name, tensor] : of_study.tensors)
    if (const auto found = of_run.tensors.find(name); found == of_run.tensors.end() || !(found->second == tensor))
      throw Error(
          ExitCode::numerics,
          fmt::format("{}: its {} is not that of member {} in {}; were study and run trained by the same version "
                      "of equipoise?",
                      of_run.path, name, o.number, o.study.string()));
}

}  // namespace

ExitCode member_command(const MemberOptions& o) {
  const StoredStudy study = read_finished_study(o.study);
  const auto found = study.results.find(o.number);
  if (found == study.results.end())
    throw Error(ExitCode::usage, fmt::format("member {}: the study has members 1 to {}; {} lists them", o.number,
                                             study.results.size(), (o.study / study_file::kMembers).string()));
  const StudyPlan& plan = study.record.plan;
  const Config found_tables = with_study_tables(study, o.data_root);
  const DataConfig& tables = found_tables.data;
  if (hash_of(read_raw_data(found_tables).cohort) != study.record.data_sha256)
    throw Error(ExitCode::data, fmt::format("{}: the tables hold other rows or values than when the study was trained; "
                                            "put the old ones back",
                                            o.study.string()));
  Config config = member_config(plan, plan.members[static_cast<std::size_t>(o.number) - 1],
                                fs::absolute(o.study / study_file::kSplits).lexically_normal());
  config.data.views = tables.views;
  config.data.outcome = tables.outcome;
  if (plan.kind == StudyKind::sweep) config.data.split = tables.split;
  TrainOptions options;
  options.out = o.out ? *o.out : fs::path("runs") / fmt::format("{}-member{}", o.study.filename().string(), o.number);
  options.device = o.device;
  options.quiet = o.quiet;
  const ExitCode code = train_config(config, options);
  if (code == ExitCode::done) expect_equal(found->second.model, read_safetensors(*options.out / run_file::kModel), o);
  return code;
}

}  // namespace equipoise
