// tests/engine/files/durability_test.cpp - what must outlive a power cut is brought to disk, in the right order.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "engine/files/atomic_file.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise::test {
namespace {

/// One call of fsync: what was synced, and what stood under the watched name then (0: nothing).
struct Sync {
  ino_t what;
  ino_t named;

  bool operator==(const Sync&) const = default;
};

std::string watched;  // a path; fsync is only recorded while there is one
std::vector<Sync> syncs;

ino_t inode_of(const std::string& path) {
  struct stat found;
  return ::stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

/// The calls of fsync during `action`.
template <class Action>
std::vector<Sync> syncs_during(const std::string& path, Action action) {
  syncs.clear();
  watched = path;
  action();
  watched.clear();
  return syncs;
}

}  // namespace

/// Stands before the library's in this program.
extern "C" int fsync(int descriptor) {
  if (!watched.empty()) {
    struct stat found;
    if (::fstat(descriptor, &found) == 0) syncs.push_back({found.st_ino, inode_of(watched)});
  }
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace {

TEST(AtomicFile, IsOnDiskBeforeItTakesItsNameAndTheNameIsAfterwards) {
  const TemporaryFolder folder;
  const std::string path = (folder / "a").string();
  ino_t before = 0;  // no file at first, then the one that is replaced
  for (const char* content : {"first", "second"}) {
    const std::vector<Sync> calls = syncs_during(path, [&] { write_file_atomically(path, std::string_view(content)); });
    const ino_t file = inode_of(path), of_folder = inode_of(folder.path().string());
    EXPECT_EQ(calls, (std::vector<Sync>{{file, before}, {of_folder, file}}));
    before = file;
  }
}

TEST(AppendLog, IsOnDiskOnceItIsSynced) {
  const TemporaryFolder folder;
  const std::string path = (folder / "log").string();
  AppendLog log(path);
  const ino_t file = inode_of(path);
  EXPECT_EQ(syncs_during(path, [&] { log.append_line("one"); }), std::vector<Sync>{});
  EXPECT_EQ(syncs_during(path, [&] { log.sync(); }), (std::vector<Sync>{{file, file}}));
}

}  // namespace
}  // namespace equipoise::test
