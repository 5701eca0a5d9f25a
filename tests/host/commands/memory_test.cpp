// tests/host/commands/memory_test.cpp - the built program where there is too little memory.
#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

using MemoryOfTheProgram = ProgramRun;

TEST_F(MemoryOfTheProgram, RunningOutEndsItWith6) {
  if (to_be_caught(5) < 5) GTEST_SKIP() << "the address sanitizer reserves more than any limit";
  home_.write("towers.toml", said({"init", "towers"}));
  // 2,600,000 rows of 102 numbers of four bytes, where 300 MB are allowed.
  const std::string line = std::string("ulimit -v 300000; exec '") + EQUIPOISE_PROGRAM +
                           "' train towers.toml --device cpu --out r --set data.rows=";
  const Finished f = run_program("/bin/sh", home_.path(), {"-c", line + "2600000"});
  EXPECT_EQ(f.code, kDevice) << f.log;
  EXPECT_EQ(f.out, "");
  EXPECT_CONTAINS(f.log, "equipoise: memory ran out; ");
  EXPECT_FALSE(std::filesystem::exists(at("r")));
  EXPECT_EQ(run_program("/bin/sh", home_.path(), {"-c", line + "100 --set train.epochs=1"}).code, 0);
}

}  // namespace
}  // namespace equipoise::testing
