// engine/lower/plan.cpp - phases and places: who waits for whom, and which buffers may share memory.
#include <algorithm>
#include <array>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "engine/base/error.h"
#include "engine/lower/canonical.h"
#include "engine/lower/lowering.h"
#include "engine/lower/program_code.h"
#include "engine/lower/unit_cost.h"
#include "kernels/run/interpreter_launch.h"
#include "kernels/teams/host_team.h"

namespace equipoise {

namespace {

/// Each operation goes to the first phase after everything it depends on.
std::vector<int> phase_of(const std::vector<PendingOperation>& operations) {
  std::vector<int> phase(operations.size(), 0);
  for (std::size_t i = 0; i < operations.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (phase[j] >= phase[i] && conflict(operations[j], operations[i])) phase[i] = phase[j] + 1;
  return phase;
}

struct Interval {
  int first = 1 << 30, last = -1;
  bool meets(const Interval& o) const { return first <= o.last && o.first <= last; }
};

/// Lowest places at which buffers whose lives meet do not overlap.
class Packing {
 public:
  explicit Packing(int64_t limit) : limit_(limit) {}
  /// Offset of a buffer, or -1 if it does not fit below the limit.
  int64_t place(int64_t floats, Interval life) {
    const int64_t size = (floats + 3) / 4 * 4;
    std::vector<const Placed*> others;
    for (const Placed& p : placed_)
      if (p.life.meets(life)) others.push_back(&p);
    std::sort(others.begin(), others.end(), [](const Placed* a, const Placed* b) { return a->offset < b->offset; });
    int64_t offset = 0;
    for (const Placed* p : others) {
      if (offset + size <= p->offset) break;
      offset = std::max(offset, p->offset + p->size);
    }
    if (offset + size > limit_) return -1;
    placed_.push_back({offset, size, life});
    end_ = std::max(end_, offset + size);
    return offset;
  }
  /// Keeps a place of the caller's choosing from everything that is placed later. False if it passes the limit.
  bool reserve(int64_t offset, int64_t floats, Interval life) {
    placed_.push_back({offset, (floats + 3) / 4 * 4, life});
    end_ = std::max(end_, offset + placed_.back().size);
    return end_ <= limit_;
  }
  int64_t end() const { return end_; }

 private:
  struct Placed {
    int64_t offset, size;
    Interval life;
  };
  int64_t limit_, end_ = 0;
  std::vector<Placed> placed_;
};

class Placement : public Locator {
 public:
  std::vector<Place> places;
  Place place(int buffer) const override { return places[static_cast<std::size_t>(buffer)]; }
};

/// `offset`, once it is known that `floats` from there on can be counted in 32 bits.
int32_t checked(int64_t offset, int64_t floats) {
  if (offset + floats > INT32_MAX) refuse_size();
  return static_cast<int32_t>(offset);
}

/// A team counts units in 32 bits, up to its size beyond the last; a phase's operations share the count.
constexpr int64_t kMostUnits = INT32_MAX - 4096;

[[noreturn]] void refuse_units() {
  throw Error(ExitCode::usage,
              "the model has phases of more than 2^31 units of work a replica; make train.batch smaller");
}

/// Units of an operation on a thread block with a full batch: where the next operation's units begin.
int device_units(const Operation& o, const std::vector<Chain>& chains, int batch) {
  Context c{};
  c.chains = chains.data();
  c.batch = c.n = batch;
  switch (o.kind) {
#define EQ_CASE(tag, Struct) \
  case OperationKind::tag:   \
    return o.tag.template units<DeviceCut>(c);
    EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
  }
  return 0;
}

/// An operation as the ones of one phase that it is made of: a layer's bias takes other threads and less time than its
/// weights.
std::vector<Operation> parts_of(const Operation& o) {
  if (o.kind != OperationKind::linear_weight_gradient || !o.linear_weight_gradient.has_bias) return {o};
  LinearWeightGradient weight = o.linear_weight_gradient, bias = weight;
  weight.has_bias = bias.has_weight = false;
  return {operation(weight), operation(bias)};
}

/// What a phase waits for, about: the scheduler with most to issue, or shared memory. A block's warps are dealt the
/// turns of its operations as they come, those that take longest first, and schedulers their warps likewise.
class PhaseLoad {
 public:
  PhaseLoad(std::span<const Operation> phase, const std::vector<Chain>& chains, int batch)
      : chains_(chains), batch_(batch) {
    for (const Operation& o : phase) turns_.push_back(of(o));
  }
  std::array<Turns, 2> of(const Operation& o) const { return block_turns(o, device_units(o, chains_, batch_), batch_); }
  void set(std::size_t operation, const std::array<Turns, 2>& turns) { turns_[operation] = turns; }
  const std::array<Turns, 2>& at(std::size_t operation) const { return turns_[operation]; }
  int64_t clocks() {
    order_.resize(turns_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return turns_[a][0].issue > turns_[b][0].issue; });
    int64_t issue[kSchedulers] = {}, wavefronts = 0, dealt = 0;
    for (std::size_t i : order_)
      for (const Turns& t : turns_[i]) {
        for (int64_t s = 0; s < kSchedulers; ++s)
          issue[(dealt + s) % kSchedulers] += (t.count + kSchedulers - 1 - s) / kSchedulers * t.issue;
        wavefronts += t.count * t.wavefronts;
        dealt += t.count;
      }
    return std::max(*std::max_element(issue, issue + kSchedulers), wavefronts);
  }

 private:
  static constexpr int64_t kSchedulers = 4;
  static_assert(kBlockThreads / 32 % kSchedulers == 0);
  const std::vector<Chain>& chains_;
  int batch_;
  std::vector<std::array<Turns, 2>> turns_;
  std::vector<std::size_t> order_;
};

/// Gives the products of a phase the tiles that it waits for least, one product after another until none gains.
void choose_tiles(std::span<Operation> phase, const std::vector<Chain>& chains, int batch) {
  if (std::none_of(phase.begin(), phase.end(), [](Operation& o) { return tile_shape(o) != nullptr; })) return;
  PhaseLoad load(phase, chains, batch);
  int64_t least = load.clocks();
  for (bool gains = true; gains;) {
    gains = false;
    for (std::size_t i = 0; i < phase.size(); ++i) {
      TileShape* const shape = tile_shape(phase[i]);
      if (!shape) continue;
      for (const TileShape other : {TileShape::square, TileShape::small, TileShape::tall}) {
        const TileShape had = *shape;
        const auto turns = load.at(i);
        *shape = other;
        load.set(i, load.of(phase[i]));
        if (const int64_t clocks = load.clocks(); clocks < least) {
          least = clocks;
          gains = true;
        } else {
          *shape = had;
          load.set(i, turns);
        }
      }
    }
  }
}

/// Lays the operations of a phase out over the warps of a block, in turns of a warp.
void lay_out(std::span<Operation> phase, const std::vector<Chain>& chains, int batch) {
  const auto turns = [&](const Operation& o) { return (int64_t{device_units(o, chains, batch)} + 31) / 32; };
  choose_tiles(phase, chains, batch);
  // Warps are dealt turns in this order, as cards are: where those that take longest come first, each warp has its
  // share of them. The operations of a phase do not ask which of them comes first.
  std::stable_sort(phase.begin(), phase.end(),
                   [&](const Operation& a, const Operation& b) { return unit_cost(a, batch) > unit_cost(b, batch); });
  int64_t unit = 0;
  for (Operation& o : phase) {
    o.first_unit = static_cast<int32_t>(unit);
    o.turns = static_cast<int32_t>(turns(o));
    unit += int64_t{o.turns} * 32;
    if (unit > kMostUnits) refuse_units();
  }
  for (std::size_t i = 1; i < phase.size(); ++i) phase[i - 1].next_turns = phase[i].turns;
}

}  // namespace

void refuse_size() {
  throw Error(ExitCode::usage,
              "the model needs more than 2^31 floats of memory a replica; make train.batch or model.hidden smaller, or "
              "give fewer columns");
}

void plan(const Assembly& assembly, const PlanLimits& limits, bool keep, Program& program,
          const std::function<void(const Locator&)>& after) {
  const auto& operations = assembly.operations();
  const auto& buffers = assembly.buffers();
  const std::vector<int> phase = phase_of(operations);
  const int phases = 1 + *std::max_element(phase.begin(), phase.end());
  for (const Buffer& b : buffers)  // a row of a matrix may have a unit for each of its lanes
    if (int64_t{b.blocks} * assembly.batch() * kRowLanes > kMostUnits) refuse_units();

  std::vector<Interval> life(buffers.size());
  for (std::size_t i = 0; i < operations.size(); ++i)
    for (const auto* list : {&operations[i].reads, &operations[i].writes})
      for (const Access& a : *list) {
        Interval& l = life[static_cast<std::size_t>(a.buffer)];
        l.first = std::min(l.first, phase[i]);
        l.last = std::max(l.last, phase[i]);
      }

  // Who may take another's place and finds nobody else there takes it: both are one buffer of one life.
  std::vector<std::size_t> place_of(buffers.size());
  std::iota(place_of.begin(), place_of.end(), std::size_t{0});
  const std::vector<Interval> own_life = life;
  std::vector<std::string> names;
  for (const Buffer& b : buffers) names.push_back(b.name);
  for (std::size_t i = 0; i < operations.size() && !keep; ++i) {
    if (operations[i].replaced < 0) continue;
    const auto from = static_cast<std::size_t>(operations[i].replaced),
               to = static_cast<std::size_t>(operations[i].replacing);
    bool alone = own_life[from].last == phase[i] && own_life[to].first == phase[i];
    for (std::size_t j = 0; j < operations.size(); ++j)
      for (const Access& a : operations[j].reads)
        alone = alone && (j == i || phase[j] != phase[i] || static_cast<std::size_t>(a.buffer) != from);
    if (!alone) continue;
    place_of[to] = from;
    life[from].last = life[to].last;
    names[from] += ", then " + buffers[to].name;
  }

  // Parameters first if they may stay in fast memory, then by size: large buffers are hardest to fit.
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto is_parameter = [&](std::size_t b) {
    return buffers[b].state_offset >= 0 && buffers[b].state_offset < program.moment_stride;
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (is_parameter(a) != is_parameter(b)) return is_parameter(a);
    return buffers[a].floats > buffers[b].floats;
  });

  auto code = std::make_shared<ProgramCode>();
  Placement placement;
  placement.places.resize(buffers.size());
  Packing fast(limits.fast_floats), work(INT64_MAX);
  std::vector<Resident> beside;  // parameters in fast memory, where another program says
  if (limits.beside) beside = code->residents = limits.beside->residents;
  for (const Resident& r : beside)
    if (!fast.reserve(r.fast.offset, r.count, {0, phases}))
      throw std::logic_error("a program keeps more in fast memory than the one beside it may use");
  for (std::size_t b : order) {
    if (buffers[b].floats == 0 || life[b].last < 0 || place_of[b] != b) continue;
    Interval alive = life[b];
    if (buffers[b].state_offset >= 0) {
      placement.places[b] = {checked(buffers[b].state_offset, buffers[b].floats), Space::state};
      if (!is_parameter(b)) continue;
      if (limits.beside) {
        const auto there = std::find_if(beside.begin(), beside.end(), [&](const Resident& r) {
          return r.state.offset == buffers[b].state_offset && r.count == buffers[b].floats;
        });
        if (there == beside.end()) continue;
        placement.places[b] = there->fast;
        beside.erase(there);
      } else {
        if (!limits.resident_parameters) continue;
        const int64_t offset = fast.place(buffers[b].floats, {0, phases});
        if (offset < 0) continue;
        const Place resident{checked(offset, buffers[b].floats), Space::fast};
        code->residents.push_back({placement.places[b], resident, static_cast<int32_t>(buffers[b].floats)});
        placement.places[b] = resident;
      }
      alive = {0, phases - 1};
    } else {
      if (keep) alive = {0, phases};
      int64_t offset = keep ? -1 : fast.place(buffers[b].floats, alive);
      const Space space = offset >= 0 ? Space::fast : Space::work;
      if (offset < 0) offset = work.place(buffers[b].floats, alive);
      placement.places[b] = {checked(offset, buffers[b].floats), space};
    }
    program.buffers.push_back({names[b], buffers[b].floats, placement.places[b], alive.first, alive.last});
  }
  for (std::size_t b = 0; b < buffers.size(); ++b)
    if (place_of[b] != b) placement.places[b] = placement.places[place_of[b]];
  for (const Resident& r : beside)
    program.buffers.push_back({"parameters of the program beside", r.count, r.fast, 0, phases - 1});
  program.fast_floats = fast.end();
  program.work_floats = work.end();

  for (int p = 0; p < phases; ++p) {
    const auto first = static_cast<int32_t>(code->operations.size());
    for (std::size_t i = 0; i < operations.size(); ++i)
      if (phase[i] == p)
        for (const Operation& part : parts_of(operations[i].make(placement))) code->operations.push_back(part);
    lay_out({code->operations.begin() + first, code->operations.end()}, program.chains, assembly.batch());
    code->phases.push_back({first, static_cast<int32_t>(code->operations.size())});
  }
  make_canonical(*code);
  program.code = std::move(code);
  after(placement);
}

}  // namespace equipoise
