// host/text/signals.cpp - the handlers touch nothing but a flag.
#include "host/text/signals.h"

#include <csignal>
#include <cstddef>
#include <iterator>

namespace equipoise {

namespace {

constexpr int kStopping[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU};
volatile std::sig_atomic_t first_signal = 0;

extern "C" void on_stop_signal(int number) {
  if (first_signal != 0) {
    std::signal(number, SIG_DFL);
    std::raise(number);  // delivered when this handler returns
    return;
  }
  first_signal = number;
}

/// Actions of before, by the order of kStopping.
struct sigaction earlier[std::size(kStopping)];
bool listening = false;

}  // namespace

StopSignals::StopSignals() {
  first_signal = 0;
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  for (size_t i = 0; i < std::size(kStopping) && listening; ++i) sigaction(kStopping[i], &earlier[i], nullptr);
  listening = false;
}

void StopSignals::listen() {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < std::size(kStopping); ++i) {
    sigaction(kStopping[i], nullptr, &earlier[i]);
    // nohup, or a script that started it in the background, wants it to go on.
    if (earlier[i].sa_handler != SIG_IGN) sigaction(kStopping[i], &action, nullptr);
  }
  listening = true;
}

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
    case SIGUSR2:
      return "SIGUSR2";
    case SIGXCPU:
      return "SIGXCPU";
    default:
      return "a signal";
  }
}

}  // namespace equipoise
