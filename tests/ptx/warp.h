// tests/ptx/warp.h - a warp while it runs: paths of lanes that have parted, the joins where they meet again, frames.
//
// Lanes of a warp run together as long as their branches agree. Where they part, each side is a path of its own; both
// meet where the branch's ways do (its immediate postdominator) and go on as one. Nothing may depend on that: a path
// that cannot go on lets the others pass, and the machine parts lanes at random where it is asked to.
#pragma once

#include <memory>
#include <vector>

#include "tests/ptx/order.h"

namespace equipoise::ptx {

/// A call of a function by some lanes of a warp.
struct Frame {
  const Function* function = nullptr;
  std::vector<std::byte> registers;
  Frame* caller = nullptr;
  const Function::Call* call = nullptr;  ///< of the caller's
  uint32_t local_base = 0;               ///< where its bytes begin in each lane's local memory
};

/// Where lanes that have parted meet again, or the lanes of a call return.
struct Join {
  Mask expected, arrived;
  Frame* frame;  ///< in which they go on
  int32_t pc;    ///< there
  Join* outer;   ///< where they go then
  int32_t outer_stop;
  Frame* callee;  ///< of a call: what ends with it; else null
};

enum class Waiting : uint8_t { no, block_barrier, warp_barrier, cluster_barrier };

struct Path {
  Frame* frame;
  Join* join;  ///< where it goes; null: to the kernel's end
  int32_t pc;
  int32_t stop;  ///< index of the instruction at which it has arrived at `join`; -1: none
  Mask mask;
  Waiting waiting = Waiting::no;
  Mask members = 0;                 ///< of a warp barrier
  uint32_t barrier = 0, count = 0;  ///< of a block barrier: its number, the threads it is for (0: all)
};

struct Warp {
  std::byte* registers = nullptr;           ///< of the running path's frame
  const std::byte* constants = nullptr;     ///< of its function
  Mask mask = 0;                            ///< lanes that run the instruction
  alignas(64) int32_t active[kLanes] = {};  ///< the same as a vector: 0 or -1
  Frame* frame = nullptr;
  Block* block = nullptr;
  int number = 0;  ///< in its block
  Mask members = 0, exited = 0;
  std::vector<Path> paths;
  std::vector<std::unique_ptr<Join>> joins;
  std::vector<std::unique_ptr<Frame>> frames, idle;  ///< idle: to be used again
  std::size_t local_bytes = 0;                       ///< of each lane
  std::vector<std::byte> local;                      ///< [lane][local_bytes]
  std::vector<uint8_t> local_written;                ///< likewise
  Time known = 0;                                    ///< the last time at which all lanes had met
  std::vector<Time> met;       ///< [lane][lane]: until when they know each other beyond `known`; empty: no further
  std::vector<Known> knows;    ///< by lane: what it learned otherwise; may be null
  uint32_t cluster_round = 0;  ///< that a wait is for
  std::vector<Known> fenced, heard;  ///< by lane: what a fence has seen, and what the next one will make known
};

}  // namespace equipoise::ptx
