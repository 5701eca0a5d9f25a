// tests/fuzz/split_fuzz.cpp - fuzz target: any text is refused as split.csv and as a table of folds, or puts every
// patient into one part.
#include <set>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "host/data/folds.h"
#include "host/data/split.h"
#include "host/data/split_table.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(split) {
  using namespace equipoise;
  const std::vector<std::string> ids{"a", "b", "c", "d", "e"};
  const auto path = fuzz::file_of({reinterpret_cast<const char*>(bytes), size}, ".csv");
  const auto expect_parts = [&](const Split& split) {
    std::multiset<int> rows;
    for (const std::vector<int>* part : {&split.train, &split.validation, &split.test})
      rows.insert(part->begin(), part->end());
    fuzz::require(rows == std::multiset<int>{0, 1, 2, 3, 4} && !split.train.empty());
  };
  try {
    expect_parts(read_split_csv(path, ids));
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::data);
  }
  try {
    const Table table = read_table(path);
    const FoldTable listed = folds_of_table(table);
    fuzz::require(!listed.repeats.empty() && listed.folds.size() >= 2);
    std::vector<std::string> notices;
    expect_parts(read_split_table(table, ids, Strata{{0, 0, 0, 0, -1}}, {},
                                  {listed.repeats.back(), listed.folds.front(), 0.3, 1}, notices));
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::data);
  }
}
