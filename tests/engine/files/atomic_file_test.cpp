// tests/engine/files/atomic_file_test.cpp - files replaced whole, logs cut to whole lines, run folders locked, under
// failing writes.
#include "engine/files/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "engine/base/error.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise {
namespace {

using test::TemporaryFolder;

/// Runs body() in a forked child; its result, or 1000 and the signal that ended it.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/// From now on this process cannot make a file longer than `bytes`: write(2) is cut short there, then fails with EFBIG.
void limit_file_size(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

/// The message of the Error(code) that action() throws; empty if it throws no such error.
template <class Action>
std::string message_of(ExitCode code, Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code() == code ? error.what() : "";
  }
  return "";
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(AtomicFile, ReplacesAFileAndLeavesNothingElseInTheFolder) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "old and long");
  write_file_atomically(folder / "a", "new");
  EXPECT_EQ(read_text(folder / "a"), "new");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, JoinsPiecesInOrder) {
  const TemporaryFolder folder;
  // Pieces below and beyond what is gathered before it is written.
  const std::string small = "one ", large(200'000, '-'), some(40'000, '+');
  write_file_atomically(folder / "a", [&](const TextSink& sink) {
    for (const std::string& piece : {small, std::string(), some, some, large, small}) sink(piece);
  });
  EXPECT_EQ(read_text(folder / "a"), small + some + some + large + small);
}

TEST(AtomicFile, HandsOverLargePiecesWithoutKeepingThem) {
  std::vector<size_t> sizes;
  hand_over(
      [](const TextSink& sink) {
        for (int i = 0; i < 100'000; ++i) sink("0123456789");
      },
      [&](std::string_view piece) { sizes.push_back(piece.size()); });
  ASSERT_EQ(sizes.size(), 16u);  // of 65,540 bytes, the last of 16,900
  EXPECT_EQ(*std::max_element(sizes.begin(), sizes.end()), 65'540u);
  EXPECT_EQ(sizes.back(), 1'000'000u - 15 * 65'540u);
}

TEST(AtomicFile, KeepsTheOldFileWhereTheSourceThrows) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  EXPECT_THROW(write_file_atomically(folder / "a",
                                     [](const TextSink& sink) {
                                       sink(std::string(100'000, 'x'));
                                       throw Error(ExitCode::numerics, "no number");
                                     }),
               Error);
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, TakesTheLongestNameTheFileSystemAllows) {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  write_file_atomically(folder / name, "x");
  EXPECT_EQ(read_text(folder / name), "x");
}

TEST(AtomicFile, GivesTheFileTheModeOfTheUmask) {
  const TemporaryFolder folder;
  const mode_t old = ::umask(027);
  write_file_atomically(folder / "a", "x");
  ::umask(old);
  EXPECT_EQ(std::filesystem::status(folder / "a").permissions(), std::filesystem::perms(0640));
}

TEST(AtomicFile, NamesThePathAndTheReasonWhenTheFolderDoesNotExist) {
  const TemporaryFolder folder;
  const std::string message =
      message_of(ExitCode::file_system, [&] { write_file_atomically(folder / "absent/a", "x"); });
  EXPECT_TRUE(says(message, "absent/a") && says(message, "No such file or directory")) << message;
}

TEST(AtomicFile, RemovesItsTemporaryWhenTheNameCannotBeTaken) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "a");
  const std::string message = message_of(ExitCode::file_system, [&] { write_file_atomically(folder / "a", "x"); });
  EXPECT_TRUE(says(message, "/a") && says(message, "directory")) << message;
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, KeepsTheOldFileWhenAWriteIsCutShortAndThenFails) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "old");
  const int result = in_child([&] {
    limit_file_size(10000);
    const std::string message =
        message_of(ExitCode::file_system, [&] { write_file_atomically(folder / "a", std::string(100000, 'x')); });
    return says(message, "/a") && says(message, "File too large") ? 0 : 1;
  });
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read_text(folder / "a"), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, WritesBesideATemporaryThatAKilledProcessLeft) {
  const TemporaryFolder folder;
  const std::string left = ".equipoise-" + std::to_string(::getpid()) + "-0.tmp";
  write_file_atomically(folder / left, "torn");
  write_file_atomically(folder / "a", "x");
  EXPECT_EQ(read_text(folder / "a"), "x");
  EXPECT_EQ(read_text(folder / left), "torn");
}

TEST(WriteAll, ReportsAFullDevice) {
  const FileDescriptor full = open_file("/dev/full", O_WRONLY);
  const std::byte content[3] = {};
  const std::string message = message_of(ExitCode::file_system, [&] { write_all(full.get(), content, "some/file"); });
  EXPECT_TRUE(says(message, "some/file") && says(message, "No space left")) << message;
}

volatile sig_atomic_t alarms = 0;

TEST(WriteAll, DeliversEveryByteThroughSignalsAndShortWrites) {
  std::string content(1 << 20, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 2654435761u >> 13);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t reader = ::fork();
  if (reader == 0) {
    ::close(ends[1]);
    std::string got(content.size() + 1, '\0');
    size_t count = 0;
    for (ssize_t now; (now = ::read(ends[0], got.data() + count, std::min<size_t>(9973, got.size() - count))) > 0;) {
      count += static_cast<size_t>(now);
      ::usleep(300);  // the writer mostly waits, which is when a signal interrupts it
    }
    ::_exit(count == content.size() && got.compare(0, count, content) == 0 ? 0 : 1);
  }
  ::close(ends[0]);
  struct sigaction on_alarm = {}, before = {};
  on_alarm.sa_handler = [](int) { alarms = alarms + 1; };  // without SA_RESTART: write(2) returns early
  ::sigaction(SIGALRM, &on_alarm, &before);
  const itimerval every_millisecond{{0, 1000}, {0, 1000}}, never{};
  ::setitimer(ITIMER_REAL, &every_millisecond, nullptr);
  write_all(ends[1], std::as_bytes(std::span(content)), "pipe");
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  ::close(ends[1]);
  int status = 0;
  ::waitpid(reader, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_GT(alarms, 0);
}

TEST(ReadText, RefusesAnAbsentFileAFolderAndMoreThanTheLimit) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "a", "12345");
  EXPECT_EQ(read_text(folder / "a", 5), "12345");
  EXPECT_TRUE(says(message_of(ExitCode::file_system, [&] { read_text(folder / "a", 4); }), "more than the 4 bytes"));
  EXPECT_TRUE(says(message_of(ExitCode::file_system, [&] { read_text(folder / "b"); }), "No such file"));
  EXPECT_TRUE(says(message_of(ExitCode::file_system, [&] { read_text(folder.path()); }), "Is a directory"));
}

TEST(AppendLog, ContinuesAfterTheLinesItFinds) {
  const TemporaryFolder folder;
  AppendLog(folder / "log").append_line("one");
  AppendLog log(folder / "log");
  EXPECT_EQ(log.lines(), 1u);
  log.append_line("");
  log.append_line("three");
  log.sync();
  EXPECT_EQ(log.lines(), 3u);
  EXPECT_EQ(read_text(folder / "log"), "one\n\nthree\n");
}

TEST(AppendLog, CutsATornLastLineWhenOpened) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "log", "one\ntwo\nthr");
  AppendLog log(folder / "log");
  EXPECT_EQ(log.lines(), 2u);
  log.append_line("three");
  EXPECT_EQ(read_text(folder / "log"), "one\ntwo\nthree\n");
}

TEST(AppendLog, CutsALogThatIsOneTornLineToNothing) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "log", "{\"step\":");
  AppendLog log(folder / "log");
  EXPECT_EQ(log.lines(), 0u);
  EXPECT_EQ(read_text(folder / "log"), "{\"step\":");  // nothing is lost by looking at it
  log.truncate_after(0);
  EXPECT_EQ(read_text(folder / "log"), "");
}

TEST(AppendLog, CountsLinesBeyondOneReadOfTheFile) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 30000; ++i) text += std::to_string(i) + '\n';
  write_file_atomically(folder / "log", text + "torn");
  AppendLog log(folder / "log");
  EXPECT_EQ(log.lines(), 30000u);
  log.truncate_after(20000);
  EXPECT_EQ(read_text(folder / "log"), text.substr(0, text.find("20000\n")));
}

TEST(AppendLog, KeepsTheFirstLinesAndGoesOnFromThere) {
  const TemporaryFolder folder;
  AppendLog log(folder / "log");
  for (const char* line : {"one", "two", "three", "four"}) log.append_line(line);
  log.truncate_after(2);
  EXPECT_EQ(log.lines(), 2u);
  log.append_line("3");
  EXPECT_EQ(read_text(folder / "log"), "one\ntwo\n3\n");
  log.truncate_after(0);
  EXPECT_EQ(read_text(folder / "log"), "");
}

TEST(AppendLog, RefusesToKeepMoreLinesThanThereAre) {
  const TemporaryFolder folder;
  AppendLog log(folder / "log");
  log.append_line("one");
  const std::string message = message_of(ExitCode::checkpoint, [&] { log.truncate_after(2); });
  EXPECT_TRUE(says(message, "/log") && says(message, "1 lines")) << message;
  EXPECT_EQ(read_text(folder / "log"), "one\n");
}

TEST(AppendLog, RefusesALineThatIsTwo) {
  const TemporaryFolder folder;
  AppendLog log(folder / "log");
  EXPECT_THROW(log.append_line("a\nb"), std::invalid_argument);
  EXPECT_EQ(read_text(folder / "log"), "");
}

TEST(AppendLog, TakesBackALineOfWhichOnlyAPartWasWritten) {
  const TemporaryFolder folder;
  const int result = in_child([&] {
    AppendLog log(folder / "log");
    log.append_line("kept");
    limit_file_size(20);
    const std::string message =
        message_of(ExitCode::file_system, [&] { log.append_line("a line of more than twenty bytes"); });
    log.append_line("also kept");
    return says(message, "File too large") && log.lines() == 2 ? 0 : 1;
  });
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read_text(folder / "log"), "kept\nalso kept\n");
}

TEST(AppendLog, HandsOverItsLinesOneByOne) {
  const TemporaryFolder folder;
  AppendLog log(folder / "log");
  const std::string long_line(100'000, 'x');  // beyond what is read at once
  for (const std::string& line : {std::string("one"), std::string(), long_line, std::string("four")})
    log.append_line(line);
  const auto lines_of = [&](uint64_t most) {
    std::vector<std::string> lines;
    log.each_line(most, [&](std::string_view line) { lines.emplace_back(line); });
    return lines;
  };
  EXPECT_EQ(lines_of(9), (std::vector<std::string>{"one", "", long_line, "four"}));
  EXPECT_EQ(lines_of(2), (std::vector<std::string>{"one", ""}));
  EXPECT_TRUE(lines_of(0).empty());
}

TEST(AppendLog, MayGrowBeyondAGibibyte) {
  const TemporaryFolder folder;
  constexpr uint64_t kLines = 450, kLength = 3'000'000;
  {
    const FileDescriptor file = open_file(folder / "log", O_WRONLY | O_CREAT);  // holes: no disk is filled
    for (uint64_t line = 1; line <= kLines; ++line)
      ASSERT_EQ(::pwrite(file.get(), "\n", 1, static_cast<off_t>(line * kLength - 1)), 1);
  }
  AppendLog log(folder / "log");
  ASSERT_EQ(log.lines(), kLines);
  uint64_t lines = 0, bytes = 0;
  log.each_line(kLines, [&](std::string_view line) {
    lines += 1;
    bytes += line.size();
  });
  EXPECT_EQ(lines, kLines);
  EXPECT_EQ(bytes, kLines * (kLength - 1));
}

TEST(AppendLog, KeepsNoLineInMemoryThatNoRunWrites) {
  const TemporaryFolder folder;
  {
    const FileDescriptor file = open_file(folder / "log", O_WRONLY | O_CREAT);
    ASSERT_EQ(::pwrite(file.get(), "\n\n", 2, 0), 2);
    ASSERT_EQ(::pwrite(file.get(), "\n", 1, 10'000'000), 1);
  }
  AppendLog log(folder / "log");
  const std::string message = message_of(ExitCode::checkpoint, [&] { log.each_line(3, [](std::string_view) {}); });
  EXPECT_TRUE(says(message, "log: line 3 holds more than 4194304 bytes")) << message;
}

TEST(RunLock, TellsASecondProcessWhoHoldsTheFolder) {
  const TemporaryFolder folder;
  const std::string owner = "pid " + std::to_string(::getpid());
  const RunLock lock(folder.path());
  const int result = in_child([&] {
    const std::string message = message_of(ExitCode::file_system, [&] { RunLock second(folder.path()); });
    return says(message, folder.path().string()) && says(message, owner) ? 0 : 1;
  });
  EXPECT_EQ(result, 0);
}

TEST(RunLock, IsFreeAgainAfterItsHolderEndsOrIsKilled) {
  const TemporaryFolder folder;
  { const RunLock lock(folder.path()); }
  const int result = in_child([&] {
    const RunLock lock(folder.path());
    return ::raise(SIGKILL);
  });
  EXPECT_EQ(result, 1000 + SIGKILL);
  EXPECT_NO_THROW(RunLock(folder.path()));
}

TEST(RunLock, LeavesNothingOfALongerNumberThatStoodThere) {
  const TemporaryFolder folder;
  write_file_atomically(folder / ".lock", "pid 99999999999999999999");
  const RunLock lock(folder.path());
  EXPECT_EQ(read_text(folder / ".lock"), "pid " + std::to_string(::getpid()));
}

TEST(RunLock, NeedsTheFolderToExist) {
  const TemporaryFolder folder;
  const std::string message = message_of(ExitCode::file_system, [&] { RunLock lock(folder / "absent"); });
  EXPECT_TRUE(says(message, "absent/.lock") && says(message, "No such file")) << message;
}

}  // namespace
}  // namespace equipoise
