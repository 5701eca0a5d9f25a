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
  block->shared = std::make_unique<Region>("shared memory", kSharedWindow,
                                           static_cast<std::size_t>(module_->static_shared) + shape_.dynamic_shared);
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

void Machine::launch(const Module& module, const Function& entry, const LaunchShape& shape,
                     std::vector<std::byte> parameters) {
  module_ = &module, entry_ = &entry, shape_ = shape;
  if (shape.block.count() == 0 || shape.block.count() > kMostThreads || shape.cluster == 0 ||
      shape.grid.count() % shape.cluster != 0)
    throw std::invalid_argument("a launch of " + std::to_string(shape.grid.count()) + " blocks of " +
                                std::to_string(shape.block.count()) + " threads");
  if (entry.most_threads > 0 && shape.block.count() > static_cast<uint32_t>(entry.most_threads))
    throw std::invalid_argument(entry.name + " is compiled for at most " + std::to_string(entry.most_threads) +
                                " threads");
  if (parameters.size() != static_cast<std::size_t>(entry.parameter_bytes))
    throw std::invalid_argument(entry.name + " takes " + std::to_string(entry.parameter_bytes) +
                                " bytes of parameters, not " + std::to_string(parameters.size()));
  parameters_ = std::make_unique<Region>("the parameters", kParamWindow, parameters.size());
  parameters_->bytes = std::move(parameters);
  std::fill(parameters_->written.begin(), parameters_->written.end(), uint8_t{1});
  parameters_->read_only = true;
  launched_ = ++now_;
  lesser_order_ = module.lesser_order;
  random_.seed(order.seed);
  ++counts.launches;
  blocks_.clear(), clusters_.clear(), published_.clear();
  if (shape.cooperative) {
    auto workspace = std::make_unique<Region>("the grid's workspace", kGridWorkspace, 64);
    std::fill(workspace->bytes.begin(), workspace->bytes.end(), std::byte{0});
    std::fill(workspace->written.begin(), workspace->written.end(), uint8_t{1});
    memory.add(std::move(workspace));
  }
  const uint32_t grid = shape.grid.count();
  uint32_t resident = shape.resident > 0 && !shape.cooperative ? static_cast<uint32_t>(shape.resident) : grid;
  resident = std::max(resident / shape.cluster, 1u) * shape.cluster;
  const uint64_t before = counts.instructions;
  for (uint32_t next = 0; next < grid || !blocks_.empty();) {
    while (next < grid && blocks_.size() + shape.cluster <= resident)
      for (uint32_t k = 0; k < shape.cluster; ++k) blocks_.push_back(make_block(next++));
    bool moved = false;
    for (std::size_t b : turns(blocks_.size())) moved = step_block(*blocks_[b]) || moved;
    if (!moved) deadlock();
    if (counts.instructions - before > endless)
      throw Fault(Check::deadlock, "deadlock: " + entry.name + " does not end");
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
  const uint64_t until = counts.instructions + (order.kind == Order::Kind::random ? random_() % 2000 + 1 : kSlice);
  const int32_t stop = p->stop;
  int32_t pc = p->pc;
  set_mask(w, p->mask);
  for (;;) {
    if (pc == stop) {
      const Mask mask = p->mask;
      Join* const join = p->join;
      w.paths.erase(w.paths.begin() + static_cast<std::ptrdiff_t>(index));
      if (chance(128)) return part(w, mask, join);
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

}  // namespace equipoise::ptx
