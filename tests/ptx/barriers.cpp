// tests/ptx/barriers.cpp - barriers of warps, blocks and clusters, and where nobody can go on.
#include <algorithm>

#include "tests/ptx/lanes.h"
#include "tests/ptx/machine.h"

namespace equipoise::ptx {

bool Machine::warp_barrier(Warp& w, std::size_t index, const Instruction& i) {
  Path& p = w.paths[index];
  const int mask_at = i.flow == Flow::collective ? i.target : 0;
  const auto* members = lanes_in<uint32_t>(w, i.from_[mask_at]);
  const int first = __builtin_ctz(p.mask);
  p.members = members[first];
  for_lanes(p.mask, [&](int l) {
    if (members[l] != p.members || !(members[l] >> l & 1))
      fault(Check::divergence, w, i, l,
            "a warp barrier of lanes " + std::to_string(members[l]) + " by lane " + std::to_string(l) +
                ", with one of lanes " + std::to_string(p.members));
  });
  const Mask needed = p.members & w.members & ~w.exited;
  if ((needed & ~p.mask) == 0) {
    if (i.flow == Flow::collective) i.run(w, i);
    else ++counts.warp_barriers, meet(w, p.mask, now_);
    ++p.pc;
    return true;
  }
  p.waiting = Waiting::warp_barrier;
  return false;
}

bool Machine::release_warp_barriers(Warp& w) {
  for (Path& p : w.paths) {
    if (p.waiting != Waiting::warp_barrier) continue;
    const Mask needed = p.members & w.members & ~w.exited;
    Mask there = 0;
    const Instruction& i = p.frame->function->code[static_cast<std::size_t>(p.pc)];
    for (const Path& q : w.paths)
      if (q.waiting == Waiting::warp_barrier && q.members == p.members) {
        there |= q.mask;
        if (q.pc != p.pc || q.frame->function != p.frame->function)
          fault(Check::divergence, w, i, __builtin_ctz(p.mask),
                "a warp barrier whose lanes are at another one, of PTX line " +
                    std::to_string(q.frame->function->code[static_cast<std::size_t>(q.pc)].line));
      }
    if (needed & ~there) continue;
    if (i.flow == Flow::collective) {
      w.frame = p.frame, w.registers = p.frame->registers.data(), w.constants = p.frame->function->constants.data();
      set_mask(w, there);
      i.run(w, i);
    } else {
      ++counts.warp_barriers;
      meet(w, there, now_);
    }
    const Mask members = p.members;
    for (Path& q : w.paths)
      if (q.waiting == Waiting::warp_barrier && q.members == members) q.waiting = Waiting::no, ++q.pc;
    return true;
  }
  return false;
}

bool Machine::release_block_barriers(Block& block) {
  std::map<uint32_t, std::pair<uint32_t, uint32_t>> waiting;  // by number: threads there, threads asked for
  for (const Warp& w : block.warps)
    for (const Path& p : w.paths)
      if (p.waiting == Waiting::block_barrier)
        waiting[p.barrier].first += static_cast<uint32_t>(__builtin_popcount(p.mask)),
            waiting[p.barrier].second = p.count;
  for (const auto& [number, threads] : waiting) {
    const bool all = threads.second == 0 || threads.second == block.threads;
    if (threads.first != (all ? block.threads - block.exited : threads.second)) continue;
    const Instruction* at = nullptr;
    std::vector<Mask> members(block.warps.size(), 0);
    for (Warp& w : block.warps)
      for (Path& p : w.paths) {
        if (p.waiting != Waiting::block_barrier || p.barrier != number) continue;
        const Instruction& i = p.frame->function->code[static_cast<std::size_t>(p.pc)];
        if (!at) at = &i;
        if (at != &i)
          fault(Check::divergence, w, i, __builtin_ctz(p.mask),
                "other threads are at the barrier of PTX line " + std::to_string(at->line));
        if (all && block.exited > 0)
          fault(Check::divergence, w, i, __builtin_ctz(p.mask),
                std::to_string(block.exited) + " threads have ended that the barrier is for");
        members[static_cast<std::size_t>(w.number)] |= p.mask;
        p.waiting = Waiting::no;
        ++p.pc;
      }
    ++counts.block_barriers;
    if (observer) observer->block_barrier(block);
    if (all) ++block.barriers, meet_all(block, now_);
    else meet_some(block, members, now_);
    return true;
  }
  return false;
}

bool Machine::cluster_barrier(Warp& w, std::size_t index, const Instruction& i) {
  Path& p = w.paths[index];
  Cluster& cluster = clusters_[w.block->number / shape_.cluster];
  if (i.modifier == 1) {
    if (cluster.round < w.cluster_round) return p.waiting = Waiting::cluster_barrier, false;
    for_lanes(p.mask, [&](int l) {
      w.knows[static_cast<std::size_t>(l)] = joined(w.knows[static_cast<std::size_t>(l)], cluster.done);
    });
    return ++p.pc, true;
  }
  w.cluster_round = cluster.round + 1;
  ++now_;
  if (!cluster.gathered) cluster.gathered = std::make_shared<Knowledge>();
  if (i.modifier == 0) for_lanes(p.mask, [&](int l) { join(*cluster.gathered, knowledge_of(w, l, now_)); });
  cluster.arrived += static_cast<uint32_t>(__builtin_popcount(p.mask));
  if (cluster.arrived == shape_.cluster * w.block->threads) {
    cluster.arrived = 0;
    ++cluster.round;
    cluster.done = std::move(cluster.gathered);
  }
  return ++p.pc, true;
}

void Machine::deadlock() const {
  for (const auto& block : blocks_)
    for (const Warp& w : block->warps)
      for (const Path& p : w.paths) {
        if (p.waiting == Waiting::no) continue;
        const Instruction& i = p.frame->function->code[static_cast<std::size_t>(p.pc)];
        uint32_t waiting = 0;
        for (const Warp& v : block->warps)
          for (const Path& q : v.paths)
            waiting += q.waiting != Waiting::no ? static_cast<uint32_t>(__builtin_popcount(q.mask)) : 0;
        fault(Check::deadlock, w, i, __builtin_ctz(p.mask),
              "nobody can go on: of " + std::to_string(block->threads) + " threads of the block " +
                  std::to_string(waiting) + " wait at barriers and " + std::to_string(block->exited) + " have ended");
      }
  throw Fault(Check::deadlock, "deadlock: " + entry_->name + " does not move");
}

}  // namespace equipoise::ptx
