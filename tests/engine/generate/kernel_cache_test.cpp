// tests/engine/generate/kernel_cache_test.cpp - kernels on disk: kept, found again, bounded, and never trusted blindly.
#include "engine/generate/kernel_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/engine/temporary_folder.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> code_of(std::size_t bytes, int seed = 1) {
  std::vector<std::byte> code(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    code[i] = static_cast<std::byte>((i * 31 + static_cast<std::size_t>(seed) * 7) % 251);
  return code;
}
/// 64 digits, as keys are.
std::string key_of(int number) {
  std::string key = std::to_string(number);
  return std::string(64 - key.size(), 'a') + key;
}

class KernelCacheTest : public testing::Test {
 protected:
  fs::path file_of(const std::string& key) const { return cache_.folder() / (key + ".kernel"); }
  std::string text_of(const fs::path& file) const {
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const fs::path& file, const std::string& text) const { std::ofstream(file, std::ios::binary) << text; }

  test::TemporaryFolder home_;
  KernelCache cache_{home_ / "cache" / "equipoise", 10000};
};

TEST_F(KernelCacheTest, FindsWhatItKept) {
  EXPECT_EQ(cache_.find(key_of(1)), std::nullopt);
  EXPECT_FALSE(fs::exists(cache_.folder())) << "looking makes no folder";
  ASSERT_EQ(cache_.keep(key_of(1), code_of(3000)), "");
  ASSERT_EQ(cache_.keep(key_of(2), code_of(10, 2)), "");
  EXPECT_EQ(cache_.find(key_of(1)), code_of(3000));
  EXPECT_EQ(cache_.find(key_of(2)), code_of(10, 2));
  EXPECT_EQ(cache_.find(key_of(3)), std::nullopt);
  EXPECT_EQ(cache_.size().kernels, 2);
  struct stat status {};
  ASSERT_EQ(::stat(cache_.folder().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u) << "nobody else's code is run";
  EXPECT_EQ(KernelCache(cache_.folder()).find(key_of(1)), code_of(3000)) << "by another process too";
}

TEST_F(KernelCacheTest, TrustsNoDamagedFile) {
  const auto spoil = [&](const std::string& what, auto change) {
    SCOPED_TRACE(what);
    ASSERT_EQ(cache_.keep(key_of(1), code_of(3000)), "");
    std::string text = text_of(file_of(key_of(1)));
    change(text);
    write(file_of(key_of(1)), text);
    EXPECT_EQ(cache_.find(key_of(1)), std::nullopt);
    EXPECT_FALSE(fs::exists(file_of(key_of(1)))) << "it would be met again and again";
  };
  spoil("a bit of the code", [](std::string& t) { t[t.size() - 100] ^= 1; });
  spoil("cut short", [](std::string& t) { t.resize(t.size() - 1); });
  spoil("more behind it", [](std::string& t) { t += "x"; });
  spoil("cut in its first line", [](std::string& t) { t.resize(40); });
  spoil("empty", [](std::string& t) { t.clear(); });
  spoil("no code behind the line", [](std::string& t) { t.resize(t.find('\n') + 1); });
  spoil("another format", [](std::string& t) { t.replace(t.find(" 1 "), 3, " 2 "); });
}

TEST_F(KernelCacheTest, TakesNoKernelOfAnotherKey) {
  ASSERT_EQ(cache_.keep(key_of(1), code_of(3000)), "");
  fs::copy_file(file_of(key_of(1)), file_of(key_of(2)));
  EXPECT_EQ(cache_.find(key_of(2)), std::nullopt);
  EXPECT_EQ(cache_.find(key_of(1)), code_of(3000));
}

TEST_F(KernelCacheTest, FollowsNoLink) {
  ASSERT_EQ(cache_.keep(key_of(1), code_of(3000)), "");
  fs::rename(file_of(key_of(1)), home_ / "elsewhere");
  fs::create_symlink(home_ / "elsewhere", file_of(key_of(1)));
  EXPECT_EQ(cache_.find(key_of(1)), std::nullopt);
}

TEST_F(KernelCacheTest, ForgetsWhatWasNotUsedForLongest) {
  const auto used = [&](int number, int minutes_ago) {
    fs::last_write_time(file_of(key_of(number)), fs::file_time_type::clock::now() - std::chrono::minutes(minutes_ago));
  };
  for (int number : {1, 2, 3}) ASSERT_EQ(cache_.keep(key_of(number), code_of(3000, number)), "");
  used(1, 30), used(2, 20), used(3, 10);
  ASSERT_TRUE(cache_.find(key_of(1)));  // used now
  ASSERT_EQ(cache_.keep(key_of(4), code_of(3000, 4)), "");
  EXPECT_TRUE(cache_.find(key_of(1)));
  EXPECT_FALSE(cache_.find(key_of(2)));
  EXPECT_TRUE(cache_.find(key_of(3)));
  EXPECT_TRUE(cache_.find(key_of(4)));
  EXPECT_LE(cache_.size().bytes, 10000u);
}

TEST_F(KernelCacheTest, UsesNoFolderOfOthersOrThatOthersMayWriteTo) {
  fs::create_directories(cache_.folder());
  ASSERT_EQ(::chmod(cache_.folder().c_str(), 0700), 0);
  ASSERT_EQ(cache_.keep(key_of(1), code_of(100)), "");
  ASSERT_EQ(::chmod(cache_.folder().c_str(), 0777), 0);
  EXPECT_EQ(cache_.problem(), "others may write to " + cache_.folder().string());
  EXPECT_EQ(cache_.find(key_of(1)), std::nullopt);
  EXPECT_EQ(cache_.keep(key_of(2), code_of(100)), cache_.problem());
  ASSERT_EQ(::chmod(cache_.folder().c_str(), 0700), 0);
  EXPECT_TRUE(cache_.find(key_of(1)));
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  ASSERT_EQ(::chown(cache_.folder().c_str(), 12345, 12345), 0);
  EXPECT_EQ(cache_.problem(), cache_.folder().string() + " belongs to another user");
  EXPECT_EQ(cache_.find(key_of(1)), std::nullopt);
}

TEST_F(KernelCacheTest, SaysWhyItCannotKeep) {
  EXPECT_EQ(KernelCache(fs::path()).keep(key_of(1), code_of(10)), "neither XDG_CACHE_HOME nor HOME is set");
  write(home_ / "file", "text");
  EXPECT_NE(KernelCache(home_ / "file").keep(key_of(1), code_of(10)), "") << "a file in the folder's place";
  EXPECT_NE(KernelCache(home_ / "file" / "cache").keep(key_of(1), code_of(10)), "") << "a file above it";
  EXPECT_EQ(text_of(home_ / "file"), "text");
  // As on a full disk or where nothing may be written: an earlier file stays.
  ASSERT_EQ(cache_.keep(key_of(1), code_of(10)), "");
  fs::create_directory(cache_.folder() / (key_of(2) + ".kernel"));
  EXPECT_NE(cache_.keep(key_of(2), code_of(10)), "");
  EXPECT_EQ(cache_.find(key_of(1)), code_of(10));
  EXPECT_EQ(cache_.find(key_of(2)), std::nullopt);
}

TEST_F(KernelCacheTest, SweepsWhatKilledProcessesLeft) {
  ASSERT_EQ(cache_.keep(key_of(1), code_of(10)), "");
  const fs::path old = cache_.folder() / ".equipoise-1-0.tmp", fresh = cache_.folder() / ".equipoise-2-0.tmp";
  write(old, "half"), write(fresh, "half");
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  ASSERT_EQ(cache_.keep(key_of(2), code_of(10)), "");
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(fresh)) << "another process may be writing it";
}

TEST_F(KernelCacheTest, IsSharedByProcessesThatWriteAtOnceAndAreKilled) {
  std::vector<pid_t> writers;
  for (int w = 0; w < 3; ++w) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 0;; ++i) cache_.keep(key_of(i % 3), code_of(2000, i % 3));
    }
    writers.push_back(child);
  }
  int found = 0;
  for (int i = 0; i < 2000 || found < 100; ++i) {
    const int number = i % 3;
    const auto code = cache_.find(key_of(number));
    if (!code) continue;
    ++found;
    ASSERT_EQ(*code, code_of(2000, number)) << "part of a file was seen";
  }
  for (const pid_t writer : writers) {
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
  }
  ASSERT_EQ(cache_.keep(key_of(7), code_of(50)), "");
  EXPECT_EQ(cache_.find(key_of(7)), code_of(50));
}

TEST(KernelCacheFolder, IsTheUsersByXdg) {
  const auto with = [](const char* cache, const char* home) {
    cache ? ::setenv("XDG_CACHE_HOME", cache, 1) : ::unsetenv("XDG_CACHE_HOME");
    home ? ::setenv("HOME", home, 1) : ::unsetenv("HOME");
    return KernelCache::users_folder().string();
  };
  const char* const home = std::getenv("HOME");
  const std::string was = home ? home : "";
  EXPECT_EQ(with("/somewhere/cache", "/home/me"), "/somewhere/cache/equipoise");
  EXPECT_EQ(with(nullptr, "/home/me"), "/home/me/.cache/equipoise");
  EXPECT_EQ(with("relative", "/home/me"), "/home/me/.cache/equipoise") << "XDG says to ignore it";
  EXPECT_EQ(with("", nullptr), "");
  with(nullptr, was.empty() ? nullptr : was.c_str());
}

}  // namespace
}  // namespace equipoise
