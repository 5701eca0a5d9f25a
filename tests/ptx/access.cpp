// tests/ptx/access.cpp - loads, stores, atomics, addresses and what a thread is.
#include "tests/ptx/access.h"

#include <array>

#include "tests/ptx/lanes.h"
#include "tests/ptx/machine.h"

namespace equipoise::ptx {

namespace {

using Addresses = std::array<uint64_t, kLanes>;
using Places = std::array<std::byte*, kLanes>;

void addresses_of(const Warp& w, const Instruction& i, Addresses& out) {
  const uint64_t more = static_cast<uint64_t>(i.offset) + (i.base == Base::frame ? w.frame->local_base : 0);
  if (i.from_[0].wide) {
    const auto* a = lanes_in<uint64_t>(w, i.from_[0]);
    for (int l = 0; l < kLanes; ++l) out[static_cast<std::size_t>(l)] = a[l] + more;
  } else {
    const auto* a = lanes_in<uint32_t>(w, i.from_[0]);
    for (int l = 0; l < kLanes; ++l) out[static_cast<std::size_t>(l)] = a[l] + more;
  }
}

template <class T>
T bytes_at(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T, int Elements>
void load_as(Warp& w, const Instruction& i) {
  Addresses at;
  Places where;
  addresses_of(w, i, at);
  Machine& machine = *w.block->machine;
  machine.access(w, i, at.data(), i.space, sizeof(T) * Elements, false, where.data());
  for (int k = 0; k < Elements; ++k) {
    const Operand to = i.to[k];
    if (!to.present()) continue;
    const auto value = [&](int l) {
      return bytes_at<T>(where[static_cast<std::size_t>(l)] + sizeof(T) * static_cast<std::size_t>(k));
    };
    if (sizeof(T) == 8 || to.wide) {
      auto* out = lanes_out<int64_t>(w, to);
      for_lanes(w.mask, [&](int l) { out[l] = static_cast<int64_t>(value(l)); });
    } else {
      auto* out = lanes_out<int32_t>(w, to);
      for_lanes(w.mask, [&](int l) { out[l] = static_cast<int32_t>(value(l)); });
    }
  }
  if (i.strong) for_lanes(w.mask, [&](int l) { machine.acquire(w, i, l, at[static_cast<std::size_t>(l)]); });
}

template <class T, int Elements>
void store_as(Warp& w, const Instruction& i) {
  Addresses at;
  Places where;
  addresses_of(w, i, at);
  Machine& machine = *w.block->machine;
  if (i.strong) for_lanes(w.mask, [&](int l) { machine.release(w, l, at[static_cast<std::size_t>(l)], !i.releases); });
  machine.access(w, i, at.data(), i.space, sizeof(T) * Elements, true, where.data());
  for (int k = 0; k < Elements; ++k) {
    const Operand from = i.from_[k + 1];
    const auto put = [&](int l, T value) {
      std::memcpy(where[static_cast<std::size_t>(l)] + sizeof(T) * static_cast<std::size_t>(k), &value, sizeof value);
    };
    if (from.wide) {
      const auto* values = lanes_in<uint64_t>(w, from);
      for_lanes(w.mask, [&](int l) { put(l, static_cast<T>(values[l])); });
    } else {
      const auto* values = lanes_in<uint32_t>(w, from);
      for_lanes(w.mask, [&](int l) { put(l, static_cast<T>(values[l])); });
    }
  }
}

template <class T>
Handler by_elements(bool stores, int elements) {
  switch (elements) {
    case 1:
      return stores ? store_as<T, 1> : load_as<T, 1>;
    case 2:
      return stores ? store_as<T, 2> : load_as<T, 2>;
    case 4:
      return stores ? store_as<T, 4> : load_as<T, 4>;
    default:
      return nullptr;
  }
}
Handler by_type(bool stores, const Instruction& i) {
  switch (i.type) {
    case Type::s8:
      return by_elements<int8_t>(stores, i.elements);
    case Type::b8:
    case Type::u8:
      return by_elements<uint8_t>(stores, i.elements);
    case Type::s16:
      return by_elements<int16_t>(stores, i.elements);
    case Type::b16:
    case Type::u16:
      return by_elements<uint16_t>(stores, i.elements);
    case Type::s32:
      return by_elements<int32_t>(stores, i.elements);
    case Type::b32:
    case Type::u32:
    case Type::f32:
      return by_elements<uint32_t>(stores, i.elements);
    case Type::b64:
    case Type::u64:
    case Type::s64:
    case Type::f64:
      return by_elements<uint64_t>(stores, i.elements);
    default:
      return nullptr;
  }
}

/// Lane after lane: old = *p; *p = f(old, b, c).
template <class T, class F>
void atomic_as(Warp& w, const Instruction& i) {
  Addresses at;
  Places where;
  addresses_of(w, i, at);
  Machine& machine = *w.block->machine;
  machine.access(w, i, at.data(), i.space, sizeof(T), true, where.data());
  const auto* b = lanes_in<T>(w, i.from_[1]);
  const auto* c = i.from_[2].present() ? lanes_in<T>(w, i.from_[2]) : b;
  for_lanes(w.mask, [&](int l) {
    const auto lane = static_cast<std::size_t>(l);
    machine.release(w, l, at[lane], !i.releases);
    const T old = bytes_at<T>(where[lane]), fresh = F::of(old, static_cast<T>(b[l]), static_cast<T>(c[l]));
    std::memcpy(where[lane], &fresh, sizeof fresh);
    if (i.to[0].present()) lanes_out<T>(w, i.to[0])[l] = old;
    machine.acquire(w, i, l, at[lane]);
  });
}
#define EQ_ATOMICS(atomic)                                                                           \
  atomic(add, old + b) atomic(exch, b) atomic(min, old < b ? old : b) atomic(max, old > b ? old : b) \
      atomic(cas, old == b ? c : old) atomic(inc, old >= b ? T{0} : static_cast<T>(old + 1))         \
          atomic(dec, old == 0 || old > b ? b : static_cast<T>(old - 1))
#define EQ_ATOMIC(name, expression)                                                   \
  struct Atomic_##name {                                                              \
    template <class T>                                                                \
    static T of([[maybe_unused]] T old, [[maybe_unused]] T b, [[maybe_unused]] T c) { \
      return static_cast<T>(expression);                                              \
    }                                                                                 \
  };
EQ_ATOMICS(EQ_ATOMIC)
#undef EQ_ATOMIC
#define EQ_LOGIC(name, op)       \
  struct Atomic_##name {         \
    template <class T>           \
    static T of(T old, T b, T) { \
      return old op b;           \
    }                            \
  };
EQ_LOGIC(and, &)
EQ_LOGIC(or, |)
EQ_LOGIC(xor, ^)
#undef EQ_LOGIC

template <class T>
Handler atomic_on(const std::string& operation) {
#define EQ_FIND(name, expression) \
  if (operation == #name) return atomic_as<T, Atomic_##name>;
  EQ_ATOMICS(EQ_FIND)
#undef EQ_FIND
  if constexpr (std::is_integral_v<T>) {
    if (operation == "and") return atomic_as<T, Atomic_and>;
    if (operation == "or") return atomic_as<T, Atomic_or>;
    if (operation == "xor") return atomic_as<T, Atomic_xor>;
  }
  return nullptr;
}

uint64_t window_of(const Warp& w, Space space) {
  switch (space) {
    case Space::shared:
      return kSharedWindow + (w.block->number % w.block->machine->shape().cluster) * kSharedApart;
    case Space::local:
      return kLocalWindow;
    case Space::param:
      return kParamWindow;
    default:
      return 0;
  }
}

/// To the generic space, from it (modifier 1), or the address of something in a frame (2).
void convert_addresses(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<uint64_t>(w, i.from_[0]);
  if (i.modifier == 2) {
    const uint64_t at = static_cast<uint64_t>(i.offset) + (i.base == Base::frame ? w.frame->local_base : 0);
    each_lane<uint64_t>(w, i.to[0], [&](int) { return at; });
    return;
  }
  const uint64_t window = window_of(w, i.space);
  const uint64_t more = i.modifier == 1 ? 0 - window : window;
  each_lane<uint64_t>(w, i.to[0], [&](int l) { return a[l] + more; });
}

void tell_space(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<uint64_t>(w, i.from_[0]);
  const uint64_t window = window_of(w, i.space) & kWindowMask;
  set_predicate(w, i.to[0], mask_of([&](int l) { return (a[l] & kWindowMask) == window; }));
}

template <class T>
void map_shared(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  const auto* rank = lanes_in<uint32_t>(w, i.from_[1]);
  each_lane<T>(w, i.to[0],
               [&](int l) { return static_cast<T>((a[l] & ~static_cast<T>(0xff000000u)) + rank[l] * kSharedApart); });
}
void map_any(Warp& w, const Instruction& i) {
  if (bytes_of(i.type) == 8) map_shared<uint64_t>(w, i);
  else map_shared<uint32_t>(w, i);
}

constexpr const char* kSpecials[] = {"%tid.x",       "%tid.y",           "%tid.z",
                                     "%ntid.x",      "%ntid.y",          "%ntid.z",
                                     "%ctaid.x",     "%ctaid.y",         "%ctaid.z",
                                     "%nctaid.x",    "%nctaid.y",        "%nctaid.z",
                                     "%laneid",      "%warpid",          "%lanemask_lt",
                                     "%lanemask_le", "%lanemask_eq",     "%lanemask_ge",
                                     "%lanemask_gt", "%cluster_ctarank", "%cluster_nctarank",
                                     "%clusterid.x", "%nclusterid.x",    "%dynamic_smem_size",
                                     "%envreg1",     "%envreg2",         "%clock64",
                                     "%clock",       "%clock_hi"};

uint64_t special_of(const Warp& w, int special, uint32_t lane) {
  const Block& b = *w.block;
  const LaunchShape& shape = b.machine->shape();
  const uint32_t thread = static_cast<uint32_t>(w.number) * kLanes + lane, bit = 1u << lane;
  switch (special) {
    case 0:
      return thread % shape.block.x;
    case 1:
      return thread / shape.block.x % shape.block.y;
    case 2:
      return thread / shape.block.x / shape.block.y;
    case 3:
      return shape.block.x;
    case 4:
      return shape.block.y;
    case 5:
      return shape.block.z;
    case 6:
      return b.at.x;
    case 7:
      return b.at.y;
    case 8:
      return b.at.z;
    case 9:
      return shape.grid.x;
    case 10:
      return shape.grid.y;
    case 11:
      return shape.grid.z;
    case 12:
      return lane;
    case 13:
      return static_cast<uint32_t>(w.number);
    case 14:
      return bit - 1;
    case 15:
      return bit - 1 + bit;
    case 16:
      return bit;
    case 17:
      return ~(bit - 1);
    case 18:
      return ~(bit - 1 + bit);
    case 19:
      return b.number % shape.cluster;
    case 20:
      return shape.cluster;
    case 21:
      return b.at.x / shape.cluster;
    case 22:
      return shape.grid.x / shape.cluster;
    case 24:  // where a barrier of the grid keeps its count: the upper word, then the lower
      return shape.cooperative ? static_cast<uint32_t>(kGridWorkspace >> 32) : 0;
    case 25:
      return shape.cooperative ? static_cast<uint32_t>(kGridWorkspace) : 0;
    case 26:  // a clock for each instruction that a warp of any block has run; a narrow register takes the lower word
    case 27:
      return b.machine->counts.instructions;
    case 28:
      return b.machine->counts.instructions >> 32;
    default:
      return static_cast<uint32_t>(shape.dynamic_shared);
  }
}
void read_special_register(Warp& w, const Instruction& i) {
  const auto value = [&](int l) { return special_of(w, i.modifier, static_cast<uint32_t>(l)); };
  if (i.to[0].wide) each_lane<uint64_t>(w, i.to[0], value);
  else each_lane<uint32_t>(w, i.to[0], value);
}

void trap_now(Warp& w, const Instruction& i) {
  w.block->machine->fault(Check::trap, w, i, __builtin_ctz(w.mask), "the kernel gave up");
}

}  // namespace

Handler load(const Instruction& i) { return by_type(false, i); }
Handler store(const Instruction& i) { return by_type(true, i); }
Handler atomic(const std::string& operation, const Instruction& i) {
  switch (i.type) {
    case Type::u32:
    case Type::b32:
      return atomic_on<uint32_t>(operation);
    case Type::s32:
      return atomic_on<int32_t>(operation);
    case Type::u64:
    case Type::b64:
      return atomic_on<uint64_t>(operation);
    case Type::s64:
      return atomic_on<int64_t>(operation);
    case Type::f32:
      return operation == "add" ? atomic_as<float, Atomic_add> : nullptr;
    case Type::f64:
      return operation == "add" ? atomic_as<double, Atomic_add> : nullptr;
    default:
      return nullptr;
  }
}
Handler fence() {
  return [](Warp& w, const Instruction&) { w.block->machine->fence(w); };
}
Handler convert_address() { return convert_addresses; }
Handler is_in_space() { return tell_space; }
Handler map_to_block() { return map_any; }
int special_register(const std::string& name) {
  for (std::size_t k = 0; k < std::size(kSpecials); ++k)
    if (name == kSpecials[k]) return static_cast<int>(k);
  return -1;
}
Handler read_special() { return read_special_register; }
Handler trap() { return trap_now; }
Handler nothing() {
  return [](Warp&, const Instruction&) {};
}

}  // namespace equipoise::ptx
