// tests/engine/run/control_fields_test.cpp - the list of Control's fields leaves out nothing and names nothing twice.
#include "engine/run/control_fields.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace equipoise {
namespace {

TEST(ControlFields, CoverEveryByteOfAControlOnce) {
  Control control;
  const ControlSizes full{kMaxTasks, kMaxTerms, kMaxBalancers, kMaxTasks, std::size_t{kMaxTasks} * kMaxTasks};
  const auto* const begin = reinterpret_cast<const unsigned char*>(&control);
  std::vector<int> covered(sizeof(Control), 0);
  std::set<std::string_view> names;
  std::ptrdiff_t before = -1;
  for (const ControlField& f : control_fields(control, full)) {
    EXPECT_TRUE(names.insert(f.name).second) << f.name;
    const std::ptrdiff_t first = static_cast<const unsigned char*>(f.data) - begin;
    EXPECT_GT(first, before) << f.name << " is out of the order of its declaration";
    before = first;
    for (std::size_t b = 0; b < f.bytes(); ++b) ++covered.at(static_cast<std::size_t>(first) + b);
  }
  // The only bytes of no field are those that bring the doubles after int32 fields to a multiple of eight.
  const std::size_t padding = offsetof(Control, sum_steps) - offsetof(Control, finite) - sizeof control.finite;
  std::size_t bare = 0;
  for (std::size_t b = 0; b < covered.size(); ++b) {
    EXPECT_LE(covered[b], 1) << "byte " << b << " lies in two fields";
    bare += covered[b] == 0;
  }
  EXPECT_EQ(bare, padding);
}

TEST(ControlFields, AreAsLongAsTheProgramNeeds) {
  Program program;
  program.task_names = {"a", "b", "c"};
  program.term_names = {"t", "u"};
  program.chains.resize(2);
  Control control;
  std::size_t weights = 0, gram = 0, terms = 0;
  for (const ControlField& f : control_fields(control, control_sizes(program))) {
    if (f.name == "weights") weights = f.count;
    if (f.name == "gram") gram = f.count;
    if (f.name == "terms") terms = f.count;
  }
  EXPECT_EQ(weights, 6u);
  EXPECT_EQ(gram, 18u);
  EXPECT_EQ(terms, 2u);
}

}  // namespace
}  // namespace equipoise
