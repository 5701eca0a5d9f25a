// kernels/teams/host_team.h - host threads as teams: one thread (the CPU backend), or N kept in step by std::barrier.
#pragma once

#include <barrier>
#include <thread>
#include <vector>

#include "kernels/base/team.h"
#include "kernels/product/lane_tiles.h"
#include "kernels/product/thread_tiles.h"

namespace equipoise {

using HostCut = Cut<LaneTiles, 16>;     ///< panels of vectors, as fits a CPU core
using DeviceCut = Cut<ThreadTiles, 1>;  ///< as a thread block cuts: proves the GPU's bodies on the CPU

/// A team of one host thread: the CPU backend runs one per replica.
template <class CutOf>
struct SerialTeamOf : CutOf {
  int thread_rank() const { return 0; }
  int size() const { return 1; }
  void sync() const {}
};

/// One of N host threads that share a barrier.
template <class CutOf>
class HostTeamOf : public CutOf {
 public:
  HostTeamOf(int rank, int size, std::barrier<>& barrier) : rank_(rank), size_(size), barrier_(&barrier) {}
  int thread_rank() const { return rank_; }
  int size() const { return size_; }
  void sync() const { barrier_->arrive_and_wait(); }

 private:
  int rank_, size_;
  std::barrier<>* barrier_;
};

using SerialTeam = SerialTeamOf<HostCut>;
using HostTeam = HostTeamOf<HostCut>;

/// Runs body(team) on `threads` host threads that share one barrier; returns when all are done.
template <class Team, class Body>
void run_host_team(int threads, Body&& body) {
  std::barrier<> barrier(threads);
  std::vector<std::jthread> members;
  members.reserve(static_cast<std::size_t>(threads));
  for (int rank = 0; rank < threads; ++rank) members.emplace_back([&, rank] { body(Team(rank, threads, barrier)); });
}

}  // namespace equipoise
