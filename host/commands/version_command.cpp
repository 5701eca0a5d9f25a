// host/commands/version_command.cpp - --version, and how every command prints its result.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "host/commands/commands.h"
#include "host/run/build_info.h"
#include "host/run/output_file.h"

namespace equipoise {

ExitCode version_command() {
  const BuildInfo& b = build_info();
  print_result(fmt::format("equipoise {}\ncommit    {}\ncompiler  {}\nCUDA      {}{}\n", b.version, b.git, b.compiler,
                           b.cuda, b.cuda_architectures.empty() ? "" : ", architectures " + b.cuda_architectures));
  return ExitCode::done;
}

void print_result(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error(ExitCode::file_system,
                fmt::format("standard output: cannot be written ({}); send it elsewhere", std::strerror(errno)));
}

void give_result(const std::optional<std::filesystem::path>& out, bool force, const TextSource& text, Log& log,
                 const std::string& told) {
  if (!out) return hand_over(text, print_result);
  write_output(*out, text, force);
  log.info(fmt::format("{}: {}", told, out->string()));
}

}  // namespace equipoise
