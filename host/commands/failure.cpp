// host/commands/failure.cpp - a line for each sentence.
#include "host/commands/failure.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "host/text/printable.h"

namespace equipoise {

LogFormat log_format_of(int argc, const char* const* argv) noexcept {
  LogFormat format = LogFormat::text;
  constexpr std::string_view kOption = "--log-format";
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (!word.starts_with(kOption)) continue;
    word.remove_prefix(kOption.size());
    if (word.empty() && i + 1 < argc) word = argv[++i];
    else if (word.starts_with('=')) word.remove_prefix(1);
    format = word == "json" ? LogFormat::json : LogFormat::text;
  }
  return format;
}

namespace {

/// A sentence names a column or an id, and a file may have some of megabytes.
std::string shortened(std::string_view sentence) {
  constexpr std::size_t kMost = 8192;
  if (sentence.size() <= kMost) return std::string(sentence);
  return fmt::format("{} ... ({} more bytes)", sentence.substr(0, kMost), sentence.size() - kMost);
}

}  // namespace

int tell_failure(int code, std::string_view sentences, LogFormat format) noexcept {
  try {
    const char* name = wants_colour(STDERR_FILENO) ? "\x1b[31mequipoise:\x1b[0m " : "equipoise: ";
    for (std::string_view rest = sentences; !rest.empty();) {
      const size_t end = std::min(rest.find(kNextSentence), rest.size());
      const std::string line = shortened(rest.substr(0, end));
      rest.remove_prefix(std::min(end + kNextSentence.size(), rest.size()));
      if (format == LogFormat::text) {
        fmt::print(stderr, "{}{}\n", name, printable(line));
        continue;
      }
      const nlohmann::ordered_json event{{"level", "error"}, {"code", code}, {"message", line}};
      fmt::print(stderr, "{}\n", event.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    }
  } catch (...) {  // memory is gone, or standard error is
    std::fputs("equipoise: ", stderr);
    std::fwrite(sentences.data(), 1, sentences.size(), stderr);
    std::fputs("\n", stderr);
  }
  return code;
}

int tell_internal_error(std::string_view what, LogFormat format) noexcept {
  constexpr int kInternalError = 1;  // of what should not happen; no documented code fits it
  constexpr std::string_view kReport = "internal error; please report it with the command and its input";
  try {
    return tell_failure(kInternalError, what.empty() ? std::string(kReport) : fmt::format("{}: {}", kReport, what),
                        format);
  } catch (...) {
    return tell_failure(kInternalError, kReport, format);
  }
}

}  // namespace equipoise
