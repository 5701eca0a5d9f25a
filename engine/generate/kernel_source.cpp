// engine/generate/kernel_source.cpp - a program as CUDA source: a function a phase.
#include "engine/generate/kernel_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "engine/generate/field_text.h"
#include "engine/lower/program_code.h"
#include "kernels/run/interpreter_launch.h"

namespace equipoise {

namespace {

constexpr int kRegisters = 65536;  // of a multiprocessor: blocks of fewer threads must fit it side by side, as planned
constexpr std::size_t kWidth = 120;  // of a line with its comment; a longer one stands by itself

/// Of one program, as a namespace.
class ProgramSource {
 public:
  ProgramSource(const Program& program, std::size_t number) : program_(program), number_(number) {}

  std::string text() {
    const std::size_t phases = program_.code->phases.size();
    out_ = fmt::format("\n/// Program {}: steps of at most {} rows.\nnamespace program_{} {{\n", number_,
                       program_.batch, number_);
    for (std::size_t p = 0; p < phases; ++p) phase(p);
    out_ += "\ntemplate <bool Full>\n__device__ __forceinline__ void step(const Block& block, const Context& c) {\n";
    for (std::size_t p = 0; p < phases; ++p) out_ += fmt::format("  phase_{}<Full>(c);\n  block.sync();\n", p + 1);
    out_ += fmt::format("}}\n\n}}  // namespace program_{}\n", number_);
    return out_;
  }

 private:
  void phase(std::size_t p) {
    const Phase phase = program_.code->phases[p];
    phase_ = static_cast<int>(p);
    out_ += fmt::format(
        "\ntemplate <bool Full>\n__device__ __noinline__ void phase_{}(Context c) {{\n"
        "  know<{}, Full, {}>(c, chains());\n",
        p + 1, program_.batch, program_.shuffle);
    for (int32_t i = phase.first; i < phase.end; ++i)
      operation(program_.code->operations[static_cast<std::size_t>(i)], i - phase.first + 1);
    out_ += "}\n";
  }

  void operation(const Operation& o, int number) {
    const std::string name = fmt::format("{}_{}", operation_name(o.kind), number);
    switch (o.kind) {
#define EQ_CASE(tag, Struct)        \
  case OperationKind::tag:          \
    constant(o.tag, #Struct, name); \
    break;
      EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
    }
    out_ += fmt::format("  run<Block, {}>(c, {});\n", o.first_unit / 32, name);
  }

  template <class Op>
  void constant(const Op& op, const char* type, const std::string& name) {
    out_ += fmt::format("\n  static constexpr {} {}{{\n", type, name);
    op.each_field([&](const char* names, const auto&... fields) {
      const std::vector<std::string_view> all = field_names(names);
      std::size_t at = 0;
      (field(all[at++], fields), ...);
    });
    out_ += "  };\n";
  }
  template <class Field>
  void field(std::string_view name, const Field& value) {
    std::string line = fmt::format("      .{} = {},", name, field_text(value));
    if (const std::string what = meaning(value); !what.empty()) {
      if (line.size() + what.size() + 5 <= kWidth) line += "  // " + what;
      else line = fmt::format("      // {}\n{}", what, line);
    }
    out_ += line + "\n";
  }

  /// The name of what lies at a place, as the plan knows it.
  std::string meaning(Place place) const {
    for (const BufferPlace& b : program_.buffers)
      if (b.place.space == place.space && b.place.offset <= place.offset && place.offset < b.place.offset + b.floats &&
          b.first_phase <= phase_ && phase_ <= b.last_phase)
        return b.name;
    return "";
  }
  std::string meaning(const View& view) const { return meaning(view.place); }
  std::string meaning(const LinearPlace& layer) const { return meaning(layer.weight); }
  std::string meaning(const GradientBlock& block) const { return meaning(block.gradient); }
  template <class Other>
  std::string meaning(const Other&) const {
    return "";
  }

  const Program& program_;
  std::size_t number_;
  int phase_ = 0;
  std::string out_;
};

/// The methods that balance tasks: only those that a chain has.
std::string chains_text(const std::vector<Chain>& chains) {
  std::string text =
      "/// The methods that balance the tasks, for each balancer.\n"
      "__device__ __forceinline__ const Chain* chains() {\n  static constexpr Chain all[] = {\n";
  for (const Chain& chain : chains) text += fmt::format("      {},\n", field_text(chain));
  if (chains.empty()) text += "      {},\n";
  return text + "  };\n  return all;\n}\n";
}

}  // namespace

std::string kernel_source(std::span<const Program* const> programs, int threads) {
  if (programs.empty()) throw std::logic_error("a kernel is made for a program or more");
  std::string text(kMadeSource);
  text +=
      " the operations of its programs as constants, a function a phase,\n"
      "// blocks of the size that they are dealt to. The interpreter (kernels/run/interpreter.h) gives the same bits.\n"
      "#include \"kernels/run/generated.cuh\"\n\nnamespace equipoise {\nnamespace {\n\n";
  text += fmt::format("using Block = FixedBlock<{}>;\n\n", threads) + chains_text(programs[0]->chains);
  for (std::size_t p = 0; p < programs.size(); ++p) text += ProgramSource(*programs[p], p).text();
  text +=
      "\n/// A step of a launch's program; of its batches most are full, and those are compiled as such.\n"
      "struct Steps {\n"
      "  __device__ __forceinline__ void step(const Block& block, const Context& c, const LaunchProgram&, int p) const "
      "{\n    switch (p) {\n";
  for (std::size_t p = 0; p < programs.size(); ++p)
    text += fmt::format(
        "      case {0}:\n        if (c.n == {1}) program_{0}::step<true>(block, c);\n"
        "        else program_{0}::step<false>(block, c);\n        break;\n",
        p, programs[p]->batch);
  text += "    }\n  }\n};\n\n}  // namespace\n\n";
  text += fmt::format(
      "extern \"C\" __global__ void __launch_bounds__({}, {}) {}(const __grid_constant__ Launch launch) {{\n"
      "  run_replica(Block{{}}, Steps{{}}, launch, static_cast<int>(blockIdx.x), "
      "reinterpret_cast<float*>(fast_memory));\n}}\n\n}}  // namespace equipoise\n",
      threads, std::max(kRegisters / (kThreadRegisters * threads), 1), kMadeKernel);
  return text;
}

}  // namespace equipoise
