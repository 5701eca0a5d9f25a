// host/commands/main.cpp - the equipoise program.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "engine/generate/kernel_maker.h"
#include "host/commands/command_line.h"
#include "host/commands/standard_streams.h"

int main(int argc, char** argv) {
  equipoise::keep_standard_streams_apart();
  // A file beyond the limit is an error of its write, which is told and cleaned up after.
  std::signal(SIGXFSZ, SIG_IGN);
  const int code = equipoise::run_program(argc, argv);
  if (equipoise::KernelMaker::shared().busy()) {  // what is being compiled nobody waits for, and cannot be cancelled
    std::cout.flush();
    std::fflush(nullptr);
    std::_Exit(code);
  }
  return code;
}
