// tests/fuzz/corpus_test.cpp - every target keeps its promises on the inputs that are kept in corpus/, and on none.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "tests/fuzz/fuzz_target.h"

namespace equipoise::fuzz {
namespace {

namespace fs = std::filesystem;

const fs::path kCorpus = EQUIPOISE_SOURCE_DIR "/tests/fuzz/corpus";

class Corpus : public ::testing::TestWithParam<NamedTarget> {};

TEST_P(Corpus, IsRefusedOrTaken) {
  const auto& [name, run] = GetParam();
  run(nullptr, 0);
  int inputs = 0;
  for (const auto& entry : fs::directory_iterator(kCorpus / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    run(reinterpret_cast<const uint8_t*>(content.data()), content.size());
    ++inputs;
  }
  EXPECT_GE(inputs, 20) << "too few to be worth much";
}

TEST(Corpora, BelongToATargetEach) {
  for (const auto& entry : fs::directory_iterator(kCorpus))
    EXPECT_TRUE(std::any_of(targets().begin(), targets().end(), [&](const NamedTarget& target) {
      return entry.path().filename() == target.name;
    })) << entry.path();
}

INSTANTIATE_TEST_SUITE_P(Each, Corpus, ::testing::ValuesIn(targets()),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace equipoise::fuzz
