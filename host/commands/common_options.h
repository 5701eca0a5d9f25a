// host/commands/common_options.h - options that several commands have, each with one meaning.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/run/executor.h"
#include "host/commands/commands.h"
#include "host/commands/completion.h"
#include "host/text/nearest_name.h"

namespace equipoise {

/// The value that a word of an option stands for. Throws Error(usage) for another word.
template <class Value>
Value one_of(const std::string& option, const std::string& word, const std::map<std::string, Value>& values) {
  if (const auto found = values.find(word); found != values.end()) return found->second;
  std::vector<std::string> words;
  for (const auto& [name, value] : values) words.push_back(name);
  throw Error(ExitCode::usage, fmt::format("{} '{}': not a choice; {}", option, word, did_you_mean(word, words)));
}

void add_settings(Choices& choices, CLI::App* app, std::vector<std::string>& settings);
/// `several`: the command shares its models among several devices.
void add_device(Choices& choices, CLI::App* app, std::string& device, bool several = false);
/// `word` is that of kernel_mode_of.
void add_kernel_mode(Choices& choices, CLI::App* app, std::string& word);
KernelMode kernel_mode_of(const std::string& word);
/// An option that takes one of `words`; the words also complete it.
CLI::Option* add_choice(Choices& choices, CLI::App* app, const std::string& name, std::string& word,
                        std::vector<std::string> words, const std::string& meaning);
void add_quiet(CLI::App* app, bool& quiet);
void add_force(CLI::App* app, bool& force);
CLI::Option* add_views(CLI::App* app, std::vector<std::filesystem::path>& views, const char* meaning);
void add_data_root(CLI::App* app, std::optional<std::filesystem::path>& root);

}  // namespace equipoise
