// tests/fuzz/split_fuzz.cpp - fuzz target: any text is refused as split.csv, or puts every patient into one part.
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "host/data/split.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(split) {
  using namespace equipoise;
  const std::vector<std::string> ids{"a", "b", "c", "d", "e"};
  const auto path = fuzz::file_of({reinterpret_cast<const char*>(bytes), size}, ".csv");
  try {
    const Split split = read_split_csv(path, ids);
    std::multiset<int> rows;
    for (const std::vector<int>* part : {&split.train, &split.validation, &split.test})
      rows.insert(part->begin(), part->end());
    fuzz::require(rows == std::multiset<int>{0, 1, 2, 3, 4} && !split.train.empty());
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::data);
  }
}
