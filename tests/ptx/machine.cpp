// tests/ptx/machine.cpp - launches: blocks, warps and the paths of their lanes take turns.
#include "tests/ptx/machine.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "tests/ptx/lanes.h"

namespace equipoise::ptx {

namespace {

constexpr uint64_t kSlice = 20000;  // instructions of a path before others have their turn

}  // namespace

void Machine::load(const Module& module) {
  for (const Variable& v : module.variables) {
    if (v.space == Space::shared || v.bytes == 0) continue;
    auto region = std::make_unique<Region>(v.name, v.address, static_cast<std::size_t>(v.bytes));
    std::fill(region->bytes.begin(), region->bytes.end(), std::byte{0});
    std::copy(v.contents.begin(), v.contents.end(), region->bytes.begin());
    std::fill(region->written.begin(), region->written.end(), uint8_t{1});
    region->read_only = v.space == Space::constant;
    memory.add(std::move(region));
  }
}

std::unique_ptr<Block> Machine::make_block(uint32_t number) {
  auto block = std::make_unique<Block>();
  block->machine = this;
  block->number = number;
  block->at = {number % shape_.grid.x, number / shape_.grid.x % shape_.grid.y, number / shape_.grid.x / shape_.grid.y};
  block->threads = shape_.block.count();
  block->known = ++now_;
  block->shared = std::make_unique<Region>("shared memory", kSharedWindow, static_cast<std::size_t>(module_->static_shared) + shape_.dynamic_shared);
  block->warps.resize((block->threads + kLanes - 1) / kLanes);
  for (std::size_t v = 0; v < block->warps.size(); ++v) {
    Warp& w = block->warps[v];
    w.block = block.get();
    w.number = static_cast<int>(v);
    const uint32_t left = block->threads - static_cast<uint32_t>(v) * kLanes;
    w.members = left >= kLanes ? kAllLanes : (1u << left) - 1;
    w.local_bytes = static_cast<std::size_t>(entry_->deepest_local);
    w.local.resize(kLanes * w.local_bytes);
    w.local_written.resize(kLanes * w.local_bytes);
    w.knows.resize(kLanes), w.fenced.resize(kLanes), w.heard.resize(kLanes);
    w.paths.push_back({push_frame(w, *entry_, nullptr, w.members), nullptr, 0, -1, w.members});
  }
  ++counts.blocks;
  return block;
}

void Machine::launch(const Module& module, const Function& entry, const LaunchShape& shape, std::vector<std::byte> parameters) {
  module_ = &module, entry_ = &entry, shape_ = shape;
  if (shape.block.count() == 0 || shape.block.count() > kMostThreads || shape.cluster == 0 || shape.grid.count() % shape.cluster != 0)
    throw std::invalid_argument("a launch of " + std::to_string(shape.grid.count()) + " blocks of " + std::to_string(shape.block.count()) + " threads");
  if (entry.most_threads > 0 && shape.block.count() > static_cast<uint32_t>(entry.most_threads))
    throw std::invalid_argument(entry.name + " is compiled for at most " + std::to_string(entry.most_threads) + " threads");
  if (parameters.size() != static_cast<std::size_t>(entry.parameter_bytes))
    throw std::invalid_argument(entry.name + " takes " + std::to_string(entry.parameter_bytes) + " bytes of parameters, not " + std::to_string(parameters.size()));
  parameters_ = std::make_unique<Region>("the parameters", kParamWindow, parameters.size());
  parameters_->bytes = std::move(parameters);
  std::fill(parameters_->written.begin(), parameters_->written.end(), uint8_t{1});
  parameters_->read_only = true;
  launched_ = ++now_;
  lesser_order_ = module.lesser_order;
  random_.seed(order.seed);
  ++counts.launches;
  blocks_.clear(), clusters_.clear(), published_.clear();
  const uint32_t grid = shape.grid.count();
  uint32_t resident = shape.resident > 0 ? static_cast<uint32_t>(shape.resident) : grid;
  resident = std::max(resident / shape.cluster, 1u) * shape.cluster;
  const uint64_t before = counts.instructions;
  for (uint32_t next = 0; next < grid || !blocks_.empty();) {
    while (next < grid && blocks_.size() + shape.cluster <= resident)
      for (uint32_t k = 0; k < shape.cluster; ++k) blocks_.push_back(make_block(next++));
    bool moved = false;
    for (std::size_t b : turns(blocks_.size())) moved = step_block(*blocks_[b]) || moved;
    if (!moved) deadlock();
    if (counts.instructions - before > endless) throw Fault(Check::deadlock, "deadlock: " + entry.name + " does not end");
    // A cluster leaves together: its blocks' memory is open to each other until then.
    for (auto first = blocks_.begin(); first != blocks_.end();) {
      const auto end = first + shape.cluster;
      const bool done = std::all_of(first, end, [](const auto& b) { return b->exited == b->threads; });
      first = done ? blocks_.erase(first, end) : end;
    }
  }
  parameters_.reset();
}

std::vector<std::size_t> Machine::turns(std::size_t count) {
  std::vector<std::size_t> order_of(count);
  std::iota(order_of.begin(), order_of.end(), std::size_t{0});
  if (order.kind == Order::Kind::reversed) std::reverse(order_of.begin(), order_of.end());
  if (order.kind == Order::Kind::random) std::shuffle(order_of.begin(), order_of.end(), random_);
  return order_of;
}

bool Machine::step_block(Block& block) {
  bool moved = false;
  for (std::size_t v : turns(block.warps.size())) moved = step_warp(block.warps[v]) || moved;
  return release_block_barriers(block) || moved;
}

/// A path that can go on: the last that parted, or one at random; -1: none.
int Machine::next_path(Warp& w) {
  int found = -1, many = 0;
  for (int p = static_cast<int>(w.paths.size()); p-- > 0;) {
    if (w.paths[static_cast<std::size_t>(p)].waiting != Waiting::no) continue;
    if (order.kind != Order::Kind::random) return p;
    if (random_() % static_cast<uint64_t>(++many) == 0) found = p;
  }
  return found;
}

bool Machine::step_warp(Warp& w) {
  bool moved = false;
  const uint64_t until = counts.instructions + kSlice;
  for (Path& p : w.paths)
    if (p.waiting == Waiting::cluster_barrier && clusters_[w.block->number / shape_.cluster].round >= w.cluster_round) {
      p.waiting = Waiting::no, moved = true;  // the wait is run again, and passes
    }
  while (counts.instructions < until) {
    const int path = next_path(w);
    if (path >= 0) {
      run_path(w, static_cast<std::size_t>(path));
      moved = true;
      if (chance(8)) break;
    } else if (!release_warp_barriers(w) && !part_one(w)) {
      break;
    } else {
      moved = true;
    }
  }
  return moved;
}

void Machine::set_mask(Warp& w, Mask mask) const {
  if (w.mask == mask) return;
  w.mask = mask;
  for (int l = 0; l < kLanes; ++l) w.active[l] = -static_cast<int32_t>(mask >> l & 1);
}

void Machine::run_path(Warp& w, std::size_t index) {
  Path* p = &w.paths[index];
  w.frame = p->frame;
  w.registers = p->frame->registers.data();
  w.constants = p->frame->function->constants.data();
  const Function& f = *p->frame->function;
  const Instruction* const code = f.code.data();
  const uint64_t until = counts.instructions + (order.kind == Order::Kind::random ? random_() % 400 + 1 : kSlice);
  const int32_t stop = p->stop;
  int32_t pc = p->pc;
  set_mask(w, p->mask);
  for (;;) {
    if (pc == stop) {
      const Mask mask = p->mask;
      Join* const join = p->join;
      w.paths.erase(w.paths.begin() + static_cast<std::ptrdiff_t>(index));
      if (chance(32)) return part(w, mask, join);
      return arrive(w, mask, join);
    }
    if (counts.instructions >= until) break;
    const Instruction& i = code[pc];
    ++i.runs;
    ++counts.instructions;
    if (observer) observer->instruction(w, f, i);
    if (i.flow == Flow::next) {
      if (!i.guard.present()) {
        i.run(w, i);
      } else {
        const Mask guard = predicate(w, i.guard), mask = p->mask & (i.guard_negated ? ~guard : guard);
        if (mask) {
          set_mask(w, mask);
          i.run(w, i);
          set_mask(w, p->mask);
        }
      }
      ++pc;
      continue;
    }
    p->pc = pc;
    if (!turn(w, index, i)) return;
    p = &w.paths[index];
    pc = p->pc;
    set_mask(w, p->mask);
  }
  p->pc = pc;
}

bool Machine::turn(Warp& w, std::size_t index, const Instruction& i) {
  Path& p = w.paths[index];
  Mask mask = p.mask;
  if (i.guard.present()) mask &= i.guard_negated ? ~predicate(w, i.guard) : predicate(w, i.guard);
  switch (i.flow) {
    case Flow::branch:
      return branch(w, index, i, mask, i.target);
    case Flow::table:
      return branch_by_table(w, index, i);
    case Flow::call:
      call(w, index, i);
      return false;
    case Flow::ret:
    case Flow::exit: {
      if (mask == 0) return ++p.pc, true;
      if (mask != p.mask) {  // the others go on
        Path leaving = p;
        leaving.mask = mask;
        p.mask &= ~mask;
        ++p.pc;
        w.paths.push_back(leaving);
        return ret(w, w.paths.size() - 1, i);
      }
      return ret(w, index, i);
    }
    case Flow::block_barrier: {
      const int lane = __builtin_ctz(mask);
      p.waiting = Waiting::block_barrier;
      p.barrier = lanes_in<uint32_t>(w, i.from_[0])[lane];
      p.count = i.from_[1].present() ? lanes_in<uint32_t>(w, i.from_[1])[lane] : 0;
      return false;
    }
    case Flow::warp_barrier:
    case Flow::collective:
      return warp_barrier(w, index, i);
    case Flow::cluster:
      return cluster_barrier(w, index, i);
    case Flow::next:
      break;
  }
  return true;
}

bool Machine::branch(Warp& w, std::size_t index, const Instruction& i, Mask taken, int32_t target) {
  Path& p = w.paths[index];
  if (taken == 0) return ++p.pc, true;
  if (taken == p.mask) return p.pc = target, true;
  Join* join = p.join;
  int32_t stop = p.stop;
  if (i.meeting >= 0 && i.meeting != p.stop) {
    w.joins.push_back(std::make_unique<Join>(Join{p.mask, 0, p.frame, i.meeting, p.join, p.stop, nullptr}));
    join = w.joins.back().get();
    stop = i.meeting;
  }
  Path there{p.frame, join, target, stop, taken}, here{p.frame, join, p.pc + 1, stop, p.mask & ~taken};
  const bool there_first = order.kind == Order::Kind::reversed;
  p = there_first ? here : there;
  w.paths.push_back(there_first ? there : here);
  return false;
}

bool Machine::branch_by_table(Warp& w, std::size_t index, const Instruction& i) {
  const auto* choice = lanes_in<uint32_t>(w, i.from_[0]);
  const std::vector<int32_t>& targets = w.paths[index].frame->function->tables[static_cast<std::size_t>(i.target)];
  for_lanes(w.paths[index].mask, [&](int l) {
    if (choice[l] >= targets.size()) fault(Check::trap, w, i, l, "a branch by index " + std::to_string(choice[l]) + " of " + std::to_string(targets.size()));
  });
  const Mask mask = w.paths[index].mask;
  const uint32_t first = choice[__builtin_ctz(mask)];
  Mask same = 0;
  for_lanes(mask, [&](int l) { same |= static_cast<Mask>(choice[l] == first) << l; });
  if (same == mask) return w.paths[index].pc = targets[first], true;
  // Those that go elsewhere come back to this instruction.
  Path& p = w.paths[index];
  Join* join = p.join;
  int32_t stop = p.stop;
  if (i.meeting >= 0 && i.meeting != p.stop) {
    w.joins.push_back(std::make_unique<Join>(Join{p.mask, 0, p.frame, i.meeting, p.join, p.stop, nullptr}));
    join = w.joins.back().get();
    stop = i.meeting;
  }
  Path there{p.frame, join, targets[first], stop, same}, rest{p.frame, join, p.pc, stop, mask & ~same};
  p = rest;
  w.paths.push_back(there);
  return false;
}

Frame* Machine::push_frame(Warp& w, const Function& f, Frame* caller, Mask mask) {
  std::unique_ptr<Frame> frame;
  if (w.idle.empty()) frame = std::make_unique<Frame>();
  else frame = std::move(w.idle.back()), w.idle.pop_back();
  frame->function = &f;
  frame->caller = caller;
  frame->local_base = caller ? caller->local_base + static_cast<uint32_t>(caller->function->local_bytes) : 0;
  const std::size_t bytes = static_cast<std::size_t>(f.register_slots) * kSlotBytes;
  if (frame->registers.size() < bytes) frame->registers.resize(bytes);
  for_lanes(mask, [&](int l) {
    std::memset(w.local_written.data() + static_cast<std::size_t>(l) * w.local_bytes + frame->local_base, 0, static_cast<std::size_t>(f.local_bytes));
  });
  w.frames.push_back(std::move(frame));
  return w.frames.back().get();
}

namespace {

void copy_local(Warp& w, Mask mask, const Frame& from, const std::vector<Parameter>& of, const Frame& to, const std::vector<Parameter>& places) {
  for (std::size_t k = 0; k < std::min(of.size(), places.size()); ++k)
    for_lanes(mask, [&](int l) {
      const std::size_t lane = static_cast<std::size_t>(l) * w.local_bytes;
      const std::size_t begin = lane + from.local_base + static_cast<std::size_t>(of[k].offset), end = lane + to.local_base + static_cast<std::size_t>(places[k].offset);
      std::memcpy(w.local.data() + end, w.local.data() + begin, static_cast<std::size_t>(places[k].bytes));
      std::memcpy(w.local_written.data() + end, w.local_written.data() + begin, static_cast<std::size_t>(places[k].bytes));
    });
}

}  // namespace

void Machine::call(Warp& w, std::size_t index, const Instruction& i) {
  Path& p = w.paths[index];
  const Function& f = module_->functions[static_cast<std::size_t>(i.target)];
  Frame* const caller = p.frame;
  const Function::Call& c = caller->function->calls[static_cast<std::size_t>(i.offset)];
  Frame* const frame = push_frame(w, f, caller, p.mask);
  frame->call = &c;
  copy_local(w, p.mask, *caller, c.arguments, *frame, f.parameters);
  w.joins.push_back(std::make_unique<Join>(Join{p.mask, 0, caller, p.pc + 1, p.join, p.stop, frame}));
  p = {frame, w.joins.back().get(), 0, -1, p.mask};
}

bool Machine::ret(Warp& w, std::size_t index, const Instruction& i) {
  const Path p = w.paths[index];
  w.paths.erase(w.paths.begin() + static_cast<std::ptrdiff_t>(index));
  if (i.flow == Flow::exit || !p.frame->caller) {
    w.exited |= p.mask;
    w.block->exited += static_cast<uint32_t>(__builtin_popcount(p.mask));
    leave(w, p.mask, p.join, nullptr);
    return false;
  }
  copy_local(w, p.mask, *p.frame, p.frame->function->results, *p.frame->caller, p.frame->call->results);
  Join* call = p.join;
  while (call->callee != p.frame) call = call->outer;
  if (p.join != call) leave(w, p.mask, p.join, call);
  arrive(w, p.mask, call);
  return false;
}

/// Lanes wait at a join until all are there.
void Machine::arrive(Warp& w, Mask mask, Join* join) {
  join->arrived |= mask;
  if (join->arrived == join->expected) finish(w, join);
}

/// All who are expected have arrived, or nobody is expected any more.
void Machine::finish(Warp& w, Join* join) {
  if (join->arrived) w.paths.push_back({join->frame, join->outer, join->pc, join->outer_stop, join->arrived});
  if (join->callee) {
    const auto frame = std::find_if(w.frames.begin(), w.frames.end(), [&](const auto& f) { return f.get() == join->callee; });
    w.idle.push_back(std::move(*frame));
    w.frames.erase(frame);
  }
  std::erase_if(w.joins, [&](const auto& j) { return j.get() == join; });
}

/// Lanes that will not come: to `join` and those around it, up to but without `until`.
void Machine::leave(Warp& w, Mask mask, Join* join, const Join* until) {
  while (join && join != until) {
    Join* const outer = join->outer;
    join->expected &= ~mask;
    if (join->arrived == join->expected) finish(w, join);
    join = outer;
  }
}

/// Lanes pass a join without waiting for the others.
void Machine::part(Warp& w, Mask mask, Join* join) {
  w.paths.push_back({join->frame, join->outer, join->pc, join->outer_stop, mask});
  join->expected &= ~mask;
  join->arrived &= ~mask;
  if (join->arrived == join->expected) finish(w, join);
}

/// Where all paths wait and lanes wait for them at a join, these pass: nothing may rest on lanes going together.
bool Machine::part_one(Warp& w) {
  for (const auto& join : w.joins)
    if (join->arrived) return part(w, join->arrived, join.get()), true;
  return false;
}

bool Machine::warp_barrier(Warp& w, std::size_t index, const Instruction& i) {
  Path& p = w.paths[index];
  const int mask_at = i.flow == Flow::collective ? i.target : 0;
  const auto* members = lanes_in<uint32_t>(w, i.from_[mask_at]);
  const int first = __builtin_ctz(p.mask);
  p.members = members[first];
  for_lanes(p.mask, [&](int l) {
    if (members[l] != p.members || !(members[l] >> l & 1))
      fault(Check::divergence, w, i, l, "a warp barrier of lanes " + std::to_string(members[l]) + " by lane " + std::to_string(l) + ", with one of lanes " + std::to_string(p.members));
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
          fault(Check::divergence, w, i, __builtin_ctz(p.mask), "a warp barrier whose lanes are at another one, of PTX line " +
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
      if (p.waiting == Waiting::block_barrier) waiting[p.barrier].first += static_cast<uint32_t>(__builtin_popcount(p.mask)), waiting[p.barrier].second = p.count;
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
        if (at != &i) fault(Check::divergence, w, i, __builtin_ctz(p.mask), "other threads are at the barrier of PTX line " + std::to_string(at->line));
        if (all && block.exited > 0) fault(Check::divergence, w, i, __builtin_ctz(p.mask), std::to_string(block.exited) + " threads have ended that the barrier is for");
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
    for_lanes(p.mask, [&](int l) { w.knows[static_cast<std::size_t>(l)] = joined(w.knows[static_cast<std::size_t>(l)], cluster.done); });
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
          for (const Path& q : v.paths) waiting += q.waiting != Waiting::no ? static_cast<uint32_t>(__builtin_popcount(q.mask)) : 0;
        fault(Check::deadlock, w, i, __builtin_ctz(p.mask), "nobody can go on: of " + std::to_string(block->threads) + " threads of the block " +
              std::to_string(waiting) + " wait at barriers and " + std::to_string(block->exited) + " have ended");
      }
  throw Fault(Check::deadlock, "deadlock: " + entry_->name + " does not move");
}

}  // namespace equipoise::ptx
