// tests/engine/generate/kernel_maker_test.cpp - orders for kernels: compiled once, kept, and never waited for unasked.
#include "engine/generate/kernel_maker.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/engine/generate/fake_nvrtc.h"
#include "tests/engine/temporary_folder.h"

namespace equipoise {
namespace {

using State = MadeCode::State;

class KernelMakerTest : public testing::Test {
 protected:
  KernelMakerTest() { fake_.count_in(home_ / "count"); }

  test::TemporaryFolder home_;
  test::WithFakeNvrtc fake_;
  std::filesystem::path folder_ = home_ / "cache";
};

TEST_F(KernelMakerTest, CompilesASourceOnceForAllWhoAskAndForLaterProcesses) {
  {
    KernelMaker maker(folder_, 2);
    const KernelMaker::Order one = maker.order("source", "sm_90", true), two = maker.order("source", "sm_90", true);
    EXPECT_EQ(one, two);
    ASSERT_EQ(maker.wait(one), State::made) << one->problem;
    EXPECT_TRUE(one->compiled);
    EXPECT_EQ(one->problem, "");
    EXPECT_FALSE(one->code.empty());
    const KernelMaker::Order elsewhere = maker.order("source", "sm_80", true);
    ASSERT_EQ(maker.wait(elsewhere), State::made);
    EXPECT_NE(one->code, elsewhere->code);
    const KernelMaker::Order changed = maker.order("other source", "sm_90", true);
    ASSERT_EQ(maker.wait(changed), State::made);
    EXPECT_NE(one->code, changed->code);
  }
  EXPECT_EQ(fake_.compiled(), 3);
  KernelMaker later(folder_, 1);
  const KernelMaker::Order again = later.order("source", "sm_90", false);
  ASSERT_EQ(later.wait(again), State::made);
  EXPECT_FALSE(again->compiled);
  EXPECT_EQ(fake_.compiled(), 3);
}

TEST_F(KernelMakerTest, AsksTheCacheAloneWhereNothingMayBeCompiled) {
  KernelMaker maker(folder_, 1);
  const KernelMaker::Order order = maker.order("source", "sm_90", false);
  EXPECT_EQ(maker.wait(order), State::absent);
  EXPECT_EQ(fake_.compiled(), 0);
  const KernelMaker::Order compiled = maker.order("source", "sm_90", true);
  EXPECT_EQ(maker.wait(compiled), State::made);
  EXPECT_EQ(maker.state(order), State::absent) << "what has become of an order does not change";
  EXPECT_EQ(fake_.compiled(), 1);
}

TEST_F(KernelMakerTest, DoesNotHoldUpWhoOrders) {
  fake_.set("SLEEP", "1000");
  KernelMaker maker(folder_, 1);
  const auto begin = std::chrono::steady_clock::now();
  const KernelMaker::Order order = maker.order("source", "sm_90", true);
  EXPECT_EQ(maker.state(order), State::waiting);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(800));
  while (!maker.busy()) std::this_thread::yield();
  EXPECT_EQ(maker.wait(order), State::made);
  while (maker.busy()) std::this_thread::yield();
}

TEST_F(KernelMakerTest, CompilesNoMoreAtOnceThanItHasThreads) {
  fake_.set("SLEEP", "100");
  KernelMaker maker(folder_, 2);
  const auto begin = std::chrono::steady_clock::now();
  std::vector<KernelMaker::Order> orders;
  for (const char* source : {"a", "b", "c", "d"}) orders.push_back(maker.order(source, "sm_90", true));
  for (const KernelMaker::Order& order : orders) EXPECT_EQ(maker.wait(order), State::made);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(200)) << "four by two";
  EXPECT_EQ(fake_.compiled(), 4);
}

TEST_F(KernelMakerTest, TellsWhyNothingWasMade) {
  fake_.set("ERROR", "x.cu(1): error: planted");
  KernelMaker maker(folder_, 1);
  const KernelMaker::Order order = maker.order("source", "sm_90", true);
  ASSERT_EQ(maker.wait(order), State::failed);
  EXPECT_EQ(order->problem, "NVRTC 13.0 for sm_90: x.cu(1): error: planted");
  EXPECT_FALSE(std::filesystem::exists(folder_)) << "nothing is kept of it";
}

TEST_F(KernelMakerTest, MakesAKernelThatCannotBeKept) {
  std::ofstream(folder_) << "a file in the folder's place";
  KernelMaker maker(folder_, 1);
  const KernelMaker::Order order = maker.order("source", "sm_90", true);
  ASSERT_EQ(maker.wait(order), State::made);
  EXPECT_EQ(order->problem, "the compiled kernel is not kept for the next run: " + folder_.string() + " is no folder");
}

TEST_F(KernelMakerTest, EndsWithoutWhatWaits) {
  fake_.set("SLEEP", "100");
  {
    KernelMaker maker(folder_, 1);
    for (int i = 0; i < 50; ++i) maker.order("source " + std::to_string(i), "sm_90", true);
  }
  EXPECT_LE(fake_.compiled(), 2);
}

}  // namespace
}  // namespace equipoise
