// tests/fuzz/summary_fuzz.cpp - fuzz target: any text is refused as run.json by its name, or its counts are counts.
#include <string_view>

#include "engine/base/error.h"
#include "host/run/run_summary.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(summary) {
  using namespace equipoise;
  const auto path = fuzz::file_of({reinterpret_cast<const char*>(bytes), size}, ".json");
  try {
    const EarlierRun run = read_earlier_run(path);
    fuzz::require(run.epochs >= 0 && run.resumed >= 0);
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::checkpoint);
    fuzz::require(std::string_view(error.what()).starts_with(path.string()));
  }
}
