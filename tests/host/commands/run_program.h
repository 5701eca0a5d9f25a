// tests/host/commands/run_program.h - runs the built program as a user does: arguments in, exit code and two texts out.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace equipoise::testing {

inline std::string content_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Exit codes as the README promises them.
inline constexpr int kUsage = 2, kData = 3, kCheckpoint = 4, kFileSystem = 5, kDevice = 6, kNumerics = 7, kStopped = 75;

struct Finished {
  int code = -1;    // exit code, or 128 + the signal that ended it
  std::string out;  // standard output
  std::string log;  // standard error
};

/// Epochs of a training that is to be caught in the middle: under the address sanitizer each takes many times as long.
inline constexpr int to_be_caught(int epochs) {
#if defined(__SANITIZE_ADDRESS__)  // g++
  return epochs / 5;
#elif defined(__has_feature)  // clang
  return __has_feature(address_sanitizer) ? epochs / 5 : epochs;
#else
  return epochs;
#endif
}

/// A process of the program; killed if it still runs at the end of a test.
class Process {
 public:
  /// `folder` is the current folder of the program and takes its output; `settings` are NAME=value for its environment.
  Process(const char* program, const std::filesystem::path& folder, const std::vector<std::string>& arguments,
          const std::vector<std::string>& settings = {}, const std::string& standard_output = "")
      : out_(folder / ".out"), log_(folder / ".log") {
    const std::string out = standard_output.empty() ? out_.string() : standard_output;
    child_ = ::fork();
    if (child_ != 0) return;
    if (::chdir(folder.c_str()) != 0 || !std::freopen(out.c_str(), "w", stdout) ||
        !std::freopen(log_.c_str(), "w", stderr))
      ::_exit(99);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGXFSZ}) ::signal(number, SIG_DFL);
    ::unsetenv("EQUIPOISE_SET");
    for (const std::string& setting : settings) ::putenv(const_cast<char*>(setting.c_str()));
    std::vector<char*> argv{const_cast<char*>("equipoise")};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(program, argv.data());
    ::_exit(98);
  }
  ~Process() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Nothing, once it has ended: to a process -1 a signal would go to all.
  void send(int number) {
    if (child_ > 0) ::kill(child_, number);
  }

  /// Waits until the program's file has that many lines; false if the program ends or a minute passes before.
  bool wait_for_lines(const std::filesystem::path& file, long lines) {
    for (int poll = 0; poll < 30000; ++poll) {
      const std::string text = content_of(file);
      if (std::count(text.begin(), text.end(), '\n') >= lines) return true;
      int status = 0;
      if (::waitpid(child_, &status, WNOHANG) == child_) {
        ended_ = status;
        child_ = -1;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

  Finished finish() {
    int status = ended_;
    if (child_ > 0) ::waitpid(child_, &status, 0);
    child_ = -1;
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(out_), content_of(log_)};
  }

 private:
  std::filesystem::path out_, log_;
  pid_t child_ = -1;
  int ended_ = 0;
};

inline Finished run_program(const char* program, const std::filesystem::path& folder,
                            const std::vector<std::string>& arguments, const std::vector<std::string>& settings = {},
                            const std::string& standard_output = "") {
  return Process(program, folder, arguments, settings, standard_output).finish();
}

}  // namespace equipoise::testing
