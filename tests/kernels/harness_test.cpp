// tests/kernels/harness_test.cpp - the harness must catch what it stands guard against.
#include "tests/kernels/harness.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <limits>

namespace equipoise::test {
namespace {

constexpr int kCount = 40;

struct Honest {
  Place to;
  template <class Team>
  int units(const Context&) const {
    return kCount;
  }
  template <class Team>
  void unit(const Context& c, int u) const {
    c.floats(to)[u] = static_cast<float>(u);
  }
};

struct OneTooMany : Honest {
  template <class Team>
  void unit(const Context& c, int u) const {
    c.floats(to)[u + 1] = 1.0f;
  }
};

struct CutDependent : Honest {
  template <class Team>
  void unit(const Context& c, int u) const {
    c.floats(to)[u] = static_cast<float>(Team::kLanes);
  }
};

struct LeansOnItsNeighbour : Honest {
  template <class Team>
  void unit(const Context& c, int u) const {
    c.floats(to)[u] = u == 0 ? 1.0f : c.floats(to)[u - 1];
  }
};

struct CountsUnitsInControl : Honest {
  template <class Team>
  int units(const Context&) const {
    return kCount / Team::kLanes;
  }
  template <class Team>
  void unit(const Context& c, int u) const {
    if (u == 0) c.control->losses[0] = units<Team>(c);
  }
};

template <class Op>
void run_rig() {
  Rig rig(1);
  const Place to = rig.floats(kCount);
  Op op{};
  op.to = to;
  rig.run(op, {Rig::written_floats(to, kCount)});
}

/// The messages of the failures of a run.
template <class Op>
std::string failures_of() {
  ::testing::TestPartResultArray results;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    run_rig<Op>();
  }
  std::string all;
  for (int i = 0; i < results.size(); ++i) all += results.GetTestPartResult(i).message();
  return all;
}

TEST(Harness, AcceptsAnOperationThatKeepsTheRules) { EXPECT_EQ(failures_of<Honest>(), ""); }

TEST(Harness, CatchesAWriteBesideTheOutput) {
  EXPECT_NE(failures_of<OneTooMany>().find("which no output covers"), std::string::npos);
}

TEST(Harness, CatchesAResultThatDependsOnTheCut) {
  EXPECT_NE(failures_of<CutDependent>().find("a device's cut"), std::string::npos);
}

TEST(Harness, CatchesAUnitThatReadsWhatAnotherWrites) {
  EXPECT_NE(failures_of<LeansOnItsNeighbour>().find("units from last to first"), std::string::npos);
}

TEST(Harness, CatchesAControlThatDependsOnTheCut) {
  EXPECT_NE(failures_of<CountsUnitsInControl>().find("the control differs"), std::string::npos);
}

TEST(Harness, ComparesWithTheStatedToleranceAndRefusesNaN) {
  EXPECT_NONFATAL_FAILURE(expect_close(1.1, 1.0, 1.0, {.rel = 0.09, .why = "reason"}, "here"), "reason");
  EXPECT_NONFATAL_FAILURE(
      expect_close(std::numeric_limits<double>::quiet_NaN(), 1.0, 1.0, {.rel = 1.0, .why = "reason"}, "here"), "here");
  expect_close(1.1, 1.0, 1.0, {.rel = 0.11, .why = "reason"}, "here");
}

}  // namespace
}  // namespace equipoise::test
