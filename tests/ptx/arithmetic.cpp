// tests/ptx/arithmetic.cpp - instructions that compute on registers alone: integers, logic, comparisons, selections.
#include "tests/ptx/arithmetic.h"

#include <unordered_map>

#include "tests/ptx/float_arithmetic.h"
#include "tests/ptx/lanes.h"

namespace equipoise::ptx {

namespace {

template <class T>
using Unsigned = std::make_unsigned_t<T>;

template <class T, class F>
void unary(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  each_lane<T>(w, i.to[0], [&](int l) { return F::of(static_cast<T>(a[l])); });
}
template <class T, class F>
void binary(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  each_lane<T>(w, i.to[0], [&](int l) { return F::of(static_cast<T>(a[l]), static_cast<T>(b[l])); });
}
template <class T, class F>
void ternary(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]), *c = lanes_in<T>(w, i.from_[2]);
  each_lane<T>(w, i.to[0],
               [&](int l) { return F::of(static_cast<T>(a[l]), static_cast<T>(b[l]), static_cast<T>(c[l])); });
}

#define EQ_OF(Name, expression)                                                \
  struct Name {                                                                \
    template <class T>                                                         \
    static T of(T a, T b) {                                                    \
      using U = Unsigned<T>;                                                   \
      [[maybe_unused]] const U ua = static_cast<U>(a), ub = static_cast<U>(b); \
      return static_cast<T>(expression);                                       \
    }                                                                          \
  };
EQ_OF(Add, ua + ub)
EQ_OF(Subtract, ua - ub)
EQ_OF(Multiply, uint64_t{ua} * ub)
EQ_OF(Minimum, a < b ? a : b)
EQ_OF(Maximum, a > b ? a : b)
EQ_OF(And, a& b)
EQ_OF(Or, a | b)
EQ_OF(Xor, a ^ b)
EQ_OF(Divide, b == 0                                             ? static_cast<T>(-1)
              : (std::is_signed_v<T> && b == static_cast<T>(-1)) ? static_cast<T>(U{0} - ua)
                                                                 : static_cast<T>(a / b))
EQ_OF(Remainder, b == 0 ? a : (std::is_signed_v<T> && b == static_cast<T>(-1)) ? T{0} : static_cast<T>(a % b))
#undef EQ_OF

struct MultiplyHigh {
  template <class T>
  static T of(T a, T b) {
    using Wide =
        std::conditional_t<sizeof(T) == 8, std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>,
                           std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
    return static_cast<T>((static_cast<Wide>(a) * static_cast<Wide>(b)) >> (8 * sizeof(T)));
  }
};
struct MultiplyAdd {
  template <class T>
  static T of(T a, T b, T c) {
    return Add::of(Multiply::of(a, b), c);
  }
};
struct MultiplyHighAdd {
  template <class T>
  static T of(T a, T b, T c) {
    return Add::of(MultiplyHigh::of(a, b), c);
  }
};
struct Not {
  template <class T>
  static T of(T a) {
    return static_cast<T>(~a);
  }
};
struct LogicalNot {
  template <class T>
  static T of(T a) {
    return a == 0 ? T{1} : T{0};
  }
};
struct Negate {
  template <class T>
  static T of(T a) {
    return static_cast<T>(Unsigned<T>{0} - static_cast<Unsigned<T>>(a));
  }
};
struct Absolute {
  template <class T>
  static T of(T a) {
    return a < 0 ? Negate::of(a) : a;
  }
};
struct Copy {
  template <class T>
  static T of(T a) {
    return a;
  }
};
struct ReverseBits {
  template <class T>
  static T of(T a) {
    T r = 0;
    for (unsigned bit = 0; bit < 8 * sizeof(T); ++bit) r |= (a >> bit & 1u) << (8 * sizeof(T) - 1 - bit);
    return r;
  }
};

template <class T>
void shift_left(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  const auto* by = lanes_in<uint32_t>(w, i.from_[1]);
  constexpr uint32_t kBits = 8 * sizeof(T);
  each_lane<T>(w, i.to[0], [&](int l) {
    return by[l] >= kBits ? T{0} : static_cast<T>(static_cast<T>(a[l]) << (by[l] & (kBits - 1)));
  });
}
template <class T>
void shift_right(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  const auto* by = lanes_in<uint32_t>(w, i.from_[1]);
  constexpr uint32_t kBits = 8 * sizeof(T);
  each_lane<T>(w, i.to[0], [&](int l) {
    const T v = static_cast<T>(a[l]);
    if constexpr (std::is_signed_v<T>) return static_cast<T>(v >> (by[l] >= kBits ? kBits - 1 : by[l]));
    else return by[l] >= kBits ? T{0} : static_cast<T>(v >> (by[l] & (kBits - 1)));
  });
}

template <class T, class Wide>
void multiply_wide(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  each_lane<Wide>(w, i.to[0],
                  [&](int l) { return static_cast<Wide>(Wide{static_cast<T>(a[l])} * Wide{static_cast<T>(b[l])}); });
}
template <class T, class Wide>
void multiply_wide_add(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  const auto* c = lanes_in<Wide>(w, i.from_[2]);
  each_lane<Wide>(w, i.to[0], [&](int l) {
    return Add::of(static_cast<Wide>(Wide{static_cast<T>(a[l])} * Wide{static_cast<T>(b[l])}), static_cast<Wide>(c[l]));
  });
}

/// Counts give 32 bits, whatever they count in.
template <class T, class F>
void count(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  each_lane<uint32_t>(w, i.to[0], [&](int l) { return F::of(static_cast<T>(a[l])); });
}
struct Population {
  template <class T>
  static uint32_t of(T a) {
    return static_cast<uint32_t>(__builtin_popcountll(a));
  }
};
struct LeadingZeros {
  template <class T>
  static uint32_t of(T a) {
    return a == 0 ? 8 * sizeof(T) : static_cast<uint32_t>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
  }
};

/// shf: 64 bits b:a shifted; the distance wraps or stays at 32.
template <bool Left, bool Clamp>
void funnel(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<uint32_t>(w, i.from_[0]), *b = lanes_in<uint32_t>(w, i.from_[1]),
             *by = lanes_in<uint32_t>(w, i.from_[2]);
  each_lane<uint32_t>(w, i.to[0], [&](int l) {
    const uint32_t n = Clamp ? (by[l] > 32 ? 32 : by[l]) : by[l] & 31;
    const uint64_t both = uint64_t{b[l]} << 32 | a[l];
    if (n == 0) return Left ? b[l] : a[l];
    return static_cast<uint32_t>(Left ? both >> (32 - n) : both >> n);
  });
}

/// bfe: `length` bits from `position` on, those beyond the number's own being its sign.
template <class T>
void extract_bits(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  const auto *position = lanes_in<uint32_t>(w, i.from_[1]), *length = lanes_in<uint32_t>(w, i.from_[2]);
  each_lane<T>(w, i.to[0], [&](int l) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    const uint32_t p = position[l] & 255, n = length[l] & 255;
    const T value = static_cast<T>(a[l]);
    const bool sign = std::is_signed_v<T> && n > 0 && (value >> (p + n - 1 < kBits ? p + n - 1 : kBits - 1) & 1) != 0;
    T out = 0;
    for (uint32_t bit = 0; bit < kBits; ++bit) {
      const bool set = bit < n && p + bit < kBits ? (value >> (p + bit) & 1) != 0 : sign;
      out = static_cast<T>(out | static_cast<T>(static_cast<Unsigned<T>>(set) << bit));
    }
    return out;
  });
}
template <class T>
void insert_bits(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  const auto *position = lanes_in<uint32_t>(w, i.from_[2]), *length = lanes_in<uint32_t>(w, i.from_[3]);
  each_lane<T>(w, i.to[0], [&](int l) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    const uint32_t p = position[l] & 255, n = length[l] & 255;
    T out = b[l];
    for (uint32_t bit = 0; bit < n && p + bit < kBits; ++bit)
      out = (out & ~(T{1} << (p + bit))) | ((static_cast<T>(a[l]) >> bit & 1) << (p + bit));
    return out;
  });
}

void permute_bytes(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<uint32_t>(w, i.from_[0]), *b = lanes_in<uint32_t>(w, i.from_[1]),
             *s = lanes_in<uint32_t>(w, i.from_[2]);
  each_lane<uint32_t>(w, i.to[0], [&](int l) {
    const uint64_t bytes = uint64_t{b[l]} << 32 | a[l];
    uint32_t out = 0;
    for (int k = 0; k < 4; ++k) {
      const uint32_t choice = s[l] >> (4 * k) & 15;
      uint32_t byte = static_cast<uint32_t>(bytes >> (8 * (choice & 7))) & 255;
      if (choice & 8) byte = byte & 128 ? 255 : 0;
      out |= byte << (8 * k);
    }
    return out;
  });
}
void logic_of_three(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<uint32_t>(w, i.from_[0]), *b = lanes_in<uint32_t>(w, i.from_[1]),
             *c = lanes_in<uint32_t>(w, i.from_[2]), *table = lanes_in<uint32_t>(w, i.from_[3]);
  each_lane<uint32_t>(w, i.to[0], [&](int l) {
    uint32_t out = 0;
    for (int row = 0; row < 8; ++row)
      if (table[l] >> row & 1) out |= (row & 4 ? a[l] : ~a[l]) & (row & 2 ? b[l] : ~b[l]) & (row & 1 ? c[l] : ~c[l]);
    return out;
  });
}

template <class T>
void select(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  const Mask first = predicate(w, i.from_[2]);
  each_lane<T>(w, i.to[0], [&](int l) { return first >> l & 1 ? a[l] : b[l]; });
}

#define EQ_COMPARES(compare)                                                                                     \
  compare(eq, a == b) compare(ne, a<b || a> b) compare(lt, a < b) compare(le, a <= b) compare(gt, a > b)         \
      compare(ge, a >= b) compare(lo, a < b) compare(ls, a <= b) compare(hi, a > b) compare(hs, a >= b)          \
          compare(equ, !(a < b || a > b)) compare(neu, !(a == b)) compare(ltu, !(a >= b)) compare(leu, !(a > b)) \
              compare(gtu, !(a <= b)) compare(geu, !(a < b)) compare(num, a == a && b == b)                      \
                  compare(nan, !(a == a && b == b))
#define EQ_COMPARE(name, expression) \
  struct Is_##name {                 \
    template <class T>               \
    static bool of(T a, T b) {       \
      return expression;             \
    }                                \
  };
EQ_COMPARES(EQ_COMPARE)
#undef EQ_COMPARE

enum class Combine { none, with_and, with_or, with_xor };
template <class T, class F, Combine C>
void compare(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  Mask holds = mask_of([&](int l) { return F::of(static_cast<T>(a[l]), static_cast<T>(b[l])); });
  Mask fails = ~holds;
  if constexpr (C != Combine::none) {
    const Mask with = i.modifier ? ~predicate(w, i.from_[2]) : predicate(w, i.from_[2]);
    const auto combined = [&](Mask m) {
      return C == Combine::with_and ? m & with : C == Combine::with_or ? m | with : m ^ with;
    };
    holds = combined(holds), fails = combined(fails);
  }
  set_predicate(w, i.to[0], holds);
  if (i.to[1].present()) set_predicate(w, i.to[1], fails);
}

template <class F>
void of_predicates(Warp& w, const Instruction& i) {
  set_predicate(w, i.to[0], F::of(predicate(w, i.from_[0]), i.from_[1].present() ? predicate(w, i.from_[1]) : Mask{0}));
}
struct NotOfPredicate {
  static Mask of(Mask a, Mask) { return ~a; }
};
struct CopyOfPredicate {
  static Mask of(Mask a, Mask) { return a; }
};

/// mov.b64 {lo, hi}: parts of a number, lowest first, and back.
template <class Whole, class Part>
void unpack(Warp& w, const Instruction& i) {
  const auto* whole = lanes_in<Whole>(w, i.from_[0]);
  for (std::size_t k = 0; k < sizeof(Whole) / sizeof(Part); ++k)
    if (i.to[k].present())
      each_lane<Part>(w, i.to[k],
                      [&](int l) { return static_cast<Part>(static_cast<Whole>(whole[l]) >> (8 * sizeof(Part) * k)); });
}
template <class Whole, class Part>
void pack(Warp& w, const Instruction& i) {
  constexpr int kParts = sizeof(Whole) / sizeof(Part);
  const LaneOf<Part>* parts[kParts];
  for (int k = 0; k < kParts; ++k) parts[k] = lanes_in<Part>(w, i.from_[k]);
  each_lane<Whole>(w, i.to[0], [&](int l) {
    Whole whole = 0;
    for (int k = 0; k < kParts; ++k)
      whole = static_cast<Whole>(whole |
                                 static_cast<Whole>(Whole{static_cast<Part>(parts[k][l])} << (8 * sizeof(Part) * k)));
    return whole;
  });
}

using Table = std::unordered_map<std::string, Handler>;

template <class T>
void add_integers(Table& t, const std::string& type) {
  using U = Unsigned<T>;
  t["add." + type] = binary<T, Add>;
  t["sub." + type] = binary<T, Subtract>;
  t["mul.lo." + type] = binary<T, Multiply>;
  t["mul.hi." + type] = binary<T, MultiplyHigh>;
  t["mad.lo." + type] = ternary<T, MultiplyAdd>;
  t["mad.hi." + type] = ternary<T, MultiplyHighAdd>;
  t["div." + type] = binary<T, Divide>;
  t["rem." + type] = binary<T, Remainder>;
  t["min." + type] = binary<T, Minimum>;
  t["max." + type] = binary<T, Maximum>;
  t["shr." + type] = shift_right<T>;
  if constexpr (std::is_signed_v<T>) t["neg." + type] = unary<T, Negate>, t["abs." + type] = unary<T, Absolute>;
  if constexpr (sizeof(T) >= 4) t["bfe." + type] = extract_bits<T>;
  const std::string bits = "b" + type.substr(1);
  t["and." + bits] = binary<U, And>;
  t["or." + bits] = binary<U, Or>;
  t["xor." + bits] = binary<U, Xor>;
  t["not." + bits] = unary<U, Not>;
  t["cnot." + bits] = unary<U, LogicalNot>;
  t["shl." + bits] = shift_left<U>;
  t["shr." + bits] = shift_right<U>;
  if constexpr (sizeof(T) >= 4) {
    t["popc." + bits] = count<U, Population>;
    t["clz." + bits] = count<U, LeadingZeros>;
    t["brev." + bits] = unary<U, ReverseBits>;
    t["bfi." + bits] = insert_bits<U>;
  }
  for (const std::string& name : {type, bits}) t["mov." + name] = unary<T, Copy>, t["selp." + name] = select<T>;
}

template <class T>
void add_compares(Table& t, const std::string& type) {
#define EQ_ADD(name, expression)                                              \
  t["setp." #name "." + type] = compare<T, Is_##name, Combine::none>;         \
  t["setp." #name ".and." + type] = compare<T, Is_##name, Combine::with_and>; \
  t["setp." #name ".or." + type] = compare<T, Is_##name, Combine::with_or>;   \
  t["setp." #name ".xor." + type] = compare<T, Is_##name, Combine::with_xor>;
  EQ_COMPARES(EQ_ADD)
#undef EQ_ADD
}

Table make_table() {
  Table t;
  add_integers<uint16_t>(t, "u16"), add_integers<int16_t>(t, "s16");
  add_integers<uint32_t>(t, "u32"), add_integers<int32_t>(t, "s32");
  add_integers<uint64_t>(t, "u64"), add_integers<int64_t>(t, "s64");
  t["mul.wide.u16"] = multiply_wide<uint16_t, uint32_t>, t["mul.wide.s16"] = multiply_wide<int16_t, int32_t>;
  t["mul.wide.u32"] = multiply_wide<uint32_t, uint64_t>, t["mul.wide.s32"] = multiply_wide<int32_t, int64_t>;
  t["mad.wide.u16"] = multiply_wide_add<uint16_t, uint32_t>, t["mad.wide.s16"] = multiply_wide_add<int16_t, int32_t>;
  t["mad.wide.u32"] = multiply_wide_add<uint32_t, uint64_t>, t["mad.wide.s32"] = multiply_wide_add<int32_t, int64_t>;
  t["shf.l.wrap.b32"] = funnel<true, false>, t["shf.l.clamp.b32"] = funnel<true, true>;
  t["shf.r.wrap.b32"] = funnel<false, false>, t["shf.r.clamp.b32"] = funnel<false, true>;
  t["prmt.b32"] = permute_bytes;
  t["lop3.b32"] = logic_of_three;
  add_compares<uint16_t>(t, "u16"), add_compares<uint16_t>(t, "b16"), add_compares<int16_t>(t, "s16");
  add_compares<uint32_t>(t, "u32"), add_compares<uint32_t>(t, "b32"), add_compares<int32_t>(t, "s32");
  add_compares<uint64_t>(t, "u64"), add_compares<uint64_t>(t, "b64"), add_compares<int64_t>(t, "s64");
  add_compares<float>(t, "f32"), add_compares<double>(t, "f64");
  t["mov.f32"] = unary<float, Copy>, t["mov.f64"] = unary<double, Copy>;
  t["selp.f32"] = select<uint32_t>, t["selp.f64"] = select<uint64_t>;
  t["mov.f32"] = unary<uint32_t, Copy>, t["mov.f64"] = unary<uint64_t, Copy>;
  t["and.pred"] = of_predicates<And>, t["or.pred"] = of_predicates<Or>, t["xor.pred"] = of_predicates<Xor>;
  t["not.pred"] = of_predicates<NotOfPredicate>, t["mov.pred"] = of_predicates<CopyOfPredicate>;
  t["unpack.b64.2"] = unpack<uint64_t, uint32_t>, t["unpack.b64.4"] = unpack<uint64_t, uint16_t>;
  t["unpack.b32.2"] = unpack<uint32_t, uint16_t>;
  t["pack.b64.2"] = pack<uint64_t, uint32_t>, t["pack.b64.4"] = pack<uint64_t, uint16_t>;
  t["pack.b32.2"] = pack<uint32_t, uint16_t>;
  add_float_arithmetic([&](const std::string& name, Handler handler) { t[name] = handler; });
  return t;
}

}  // namespace

Handler arithmetic(const std::string& name) {
  static const Table table = make_table();
  const auto known = table.find(name);
  return known == table.end() ? nullptr : known->second;
}

}  // namespace equipoise::ptx
