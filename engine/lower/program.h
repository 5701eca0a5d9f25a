// engine/lower/program.h - a program ready to run, as those who run it know it: its sizes, and where everything lies.
// Its operations are opaque here (engine/lower/program_code.h): who carries a program about reads no kernel.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/balance/chain.h"
#include "kernels/state/memory.h"

namespace equipoise {

struct ProgramCode;  // engine/lower/program_code.h

/// A parameter as files know it. Element (row, col) lies in a replica's state at offset + row * stride + col; its first
/// and second moments lie moment_stride and 2 * moment_stride floats further.
struct ParameterInfo {
  std::string name;            ///< such as encoder1.linear1.weight
  std::vector<int64_t> shape;  ///< [out, in] or [out]
  int layer = 0;
  int64_t offset = 0;
  int rows = 1, cols = 1, stride = 1;
  int64_t fan_in = 1;  ///< of the layer, for initialisation
};

/// Where a tensor of the model or a gradient can be read after a step (probe programs only).
struct Kept {
  std::string name;
  View view;
};
struct KeptGradient {
  int task;       ///< task number
  int parameter;  ///< index into Program::parameters
  Place place;    ///< of its first row
};

struct BufferPlace {
  std::string name;
  int64_t floats;
  Place place;
  int first_phase, last_phase;
};

struct Program {
  std::shared_ptr<const ProgramCode> code;  ///< operations, phases, residents, in canonical bytes; copies share them
  int64_t fast_floats = 0, work_floats = 0, state_floats = 0;
  bool routed = false;        ///< losses reach parameters by a routing table; nothing is balanced
  int64_t moment_stride = 0;  ///< floats of the parameters; the methods' state begins at three times that
  std::vector<Chain> chains;  ///< [balancers] what balances the tasks; their states follow one another
  std::vector<bool> measured;  ///< [balancers] whether gradients are measured: a method may do without
  int batch = 1;
  bool shuffle = false;
  std::vector<ParameterInfo> parameters;
  std::vector<std::string> task_names, term_names;
  std::vector<int> layer_of_block;   ///< layer of each gradient block, as Control::bad_index counts them
  std::vector<int> output_cols;      ///< columns of each emitted output
  std::vector<BufferPlace> buffers;  ///< the plan, for people
  std::vector<Kept> kept;
  std::vector<KeptGradient> kept_gradients;
  Place labels{};  ///< of the batch, int32 (probe programs only)
};

/// Doubles of the states of the first `balancers` chains.
int64_t balance_doubles(const std::vector<Chain>& chains, std::size_t balancers);

/// The plan as text: phases with their operations, bytes by space, parameters.
std::string describe(const Program& program);

}  // namespace equipoise
