// tests/engine/train/memory_needed_test.cpp - sizes counted by hand.
#include "engine/train/memory_needed.h"

#include <gtest/gtest.h>

#include "engine/base/error.h"
#include "engine/base/machine_memory.h"

namespace equipoise {
namespace {

TEST(MemoryNeeded, IsTheLargestOfAStepACheckpointAndAnEvaluationOfTheBest) {
  Program program;
  program.fast_floats = 1000;
  program.work_floats = 24;
  program.state_floats = 300;
  EXPECT_EQ(running_bytes(program), 4 * 1024 + 2 * 1200);
  EXPECT_EQ(training_bytes(program), 7 * 1200);
  program.fast_floats = 0;
  EXPECT_EQ(training_bytes(program, 2), 9 * 1200) << "of one replica a checkpoint";
  program.fast_floats = 1000;
  EXPECT_EQ(training_bytes(program, 3), 4 * 1024 + 4 * 3600);
  program.fast_floats = 100'000;
  EXPECT_EQ(training_bytes(program), 4 * 100'024 + 3 * 1200);
}

TEST(MemoryNeeded, CountsEveryTableOfTheData) {
  Dataset data;
  data.rows = 10;
  data.features = {3, 4};
  data.target_cols = 2;
  EXPECT_EQ(data_bytes(data), 4 * 4 * 10 * 9);
}

TEST(MachineMemory, IsWhatAProcessMayHave) {
  const int64_t most = machine_memory();
  EXPECT_GT(most, int64_t{100} << 20);
  expect_memory(most, "a training");
  try {
    expect_memory(most + 1, "a training");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::device);
    EXPECT_EQ(std::string(error.what()).rfind("a training needs about ", 0), 0u) << error.what();
  }
}

TEST(MachineMemory, IsToldInUnitsThatPeopleRead) {
  EXPECT_EQ(bytes_text(999), "999 bytes");
  EXPECT_EQ(bytes_text(1000), "1.0 kB");
  EXPECT_EQ(bytes_text(307'200'000), "307 MB");
  EXPECT_EQ(bytes_text(4'243'200'000), "4.2 GB");
  EXPECT_EQ(bytes_text(31'000'000'000), "31 GB");
  EXPECT_EQ(bytes_text(5'000'000'000'000'000), "5000 TB");
}

}  // namespace
}  // namespace equipoise
