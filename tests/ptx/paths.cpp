// tests/ptx/paths.cpp - lanes of a warp part at branches and calls, and meet again.
#include <algorithm>
#include <cstring>

#include "tests/ptx/lanes.h"
#include "tests/ptx/machine.h"

namespace equipoise::ptx {

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
    if (choice[l] >= targets.size())
      fault(Check::trap, w, i, l,
            "a branch by index " + std::to_string(choice[l]) + " of " + std::to_string(targets.size()));
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
    std::memset(w.local_written.data() + static_cast<std::size_t>(l) * w.local_bytes + frame->local_base, 0,
                static_cast<std::size_t>(f.local_bytes));
  });
  w.frames.push_back(std::move(frame));
  return w.frames.back().get();
}

namespace {

void copy_local(Warp& w, Mask mask, const Frame& from, const std::vector<Parameter>& of, const Frame& to,
                const std::vector<Parameter>& places) {
  for (std::size_t k = 0; k < std::min(of.size(), places.size()); ++k)
    for_lanes(mask, [&](int l) {
      const std::size_t lane = static_cast<std::size_t>(l) * w.local_bytes;
      const std::size_t begin = lane + from.local_base + static_cast<std::size_t>(of[k].offset),
                        end = lane + to.local_base + static_cast<std::size_t>(places[k].offset);
      std::memcpy(w.local.data() + end, w.local.data() + begin, static_cast<std::size_t>(places[k].bytes));
      std::memcpy(w.local_written.data() + end, w.local_written.data() + begin,
                  static_cast<std::size_t>(places[k].bytes));
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
    const auto frame =
        std::find_if(w.frames.begin(), w.frames.end(), [&](const auto& f) { return f.get() == join->callee; });
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

}  // namespace equipoise::ptx
