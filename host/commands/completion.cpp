// host/commands/completion.cpp - the tree as plain structs, then as bash, zsh and fish want it told.
#include "host/commands/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "engine/base/error.h"
#include "host/text/nearest_name.h"
#include "host/text/shell_word.h"

namespace equipoise {

namespace {

using Words = std::vector<std::string>;

/// An option or a positional argument.
struct Argument {
  enum class Takes { nothing, words, file, folder, anything };
  Words names;  ///< of an option, dashes included; short ones first
  std::string placeholder, meaning;
  Takes takes = Takes::nothing;
  Words words;
  bool repeats = false;
};

struct Command {
  std::string name, meaning;  ///< name "": the program itself
  std::vector<Argument> options, positionals;
};

Argument argument_of(const CLI::Option& option, const Choices& choices) {
  Argument a;
  for (const std::string& name : option.get_snames()) a.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) a.names.push_back("--" + name);
  const bool positional = a.names.empty();
  a.placeholder = positional ? option.get_name(true) : option.get_type_name();
  a.meaning = option.get_description();
  std::replace(a.meaning.begin(), a.meaning.end(), '\n', ' ');
  if (option.get_items_expected_max() == 0) return a;
  a.repeats = option.get_items_expected_max() > 1;
  const auto found = choices.find(&option);
  const auto is = [&](std::string_view word) { return a.placeholder == word; };
  if (found != choices.end()) {
    a.takes = Argument::Takes::words;
    a.words = found->second;
  } else {
    a.takes = is("FILE") || is("CONFIG") ? Argument::Takes::file
              : is("DIR") || is("RUN")   ? Argument::Takes::folder
                                         : Argument::Takes::anything;
  }
  return a;
}

Command command_of(const CLI::App& app, const std::string& name, const Choices& choices) {
  Command c{name, app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    Argument a = argument_of(*option, choices);
    (a.names.empty() ? c.positionals : c.options).push_back(std::move(a));
  }
  return c;
}

/// The program itself first.
std::vector<Command> commands_of(const CLI::App& app, const Choices& choices) {
  std::vector<Command> all{command_of(app, "", choices)};
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    all.push_back(command_of(*sub, sub->get_name(), choices));
  return all;
}

Words names_of(const std::vector<Command>& commands) {
  Words names;
  for (const Command& c : commands)
    if (!c.name.empty()) names.push_back(c.name);
  return names;
}

/// The text with `before` set before each of the characters `special`.
std::string escaped(const std::string& text, std::string_view special, char before = '\\') {
  std::string safe;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) safe += before;
    safe += c;
  }
  return safe;
}

std::string in_bash(const Argument& a) {
  switch (a.takes) {
    case Argument::Takes::words:
      return fmt::format("_equipoise_words \"{}\"", escaped(fmt::format("{}", fmt::join(a.words, " ")), "\"$`\\"));
    case Argument::Takes::file:
      return "_equipoise_files -f";
    case Argument::Takes::folder:
      return "_equipoise_files -d";
    case Argument::Takes::nothing:
    case Argument::Takes::anything:
      break;
  }
  return "return";
}

std::string bash_script(const std::vector<Command>& commands) {
  std::string with_value, values, options, places;
  for (const Command& c : commands) {
    Words all;
    for (const Argument& o : c.options) {
      all.insert(all.end(), o.names.begin(), o.names.end());
      if (o.takes == Argument::Takes::nothing) continue;
      for (const std::string& name : o.names) {
        const std::string here = fmt::format("\"{} {}\"", c.name, name);
        with_value += with_value.empty() ? here : " | " + here;
        const bool known = o.takes != Argument::Takes::anything;
        values += fmt::format("    {}) {}return ;;\n", here, known ? in_bash(o) + "; " : "");
      }
    }
    options += fmt::format("      \"{}\") _equipoise_words \"{}\" ;;\n", c.name, fmt::join(all, " "));
    for (std::size_t p = 0; p < c.positionals.size(); ++p)
      places += fmt::format("    \"{} {}\") {} ;;\n", c.name, p, in_bash(c.positionals[p]));
  }
  return fmt::format(
      R"(# bash completion of equipoise. Try it with: source <(equipoise completion bash)
# Keep it with: equipoise completion bash > ~/.local/share/bash-completion/completions/equipoise

_equipoise_words() {{
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
  [[ ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace 2> /dev/null
}}

_equipoise_files() {{
  mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
  compopt -o filenames 2> /dev/null
}}

_equipoise() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command= place=0 i
  COMPREPLY=()
  # Where = and : break words, --option=value comes in three of them.
  [[ $word == : || $before == : ]] && return
  if [[ $word == = ]]; then
    word=
  elif [[ $before == = ]]; then
    before=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${{COMP_WORDS[i]}}" in
      {}) if [[ ${{COMP_WORDS[i+1]}} == = ]]; then ((i += 2)); else ((++i)); fi ;;
      *" =" | *" :") ((++i)) ;;
      *" -"*) ;;
      " "*) command=${{COMP_WORDS[i]}} ;;
      *) ((++place)) ;;
    esac
  done
  case "$command $before" in
{}  esac
  [[ ${{COMP_WORDS[COMP_CWORD-1]}} == = || ${{COMP_WORDS[COMP_CWORD]}} == = ]] && return
  if [[ $word == -* ]]; then
    case "$command" in
{}    esac
    return
  fi
  case "$command $place" in
    " 0") _equipoise_words "{}" ;;
{}  esac
}}

complete -F _equipoise equipoise
)",
      with_value, values, options, fmt::join(names_of(commands), " "), places);
}

/// ":message:action" of what an argument takes.
std::string zsh_value(const Argument& a) {
  const std::string of = ":" + escaped(a.placeholder, ":[]\\") + ":";
  switch (a.takes) {
    case Argument::Takes::words:
      return fmt::format("{}({})", of, escaped(fmt::format("{}", fmt::join(a.words, " ")), ":()\\"));
    case Argument::Takes::file:
      return of + "_files";
    case Argument::Takes::folder:
      return of + "_files -/";
    case Argument::Takes::anything:
      return of;
    case Argument::Takes::nothing:
      break;
  }
  return "";
}

std::string zsh_option(const Argument& o) {
  const std::string rest = fmt::format("[{}]{}", escaped(o.meaning, ":[]\\"), zsh_value(o));
  const char* equals = o.takes == Argument::Takes::nothing ? "" : "=";
  std::string text;
  for (const std::string& name : o.names) {
    const std::string once = o.repeats ? "*" : fmt::format("({})", fmt::join(o.names, " "));
    text += fmt::format(" \\\n        {}", shell_word(once + name + (name.starts_with("--") ? equals : "") + rest));
  }
  return text;
}

std::string zsh_script(const std::vector<Command>& commands) {
  std::string described, cases, top;
  for (const Command& c : commands) {
    std::string arguments;
    for (const Argument& o : c.options) arguments += zsh_option(o);
    for (std::size_t p = 0; p < c.positionals.size(); ++p)
      arguments += fmt::format(" \\\n        {}", shell_word(std::to_string(p + 1) + zsh_value(c.positionals[p])));
    if (c.name.empty()) {
      top = arguments;
      continue;
    }
    described += fmt::format("        {}\n", shell_word(c.name + ":" + escaped(c.meaning, ":\\")));
    cases += fmt::format("        {})\n          _arguments -s{} ;;\n", c.name, arguments);
  }
  return fmt::format(
      R"(#compdef equipoise
# zsh completion of equipoise. Try it with: source <(equipoise completion zsh)
# Keep it with: equipoise completion zsh > DIR/_equipoise, in a folder of $fpath

_equipoise() {{
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C{} \
        '1:command:->command' \
        '*::argument:->argument'
  case $state in
    command)
      local -a commands
      commands=(
{}      )
      _describe -t commands command commands ;;
    argument)
      case $line[1] in
{}      esac ;;
  esac
}}

if [ "$funcstack[1]" = _equipoise ]; then
  _equipoise "$@"
else
  compdef _equipoise equipoise
fi
)",
      top, described, cases);
}

std::string in_fish(const std::string& text) { return "'" + escaped(text, "'\\") + "'"; }

std::string fish_value(const Argument& a, bool option) {
  switch (a.takes) {
    case Argument::Takes::words:
      return fmt::format(" {}-a {}", option ? "-x " : "", in_fish(fmt::format("{}", fmt::join(a.words, " "))));
    case Argument::Takes::file:
      return option ? " -r -F" : " -F";
    case Argument::Takes::folder:
      return fmt::format(" {}-a '(__fish_complete_directories)'", option ? "-x " : "");
    case Argument::Takes::anything:
      return option ? " -x" : "";
    case Argument::Takes::nothing:
      break;
  }
  return "";
}

std::string fish_script(const std::vector<Command>& commands) {
  std::string text =
      "# fish completion of equipoise. Try it with: equipoise completion fish | source\n"
      "# Keep it with: equipoise completion fish > ~/.config/fish/completions/equipoise.fish\n"
      "complete -c equipoise -f\n";
  for (const Command& c : commands) {
    const std::string when =
        c.name.empty() ? "-n __fish_use_subcommand" : fmt::format("-n '__fish_seen_subcommand_from {}'", c.name);
    if (!c.name.empty())
      text += fmt::format("complete -c equipoise -n __fish_use_subcommand -a {} -d {}\n", c.name, in_fish(c.meaning));
    for (const Argument& o : c.options) {
      std::string names;
      for (const std::string& name : o.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      text += fmt::format("complete -c equipoise {}{} -d {}{}\n", when, names, in_fish(o.meaning), fish_value(o, true));
    }
    for (const Argument& p : c.positionals)
      if (const std::string value = fish_value(p, false); !value.empty())
        text += fmt::format("complete -c equipoise {}{}\n", when, value);
  }
  return text;
}

}  // namespace

std::vector<std::string> shell_names() { return {"bash", "zsh", "fish"}; }

std::string completion_script(const CLI::App& app, const Choices& choices, const std::string& shell) {
  const std::vector<Command> commands = commands_of(app, choices);
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  if (shell == "fish") return fish_script(commands);
  throw Error(ExitCode::usage,
              fmt::format("completion '{}': not a shell that is known; {}", shell, did_you_mean(shell, shell_names())));
}

}  // namespace equipoise
