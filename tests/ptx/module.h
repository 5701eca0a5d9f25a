// tests/ptx/module.h - PTX as the machine runs it: functions of decoded instructions, and variables.
// Source: NVIDIA, Parallel Thread Execution ISA, versions 8.0 to 9.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace equipoise::ptx {

inline constexpr int kLanes = 32;
using Mask = uint32_t;  ///< lanes of a warp, bit by bit
inline constexpr Mask kAllLanes = 0xffffffffu;

struct Warp;
struct Instruction;
/// What an instruction does to the lanes of a warp that run it.
using Handler = void (*)(Warp&, const Instruction&);

enum class Type : uint8_t { none, b8, b16, b32, b64, u8, u16, u32, u64, s8, s16, s32, s64, f32, f64, pred };
int bytes_of(Type type);

enum class Space : uint8_t { generic, global, shared, local, param, constant };

/// How the machine goes on after an instruction.
enum class Flow : uint8_t { next, branch, table, call, ret, exit, block_barrier, warp_barrier, collective, cluster };

/// A register of the function (its slots in a frame), or one of the function's constants.
struct Operand {
  int32_t slot = -1;  ///< of kSlotBytes; -1: absent
  bool constant = false;
  bool wide = false;  ///< 64 bits a lane, which takes two slots
  bool present() const { return slot >= 0; }
};
inline constexpr int kSlotBytes = 4 * kLanes;

/// Where an address begins, besides its register and its offset.
enum class Base : uint8_t { none, frame };  ///< frame: of the thread's local memory

struct Instruction {
  Handler run = nullptr;
  Flow flow = Flow::next;
  Space space = Space::generic;
  Type type = Type::none, from = Type::none;
  Base base = Base::none;
  uint8_t elements = 1;  ///< of a vector that is loaded or stored
  uint8_t modifier = 0;  ///< what the handler's family takes for one
  bool guard_negated = false;
  bool acquires = false, releases = false, strong = false;  ///< of a memory access
  bool aligned = false;                                     ///< a barrier that a warp passes together
  Operand guard;
  Operand to[4];          ///< results
  Operand from_[5];       ///< what it reads: of memory, the address, then values
  int64_t offset = 0;     ///< of an address
  int32_t target = -1;    ///< branch: index of an instruction; table: of Function::tables; call: of Module::functions
  int32_t meeting = -1;   ///< branch: where its paths meet again; -1: at the function's end
  int32_t line = 0;       ///< of the PTX text
  int32_t location = -1;  ///< of Module::locations
  int32_t text_number = -1;   ///< of Module::texts
  mutable uint64_t runs = 0;  ///< how often a warp ran it
};

/// A line of a source, and the line that called it where it was inlined.
struct Location {
  int file, line, caller;
};

struct Parameter {
  int offset, bytes;  ///< in the frame's local memory; of a kernel: in the launch's parameters
};

struct Function {
  std::string name;
  bool entry = false;
  std::vector<Instruction> code;
  std::vector<std::vector<int32_t>> tables;  ///< targets of branches by index
  std::vector<std::byte> constants;          ///< kSlotBytes each, the same value in all lanes
  std::vector<Parameter> parameters;
  std::vector<Parameter> results;
  /// Where the caller keeps the arguments and results of a call.
  struct Call {
    std::vector<Parameter> arguments, results;
  };
  std::vector<Call> calls;  ///< Instruction::offset of a call counts them
  int register_slots = 0;
  int local_bytes = 0;      ///< of a frame: depot, parameters, arguments of calls
  int deepest_local = 0;    ///< bytes of its frame and those of the calls in it, at most
  int parameter_bytes = 0;  ///< of an entry
  int most_threads = 0;     ///< .maxntid; 0: not said
  int least_blocks = 0;     ///< .minnctapersm
};

struct Variable {
  std::string name;
  Space space;
  int64_t bytes;
  int align;
  std::vector<std::byte> contents;  ///< empty: zeros
  bool dynamic = false;             ///< shared memory whose size the launch says
  uint64_t address = 0;             ///< set where the module is laid out
};

struct Module {
  std::string target;  ///< such as sm_90
  std::vector<Function> functions;
  std::vector<Variable> variables;
  std::vector<Location> locations;
  std::map<int, std::string> files;
  bool lesser_order = false;  ///< it has named barriers, barriers of clusters, fences, atomics or other strong accesses
  int static_shared = 0;      ///< bytes of a block before what the launch asks for
  std::vector<std::string> texts;  ///< of instructions, which they point at

  /// The entry whose name holds each of `parts`; throws std::invalid_argument unless there is exactly one.
  const Function& entry(const std::vector<std::string>& parts) const;
  /// "linear.h:75 in thread_tiles.h:40": innermost first; a path is cut to its last two parts.
  std::string source_of(const Instruction& instruction) const;
  /// The file of the innermost location whose path holds `part`, or "".
  std::string file_of(const Instruction& instruction, const std::string& part) const;
};

/// Addresses of the generic space that are not global memory.
inline constexpr uint64_t kGlobalWindow = uint64_t{7} << 32;
inline constexpr uint64_t kGridWorkspace = uint64_t{5} << 32;  ///< of a cooperative launch
inline constexpr uint64_t kSharedWindow = uint64_t{1} << 48;
inline constexpr uint64_t kLocalWindow = uint64_t{2} << 48;
inline constexpr uint64_t kParamWindow = uint64_t{3} << 48;
inline constexpr uint64_t kWindowMask = uint64_t{0xffff} << 48;
/// A block's shared memory begins here, as the first kilobyte is the system's; a cluster's blocks lie this far apart.
inline constexpr uint32_t kSharedFirst = 1024;
inline constexpr uint64_t kSharedApart = uint64_t{1} << 24;

/// Reads and decodes PTX. Throws std::runtime_error that names the line and what it does not know.
Module read_module(const std::string& text);

}  // namespace equipoise::ptx
