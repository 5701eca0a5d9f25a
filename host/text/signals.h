// host/text/signals.h - asks a training to stop where it can be resumed.
#pragma once

namespace equipoise {

/// From its making on writing to a closed pipe is an error instead of the end, also of what is told after it; and once
/// it listens, while it lives, the first SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 or SIGXCPU (warnings of batch
/// systems) only raises a flag, a second one ends the process at once as if nothing had been caught. A signal that was
/// ignored before, as nohup has it, stays so. One at a time.
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
