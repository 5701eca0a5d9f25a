// tests/host/commands/completion_test.cpp - shells complete what the program knows, asked as a shell asks.
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <set>

#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

using Words = std::vector<std::string>;

class Completion : public ProgramRun {
 protected:
  /// Standard output of a shell's script, and what it said besides.
  std::pair<std::string, std::string> shell(const std::string& program, const std::string& script) const {
    home_.write("script", script);
    const std::string command = "cd '" + home_.path().string() + "' && " + program + " script > out 2> log";
    EXPECT_EQ(std::system(command.c_str()), 0) << content_of(at("log"));
    return {content_of(at("out")), content_of(at("log"))};
  }
  /// What bash completes the last word by, in a line that is broken into words as bash breaks it.
  std::set<std::string> completed(const Words& words) const {
    std::string script = "source bash.sh\nCOMP_WORDS=(";
    for (const std::string& word : words) script += " '" + word + "'";
    script +=
        ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_equipoise\n((${#COMPREPLY[@]} == 0)) || "
        "printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    const auto [out, log] = shell("bash --norc", script);
    EXPECT_EQ(log, "");
    const Words lines = lines_of(out);
    return {lines.begin(), lines.end()};
  }
  static bool found(const std::string& program) {
    return std::system(("command -v " + program + " > /dev/null 2>&1").c_str()) == 0;
  }
};

TEST_F(Completion, OfBashKnowsCommandsOptionsAndWords) {
  home_.write("bash.sh", said({"completion", "bash"}));
  using Set = std::set<std::string>;
  EXPECT_EQ(completed({"equipoise", "ev"}), Set{"evaluate"});
  EXPECT_EQ(completed({"equipoise", "re"}), (Set{"record", "replay"}));
  EXPECT_EQ(completed({"equipoise", "--ver"}), Set{"--version"});
  EXPECT_EQ(completed({"equipoise", "init", "t"}), (Set{"towers", "trunk"}));
  EXPECT_EQ(completed({"equipoise", "train", "--re"}), Set{"--resume"});
  EXPECT_EQ(completed({"equipoise", "train", "c.toml", "--resume", "--lo"}), Set{"--log-format"});
  EXPECT_EQ(completed({"equipoise", "train", "--log-format", "j"}), Set{"json"});
  EXPECT_EQ(completed({"equipoise", "evaluate", "--split", ""}), (Set{"test", "train", "validation"}));
  EXPECT_EQ(completed({"equipoise", "balance", "g.npy", "--method", "cag"}), Set{"cagrad"});
  EXPECT_EQ(completed({"equipoise", "train", "--set", "optimizer.mom"}), Set{"optimizer.momentum="});
  EXPECT_EQ(completed({"equipoise", "help", "do"}), Set{"doctor"});
  EXPECT_EQ(completed({"equipoise", "completion", ""}), (Set{"bash", "fish", "zsh"}));
  EXPECT_EQ(completed({"equipoise", "replay", "--tolerance", ""}), Set{}) << "a number";
  EXPECT_EQ(completed({"equipoise", "doctor", ""}), Set{}) << "takes nothing";
}

TEST_F(Completion, OfBashKnowsFilesAndFolders) {
  home_.write("bash.sh", said({"completion", "bash"}));
  home_.write("my config.toml", "");
  std::filesystem::create_directories(at("my run"));
  using Set = std::set<std::string>;
  EXPECT_EQ(completed({"equipoise", "train", "my"}), (Set{"my config.toml", "my run"}));
  EXPECT_EQ(completed({"equipoise", "evaluate", "my"}), Set{"my run"});
  EXPECT_EQ(completed({"equipoise", "train", "x.toml", "my"}), Set{}) << "there is one config";
  EXPECT_EQ(completed({"equipoise", "train", "x.toml", "--out", "my"}), Set{"my run"});
  EXPECT_EQ(completed({"equipoise", "record", "--out", "x", "my"}), (Set{"my config.toml", "my run"}))
      << "x is no config";
}

TEST_F(Completion, OfBashReadsWordsThatEqualsSignsAndColonsBreak) {
  home_.write("bash.sh", said({"completion", "bash"}));
  using Set = std::set<std::string>;
  EXPECT_EQ(completed({"equipoise", "train", "--log-format", "=", "j"}), Set{"json"});
  EXPECT_EQ(completed({"equipoise", "train", "--log-format", "="}), (Set{"json", "text"}));
  EXPECT_EQ(completed({"equipoise", "train", "--set", "optimizer.lr", "=", "1"}), Set{});
  EXPECT_EQ(completed({"equipoise", "evaluate", "--device", "cuda", ":", "1"}), Set{});
  std::filesystem::create_directories(at("run"));
  EXPECT_EQ(completed({"equipoise", "evaluate", "--device", "cuda", ":", "1", "r"}), Set{"run"})
      << "the first word is due";
  EXPECT_EQ(completed({"equipoise", "train", "--set", "a", "=", "1", "--out", "=", "r"}), Set{"run"});
}

/// Every command, and every option of each, as --help tells them.
TEST_F(Completion, NamesWhatHelpNames) {
  const std::regex option("(^|[ ,])(--[a-z-]+)"), command("^  ([a-z]+) ");
  std::map<std::string, std::set<std::string>> known{{"", {}}};
  for (const std::string& line : lines_of(said({"--help"})))
    if (std::smatch m; std::regex_search(line, m, command)) known[m[1]];
  ASSERT_GE(known.size(), 11u);
  home_.write("bash.sh", said({"completion", "bash"}));
  const std::string zsh = said({"completion", "zsh"}), fish = said({"completion", "fish"});
  for (auto& [name, options] : known) {
    for (const std::string& line : lines_of(said(name.empty() ? Words{"--help"} : Words{name, "--help"})))
      if (std::smatch m; line.starts_with("  -") && std::regex_search(line, m, option)) options.insert(m[2]);
    EXPECT_TRUE(options.contains("--help")) << name;
    EXPECT_EQ(completed(name.empty() ? Words{"equipoise", "--"} : Words{"equipoise", name, "--"}), options) << name;
    if (name.empty()) continue;
    EXPECT_CONTAINS(zsh, "        " + name + ")\n          _arguments");
    EXPECT_CONTAINS(fish, "-n __fish_use_subcommand -a " + name + " -d '");
    for (const std::string& o : options) {
      EXPECT_CONTAINS(fish, "'__fish_seen_subcommand_from " + name + "'");
      EXPECT_CONTAINS(fish, " -l " + o.substr(2) + " -d '");
      EXPECT_CONTAINS(zsh, o);
    }
  }
}

TEST_F(Completion, OfZshAndFishIsTheirLanguage) {
  const std::string zsh = said({"completion", "zsh"}), fish = said({"completion", "fish"});
  EXPECT_TRUE(zsh.starts_with("#compdef equipoise\n"));
  EXPECT_CONTAINS(zsh, "'(--log-format)--log-format=[text or json]:FORMAT:(text json)'");
  EXPECT_CONTAINS(zsh, " 1:CONFIG:_files");
  EXPECT_CONTAINS(zsh, "'1:RUN:_files -/'");
  EXPECT_CONTAINS(zsh, "'(-q --quiet)-q[");
  EXPECT_CONTAINS(zsh, "'*--set=[overrule a key of the config\\: --set optimizer.lr=1e-3; may be repeated");
  EXPECT_CONTAINS(fish,
                  "complete -c equipoise -n '__fish_seen_subcommand_from evaluate' -l split -d 'validation, test or "
                  "train; default: validation' -x -a 'validation test train'\n");
  EXPECT_CONTAINS(fish, "-s q -l quiet -d 'no notices");
  EXPECT_CONTAINS(fish, "-d 'what balancing methods make of K gradients'");
  if (found("zsh")) {
    EXPECT_EQ(shell("zsh -n", zsh).second, "");
  }
  if (found("fish")) {
    EXPECT_EQ(shell("fish -n", fish).second, "");
  }
}

TEST_F(Completion, IsForShellsThatAreKnown) {
  expect_refused(kUsage, {"completion", "bsah"}, {"completion 'bsah'", "did you mean 'bash'?"});
  expect_refused(kUsage, {"completion", "powershell"}, {"the names are bash, zsh, fish"});
  expect_refused(kUsage, {"completion"}, {"SHELL is required"});
}

}  // namespace
}  // namespace equipoise::testing
