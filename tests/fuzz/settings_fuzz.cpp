// tests/fuzz/settings_fuzz.cpp - fuzz target: settings of the command line on the configs of all systems, and lists of
// methods, targets, selections and a study's keys, are refused as usage, or read back as they are written. An input is
// a system, and after each line end a setting.
#include <string>
#include <vector>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "host/config/config.h"
#include "host/data/select/select.h"
#include "host/data/targets.h"
#include "host/study/study_settings.h"
#include "host/text/nearest_name.h"
#include "tests/fuzz/fuzz_target.h"

namespace {

using namespace equipoise;

std::vector<Config> configs() {
  std::vector<Config> all;
  for (const char* text :
       {"[data]\nviews = [\"a.csv\", \"b.csv\"]\n[model]\nkind = \"mldrl\"\n",
        "[data]\nviews = [\"a.csv\"]\ntasks = [\"regression:y\", \"binary:z\"]\n[model]\nkind = \"mtl\"\n",
        "[data]\nsource = \"gradnorm-toy\"\n[model]\nkind = \"mtl\"\nvariant = \"trunk\"\n",
        "[data]\nviews = [\"a.csv\"]\n[model]\nkind = \"vaegan\"\n",
        "[data]\nviews = [\"a.csv\", \"b.csv\"]\n[model]\nkind = \"mldrl\"\n[[balance]]\n[[balance]]\nat = "
        "\"latent\"\n"})
    all.push_back(load_config(fuzz::file_of(text, ".toml")));
  return all;
}

template <class Work>
void expect_usage(Work work) {
  try {
    work();
  } catch (const Error& error) {
    fuzz::require(error.code() == ExitCode::usage);
    fuzz::require(std::string_view(error.what()).size() < 200'000);
  }
}

}  // namespace

EQUIPOISE_FUZZ_TARGET(settings) {
  static const std::vector<Config> all = configs();
  if (size == 0) return;
  std::vector<std::string> settings;
  for (size_t i = 1; i < size; ++i)
    if (settings.empty() || (bytes[i] == '\n' && settings.size() < 5))
      settings.emplace_back(i == 1 ? 1 : 0, static_cast<char>(bytes[i]));
    else settings.back() += static_cast<char>(bytes[i]);
  expect_usage([&] {
    const Config config = changed_config(all[bytes[0] % all.size()], "fuzz.toml", settings);
    const std::string text = to_toml(config);
    fuzz::require(to_toml(load_config(fuzz::file_of(text, ".toml"))) == text);
  });
  expect_usage([&] { fuzz::require(!parse_methods(settings, "--method", did_you_mean).methods.empty()); });
  expect_usage([&] { parse_targets(settings, "data.tasks"); });
  expect_usage([&] {
    SelectConfig select;
    select.methods = settings;
    parse_select(select, "select.methods");
  });
  expect_usage([&] { fuzz::require(!study_settings({.grid = settings}, 1).empty()); });
  expect_usage([&] {
    const auto drawn = study_settings({.random = 3, .ranges = settings}, 1);
    fuzz::require(drawn.size() == 3 && drawn.front().overrides.size() == settings.size());
  });
}
