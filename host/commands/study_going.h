// host/commands/study_going.h - what the commands that train a study share.
#pragma once

#include "host/commands/study_commands.h"
#include "host/study/study_run.h"
#include "host/text/signals.h"

namespace equipoise {

/// The command that trains studies of this kind.
const char* name_of(StudyKind kind);

/// The files that rows were read from. Throws Error(data) for a pipe.
std::vector<DataFile> files_of_rows(const RawData& raw, const Config& config);

/// Runs what is left of a study, and says how it ended. Returns `numerics` where no member can be relied on; throws
/// Error(stopped) after a signal.
ExitCode go_on(const StudyFolder& folder, StudyWork& work, const StudyOptions& o, StopSignals& signals, Log& log);

}  // namespace equipoise
