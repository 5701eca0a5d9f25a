// kernels/base/team.h - who executes a kernel body: the concept that every body is written against.
//
// A body is a template over a Team:
//   int  thread_rank() const   0 .. size()-1
//   int  size() const
//   void sync() const          barrier over the team; memory written before it is seen by all after it
//   using Tiles                how matrix products are cut into units (LaneTiles on a CPU, ThreadTiles on a GPU)
//   static constexpr int kLanes  how many of a row's 16 lanes one unit covers (16 on a CPU, 1 on a GPU)
// Cutting never changes a result: which sums are formed, and in which order, depends on shapes alone.
// Teams: SerialTeam and HostTeam (kernels/teams/host_team.h), BlockTeam (kernels/teams/block_team.cuh).
// An operation that is one short collective of its own (`OneWarp`) runs on a part of the team: a warp of a block, one
// thread on a CPU.
#pragma once

#include "kernels/base/fn.h"

namespace equipoise {

/// A team of one, anywhere.
struct Solo {
  EQ_FN int thread_rank() const { return 0; }
  EQ_FN int size() const { return 1; }
  EQ_FN void sync() const {}
};

/// f(i) for i below `count`, shared by the team. For few i, most of them one turn of a warp: see EQ_ROLLED.
template <class Team, class F>
EQ_FN void share(const Team& team, int count, F&& f) {
  EQ_ROLLED
  for (int i = team.thread_rank(); i < count; i += team.size()) f(i);
}

/// How a team cuts its work; the two ways are tested against each other for equal bits.
template <class TilesOf, int LanesOf>
struct Cut {
  using Tiles = TilesOf;
  static constexpr int kLanes = LanesOf;
};

}  // namespace equipoise
