// host/text/signals.h - asks a training to stop where it can be resumed.
#pragma once

namespace equipoise {

/// While it lives, writing to a closed pipe is an error instead of the end; and once it listens, the first SIGINT,
/// SIGTERM, SIGHUP or SIGUSR1 (Slurm's warning) only raises a flag, a second one ends the process at once as if nothing
/// had been caught. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// From now on there is something that would be lost. Before, a signal ends the process, and with it any wait for a
  /// pipe that nobody writes to.
  void listen();
  /// Number of the signal received, 0 before one.
  int received() const;
};

/// "SIGTERM" and the like.
const char* signal_name(int number);

}  // namespace equipoise
