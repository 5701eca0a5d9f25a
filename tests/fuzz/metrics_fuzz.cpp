// tests/fuzz/metrics_fuzz.cpp - fuzz target: the first line of an input is refused as that of metrics.jsonl or taken,
// and what follows it is a line that gives the same without its time, however often that is asked for.
#include <algorithm>
#include <string>

#include "engine/base/error.h"
#include "engine/train/metrics.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(metrics) {
  using namespace equipoise;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const size_t end = std::min(text.find('\n'), text.size());
  try {
    if (end < text.size()) expect_metrics("fuzz", text.substr(0, end));
    const std::string line = without_time(text.substr(std::min(end + 1, text.size())));
    fuzz::require(line.find('\n') == line.npos && without_time(line) == line);
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::checkpoint);
  }
}
