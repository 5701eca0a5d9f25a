// host/text/signals.cpp - the handlers touch nothing but a flag.
#include "host/text/signals.h"

#include <csignal>

namespace equipoise {

namespace {

constexpr int kStopping[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
volatile std::sig_atomic_t first_signal = 0;

extern "C" void on_stop_signal(int number) {
  if (first_signal != 0) {
    std::signal(number, SIG_DFL);
    std::raise(number);  // delivered when this handler returns
    return;
  }
  first_signal = number;
}

void install(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int number : kStopping) sigaction(number, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  first_signal = 0;
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  install(SIG_DFL);
  std::signal(SIGPIPE, SIG_DFL);
}

void StopSignals::listen() { install(on_stop_signal); }

int StopSignals::received() const { return first_signal; }

const char* signal_name(int number) {
  switch (number) {
    case SIGINT:
      return "SIGINT";
    case SIGTERM:
      return "SIGTERM";
    case SIGHUP:
      return "SIGHUP";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "a signal";
  }
}

}  // namespace equipoise
