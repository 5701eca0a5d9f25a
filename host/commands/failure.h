// host/commands/failure.h - how a failure is told: sentences on standard error, or JSON lines where the log is JSON.
#pragma once

#include <string_view>

#include "host/text/progress.h"

namespace equipoise {

/// What the command line says of the log, read before anything is parsed: what cannot be parsed is told as asked, too.
LogFormat log_format_of(int argc, const char* const* argv) noexcept;

/// Tells each of `sentences`, between which kNextSentence stands, as "equipoise: SENTENCE", or as
/// {"level":"error","code":2,"message":"SENTENCE"}. Returns the code. Throws nothing, and needs no memory in the end.
int tell_failure(int code, std::string_view sentences, LogFormat format) noexcept;

/// The same of what should not happen, for which no exit code is documented; `what` may be empty.
int tell_internal_error(std::string_view what, LogFormat format) noexcept;

}  // namespace equipoise
