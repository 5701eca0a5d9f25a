// host/commands/common_options.cpp - options that several commands have.
#include "host/commands/common_options.h"

#include <algorithm>

#include "host/config/config_schema.h"

namespace equipoise {

namespace {

/// Dotted names of all keys, each once.
std::vector<std::string> config_key_names() {
  std::vector<std::string> names;
  for (const ConfigKey& key : config_keys())
    if (std::find(names.begin(), names.end(), key.dotted()) == names.end()) names.push_back(key.dotted());
  return names;
}

}  // namespace

void add_settings(Choices& choices, CLI::App* app, std::vector<std::string>& settings) {
  CLI::Option* set =
      app->add_option("--set", settings,
                      "overrule a key of the config: --set optimizer.lr=1e-3; may be repeated; KEY= takes back what "
                      "the file sets")
          ->type_name("KEY=VALUE")
          ->allow_extra_args(false);
  for (const std::string& key : config_key_names()) choices[set].push_back(key + "=");
}

void add_device(Choices& choices, CLI::App* app, std::string& device, bool several) {
  std::vector<std::string> words{"auto", "cpu", "cuda"};
  if (several) words.push_back("cuda:all");
  choices[app->add_option(
                 "--device", device,
                 several ? "auto, cpu, cuda, cuda:N, several GPUs as cuda:0,cuda:2 or all of the machine as cuda:all; "
                           "auto takes one GPU if there is one"
                         : "auto, cpu, cuda or cuda:N; auto takes a GPU if there is one")
              ->type_name("DEVICE")
              ->capture_default_str()] = std::move(words);
}

void add_kernel_mode(Choices& choices, CLI::App* app, std::string& word) {
  add_choice(choices, app, "--kernel-mode", word, {"auto", "interpreter", "generated"},
             "of a GPU: interpreter, generated (a kernel compiled for this model), or auto, which begins with the "
             "first and takes the second once it is there; results are the same")
      ->type_name("MODE")
      ->capture_default_str();
}

KernelMode kernel_mode_of(const std::string& word) {
  return one_of<KernelMode>("--kernel-mode", word,
                            {{"auto", KernelMode::automatic},
                             {"interpreter", KernelMode::interpreter},
                             {"generated", KernelMode::generated}});
}

CLI::Option* add_choice(Choices& choices, CLI::App* app, const std::string& name, std::string& word,
                        std::vector<std::string> words, const std::string& meaning) {
  CLI::Option* option = app->add_option(name, word, meaning);
  choices[option] = std::move(words);
  return option;
}

void add_quiet(CLI::App* app, bool& quiet) {
  app->add_flag("-q,--quiet", quiet, "no notices and no progress; warnings, errors and results stay");
}

void add_force(CLI::App* app, bool& force) {
  app->add_flag("--force", force, "replace the file of --out if there is one");
}

CLI::Option* add_views(CLI::App* app, std::vector<std::filesystem::path>& views, const char* meaning) {
  return app->add_option("--views", views, meaning)->type_name("FILE");
}

void add_data_root(CLI::App* app, std::optional<std::filesystem::path>& root) {
  app->add_option("--data-root", root, "folder that holds the run's own tables, where they were moved")
      ->type_name("DIR");
}

}  // namespace equipoise
