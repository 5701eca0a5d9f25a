// engine/base/error.h - the one exception type that reaches a user.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace equipoise {

/// Exit codes of the program; an error carries the one it ends with.
enum class ExitCode {
  done = 0,
  usage = 2,        ///< command line or config
  data = 3,         ///< tables of data, gradients to balance
  checkpoint = 4,   ///< checkpoint or record
  file_system = 5,  ///< a file cannot be read or written
  device = 6,       ///< no such device, a device error
  numerics = 7,     ///< non-finite values, tolerance exceeded
  stopped = 75,     ///< stopped by a signal, resumable
};

/// Between the sentences of an error that has several. No newline, since names out of files may hold one.
inline constexpr std::string_view kNextSentence = "\x1e";

/// An error told to the user in one sentence, or a few: what, where (file:line:column or key), and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

}  // namespace equipoise
