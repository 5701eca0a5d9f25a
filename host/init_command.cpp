// host/init_command.cpp - a config to start from.
#include <fmt/format.h>

#include "host/commands.h"
#include "host/nearest_name.h"

namespace equipoise {

ExitCode init_command(const std::string& system) {
  const std::vector<std::string> systems = {"mldrl"};
  if (system != systems.front())
    throw Error(ExitCode::usage, fmt::format("init '{}': not a system; {}", system, did_you_mean(system, systems)));
  print_result(commented_config_mldrl());
  return ExitCode::done;
}

}  // namespace equipoise
