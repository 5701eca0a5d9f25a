// host/commands/command_line.h - the program as one call: arguments in, exit code out.
#pragma once

namespace equipoise {

/// Parses the command line, runs the command, and tells every failure as `equipoise: sentence` on standard error.
/// Returns the exit code; throws nothing.
int run_program(int argc, const char* const* argv) noexcept;

}  // namespace equipoise
