// host/commands/init_command.cpp - a config to start from.
#include "host/commands/commands.h"
#include "host/config/config.h"

namespace equipoise {

ExitCode init_command(const std::string& system) {
  print_result(commented_config(system));
  return ExitCode::done;
}

}  // namespace equipoise
