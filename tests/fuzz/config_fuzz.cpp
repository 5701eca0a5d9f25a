// tests/fuzz/config_fuzz.cpp - libFuzzer target: a config and settings on top are refused or read back as they are
// written. An input is the text of the file, and after each NUL a setting.
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "host/config/config.h"
#include "tests/fuzz/fuzz_target.h"

EQUIPOISE_FUZZ_TARGET(config) {
  using namespace equipoise;
  using fuzz::require;
  std::vector<std::string> parts{""};
  for (size_t i = 0; i < size; ++i)
    if (bytes[i] == 0 && parts.size() < 5) parts.emplace_back();
    else parts.back() += static_cast<char>(bytes[i]);
  Config config;
  try {
    config = load_config(fuzz::file_of(parts[0], ".toml"), {parts.begin() + 1, parts.end()});
  } catch (const Error& error) {
    require(error.code() == ExitCode::usage);
    require(std::string_view(error.what()).size() < 200'000);
    return;
  }
  // What was taken is written so that it means the same.
  const std::string text = to_toml(config);
  require(to_toml(load_config(fuzz::file_of(text, ".toml"))) == text);
}
