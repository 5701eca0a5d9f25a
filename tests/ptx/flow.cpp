// tests/ptx/flow.cpp - basic blocks, where paths meet again, and slots for registers.
#include "tests/ptx/flow.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

namespace equipoise::ptx {

namespace {

struct BasicBlock {
  int first, end;
  std::vector<int> next, before;
};

std::vector<int32_t> targets_of(const Function& f, const Instruction& i) {
  if (i.flow == Flow::branch) return {i.target};
  if (i.flow == Flow::table) return f.tables[static_cast<std::size_t>(i.target)];
  return {};
}
bool goes_on(const Instruction& i) {
  const bool leaves = i.flow == Flow::branch || i.flow == Flow::table || i.flow == Flow::ret || i.flow == Flow::exit;
  return !leaves || i.guard.present();
}

std::vector<BasicBlock> blocks_of(const Function& f) {
  const int count = static_cast<int>(f.code.size());
  std::vector<bool> leads(static_cast<std::size_t>(count) + 1, false);
  leads[0] = true;
  for (int i = 0; i < count; ++i) {
    const Instruction& at = f.code[static_cast<std::size_t>(i)];
    for (int32_t target : targets_of(f, at)) leads[static_cast<std::size_t>(target)] = true;
    if (at.flow == Flow::branch || at.flow == Flow::table || at.flow == Flow::ret || at.flow == Flow::exit)
      leads[static_cast<std::size_t>(i) + 1] = true;
  }
  std::vector<BasicBlock> blocks;
  std::vector<int> block_at(static_cast<std::size_t>(count), 0);
  for (int i = 0; i < count; ++i) {
    if (leads[static_cast<std::size_t>(i)]) blocks.push_back({i, i, {}, {}});
    blocks.back().end = i + 1;
    block_at[static_cast<std::size_t>(i)] = static_cast<int>(blocks.size()) - 1;
  }
  for (int b = 0; b < static_cast<int>(blocks.size()); ++b) {
    BasicBlock& block = blocks[static_cast<std::size_t>(b)];
    const Instruction& last = f.code[static_cast<std::size_t>(block.end) - 1];
    for (int32_t target : targets_of(f, last)) block.next.push_back(block_at[static_cast<std::size_t>(target)]);
    if (goes_on(last) && block.end < count) block.next.push_back(b + 1);
    std::sort(block.next.begin(), block.next.end());
    block.next.erase(std::unique(block.next.begin(), block.next.end()), block.next.end());
    for (int next : block.next) blocks[static_cast<std::size_t>(next)].before.push_back(b);
  }
  return blocks;
}

}  // namespace

void find_meetings(Function& f) {
  if (f.code.empty()) return;
  const std::vector<BasicBlock> blocks = blocks_of(f);
  const int count = static_cast<int>(blocks.size()), end = count;  // `end`: beyond every return
  // Postorder of the reversed graph, from its end.
  std::vector<int> order, number(static_cast<std::size_t>(count) + 1, -1);
  std::vector<std::pair<int, std::size_t>> stack{{end, 0}};
  std::vector<bool> seen(static_cast<std::size_t>(count) + 1, false);
  std::vector<int> last;
  for (int b = 0; b < count; ++b) {
    const Flow flow = f.code[static_cast<std::size_t>(blocks[static_cast<std::size_t>(b)].end) - 1].flow;
    if (blocks[static_cast<std::size_t>(b)].next.empty() || flow == Flow::ret || flow == Flow::exit) last.push_back(b);
  }
  const auto before = [&](int b) -> const std::vector<int>& {
    return b == end ? last : blocks[static_cast<std::size_t>(b)].before;
  };
  seen[static_cast<std::size_t>(end)] = true;
  while (!stack.empty()) {
    auto& [b, child] = stack.back();
    if (child < before(b).size()) {
      const int next = before(b)[child++];
      if (!seen[static_cast<std::size_t>(next)])
        seen[static_cast<std::size_t>(next)] = true, stack.emplace_back(next, 0);
    } else {
      number[static_cast<std::size_t>(b)] = static_cast<int>(order.size());
      order.push_back(b);
      stack.pop_back();
    }
  }
  std::vector<int> meeting(static_cast<std::size_t>(count) + 1, -1);
  meeting[static_cast<std::size_t>(end)] = end;
  const auto common = [&](int a, int b) {
    while (a != b) {
      while (number[static_cast<std::size_t>(a)] < number[static_cast<std::size_t>(b)])
        a = meeting[static_cast<std::size_t>(a)];
      while (number[static_cast<std::size_t>(b)] < number[static_cast<std::size_t>(a)])
        b = meeting[static_cast<std::size_t>(b)];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (auto at = order.rbegin(); at != order.rend(); ++at) {
      const int b = *at;
      if (b == end) continue;
      int found = std::find(last.begin(), last.end(), b) != last.end() ? end : -1;
      for (int next : blocks[static_cast<std::size_t>(b)].next)
        if (meeting[static_cast<std::size_t>(next)] >= 0) found = found < 0 ? next : common(next, found);
      if (found != meeting[static_cast<std::size_t>(b)]) meeting[static_cast<std::size_t>(b)] = found, changed = true;
    }
  }
  for (int b = 0; b < count; ++b) {
    Instruction& last_of = f.code[static_cast<std::size_t>(blocks[static_cast<std::size_t>(b)].end) - 1];
    const int at = meeting[static_cast<std::size_t>(b)];
    if (last_of.flow == Flow::branch || last_of.flow == Flow::table)
      last_of.meeting = at < 0 || at == end ? -1 : blocks[static_cast<std::size_t>(at)].first;
  }
}

namespace {

/// Sets of registers, as words of bits.
class Live {
 public:
  Live(std::size_t sets, std::size_t registers) : words_((registers + 63) / 64), bits_(sets * words_) {}
  uint64_t* of(std::size_t set) { return bits_.data() + set * words_; }
  std::size_t words() const { return words_; }

 private:
  std::size_t words_;
  std::vector<uint64_t> bits_;
};

template <class F>
void each_register(const Instruction& i, bool results, F&& f) {
  if (results) {
    if (i.flow == Flow::next || i.flow == Flow::collective)
      for (const Operand& o : i.to)
        if (o.present() && !o.constant) f(o);
    return;
  }
  for (const Operand& o : i.from_)
    if (o.present() && !o.constant) f(o);
  if (i.guard.present()) f(i.guard);
}

}  // namespace

void forget_unread_elements(Function& f, std::size_t registers) {
  std::vector<bool> read(registers, false);
  for (const Instruction& i : f.code)
    each_register(i, false, [&](const Operand& o) { read[static_cast<std::size_t>(o.slot)] = true; });
  for (Instruction& i : f.code) {
    if (i.elements == 1) continue;
    for (Operand& o : i.to)
      if (o.present() && !o.constant && !read[static_cast<std::size_t>(o.slot)]) o = {};
  }
}

void assign_slots(Function& f, const std::vector<Width>& widths) {
  const std::vector<BasicBlock> blocks = blocks_of(f);
  const std::size_t registers = widths.size();
  // Alive where a block begins: read in it before it is written, or alive where it ends and not written.
  Live reads(blocks.size(), registers), writes(blocks.size(), registers), in(blocks.size(), registers);
  const auto bit = [](uint64_t* set, int r) -> std::pair<uint64_t&, uint64_t> {
    return {set[r / 64], uint64_t{1} << (r % 64)};
  };
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    for (int i = blocks[b].first; i < blocks[b].end; ++i) {
      const Instruction& at = f.code[static_cast<std::size_t>(i)];
      each_register(at, false, [&](const Operand& o) {
        if (auto [word, mask] = bit(writes.of(b), o.slot); !(word & mask)) bit(reads.of(b), o.slot).first |= mask;
      });
      if (!at.guard.present())  // a guarded one leaves the old value where the guard is false
        each_register(at, true, [&](const Operand& o) {
          auto [word, mask] = bit(writes.of(b), o.slot);
          word |= mask;
        });
    }
    std::copy_n(reads.of(b), in.words(), in.of(b));
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t b = blocks.size(); b-- > 0;)
      for (int next : blocks[b].next)
        for (std::size_t w = 0; w < in.words(); ++w) {
          const uint64_t more = in.of(static_cast<std::size_t>(next))[w] & ~writes.of(b)[w] & ~in.of(b)[w];
          if (more) in.of(b)[w] |= more, changed = true;
        }
  }
  // One stretch of the text for each register, from its first place to its last.
  std::vector<int> first(registers, INT32_MAX), last(registers, -1);
  const auto touch = [&](std::size_t r, int at) { first[r] = std::min(first[r], at), last[r] = std::max(last[r], at); };
  const auto touch_all = [&](uint64_t* set, int at) {
    for (std::size_t w = 0; w < in.words(); ++w)
      for (uint64_t word = set[w]; word; word &= word - 1)
        touch(w * 64 + static_cast<std::size_t>(__builtin_ctzll(word)), at);
  };
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    touch_all(in.of(b), blocks[b].first);
    for (int next : blocks[b].next) touch_all(in.of(static_cast<std::size_t>(next)), blocks[b].end - 1);
    for (int i = blocks[b].first; i < blocks[b].end; ++i)
      for (bool results : {false, true})
        each_register(f.code[static_cast<std::size_t>(i)], results,
                      [&](const Operand& o) { touch(static_cast<std::size_t>(o.slot), i); });
  }
  std::vector<int> by_start;
  for (std::size_t r = 0; r < registers; ++r)
    if (last[r] >= 0) by_start.push_back(static_cast<int>(r));
  std::sort(by_start.begin(), by_start.end(),
            [&](int a, int b) { return first[static_cast<std::size_t>(a)] < first[static_cast<std::size_t>(b)]; });
  std::vector<int> slot(registers, -1), free_slots[3], alive;
  for (int r : by_start) {
    std::erase_if(alive, [&](int other) {
      if (last[static_cast<std::size_t>(other)] >= first[static_cast<std::size_t>(r)]) return false;
      free_slots[static_cast<int>(widths[static_cast<std::size_t>(other)])].push_back(
          slot[static_cast<std::size_t>(other)]);
      return true;
    });
    std::vector<int>& mine = free_slots[static_cast<int>(widths[static_cast<std::size_t>(r)])];
    if (!mine.empty()) slot[static_cast<std::size_t>(r)] = mine.back(), mine.pop_back();
    else
      slot[static_cast<std::size_t>(r)] = f.register_slots,
      f.register_slots += widths[static_cast<std::size_t>(r)] == Width::wide ? 2 : 1;
    alive.push_back(r);
  }
  for (Instruction& i : f.code) {
    const auto place = [&](Operand& o) {
      if (o.present() && !o.constant) o.slot = slot[static_cast<std::size_t>(o.slot)];
    };
    for (Operand& o : i.to) place(o);
    for (Operand& o : i.from_) place(o);
    place(i.guard);
  }
}

}  // namespace equipoise::ptx
