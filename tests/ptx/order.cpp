// tests/ptx/order.cpp - happens-before, from barriers and atomics.
#include "tests/ptx/order.h"

#include <algorithm>

#include "tests/ptx/lanes.h"
#include "tests/ptx/machine.h"

namespace equipoise::ptx {

void join(Knowledge& more, const Knowledge& known) {
  for (const auto& [block, times] : known) {
    std::vector<Time>& mine = more[block];
    mine.resize(std::max(mine.size(), times.size()), 0);
    for (std::size_t i = 0; i < times.size(); ++i) mine[i] = std::max(mine[i], times[i]);
  }
}

Known joined(const Known& a, const Known& b) {
  if (!a || a == b) return b;
  if (!b) return a;
  auto both = std::make_shared<Knowledge>(*a);
  join(*both, *b);
  return both;
}

namespace {

/// What the last meetings tell a lane of another of its warp.
Time met_until(const Warp& w, int lane, int other) {
  Time known = std::max(w.block->known, w.known);
  if (!w.met.empty()) known = std::max(known, w.met[static_cast<std::size_t>(lane * kLanes + other)]);
  return known;
}

}  // namespace

Knowledge knowledge_of(const Warp& w, int lane, Time now) {
  Knowledge all;
  std::vector<Time>& mine = all[w.block->number];
  mine.assign(w.block->warps.size() * kLanes, w.block->known);
  for (int other = 0; other < kLanes; ++other)
    mine[static_cast<std::size_t>(w.number * kLanes + other)] = met_until(w, lane, other);
  mine[static_cast<std::size_t>(w.number * kLanes + lane)] = now;
  if (const Known& more = w.knows[static_cast<std::size_t>(lane)]) join(all, *more);
  return all;
}

Time known_until(const Warp& w, int lane, Thread thread) {
  const uint32_t block = thread / kMostThreads, number = thread % kMostThreads;
  Time known = 0;
  if (block == w.block->number) {
    known = w.block->known;
    if (static_cast<int>(number / kLanes) == w.number) known = met_until(w, lane, static_cast<int>(number % kLanes));
  }
  if (const Known& more = w.knows[static_cast<std::size_t>(lane)]) {
    if (const auto found = more->find(block); found != more->end() && number < found->second.size())
      known = std::max(known, found->second[number]);
  }
  return known;
}

Time known_of_all(const Warp& w, int lane, uint32_t blocks) {
  Time least = ~Time{0};
  const Known& more = w.knows[static_cast<std::size_t>(lane)];
  for (uint32_t b = 0; b < blocks; ++b) {
    if (b == w.block->number) continue;
    const auto found = more ? more->find(b) : Knowledge::const_iterator{};
    if (!more || found == more->end()) return 0;
    for (Time t : found->second) least = std::min(least, t);
  }
  for (uint32_t t = 0; t < w.block->warps.size() * kLanes; ++t)
    if (t != static_cast<uint32_t>(w.number * kLanes + lane) && t < w.block->threads)
      least = std::min(least, known_until(w, lane, w.block->number * kMostThreads + t));
  return least;
}

void meet(Warp& w, Mask members, Time& now) {
  ++now;
  Known together;
  for_lanes(members, [&](int l) { together = joined(together, w.knows[static_cast<std::size_t>(l)]); });
  if (together) for_lanes(members, [&](int l) { w.knows[static_cast<std::size_t>(l)] = together; });
  if ((w.members & ~w.exited & ~members) == 0) {
    w.known = now;
    w.met.clear();
    return;
  }
  if (w.met.empty()) w.met.assign(kLanes * kLanes, 0);
  for (int other = 0; other < kLanes; ++other) {
    Time known = 0;
    for_lanes(members, [&](int l) { known = std::max(known, w.met[static_cast<std::size_t>(l * kLanes + other)]); });
    if (members >> other & 1) known = now;
    for_lanes(members, [&](int l) { w.met[static_cast<std::size_t>(l * kLanes + other)] = known; });
  }
}

void meet_all(Block& block, Time& now) {
  block.known = ++now;
  Known together;
  for (Warp& w : block.warps)
    for (const Known& k : w.knows) together = joined(together, k);
  for (Warp& w : block.warps) {
    w.known = now;
    w.met.clear();
    if (together) std::fill(w.knows.begin(), w.knows.end(), together);
  }
}

void meet_some(Block& block, const std::vector<Mask>& members, Time& now) {
  ++now;
  auto all = std::make_shared<Knowledge>();
  for (std::size_t v = 0; v < block.warps.size(); ++v)
    for_lanes(members[v], [&](int l) { join(*all, knowledge_of(block.warps[v], l, now)); });
  for (std::size_t v = 0; v < block.warps.size(); ++v)
    for_lanes(members[v], [&](int l) { block.warps[v].knows[static_cast<std::size_t>(l)] = all; });
}

}  // namespace equipoise::ptx
