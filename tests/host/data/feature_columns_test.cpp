// tests/host/data/feature_columns_test.cpp - a model's columns found among those of a table.
#include "host/data/feature_columns.h"

#include <gtest/gtest.h>

#include <chrono>

namespace equipoise {
namespace {

TEST(FeatureColumns, FindsAHundredThousandByNameInTimeInProportion) {
  constexpr int kColumns = 150'000;
  KeyedTable keyed;
  std::vector<std::string> names;
  for (int column = 0; column < kColumns; ++column) names.push_back("cg" + std::to_string(10'000'000 + column));
  keyed.table.columns.assign(names.rbegin(), names.rend());
  keyed.table.contents.resize(kColumns);
  Offenders offenders;
  std::vector<std::string> notices;
  const auto start = std::chrono::steady_clock::now();
  const std::vector<FeatureColumn> found = find_asked(keyed, names, {}, offenders, notices);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // some 0.1 s
  ASSERT_EQ(found.size(), names.size());
  EXPECT_EQ(found.front().column, kColumns - 1);
  EXPECT_EQ(found.back().column, 0);
  EXPECT_NO_THROW(offenders.refuse(ExitCode::data));
  EXPECT_TRUE(notices.empty());
}

}  // namespace
}  // namespace equipoise
