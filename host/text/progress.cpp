// host/text/progress.cpp - lines for people and for programs.
#include "host/text/progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>

#include "host/text/printable.h"

namespace equipoise {

namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr std::size_t kTasksShown = 5;  // one by one in the line of an epoch
constexpr double kSmallWeight = 1e-3;   // of task weights whose mean is about 1

bool is_dumb_terminal() {
  const char* term = std::getenv("TERM");
  return !term || std::string_view(term) == "dumb";
}

void write_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

/// One line of JSON; bytes that are not UTF-8, as in a path, are replaced.
std::string as_json(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// A figure in a column; "-" where it is undefined.
std::string in_column(double x) { return std::isnan(x) ? std::string("-") : fmt::format("{:.4f}", x); }

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

bool wants_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  return ::isatty(descriptor) == 1 && !is_dumb_terminal() && (!no_colour || *no_colour == '\0');
}

Log::Log(LogFormat format, bool quiet)
    : format_(format),
      quiet_(quiet),
      live_(!quiet && format == LogFormat::text && ::isatty(STDERR_FILENO) == 1 && !is_dumb_terminal()),
      colour_(wants_colour(STDERR_FILENO)) {}

void Log::clear_live() {
  if (drawn_) write_line("\r\x1b[K");
  drawn_ = false;
}

void Log::tell(const std::string& line) {
  clear_live();
  write_line(line + "\n");
}

void Log::raw(const std::string& line) {
  if (!quiet_) tell(line);
}

void Log::info(const std::string& sentence) {
  raw(format_ == LogFormat::json ? as_json({{"level", "info"}, {"message", sentence}}) : printable(sentence));
}

void Log::warning(const std::string& sentence) {
  if (format_ == LogFormat::json) return tell(as_json({{"level", "warning"}, {"message", sentence}}));
  tell((colour_ ? "\x1b[33mwarning:\x1b[0m " : "warning: ") + printable(sentence));
}

void Log::draw_live(const std::string& line) {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  const std::size_t width = known ? size.ws_col - 1u : 79u;  // the last column would wrap
  write_line("\r\x1b[K" + line.substr(0, width));
  drawn_ = true;
}

Progress::Progress(Log& log, const Program& program, const TrainingPlan& plan, int steps_per_epoch, int64_t first_step)
    : log_(log),
      program_(program),
      plan_(plan),
      steps_per_epoch_(steps_per_epoch),
      first_step_(first_step),
      begin_(Clock::now()) {}

std::string Progress::line_of(const EpochMetrics& m) const {
  std::string line = fmt::format("epoch {:>{}}/{}  loss", m.epoch, std::to_string(plan_.epochs).size(), plan_.epochs);
  const System& system = *plan_.setup.system;
  const std::vector<double>& weights = m.balancers.front().weights;
  if (m.losses.size() > kTasksShown) {
    line += fmt::format(" mean {} of {} tasks  weight {:.3f} to {:.3f}",
                        in_column(std::accumulate(m.losses.begin(), m.losses.end(), 0.0) / double(m.losses.size())),
                        m.losses.size(), *std::min_element(weights.begin(), weights.end()),
                        *std::max_element(weights.begin(), weights.end()));
  } else {
    for (std::size_t k = 0; k < m.losses.size(); ++k)
      line += fmt::format(" {} {}", program_.task_names[k].substr(0, system.name_letters()), in_column(m.losses[k]));
    const bool balanced = system.traits().balanced;
    if (balanced) line += "  weight";
    for (std::size_t k = 0; k < weights.size() && balanced; ++k) line += fmt::format(" {:.3f}", weights[k]);
  }
  if (m.validated) {
    line += "  validation";
    const auto [name, words] = system.shown_figure();
    if (!name.empty()) line += fmt::format(" {} {}", words, in_column(m.validation.figure(name)));
    // Of several tasks, no one figure is shown; what chooses the epoch is.
    if (name.empty() && plan_.monitor == Monitor::auc) line += fmt::format(" AUC {}", in_column(m.monitor));
    if (plan_.monitor == Monitor::deviance) line += fmt::format(" deviance {}", in_column(-m.monitor));
    if (system.shows_validation_losses() && plan_.monitor != Monitor::auc && m.losses.size() <= kTasksShown) {
      line += " loss";
      for (const double loss : m.validation.losses) line += fmt::format(" {}", in_column(loss));
    }
    if (m.best) line += " best";
  }
  return line;
}

std::string Progress::time_left(int64_t done) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - begin_).count();
  const auto here = static_cast<double>(done - first_step_);
  if (here <= 0) return "";
  const auto left = static_cast<double>(int64_t{plan_.epochs} * steps_per_epoch_ - done);
  return fmt::format("  at most {} left", duration_text(elapsed / here * std::max(left, 0.0)));
}

void Progress::steps(int64_t done) {
  if (!log_.live() || Clock::now() - drawn_ < kRedraw) return;
  drawn_ = Clock::now();
  log_.draw_live((last_line_.empty() ? fmt::format("epoch 0/{}", plan_.epochs) : last_line_) + time_left(done));
}

std::string Progress::vanished(const BalancerMetrics& m, const std::vector<std::string>& dead_layers) const {
  std::vector<std::string> names;
  for (const std::size_t k : m.vanished) names.push_back(program_.task_names[k]);
  std::string text =
      names.size() == program_.task_names.size()
          ? fmt::format(
                "the measured gradients of all {} tasks were exactly zero in every step, so that balancing has "
                "nothing to go by",
                names.size())
          : fmt::format("the measured gradient of {} was exactly zero in every step", fmt::join(names, ", "));
  if (dead_layers.empty()) return text;
  return text + fmt::format(
                    "; dead layers, no unit of which is positive on any training row: {} - no gradient comes "
                    "back through them; start anew with a smaller optimizer.lr or another train.seed",
                    fmt::join(dead_layers, ", "));
}

void Progress::epoch(const EpochMetrics& m, const std::function<std::vector<std::string>()>& dead_layers) {
  for (const BalancerMetrics& balancer : m.balancers)
    if (!balancer.vanished.empty() && !warned_of_vanished_) {
      warned_of_vanished_ = true;
      log_.warning(fmt::format("epoch {}: {}", m.epoch, vanished(balancer, dead_layers())));
    }
  if (const std::string warning = plan_.setup.system->warning(program_.term_names, m.terms);
      !warning.empty() && !warned_of_terms_) {
    warned_of_terms_ = true;
    log_.warning(fmt::format("epoch {}: {}", m.epoch, warning));
  }
  const std::vector<double>& weights = m.balancers.front().weights;
  const std::vector<Method>& methods = plan_.setup.balance.front().methods;
  const bool learns = std::any_of(methods.begin(), methods.end(),
                                  [](const Method& method) { return method.kind == MethodKind::gradnorm; });
  for (std::size_t k = 0; k < weights.size() && learns && !warned_of_weight_; ++k)
    if (weights[k] < kSmallWeight) {
      warned_of_weight_ = true;
      log_.warning(fmt::format(
          "epoch {}: GradNorm drove the task weight of {} to {:.3g}, so that this loss no longer counts; lower "
          "balance.lr, or train for fewer epochs",
          m.epoch, program_.task_names[k], weights[k]));
    }
  if (m.skipped > skipped_) {
    log_.warning(fmt::format("epoch {}: steps left out so far because of a non-finite value: {}", m.epoch, m.skipped));
    skipped_ = m.skipped;
  }
  last_line_ = printable(line_of(m));
  if (log_.format() == LogFormat::json) {
    ordered_json line = ordered_json::parse(to_json_line(program_, m, true));
    ordered_json event{{"level", "epoch"}, {"epochs", plan_.epochs}};
    event.update(line);
    log_.raw(as_json(event));
  } else if (!log_.live()) {
    log_.raw(last_line_);
  }
  steps(m.step);
}

}  // namespace equipoise
