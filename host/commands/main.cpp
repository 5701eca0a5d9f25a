// host/commands/main.cpp - the equipoise program.
#include "host/commands/command_line.h"
#include "host/commands/standard_streams.h"

int main(int argc, char** argv) {
  equipoise::keep_standard_streams_apart();
  return equipoise::run_program(argc, argv);
}
