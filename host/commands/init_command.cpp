// host/commands/init_command.cpp - a config to start from.
#include "host/commands/commands.h"
#include "host/config/config.h"
#include "host/config/tables_config.h"

namespace equipoise {

ExitCode init_command(const InitOptions& o) {
  print_result(o.tables.empty() ? commented_config(o.system) : config_for_tables(o.system, o.tables));
  return ExitCode::done;
}

}  // namespace equipoise
