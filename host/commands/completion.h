// host/commands/completion.h - scripts by which a shell completes the program's command line.
//
// They are made from the tree of commands and options, so that a new one appears by itself. What an option takes is
// told by its name or type: FILE and CONFIG are files, DIR and RUN folders; `Choices` holds the words of those that
// take words.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace equipoise {

using Choices = std::map<const CLI::Option*, std::vector<std::string>>;

/// bash, zsh, fish.
std::vector<std::string> shell_names();

/// The script for one of them, to be sourced. Throws Error(usage) for a shell that is not known.
std::string completion_script(const CLI::App& app, const Choices& choices, const std::string& shell);

}  // namespace equipoise
