// host/commands/main.cpp - the equipoise program.
#include "host/commands/command_line.h"

int main(int argc, char** argv) { return equipoise::run_program(argc, argv); }
