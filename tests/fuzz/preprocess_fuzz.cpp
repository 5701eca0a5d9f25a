// tests/fuzz/preprocess_fuzz.cpp - libFuzzer target: any text is refused as preprocess.json, or reads back as it is
// written, and serves to scale rows.
#include <cstdint>
#include <string_view>

#include "engine/base/error.h"
#include "host/data/categories.h"
#include "host/data/preprocess.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(preprocess) {
  using namespace equipoise;
  using fuzz::require;
  Preprocess fit;
  try {
    fit = preprocess_from_json({reinterpret_cast<const char*>(bytes), size}, "fuzz");
  } catch (const Error& error) {
    require(error.code() == ExitCode::checkpoint);
    return;
  }
  require(preprocess_from_json(to_json(fit), "again") == fit);
  RawCohort cohort;
  cohort.ids = {"a", "b"};
  cohort.label = {-1, -1};
  for (const FittedView& view : fit.views) {
    RawView raw{"view", columns_of_table(view, view.columns), {}, {}};
    raw.values.assign(2 * raw.columns.size(), 0.5);
    for (size_t c = 0; c < raw.columns.size(); ++c)
      for (const FittedCategory& category : view.categories)
        if (category.column == raw.columns[c] && raw.categories.size() <= c) {
          raw.categories.push_back({c, category.levels});
          raw.categories.back().levels.push_back("of no training row");
          raw.values[c] = 0;
          raw.values[raw.columns.size() + c] = static_cast<double>(category.levels.size());
        }
    cohort.views.push_back(std::move(raw));
  }
  try {
    std::vector<std::string> notices;
    encode(cohort, fit, notices);
    const Dataset data = apply(cohort, fit, &notices);
    require(data.rows == 2 && data.views.size() == fit.views.size());
    for (size_t v = 0; v < fit.views.size(); ++v) require(data.views[v].size() == 2 * fit.views[v].columns.size());
  } catch (const Error& error) {
    require(error.code() == ExitCode::data);
  }
}
