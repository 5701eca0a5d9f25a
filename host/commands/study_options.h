// host/commands/study_options.h - the command-line options of cross-validate, sweep, member and study merge.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/commands/common_options.h"
#include "host/commands/study_commands.h"

namespace equipoise {

/// What the options of one study command say, as text until the command runs.
class StudyOptionWords {
 public:
  explicit StudyOptionWords(StudyKind kind) { options_.kind = kind; }

  /// Adds what is not common to all commands.
  void add_to(CLI::App* app);
  /// The options as the command takes them. Throws Error(usage) for a number that is none.
  StudyOptions read();

  StudyOptions& options() { return options_; }

 private:
  /// Of a sweep there are no folds.
  bool folds() const { return options_.kind == StudyKind::cross_validation; }

  StudyOptions options_;
  std::map<std::string, std::string> numbers_;  // of [study], by key
  std::vector<std::string> grid_, ranges_;
  std::string threads_, fixed_weights_;
};

/// The study commands with their options, bound to where the values go.
class StudyCommandLine {
 public:
  /// Makes a command of that name and meaning.
  using MakeCommand = std::function<CLI::App*(const std::string&, const std::string&, std::function<ExitCode()>)>;

  /// Adds cross-validate, sweep, member and study.
  void add_to(const MakeCommand& command, Choices& choices);

 private:
  void add_study(const MakeCommand& command, const std::string& name, const std::string& meaning,
                 StudyOptionWords& words, Choices& choices);

  StudyOptionWords cross_validate_{StudyKind::cross_validation}, sweep_{StudyKind::sweep};
  MemberOptions member_;
  MergeOptions merge_;
  std::string log_format_ = "text", kernel_mode_ = "auto", number_, action_;
};

}  // namespace equipoise
