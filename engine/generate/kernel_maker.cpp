// engine/generate/kernel_maker.cpp - a queue of orders and the threads that take them.
#include "engine/generate/kernel_maker.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <utility>

#include "engine/files/sha256.h"
#include "engine/generate/kernel_compiler.h"

namespace equipoise {

namespace {

/// The compiler, opened once and never closed: threads may use it until the process ends. Throws KernelError every time
/// where it cannot be opened.
const KernelCompiler& compiler() {
  static const KernelCompiler* const opened = new KernelCompiler;
  return *opened;
}

std::string hash_of(std::initializer_list<const std::string*> parts) {
  Sha256 sum;
  for (const std::string* part : parts) {
    sum.update(std::to_string(part->size()) + ":");
    sum.update(*part);
  }
  return sum.hex();
}

/// What decides about the code: nothing else does.
std::string key_of(const std::string& source, const std::string& target) {
  return hash_of({&KernelCompiler::recipe(), &compiler().version(), &target, &source});
}

}  // namespace

KernelMaker::KernelMaker(std::filesystem::path folder, int threads)
    : cache_(std::move(folder)), most_threads_(std::max(threads, 1)) {}

KernelMaker::~KernelMaker() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    waiting_.clear();
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

KernelMaker& KernelMaker::shared() {
  static KernelMaker maker;
  return maker;
}

int KernelMaker::default_threads() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2, 1, 4);
}

KernelMaker::Order KernelMaker::order(const std::string& source, const std::string& target, bool may_compile) {
  const std::lock_guard lock(mutex_);
  std::weak_ptr<MadeCode>& order = orders_[hash_of({&target, &source})];
  const std::shared_ptr<MadeCode> known = order.lock();
  if (known && !(may_compile && known->state == MadeCode::State::absent)) return known;
  const auto made = std::make_shared<MadeCode>();
  order = made;
  waiting_.push_back({source, target, may_compile, made});
  if (idle_ < static_cast<int>(waiting_.size()) && static_cast<int>(threads_.size()) < most_threads_)
    threads_.emplace_back([this] { work(); });
  changed_.notify_all();
  return made;
}

MadeCode::State KernelMaker::state(const Order& order) const {
  const std::lock_guard lock(mutex_);
  return order->state;
}

MadeCode::State KernelMaker::wait(const Order& order) const {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return order->state != MadeCode::State::waiting; });
  return order->state;
}

bool KernelMaker::busy() const {
  const std::lock_guard lock(mutex_);
  return working_ > 0;
}

void KernelMaker::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    changed_.wait(lock, [&] { return ends_ || !waiting_.empty(); });
    --idle_;
    if (ends_) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    ++working_;
    lock.unlock();
    MadeCode made = make(job);
    lock.lock();
    --working_;
    *job.made = std::move(made);
    changed_.notify_all();
  }
}

MadeCode KernelMaker::make(const Job& job) const {
  MadeCode made;
  try {
    const std::string key = key_of(job.source, job.target);
    if (std::optional<std::vector<std::byte>> kept = cache_.find(key)) {
      made.code = std::move(*kept);
      made.state = MadeCode::State::made;
      return made;
    }
    made.state = MadeCode::State::absent;
    if (!job.may_compile) return made;
    made.code = compiler().compile(job.source, job.target);
    made.compiled = true;
    made.state = MadeCode::State::made;
    if (const std::string why = cache_.keep(key, made.code); !why.empty())
      made.problem = "the compiled kernel is not kept for the next run: " + why;
  } catch (const std::exception& e) {  // of a thread: nobody else would hear of it
    made.state = MadeCode::State::failed;
    made.problem = e.what();
  }
  return made;
}

}  // namespace equipoise
