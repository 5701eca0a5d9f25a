// engine/generate/kernel_source.cpp - a program as CUDA source: a function a phase.
#include "engine/generate/kernel_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <type_traits>

#include "engine/generate/field_text.h"
#include "engine/lower/program_code.h"

namespace equipoise {

namespace {

class SourceOf {
 public:
  SourceOf(const Program& program, std::size_t number) : program_(program), number_(number) {}

  std::string text() {
    out_ = fmt::format("\n// Program {}: at most {} rows a step.\nnamespace program_{} {{\n", number_, program_.batch,
                       number_);
    for (std::size_t p = 0; p < program_.code->phases.size(); ++p) phase(p);
    out_ += "\ntemplate <bool Full>\n__device__ __forceinline__ void step(const Block& block, const Context& c) {\n";
    for (std::size_t p = 0; p < program_.code->phases.size(); ++p)
      out_ += fmt::format("  phase_{}<Full>(c);\n  block.sync();\n", p + 1);
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
    for (int32_t i = phase.first; i < phase.end; ++i) operation(program_.code->operations[static_cast<std::size_t>(i)], i - phase.first);
    out_ += "}\n";
  }

  void operation(const Operation& o, int number) {
    switch (o.kind) {
#define EQ_CASE(tag, Struct)                                   \
  case OperationKind::tag:                                     \
    constant(o.tag, #Struct, fmt::format("{}_{}", #tag, number)); \
    break;
      EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
    }
    out_ += fmt::format("  run<Block, {}>(c, {}_{});\n", o.first_unit / 32, operation_name(o.kind), number);
  }

  template <class Op>
  void constant(const Op& op, const char* type, const std::string& name) {
    out_ += fmt::format("  static constexpr {} {}{{", type, name);
    op.each_field([&](const char* names, const auto&... fields) {
      const std::vector<std::string_view> all = field_names(names);
      std::size_t at = 0;
      (field(all[at++], fields), ...);
    });
    out_ += "\n  };\n";
  }
  template <class Field>
  void field(std::string_view name, const Field& value) {
    const std::string what = meaning(value);
    out_ += fmt::format("\n      .{}{}{},{}", name, std::is_enum_v<Field> || std::is_arithmetic_v<Field> ? " = " : " = ", field_text(value),
                        what.empty() ? "" : "  // " + what);
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

std::string chains_text(const Program& program) {
  std::string text = "__device__ __forceinline__ const Chain* chains() {\n  static constexpr Chain all[] = {\n";
  for (const Chain& chain : program.chains) text += "      " + field_text(chain) + ",\n";
  if (program.chains.empty()) text += "      {},\n";
  return text + "  };\n  return all;\n}\n";
}

}  // namespace

std::string kernel_source(std::span<const Program* const> programs, int threads) {
  std::string text = "// Made for one model by Equipoise; the interpreter (kernels/run/interpreter.h) gives the same bits.\n"
      "#include \"kernels/run/generated.cuh\"\n\nnamespace equipoise {\nnamespace {\n\n";
  text += fmt::format("using Block = FixedBlock<{}>;\n\n", threads);
  text += chains_text(*programs[0]);
  for (std::size_t p = 0; p < programs.size(); ++p) text += SourceOf(*programs[p], p).text();
  text += "\nstruct Steps {\n  __device__ __forceinline__ void step(const Block& block, "
          "const Context& c, const LaunchProgram&, int p) const {\n    switch (p) {\n";
  for (std::size_t p = 0; p < programs.size(); ++p)
    text += fmt::format(
        "      case {0}:\n        return c.n == {1} ? program_{0}::step<true>(block, c) : program_{0}::step<false>(block, c);\n",
        p, programs[p]->batch);
  text += "    }\n  }\n};\n\n}  // namespace\n\n";
  text += fmt::format(
      "extern \"C\" __global__ void __launch_bounds__({0}, 1) {1}(const __grid_constant__ Launch launch) {{\n"
      "  run_replica(Block{{}}, Steps{{}}, launch, static_cast<int>(blockIdx.x), "
      "reinterpret_cast<float*>(fast_memory));\n}}\n\n}}  // namespace equipoise\n",
      threads, kMadeKernel);
  return text;
}

}  // namespace equipoise
