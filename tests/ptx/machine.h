// tests/ptx/machine.h - a GPU made of one host thread: runs the entries of PTX modules, and checks what they do.
//
// Threads run in warps; a warp's instruction is done for all its lanes at once. Blocks of a grid are resident a few at
// a time and take turns. No order of warps, of lanes that have parted, or of blocks may change a result: the order is
// chosen by the launch.
//
// Limits. A race is looked for word by word: two threads that write different bytes of a word count as one. An atomic
// or volatile access is held against plain ones before it, and leaves no trace for those behind it. Of registers
// nobody asks whether they were written. A matrix instruction, an asynchronous copy and a multicast are unknown, and
// named.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <unordered_map>

#include "tests/ptx/fault.h"
#include "tests/ptx/memory.h"
#include "tests/ptx/order.h"
#include "tests/ptx/warp.h"

namespace equipoise::ptx {

class Machine;

struct Dimensions {
  uint32_t x = 1, y = 1, z = 1;
  uint32_t count() const { return x * y * z; }
};

struct LaunchShape {
  Dimensions grid, block;
  std::size_t dynamic_shared = 0;  ///< bytes
  uint32_t cluster = 1;            ///< blocks of a cluster, along x
  int resident = 3;                ///< blocks that run side by side; at least a cluster; 0: all
  bool cooperative = false;        ///< all blocks are resident, and a barrier of the grid finds its workspace
};

/// Whose turn it is: warps rising, falling, or by a random seed, which also parts lanes that could go together.
struct Order {
  enum class Kind { forward, reversed, random } kind = Kind::forward;
  uint64_t seed = 0;
};

struct Block {
  Machine* machine = nullptr;
  uint32_t number = 0;  ///< in the grid
  Dimensions at;
  uint32_t threads = 0, exited = 0;
  std::vector<Warp> warps;
  std::unique_ptr<Region> shared;
  Time known = 0;         ///< all threads of the block know each other until then
  uint64_t barriers = 0;  ///< that the whole block has passed
};

/// What a launch did.
struct Counts {
  uint64_t launches = 0, blocks = 0, instructions = 0, block_barriers = 0, warp_barriers = 0, accesses = 0, words = 0;
};

/// Told of each instruction that a warp runs: for models of what it costs.
struct Observer {
  virtual ~Observer() = default;
  virtual void instruction(const Warp& warp, const Function& function, const Instruction& instruction) = 0;
  /// The bytes that the lanes of `mask` touch, after `instruction`.
  virtual void access(const Warp& warp, const Instruction& instruction, Space space, const uint64_t* addresses,
                      Mask mask, int bytes, bool write) = 0;
  virtual void block_barrier(const Block& block) = 0;
};

class Machine {
 public:
  Memory memory;
  Order order;
  Counts counts;
  Observer* observer = nullptr;
  uint64_t endless = uint64_t{1} << 34;  ///< instructions after which a launch counts as one that will not end
  /// Words for a fault: what the block was at after so many barriers.
  std::function<std::string(const Block&)> phase;

  /// Loads a module: its variables get memory.
  void load(const Module& module);

  /// Runs a grid to its end. `parameters` are the bytes of the entry's parameters. Throws Fault.
  void launch(const Module& module, const Function& entry, const LaunchShape& shape, std::vector<std::byte> parameters);

  // For the handlers.

  [[noreturn]] void fault(Check check, const Warp& warp, const Instruction& instruction, int lane,
                          const std::string& what) const;
  /// Checks an access of the lanes that run and says where their bytes lie.
  void access(Warp& warp, const Instruction& instruction, const uint64_t* addresses, Space space, int bytes, bool write,
              std::byte** where);
  Time now() const { return now_; }
  const LaunchShape& shape() const { return shape_; }
  uint64_t parameter_base() const { return kParamWindow; }
  /// Orders what follows a fence, an acquire or a release.
  void acquire(Warp& warp, const Instruction& instruction, int lane, uint64_t address);
  void release(Warp& warp, int lane, uint64_t address, bool fenced);
  void fence(Warp& warp);

 private:
  /// Blocks that share their memory, and the barrier they share.
  struct Cluster {
    uint32_t arrived = 0, round = 0;
    std::shared_ptr<Knowledge> gathered;
    Known done;
  };

  std::unique_ptr<Block> make_block(uint32_t number);
  bool step_block(Block& block);
  bool step_warp(Warp& warp);
  int next_path(Warp& warp);
  void run_path(Warp& warp, std::size_t index);
  /// What is not Flow::next; false: the path is not the running one any more.
  bool turn(Warp& warp, std::size_t index, const Instruction& instruction);
  bool branch(Warp& warp, std::size_t index, const Instruction& instruction, Mask taken, int32_t target);
  bool branch_by_table(Warp& warp, std::size_t index, const Instruction& instruction);
  void call(Warp& warp, std::size_t index, const Instruction& instruction);
  bool ret(Warp& warp, std::size_t index, const Instruction& instruction);
  void arrive(Warp& warp, Mask mask, Join* join);
  void leave(Warp& warp, Mask mask, Join* join, const Join* until);
  void part(Warp& warp, Mask mask, Join* join);
  void finish(Warp& warp, Join* join);
  bool part_one(Warp& warp);
  bool warp_barrier(Warp& warp, std::size_t index, const Instruction& instruction);
  bool release_warp_barriers(Warp& warp);
  bool release_block_barriers(Block& block);
  bool cluster_barrier(Warp& warp, std::size_t index, const Instruction& instruction);
  Frame* push_frame(Warp& warp, const Function& function, Frame* caller, Mask mask);
  void set_mask(Warp& warp, Mask mask) const;
  [[noreturn]] void deadlock() const;
  void access_local(Warp& warp, const Instruction& instruction, const uint64_t* addresses, Mask mask, int bytes,
                    bool write, std::byte** where);
  void touch(Warp& warp, const Instruction& instruction, Region& region, const uint64_t* offsets, Mask mask, int bytes,
             bool write);
  void read_word(Warp& warp, const Instruction& instruction, Region& region, Page& page, uint64_t word, Mask lanes);
  void write_word(Warp& warp, const Instruction& instruction, Region& region, uint64_t word, int lane);
  Readers& by_warp(Page& page, uint64_t word, const Warp& warp) const;
  [[noreturn]] void race(const Warp& warp, const Instruction& instruction, const Region& region, uint64_t word,
                         int lane, Thread other, const std::string& does, const std::string& did) const;
  Region& region_of(Warp& warp, const Instruction& instruction, uint64_t address, Space space, int lane);
  std::vector<std::size_t> turns(std::size_t count);
  bool chance(uint32_t in) { return order.kind == Order::Kind::random && random_() % in == 0; }

  const Module* module_ = nullptr;
  const Function* entry_ = nullptr;
  LaunchShape shape_;
  std::unique_ptr<Region> parameters_;
  std::deque<std::unique_ptr<Block>> blocks_;  // resident
  std::map<uint32_t, Cluster> clusters_;
  bool lesser_order_ = false;  ///< more than whole barriers orders threads: named ones, clusters, atomics
  Time now_ = 1, launched_ = 1;
  std::mt19937_64 random_;
  std::unordered_map<uint64_t, Known> published_;  // by address: what those who write there have released
};

}  // namespace equipoise::ptx
