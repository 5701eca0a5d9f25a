// host/study/study_progress.cpp - one line that is drawn again, or one now and then where it cannot be.
#include "host/study/study_progress.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace equipoise {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kRedraw = std::chrono::milliseconds(200);
constexpr auto kLine = std::chrono::seconds(10);  // between lines of a log

}  // namespace

StudyProgress::StudyProgress(Log& log, std::size_t members, std::size_t done)
    : log_(log), members_(members), before_(done), begin_(Clock::now()), told_(begin_) {}

void StudyProgress::advanced(std::size_t finished, int64_t steps, double share) {
  const auto now = Clock::now();
  const std::size_t done = before_ + finished;
  if (done < members_ && now - told_ < (log_.live() ? Clock::duration(kRedraw) : Clock::duration(kLine))) return;
  told_ = now;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  const double rate = seconds > 0 ? static_cast<double>(steps) / seconds : 0;
  if (log_.format() == LogFormat::json) {
    log_.raw(nlohmann::ordered_json{{"members_done", done}, {"members", members_}, {"replica_steps_per_second", rate}}
                 .dump());
    return;
  }
  std::string line = fmt::format("{} of {} members done, {:.0f} replica-steps/s", done, members_, rate);
  if (share > 0 && done < members_)
    line += fmt::format(", at most {} left", duration_text(seconds / share * (1 - share)));
  if (log_.live() && done < members_) log_.draw_live(line);
  else log_.info(line);
}

}  // namespace equipoise
