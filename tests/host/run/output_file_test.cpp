// tests/host/run/output_file_test.cpp - what may be written over, and what is never replaced.
#include "host/run/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <thread>

#include "tests/host/temporary_folder.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;
using testing::refusal;
using testing::TemporaryFolder;

TextSource whole(std::string text) {
  return [text](const TextSink& sink) { sink(text); };
}

class OutputFile : public ::testing::Test {
 protected:
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  static std::string content(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }

  TemporaryFolder folder_;
};

TEST_F(OutputFile, IsWrittenWhereNothingIs) {
  write_output(at("new"), whole("text"), false);
  EXPECT_EQ(content(at("new")), "text");
  write_output(at("other"), whole("text"), true);
  EXPECT_EQ(content(at("other")), "text");
}

TEST_F(OutputFile, IsNeverReplacedUnasked) {
  folder_.write("kept", "precious");
  for (const bool asked_before : {true, false}) {
    const std::string message = refusal(ExitCode::file_system, [&] {
      if (asked_before) expect_may_write(at("kept"), false);
      else write_output(at("kept"), whole("text"), false);
    });
    EXPECT_CONTAINS(message, "--out " + at("kept").string() + ": exists already; add --force to replace it");
  }
  EXPECT_EQ(content(at("kept")), "precious");
  expect_may_write(at("kept"), true);
  write_output(at("kept"), whole("text"), true);
  EXPECT_EQ(content(at("kept")), "text");
}

TEST_F(OutputFile, IsNoFolder) {
  for (const bool force : {true, false})
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { write_output(folder_.path(), whole("text"), force); }),
                    "is a folder; name a file in it");
}

TEST_F(OutputFile, IsNoLinkWhateverItLeadsTo) {
  folder_.write("real", "old");
  fs::create_symlink(at("real"), at("link"));
  fs::create_symlink(at("absent"), at("dangling"));
  for (const bool force : {false, true}) {
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { write_output(at("link"), whole("new"), force); }),
                    "link: is a link to " + at("real").string() + "; name that file itself");
    EXPECT_CONTAINS(refusal(ExitCode::file_system, [&] { write_output(at("dangling"), whole("new"), force); }),
                    "dangling: is a link to " + at("absent").string());
  }
  EXPECT_TRUE(fs::is_symlink(at("link")) && fs::is_symlink(at("dangling")));
  EXPECT_EQ(content(at("real")), "old");
  EXPECT_FALSE(fs::exists(at("absent")));
}

TEST_F(OutputFile, GoesThroughALinkToAPipe) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  fs::create_symlink(at("pipe"), at("link"));
  std::string got;
  std::thread reader([&] { got = content(at("pipe")); });
  write_output(at("link"), whole("through"), false);
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_symlink(at("link")) && fs::is_fifo(at("pipe")));
}

TEST_F(OutputFile, GoesIntoAPipeThatStaysOne) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = content(at("pipe")); });
  write_output(at("pipe"), whole("through"), false);
  reader.join();
  EXPECT_EQ(got, "through");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
}

TEST_F(OutputFile, GoesIntoADeviceThatStaysOne) {
  for (const bool force : {true, false}) write_output("/dev/null", whole("nothing"), force);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(OutputFile, GoesOnWhereAnOpenFileStandsThatADescriptorNames) {
  // As `equipoise ... --out /dev/stdout >> log`: what is there stays, and what comes later follows.
  for (const std::string folder : {"/dev/fd/", "/proc/self/fd/"}) {
    folder_.write("log", "before ");
    const int descriptor = ::open(at("log").c_str(), O_WRONLY | O_APPEND);
    ASSERT_GE(descriptor, 0);
    write_output(folder + std::to_string(descriptor), whole("now "), false);
    ASSERT_EQ(::write(descriptor, "after", 5), 5);
    ::close(descriptor);
    EXPECT_EQ(content(at("log")), "before now after");
  }
}

TEST_F(OutputFile, HoldsTensorsThatAreReadBack) {
  const TensorFile file{{{"x", StoredTensor::from_doubles({2}, std::vector<double>{1, 2})}}, {{"a", "b"}}, {}};
  write_output(at("t.safetensors"), file, false);
  const TensorFile read = read_safetensors(at("t.safetensors"));
  EXPECT_EQ(read.tensors, file.tensors);
  EXPECT_EQ(read.metadata, file.metadata);
  refusal(ExitCode::file_system, [&] { write_output(at("t.safetensors"), file, false); });
}

TEST_F(OutputFile, IsNotItsOwnInput) {
  folder_.write("in", "data");
  fs::create_hard_link(at("in"), at("same"));
  EXPECT_CONTAINS(refusal(ExitCode::usage, [&] { expect_not_input(at("same"), at("in"), "the record"); }),
                  "is the record itself; name another file");
  expect_not_input(at("new"), at("in"), "the record");
  expect_not_input("/dev/null", "/dev/null", "the record");
}

}  // namespace
}  // namespace equipoise
