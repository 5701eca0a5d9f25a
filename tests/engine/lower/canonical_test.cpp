// tests/engine/lower/canonical_test.cpp - lowered twice, a graph gives one sequence of bytes, whatever memory held.
#include <gtest/gtest.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <cstddef>
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

}  // namespace
}  // namespace equipoise::test
