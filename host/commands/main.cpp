// host/commands/main.cpp - the equipoise program.
#include <csignal>

#include "host/commands/command_line.h"
#include "host/commands/standard_streams.h"

int main(int argc, char** argv) {
  equipoise::keep_standard_streams_apart();
  // A file beyond the limit is an error of its write, which is told and cleaned up after.
  std::signal(SIGXFSZ, SIG_IGN);
  return equipoise::run_program(argc, argv);
}
