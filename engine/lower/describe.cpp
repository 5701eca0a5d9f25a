// engine/lower/describe.cpp - a program as text, for --dry-run.
#include <fmt/format.h>

#include <algorithm>

#include "engine/lower/program_code.h"

namespace equipoise {

namespace {

/// "gather x2, draw_noise": kinds in the order they first appear.
std::string operations_of(const Program& program, Phase phase) {
  std::vector<std::pair<const char*, int>> kinds;
  for (int i = phase.first; i < phase.end; ++i) {
    const char* name = operation_name(program.code->operations[static_cast<std::size_t>(i)].kind);
    const auto known = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.first == name; });
    if (known == kinds.end()) {
      kinds.emplace_back(name, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [name, count] : kinds)
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", name, count > 1 ? fmt::format(" x{}", count) : "");
  return text;
}

std::string phases_of(const Program& program) {
  std::string text = fmt::format("{} phases, {} operations, at most {} rows a step\n", program.code->phases.size(),
                                 program.code->operations.size(), program.batch);
  for (std::size_t p = 0; p < program.code->phases.size(); ++p)
    text += fmt::format("  {:>3}  {}\n", p + 1, operations_of(program, program.code->phases[p]));
  return text;
}

std::string memory_of(const Program& program) {
  int64_t resident = 0;
  for (const Resident& r : program.code->residents) resident += r.count;
  const std::pair<const char*, int64_t> spaces[] = {{"fast memory of a step", program.fast_floats},
                                                    {"of it parameters kept there", resident},
                                                    {"global scratch", program.work_floats},
                                                    {"parameters and moments", program.state_floats}};
  std::string text = "bytes of a replica\n";
  for (const auto& [name, floats] : spaces)
    text += fmt::format("  {:<28}{:>12}\n", name, floats * static_cast<int64_t>(sizeof(float)));
  return text;
}

std::string parameters_of(const Program& program) {
  std::size_t widest = 0;
  int64_t total = 0;
  for (const ParameterInfo& p : program.parameters) {
    widest = std::max(widest, p.name.size());
    total += int64_t{p.rows} * p.cols;
  }
  std::string text = fmt::format("{} parameters in {} tensors\n", total, program.parameters.size());
  for (const ParameterInfo& p : program.parameters) {
    const std::string shape = fmt::format("[{}]", fmt::join(p.shape, ", "));
    text += fmt::format("  {:<{}}  {:<14}{:>10}\n", p.name, widest, shape, int64_t{p.rows} * p.cols);
  }
  return text;
}

}  // namespace

std::string describe(const Program& program) {
  return phases_of(program) + memory_of(program) + parameters_of(program);
}

}  // namespace equipoise
