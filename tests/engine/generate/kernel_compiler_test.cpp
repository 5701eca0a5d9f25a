// tests/engine/generate/kernel_compiler_test.cpp - the compiler as a library that is there, absent, too old or in
// trouble.
#include "engine/generate/kernel_compiler.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "engine/generate/kernel_headers.h"
#include "tests/engine/generate/fake_nvrtc.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise {
namespace {

std::string text_of(const std::vector<std::byte>& code) {
  return {reinterpret_cast<const char*>(code.data()), code.size()};
}
/// What a call says as it fails.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const KernelError& e) {
    return e.what();
  }
  return "";
}

TEST(KernelCompiler, CompilesAsTheInterpreterIsCompiled) {
  const test::WithFakeNvrtc fake;
  const KernelCompiler compiler;
  EXPECT_EQ(compiler.version(), "13.0");
  EXPECT_EQ(compiler.library(), EQUIPOISE_FAKE_NVRTC);
  const std::string told = text_of(compiler.compile("0123456789", "sm_90"));
  for (const char* option : {"--gpu-architecture=sm_90 ", "--std=c++20 ", "--fmad=false ", "--prec-div=true ",
                             "--prec-sqrt=true ", "--ftz=false ", "source of 10"})
    EXPECT_NE(told.find(option), std::string::npos) << option << "is not in " << told;
  EXPECT_EQ(told.find("-lineinfo"), std::string::npos);
  EXPECT_NE(text_of(compiler.compile("0", "compute_90")).find("-lineinfo"), std::string::npos);
}

TEST(KernelCompiler, SaysThatItsLibraryIsAbsentNoNvrtcOrTooOld) {
  test::WithFakeNvrtc fake;
  const auto opening = [] { return error_of([] { KernelCompiler(); }); };
  ::setenv(KernelCompiler::kVariable, "/nowhere/libnvrtc.so", 1);
  EXPECT_EQ(opening(), "EQUIPOISE_NVRTC names /nowhere/libnvrtc.so, which cannot be opened as a library");
  ::setenv(KernelCompiler::kVariable, "libm.so.6", 1);
  EXPECT_EQ(opening(), "libm.so.6 is no NVRTC: it lacks functions of its");
  ::setenv(KernelCompiler::kVariable, EQUIPOISE_FAKE_NVRTC, 1);
  fake.set("VERSION", "11.8");
  EXPECT_EQ(opening(), std::string(EQUIPOISE_FAKE_NVRTC) + " is NVRTC 11.8, and kernels need 12.0 or newer");
  fake.set("VERSION", "12.0");
  EXPECT_EQ(opening(), "");
}

TEST(KernelCompiler, TellsTheFirstErrorOfItsLog) {
  const test::WithFakeNvrtc fake;
  const KernelCompiler compiler;
  const auto compiling = [&] { return error_of([&] { compiler.compile("", "sm_90"); }); };
  fake.set("ERROR", "made.cu(3): warning: unused\nmade.cu(4): error: expected a \";\"\nmade.cu(5): error: more\n");
  EXPECT_EQ(compiling(), "NVRTC 13.0 for sm_90: made.cu(4): error: expected a \";\"");
  fake.set("ERROR", "nvrtc: no such architecture");
  EXPECT_EQ(compiling(), "NVRTC 13.0 for sm_90: nvrtc: no such architecture");
  fake.unset("ERROR");
  fake.set("CODE", "x");
  EXPECT_EQ(compiling(), "");
}

TEST(KernelHeaders, AreThoseOfTheTree) {
  int kernels = 0;
  for (const KernelHeader& header : kernel_headers()) {
    std::ifstream file(std::string(EQUIPOISE_SOURCE_DIR "/") + header.name, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(text, header.text) << header.name;
    for (std::size_t at = 0; (at = text.find("#include \"", at)) != std::string::npos; ++at) {
      const std::size_t name = at + std::strlen("#include \"");
      const std::string included = text.substr(name, text.find('"', name) - name);
      bool there = false;
      for (const KernelHeader& other : kernel_headers()) there = there || included == other.name;
      EXPECT_TRUE(there) << header.name << " includes " << included;
    }
    ++kernels;
  }
  EXPECT_GT(kernels, 60);
}

}  // namespace
}  // namespace equipoise
