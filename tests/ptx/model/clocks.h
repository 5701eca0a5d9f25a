// tests/ptx/model/clocks.h - a model of the clocks that one multiprocessor takes for a block, phase by phase between
// barriers of the block, from the instructions and addresses of a run on the PTX machine.
//
// A phase takes the largest of
//   path    the longest chain of dependent instructions of a warp, each as late as what it reads and, behind a branch,
//           as the branch; data flow: a warp is taken to issue in the best order
//   issue   instructions of the busiest of the four schedulers, one a clock
//   shared  wavefronts of shared memory, one a clock: a load of 4 bytes a lane takes as many as the most asked-for bank
//           has words to give, one of 8 or 16 bytes the same for each half or quarter of the warp
//   global  lines of 128 bytes of the first cache, one a clock
// beside the floor of its float32 multiply-adds at full rate. In order, a warp issues its instructions one after
// another as the PTX has them, each waiting for what it reads: ptxas moves loads forward, so hardware lies between the
// two. Not modelled: instruction fetch, misses of the first cache, spills that ptxas adds.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/ptx/machine.h"
#include "tests/ptx/model/costs.h"

namespace equipoise::ptx {

struct PhaseClocks {
  double path = 0, issue = 0, shared = 0, global = 0, fma = 0;
  double ordered_path = 0;    ///< as `path`, in order
  double sectors = 0;         ///< of 32 bytes, of global memory
  double local_accesses = 0;  ///< of local memory, by warp
  double waiting = 0;         ///< how long the mean warp waits for the last at the barrier
  struct Operation {
    double issue = 0, shared = 0;  ///< issue: over all four schedulers
  };
  std::map<std::string, Operation> operations;  ///< by source file: "adam"
  double clocks() const;
  double clocks_in_order() const;
};

class ClockModel : public Observer {
 public:
  explicit ClockModel(const Module& module) : module_(module) {}

  void instruction(const Warp& warp, const Function& function, const Instruction& instruction) override;
  void access(const Warp& warp, const Instruction& instruction, Space space, const uint64_t* addresses, Mask mask,
              int bytes, bool write) override;
  void block_barrier(const Block& block) override;
  /// Ends the last phase of what ran.
  void finish();

  /// Phases of the first block, in order.
  const std::vector<PhaseClocks>& phases() const { return phases_; }

 private:
  /// When a warp's instructions begin and end, by data flow or in order.
  struct Timeline {
    double path = 0, control = 0, issued = 0;                     // issued: the end of the last issue, in order
    std::unordered_map<const Frame*, std::vector<double>> ready;  // by slot

    std::vector<double>& slots_of(const Frame* frame, const Function& function);
    void run(const Warp& warp, const Function& function, const Instruction& instruction, const Cost& cost,
             bool in_order);
    /// What the instruction loads is there so much later than it began.
    void loaded(const Warp& warp, const Instruction& instruction, double latency);
    void begin_phase();
  };
  struct WarpState {
    double issue = 0;
    Timeline flow, order;
  };
  const std::string& operation_of(const Instruction& instruction);
  const Cost& cost(const Instruction& instruction);

  const Module& module_;
  std::map<int, WarpState> warps_;
  PhaseClocks now_;
  std::vector<PhaseClocks> phases_;
  std::unordered_map<const Instruction*, Cost> costs_;
  std::unordered_map<const Instruction*, std::string> operations_;
};

}  // namespace equipoise::ptx
