// tests/fuzz/cohort_fuzz.cpp - fuzz target: two tables are joined, split, encoded and scaled, or refused with
// Error(data). The first byte of an input says what is read of them; the tables stand with a NUL between them.
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "host/config/config.h"
#include "host/run/prepared_data.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using namespace equipoise;

constexpr const char* kEnds[] = {
    R"(]
outcome = "OUT"
[model]
kind = "mldrl"
)",
    R"(]
outcome = "OUT"
categorical = ["auto"]
outliers = "clip"
group = "g"
[model]
kind = "mldrl"
)",
    R"(]
tasks = ["regression:y", "binary:z", "count:n"]
[model]
kind = "mtl"
)",
    R"(]
split = "OUT"
label = ""
empty_views = "impute"
transform = {"*" = "log1p"}
[model]
kind = "vaegan"
)"};

std::vector<Config> configs_of(const std::string& view, const std::string& other) {
  std::vector<Config> all;
  for (const char* end : kEnds) {
    std::string text = "[data]\nviews = [\"" + view + "\"" + end;
    if (const size_t out = text.find("OUT"); out != text.npos) text.replace(out, 3, other);
    all.push_back(load_config(fuzz::file_of(text, ".toml")));
  }
  return all;
}

}  // namespace

EQUIPOISE_FUZZ_TARGET(cohort) {
  if (size == 0) return;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const size_t end = std::min(text.find('\0'), text.size());
  const std::string view = fuzz::file_of(text.substr(0, end), ".view.csv").string();
  const std::string other = fuzz::file_of(text.substr(std::min(end + 1, text.size())), ".other.csv").string();
  static const std::vector<Config> configs = configs_of(view, other);  // of files that keep their names
  try {
    const PreparedData prepared = prepare_data(configs[bytes[0] % std::size(kEnds)]);
    const Dataset& data = prepared.data;
    const auto rows = static_cast<size_t>(data.rows);
    fuzz::require(rows > 0 && data.ids.size() == rows && std::is_sorted(data.ids.begin(), data.ids.end()));
    for (size_t v = 0; v < data.views.size(); ++v) {
      fuzz::require(data.views[v].size() == rows * static_cast<size_t>(data.features[v]));
      for (const float x : data.views[v]) fuzz::require(std::isfinite(x));
    }
    const Split& split = prepared.split;
    fuzz::require(split.train.size() + split.validation.size() + split.test.size() == rows && !split.train.empty());
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::data || error.code() == ExitCode::usage);
  }
}
