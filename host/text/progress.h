// host/text/progress.h - what a training tells while it runs, on standard error: sentences, and a line per epoch or, on
// a terminal, one line drawn again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/lower/program.h"
#include "engine/train/metrics.h"
#include "engine/train/trainer.h"

namespace equipoise {

enum class LogFormat { text, json };

/// Writes sentences to standard error, as text or as JSON lines. A log that cannot be written stops nothing.
class Log {
 public:
  /// A quiet one keeps notices and progress to itself and tells only warnings.
  explicit Log(LogFormat format = LogFormat::text, bool quiet = false);
  ~Log() { clear_live(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void info(const std::string& sentence);
  void warning(const std::string& sentence);
  /// One JSON object in the format json; as info, a quiet log keeps it to itself.
  void raw(const std::string& line);

  LogFormat format() const { return format_; }
  /// True where a line can be drawn again: a terminal that understands it, and text.
  bool live() const { return live_; }
  /// Draws the live line, cut to the terminal's width.
  void draw_live(const std::string& line);
  /// Takes the live line away, so that something else can be written.
  void clear_live();

 private:
  void tell(const std::string& line);

  LogFormat format_;
  bool quiet_, live_, colour_;
  bool drawn_ = false;
};

/// "12 s", "3:04", "1:02:03".
std::string duration_text(double seconds);

/// True if `descriptor` is a terminal on which colours are wanted (NO_COLOR is unset, TERM is not dumb).
bool wants_colour(int descriptor);

/// Tells of a training's epochs.
class Progress {
 public:
  /// `first_step`: steps done before this process began to count. References are kept.
  Progress(Log& log, const Program& program, const TrainingPlan& plan, int steps_per_epoch, int64_t first_step);

  /// An epoch is done. `dead_layers` finds those of the state, and is asked once at most: in the first epoch in which
  /// measured gradients were exactly zero.
  void epoch(const EpochMetrics& metrics, const std::function<std::vector<std::string>()>& dead_layers);
  /// Some steps of an epoch are done; only the live line shows them.
  void steps(int64_t done);

 private:
  std::string line_of(const EpochMetrics& metrics) const;
  std::string time_left(int64_t steps_done) const;
  std::string vanished(const BalancerMetrics& metrics, const std::vector<std::string>& dead_layers) const;

  Log& log_;
  const Program& program_;
  const TrainingPlan& plan_;
  int steps_per_epoch_;
  int64_t first_step_;
  std::chrono::steady_clock::time_point begin_, drawn_{};
  std::string last_line_;
  bool warned_of_terms_ = false;
  bool warned_of_weight_ = false;
  bool warned_of_vanished_ = false;
  int skipped_ = 0;
};

}  // namespace equipoise
