// tests/host/commands/memory_test.cpp - the built program where there is too little memory, and where there need not be
// much.
#include <chrono>
#include <fstream>
#include <map>

#include "tests/host/commands/demo_run.h"
#include "tests/host/commands/program_run.h"

namespace equipoise::testing {
namespace {

class MemoryOfTheProgram : public ProgramRun {
 protected:
  void SetUp() override {
    if (to_be_caught(5) < 5) GTEST_SKIP() << "the address sanitizer reserves more than any limit";
  }

  /// The program with 307 MB of address space, or another limit in kilobytes.
  Finished limited(const std::string& arguments, int kilobytes = 300'000) {
    const std::string line =
        "ulimit -v " + std::to_string(kilobytes) + "; exec '" + EQUIPOISE_PROGRAM + "' " + arguments;
    return run_program("/bin/sh", home_.path(), {"-c", line});
  }

  /// Refused by what would be needed, before anything of it is made.
  void expect_too_large(const std::string& arguments, const std::string& sentence) {
    const auto began = std::chrono::steady_clock::now();
    const Finished f = limited(arguments);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1)) << arguments;
    EXPECT_EQ(f.code, kDevice) << f.log;
    EXPECT_EQ(f.out, "");
    EXPECT_CONTAINS(f.log, sentence);
    EXPECT_CONTAINS(f.log, "of memory, and this process may have 307 MB; ");
    EXPECT_FALSE(std::filesystem::exists(at("r"))) << arguments;
  }
};

TEST_F(MemoryOfTheProgram, RunningOutEndsItWith6) {
  // 50 million cells of two bytes, and as many numbers of eight.
  std::string names = "id,label", row;
  for (int column = 0; column < 50'000; ++column) {
    names += ",c" + std::to_string(column);
    row += ",1";
  }
  std::ofstream table(at("wide.csv"));
  table << names << '\n';
  for (int i = 0; i < 1000; ++i) table << i << ',' << i % 2 << row << '\n';
  table.close();
  home_.write("c.toml", "[data]\nviews = [\"wide.csv\"]\n[model]\nkind = \"mldrl\"\n");
  const Finished f = limited("train c.toml --device cpu --out r");
  EXPECT_EQ(f.code, kDevice) << f.log;
  EXPECT_EQ(f.out, "");
  EXPECT_CONTAINS(f.log, "equipoise: memory ran out; ");
  EXPECT_FALSE(std::filesystem::exists(at("r")));
}

TEST_F(MemoryOfTheProgram, ThatWouldNotSufficeIsToldBeforeItIsTaken) {
  home_.write("towers.toml", said({"init", "towers"}));
  home_.write("trunk.toml", said({"init", "trunk"}));
  const std::string train = " --device cpu --out r --set train.epochs=1 --set data.rows=";
  EXPECT_EQ(limited("train towers.toml" + train + "100").code, 0);
  std::filesystem::remove_all(at("r"));
  // 2,600,000 rows of 102 numbers; a trunk of 8192 x 8192 weights; 20,000 rows of four layers of 8192 units.
  expect_too_large("train towers.toml" + train + "2600000", "this number of generated rows needs about 4.2 GB ");
  expect_too_large("train trunk.toml" + train + "100 --set model.trunk=[8192,8192]", "this training needs about ");
  expect_too_large("train trunk.toml" + train +
                       "20000 --set data.features=2 --set data.outputs=1 --set "
                       "train.batch=20000 --set model.trunk=[8192,1,8192,1]",
                   "this training needs about ");
}

TEST_F(MemoryOfTheProgram, IsToldOfARunThatIsOnlyPlanned) {
  home_.write("towers.toml", said({"init", "towers"}));
  const Finished f = limited("train towers.toml --device cpu --dry-run --set data.rows=1000");
  EXPECT_EQ(f.code, 0) << f.log;
  EXPECT_CONTAINS(f.out, "\nmemory: about ");
  EXPECT_CONTAINS(f.out, " and the program's own, of 307 MB; 1 process, 1 thread, at most ");
}

TEST_F(MemoryOfTheProgram, SufficesWhereAsMuchIsThereAsIsTold) {
  home_.write("trunk.toml", said({"init", "trunk"}));
  const std::string train =
      "train trunk.toml --device cpu --set data.rows=200 --set train.epochs=1 --set "
      "train.batch=50 --set model.trunk=[1500,1500]";
  const Finished planned = limited(train + " --dry-run", 2'000'000);
  ASSERT_EQ(planned.code, 0) << planned.log;
  const std::string told = planned.out.substr(planned.out.find("memory: about ") + 14);
  ASSERT_EQ(told.substr(told.find(' ') + 1, 2), "MB") << told;
  const int megabytes = std::stoi(told);
  EXPECT_GT(megabytes, 350);
  EXPECT_LT(megabytes, 600);
  // And what any run takes: half of what the smallest one is given above.
  EXPECT_EQ(limited(train + " -q --out r", megabytes * 1000 + 150'000).code, 0);
  EXPECT_EQ(limited(train + " -q --out r2", megabytes * 900).code, kDevice);
}

TEST_F(MemoryOfTheProgram, HoldsNotAllRowsThatAreGenerated) {
  // Above 300 MB as one text of 1,000,000 rows; rows do not depend on how many are asked for.
  home_.write("v.toml", "[data]\nviews = [\"" + kPbcseq.string() +
                            "/before.csv\"]\nlabel = \"\"\n[model]\nkind = "
                            "\"vaegan\"\n[train]\nepochs = 1\n");
  ASSERT_EQ(limited("train v.toml --device cpu -q --out r").code, 0);
  ASSERT_EQ(limited("generate r --rows 1000000 --seed 3 --device cpu --out all.csv").code, 0);
  std::ifstream all(at("all.csv"));
  std::map<int, std::string> lines;
  std::string line, tail;
  for (int number = 0; std::getline(all, line); ++number, tail = line)
    if (number <= 20'000) lines[number] = line;
  EXPECT_EQ(tail.substr(0, tail.find(',')), "generated1000000");
  const auto values = [&](int row) { return lines.at(row).substr(lines.at(row).find(',')); };
  EXPECT_NE(values(1), values(16'385));  // the first of the first two pieces
  const std::string few = said({"generate", at("r"), "--rows", "20000", "--seed", "3", "--device", "cpu"});
  std::string same;
  for (const auto& [number, text] : lines) same += text + '\n';
  EXPECT_EQ(few, same);
}

}  // namespace
}  // namespace equipoise::testing
