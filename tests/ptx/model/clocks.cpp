// tests/ptx/model/clocks.cpp - the model's counters.
#include "tests/ptx/model/clocks.h"

#include <algorithm>
#include <set>

#include "tests/ptx/lanes.h"

namespace equipoise::ptx {

double PhaseClocks::clocks() const { return std::max({path, issue, shared, global}) + kBarrierLatency; }
double PhaseClocks::clocks_in_order() const {
  return std::max({ordered_path, issue, shared, global}) + kBarrierLatency;
}

const Cost& ClockModel::cost(const Instruction& i) {
  const auto [at, fresh] = costs_.try_emplace(&i);
  if (fresh) {
    std::string text = module_.texts[static_cast<std::size_t>(i.text_number)];
    if (text[0] == '@') text = text.substr(text.find(' ') + 1);
    const std::string name = text.substr(0, text.find(' '));
    at->second =
        i.flow == Flow::next ? cost_of(name) : Cost{i.flow == Flow::call || i.flow == Flow::ret ? 2.0 : 1.0, 0};
    if (name.starts_with("ld.param") || name.starts_with("st.param"))
      at->second = {0, 0};  // registers, as calls pass them
    else if (name.starts_with("ld") || name.starts_with("st") || name.starts_with("atom") || name.starts_with("red"))
      at->second = {1, 0};
  }
  return at->second;
}

const std::string& ClockModel::operation_of(const Instruction& i) {
  const auto [at, fresh] = operations_.try_emplace(&i);
  if (fresh) {
    std::string file = module_.file_of(i, "kernels/ops/");
    if (file.empty()) file = module_.file_of(i, "kernels/balance/");
    if (file.empty()) file = module_.file_of(i, "kernels/run/");
    const std::size_t slash = file.rfind('/'), dot = file.rfind('.');
    at->second = file.empty() ? "other" : file.substr(slash + 1, dot - slash - 1);
  }
  return at->second;
}

std::vector<double>& ClockModel::Timeline::slots_of(const Frame* frame, const Function& function) {
  std::vector<double>& slots = ready[frame];
  if (slots.size() < static_cast<std::size_t>(function.register_slots))
    slots.resize(static_cast<std::size_t>(function.register_slots), 0);
  return slots;
}

void ClockModel::Timeline::run(const Warp& w, const Function& function, const Instruction& i, const Cost& c,
                               bool in_order) {
  std::vector<double>& slots = slots_of(w.frame, function);
  double start = in_order ? std::max(control, issued) : control;
  const auto read = [&](const Operand& o) {
    if (o.present() && !o.constant) start = std::max(start, slots[static_cast<std::size_t>(o.slot)]);
  };
  for (const Operand& o : i.from_) read(o);
  read(i.guard);
  issued = start + c.slots;
  const double end = start + c.latency;
  for (const Operand& o : i.to)
    if (o.present()) slots[static_cast<std::size_t>(o.slot)] = end;
  if (i.flow == Flow::branch && i.guard.present()) control = start + kBranchLatency;
  if (i.flow == Flow::table || i.flow == Flow::call || i.flow == Flow::ret) control = start + kBranchLatency;
  if (i.flow == Flow::warp_barrier || i.flow == Flow::collective) control = std::max(control, path) + kBranchLatency;
  path = std::max({path, end, control, in_order ? issued : 0.0});
}

void ClockModel::Timeline::loaded(const Warp& w, const Instruction& i, double latency) {
  std::vector<double>& slots = ready[w.frame];
  for (const Operand& o : i.to)
    if (o.present()) {
      slots[static_cast<std::size_t>(o.slot)] += latency;  // it was set to when the access began
      path = std::max(path, slots[static_cast<std::size_t>(o.slot)]);
    }
}

void ClockModel::Timeline::begin_phase() {
  path = control = issued = 0;
  for (auto& [frame, slots] : ready) std::fill(slots.begin(), slots.end(), 0.0);
}

void ClockModel::instruction(const Warp& w, const Function& function, const Instruction& i) {
  if (w.block->number != 0) return;
  WarpState& state = warps_[w.number];
  const Cost& c = cost(i);
  state.flow.run(w, function, i, c, false);
  state.order.run(w, function, i, c, true);
  state.issue += c.slots;
  now_.fma += c.fma * static_cast<double>(__builtin_popcount(w.mask)) / kFmaLanes;
  now_.operations[operation_of(i)].issue += c.slots;
}

namespace {

/// Wavefronts of an access to shared memory by the lanes of a mask.
double wavefronts(const uint64_t* addresses, Mask mask, int bytes) {
  const int lanes_together = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  double waves = 0;
  for (int first = 0; first < kLanes; first += lanes_together) {
    std::set<uint64_t> words[kBanks];
    for (int l = first; l < first + lanes_together; ++l)
      if (mask >> l & 1)
        for (int k = 0; k < std::max(bytes / 4, 1); ++k) {
          const uint64_t word = addresses[l] / 4 + static_cast<uint64_t>(k);
          words[word % kBanks].insert(word);
        }
    std::size_t most = 0;
    for (const auto& bank : words) most = std::max(most, bank.size());
    waves += static_cast<double>(most);
  }
  return waves;
}
double pieces(const uint64_t* addresses, Mask mask, int bytes, uint64_t size) {
  std::set<uint64_t> all;
  for_lanes(mask, [&](int l) {
    all.insert(addresses[l] / size), all.insert((addresses[l] + static_cast<uint64_t>(bytes) - 1) / size);
  });
  return static_cast<double>(all.size());
}

}  // namespace

void ClockModel::access(const Warp& w, const Instruction& i, Space space, const uint64_t* addresses, Mask mask,
                        int bytes, bool write) {
  if (w.block->number != 0 || mask == 0) return;
  const uint64_t first = addresses[__builtin_ctz(mask)], window = first & kWindowMask;
  double latency = kGlobalLatency;
  if (space == Space::param || window == kParamWindow) return;
  if (space == Space::shared || window == kSharedWindow) {
    const double waves = wavefronts(addresses, mask, bytes);
    now_.shared += waves;
    now_.operations[operation_of(i)].shared += waves;
    latency = kSharedLatency + waves - 1;
  } else if (space == Space::local || window == kLocalWindow) {
    if (i.base == Base::frame && cost(i).slots == 0) return;  // a parameter of a call
    ++now_.local_accesses;
    now_.global += static_cast<double>(bytes) / 4;  // lanes lie side by side: a line for every four bytes
    latency = kLocalLatency;
  } else {
    const double lines = pieces(addresses, mask, bytes, 128);
    now_.global += lines;
    now_.sectors += pieces(addresses, mask, bytes, 32);
    latency = kGlobalLatency + lines - 1;
  }
  if (write && !i.to[0].present()) return;
  WarpState& state = warps_[w.number];
  state.flow.loaded(w, i, latency);
  state.order.loaded(w, i, latency);
}

void ClockModel::block_barrier(const Block& block) {
  if (block.number == 0) finish();
}

void ClockModel::finish() {
  if (warps_.empty()) return;
  double issue[kSchedulers] = {}, sum = 0;
  for (auto& [number, state] : warps_) {
    issue[number % kSchedulers] += state.issue;
    now_.path = std::max(now_.path, state.flow.path);
    now_.ordered_path = std::max(now_.ordered_path, state.order.path);
    sum += state.flow.path;
  }
  now_.issue = *std::max_element(issue, issue + kSchedulers);
  now_.waiting = now_.path - sum / static_cast<double>(warps_.size());
  phases_.push_back(std::move(now_));
  now_ = {};
  for (auto& [number, state] : warps_) {
    state.issue = 0;
    state.flow.begin_phase();
    state.order.begin_phase();
  }
}

}  // namespace equipoise::ptx
