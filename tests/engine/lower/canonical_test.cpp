// tests/engine/lower/canonical_test.cpp - lowered twice, a graph gives one sequence of bytes, whatever memory held.
#include <gtest/gtest.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

#include "engine/lower/canonical.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

/// Leaves `value` on the stack below the caller, where the temporaries of its next calls come to lie.
[[gnu::noinline]] void soil_stack(unsigned char value) {
  volatile unsigned char bytes[1 << 18];
  for (std::size_t i = 0; i < sizeof bytes; ++i) bytes[i] = value;
}

/// What a cache would compare.
std::vector<unsigned char> bytes_of(const Program& program) {
  std::vector<unsigned char> bytes;
  const auto append = [&](const auto& values) {
    const auto* from = reinterpret_cast<const unsigned char*>(values.data());
    bytes.insert(bytes.end(), from, from + values.size() * sizeof values[0]);
  };
  append(program.code->operations);
  append(program.code->phases);
  append(program.code->residents);
  append(program.chains);
  return bytes;
}

std::vector<unsigned char> lowered_over(unsigned char garbage, const Setup& setup, Pass pass) {
  const Graph graph = setup.system->graph(pass);
  const PlanLimits limits{4000, true};
#if defined(__GLIBC__)
  mallopt(M_PERTURB, garbage);  // fresh memory holds its complement, freed memory the value itself
#endif
  soil_stack(garbage);
  const LowerOptions options =
      pass == Pass::evaluate ? evaluation_options(setup, 6, limits) : training_options(setup, 6, limits, pass);
  soil_stack(garbage);
  const Program program = lower(graph, options);
#if defined(__GLIBC__)
  mallopt(M_PERTURB, 0);
#endif
  return bytes_of(program);
}

std::vector<Setup> setups_of_all_systems() {
  std::vector<Setup> setups{synthetic_setup(), synthetic_towers(3), synthetic_vaegan()};
  setups.push_back(synthetic_setup());
  setups.back().balance[0].methods =
      parse_methods(std::vector<std::string>{"gradnorm", "graddrop:leak=0.1"}, "test").methods;
  return setups;
}

TEST(CanonicalPrograms, HaveTheSameBytesWhateverMemoryHeldBefore) {
#if !__has_builtin(__builtin_clear_padding)
  GTEST_SKIP() << "this compiler cannot clear padding";
#endif
  const auto setups = setups_of_all_systems();
  for (std::size_t i = 0; i < setups.size(); ++i)
    for (const Pass pass : {Pass::train, Pass::evaluate}) {
      const std::vector<unsigned char> one = lowered_over(0x5a, setups[i], pass),
                                       other = lowered_over(0xe1, setups[i], pass);
      ASSERT_EQ(one.size(), other.size());
      EXPECT_EQ(one, other) << "setup " << i;
    }
}

/// An operation made in memory full of garbage, and its bytes once they are canonical.
std::vector<unsigned char> made_over(unsigned char garbage, const Operation& o) {
  ProgramCode code;
  code.operations.push_back(o);
  auto* bytes = reinterpret_cast<unsigned char*>(&code.operations[0]);
  // Behind the body of its kind lies what no field covers.
  for (std::size_t i = offsetof(Operation, label_weight) + sizeof(LabelWeight); i < sizeof o; ++i) bytes[i] = garbage;
  make_canonical(code);
  return {bytes, bytes + sizeof o};
}

TEST(CanonicalPrograms, AreZeroBehindTheBodyOfEachOperation) {
  const Operation o = operation(LabelWeight{{12, Space::work}});
  EXPECT_EQ(made_over(0xff, o), made_over(0x11, o));
  EXPECT_EQ(made_over(0xff, o).back(), 0);
}

/// A value whose bytes all differ from zero, in every field of a struct.
template <class T>
T full() {
  T value;
  std::memset(static_cast<void*>(&value), 0x21, sizeof value);
  return value;
}

void expect_same(const View& a, const View& b) {
  EXPECT_EQ(a.place.offset, b.place.offset);
  EXPECT_EQ(a.place.space, b.place.space);
  EXPECT_EQ(a.stride, b.stride);
  EXPECT_EQ(a.cols, b.cols);
  EXPECT_EQ(a.block, b.block);
  EXPECT_EQ(a.blocks, b.blocks);
}

TEST(CanonicalPrograms, KeepEveryFieldOfStructsThatHoldArraysOfStructs) {
  auto views = full<SumViews>();
  views.accumulate = true;
  auto loss = full<TaskLoss>();
  ProgramCode code;
  code.operations = {operation(views), operation(loss)};
  make_canonical(code);
  const SumViews& v = code.operations[0].sum_views;
  expect_same(v.to, views.to);
  for (std::size_t i = 0; i < std::size(v.from); ++i) {
    expect_same(v.from[i], views.from[i]);
    EXPECT_EQ(v.coefficient[i], views.coefficient[i]);
    EXPECT_EQ(v.task[i], views.task[i]);
  }
  EXPECT_EQ(v.count, views.count);
  EXPECT_TRUE(v.accumulate);
  const TaskLoss& l = code.operations[1].task_loss;
  EXPECT_EQ(l.task, loss.task);
  EXPECT_EQ(l.form, loss.form);
  EXPECT_EQ(l.terms, loss.terms);
  for (std::size_t t = 0; t < std::size(l.sum); ++t) {
    EXPECT_EQ(l.term[t], loss.term[t]);
    EXPECT_EQ(l.sum[t].offset, loss.sum[t].offset);
    EXPECT_EQ(l.sum[t].space, loss.sum[t].space);
    EXPECT_EQ(l.divisor[t], loss.divisor[t]);
    EXPECT_EQ(l.count[t].offset, loss.count[t].offset);
    EXPECT_EQ(l.count[t].space, loss.count[t].space);
    EXPECT_EQ(l.per_row[t], loss.per_row[t]);
  }
}

TEST(CanonicalPrograms, KeepEveryFieldOfAChain) {
  auto chain = full<Chain>(), kept = chain;
  make_canonical(chain);
  constexpr std::size_t kEnd = offsetof(Chain, rescale) + sizeof chain.rescale;
  EXPECT_EQ(std::memcmp(&chain, &kept, kEnd), 0);
  for (std::size_t i = kEnd; i < sizeof chain; ++i) EXPECT_EQ(reinterpret_cast<const unsigned char*>(&chain)[i], 0);
}

}  // namespace
}  // namespace equipoise::test
