// tests/engine/lower/describe_test.cpp - the text of a plan says what the program holds.
#include <gtest/gtest.h>

#include "engine/lower/lower.h"
#include "engine/lower/program_code.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/setup.h"

namespace equipoise {
namespace {

TEST(DescriptionOfAProgram, CountsPhasesOperationsBytesAndParameters) {
  auto setup = mldrl_setup("paper");
  mldrl(setup).features = {81, 81};
  const Program program = lower(setup.system->graph(Pass::train), training_options(setup, 32, {}));
  const std::string text = describe(program);
  const auto expect = [&](const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin:\n" << text;
  };
  expect(std::to_string(program.code->phases.size()) + " phases, " + std::to_string(program.code->operations.size()) +
         " operations, at most 32 rows a step\n");
  // Two encoders 81 -> 32, two heads 32 -> 10, two decoders 10 -> 32 -> 81, a classifier 14 -> 2.
  const int parameters = 2 * (81 * 32 + 32) + 2 * (32 * 10 + 10) + 2 * (10 * 32 + 32 + 32 * 81 + 81) + 14 * 2 + 2;
  expect(std::to_string(parameters) + " parameters in 18 tensors\n");
  expect("  encoder1.linear1.weight  [32, 81]            2592\n");
  expect(std::to_string(program.state_floats * 4) + "\n");

  // Every operation is listed in some phase, with its count.
  int listed = 0;
  std::size_t begin = text.find('\n') + 1;
  for (std::size_t p = 0; p < program.code->phases.size(); ++p) {
    const std::size_t end = text.find('\n', begin);
    const std::string line = text.substr(begin, end - begin);
    for (std::size_t at = line.find_first_not_of(" 0123456789"); at < line.size();) {
      const std::size_t comma = std::min(line.find(", ", at), line.size());
      const std::string item = line.substr(at, comma - at);
      const std::size_t times = item.find(" x");
      listed += times == std::string::npos ? 1 : std::stoi(item.substr(times + 2));
      at = comma + 2;
    }
    begin = end + 1;
  }
  EXPECT_EQ(listed, static_cast<int>(program.code->operations.size()));
}

}  // namespace
}  // namespace equipoise
