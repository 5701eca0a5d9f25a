// tests/ptx/order.h - happens-before: which accesses of other threads a thread knows to be done.
//
// Time is one counter, which each completed barrier moves on. Knowing u until t means: all that thread u did before
// time t happened before what comes next. A barrier of a whole block or warp is one number; what lesser barriers and
// atomics let threads know is kept thread by thread.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "tests/ptx/memory.h"

namespace equipoise::ptx {

struct Warp;
struct Block;

/// Of blocks: until when each of their threads is known.
using Knowledge = std::map<uint32_t, std::vector<Time>>;
using Known = std::shared_ptr<const Knowledge>;

/// Adds to `more` what `known` holds beyond it.
void join(Knowledge& more, const Knowledge& known);
Known joined(const Known& a, const Known& b);

/// All that a lane knows, its own past included, until now.
Knowledge knowledge_of(const Warp& warp, int lane, Time now);

/// Until when a lane knows a thread.
Time known_until(const Warp& warp, int lane, Thread thread);
/// Until when it knows all other threads of the grid.
Time known_of_all(const Warp& warp, int lane, uint32_t blocks);

/// Lanes of a warp have met.
void meet(Warp& warp, Mask members, Time& now);
/// Threads of a block have met: all of it, or the lanes that `members` names warp by warp.
void meet_all(Block& block, Time& now);
void meet_some(Block& block, const std::vector<Mask>& members, Time& now);

}  // namespace equipoise::ptx
