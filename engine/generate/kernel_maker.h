// engine/generate/kernel_maker.h - makes kernels behind the back of a training: from the cache, or by the compiler, on
// threads of their own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/generate/kernel_cache.h"

namespace equipoise {

/// What became of an order for a kernel.
struct MadeCode {
  enum class State { waiting, made, absent, failed };
  State state = State::waiting;
  std::vector<std::byte> code;  ///< if made
  std::string problem;          ///< if failed, a sentence; if made, why it could not be cached, or empty
  bool compiled = false;        ///< here and now: it did not come from the cache
};

class KernelMaker {
 public:
  /// `threads` compile at once at most. The folder is the cache's; tests name one of their own.
  explicit KernelMaker(std::filesystem::path folder = KernelCache::users_folder(), int threads = default_threads());
  /// Waits for what is being compiled.
  ~KernelMaker();

  /// The process's own.
  static KernelMaker& shared();
  /// Half of the processor's cores, four at most: the host has work beside.
  static int default_threads();

  using Order = std::shared_ptr<const MadeCode>;
  /// Orders the code of a source for a target. An order that somebody still holds is not taken twice; unless
  /// `may_compile`, the cache alone is asked, and a kernel that is not there is absent until somebody orders it who
  /// may.
  Order order(const std::string& source, const std::string& target, bool may_compile);
  /// What has become of an order by now. What is no longer waiting does not change.
  MadeCode::State state(const Order& order) const;
  /// Waits until it is no longer waiting.
  MadeCode::State wait(const Order& order) const;
  /// Whether something is being made: a process that ends should not wait for it.
  bool busy() const;

 private:
  struct Job {
    std::string source, target;
    bool may_compile;
    std::shared_ptr<MadeCode> made;
  };
  void work();
  MadeCode make(const Job& job) const;

  const KernelCache cache_;
  const int most_threads_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Job> waiting_;
  std::map<std::string, std::weak_ptr<MadeCode>> orders_;  // by a hash of source and target
  int working_ = 0, idle_ = 0;
  bool ends_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace equipoise
