// tests/fuzz/run_files_fuzz.cpp - libFuzzer target: the small files of a run folder are refused by name or taken. The
// first byte says which: run.json, split.csv, or lines of metrics.jsonl.
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/train/metrics.h"
#include "host/data/split.h"
#include "host/run/run_summary.h"
#include "tests/fuzz/fuzz_file.h"

namespace {

using namespace equipoise;
using fuzz::require;

void read_split(std::string_view text) {
  const std::vector<std::string> ids{"a", "b", "c", "d", "e"};
  const Split split = read_split_csv(fuzz::file_of(text, ".csv"), ids);
  std::multiset<int> rows;
  for (const std::vector<int>* part : {&split.train, &split.validation, &split.test})
    rows.insert(part->begin(), part->end());
  require(rows == std::multiset<int>{0, 1, 2, 3, 4} && !split.train.empty());
}

void read_metrics(const std::string& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  if (end < text.size()) expect_metrics("fuzz", text.substr(0, end));
  const std::string line = without_time(text.substr(std::min(end + 1, text.size())));
  require(line.find('\n') == line.npos && without_time(line) == line);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  try {
    if (bytes[0] % 3 == 0) read_earlier_run(fuzz::file_of(text, ".json"));
    else if (bytes[0] % 3 == 1) read_split(text);
    else read_metrics(text);
  } catch (const Error& error) {
    require(error.code() == ExitCode::checkpoint || error.code() == ExitCode::data);
  }
  return 0;
}
