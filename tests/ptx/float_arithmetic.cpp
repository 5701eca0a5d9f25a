// tests/ptx/float_arithmetic.cpp - IEEE 754 arithmetic rounded to nearest, and conversions.
//
// A result that is no number has the bits that the ISA names: 0x7fffffff in float32, where no payload outlives an
// operation; in float64, which leaves payloads open, a fixed one that no CPU makes, so that nothing can rest on it.
#include "tests/ptx/float_arithmetic.h"

#include <bit>
#include <cmath>
#include <limits>

#include "tests/ptx/arithmetic.h"
#include "tests/ptx/lanes.h"

namespace equipoise::ptx {

namespace {

inline float made(float v) { return v == v ? v : std::bit_cast<float>(0x7fffffffu); }
inline double made(double v) { return v == v ? v : std::bit_cast<double>(uint64_t{0xfff8000000000abc}); }

template <class T, class F>
void unary(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  each_lane<T>(w, i.to[0], [&](int l) { return F::of(a[l]); });
}
template <class T, class F>
void binary(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]);
  each_lane<T>(w, i.to[0], [&](int l) { return F::of(a[l], b[l]); });
}
template <class T>
void multiply_add(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<T>(w, i.from_[0]), *b = lanes_in<T>(w, i.from_[1]), *c = lanes_in<T>(w, i.from_[2]);
  each_lane<T>(w, i.to[0], [&](int l) {
    if constexpr (sizeof(T) == 4) return made(__builtin_fmaf(a[l], b[l], c[l]));
    else return made(__builtin_fma(a[l], b[l], c[l]));
  });
}

#define EQ_OF(Name, expression) \
  struct Name {                 \
    template <class T>          \
    static T of(T a, T b) {     \
      return expression;        \
    }                           \
  };
EQ_OF(Add, made(a + b))
EQ_OF(Subtract, made(a - b))
EQ_OF(Multiply, made(a* b))
EQ_OF(Divide, made(a / b))
// The number where one is none; -0 below +0.
EQ_OF(Minimum, a != a ? made(b) : b != b ? a : a == b ? (std::signbit(a) ? a : b) : a < b ? a : b)
EQ_OF(Maximum, a != a ? made(b) : b != b ? a : a == b ? (std::signbit(a) ? b : a) : a > b ? a : b)
EQ_OF(MinimumOrNan, a != a || b != b ? made(a + b) : Minimum::of(a, b))
EQ_OF(MaximumOrNan, a != a || b != b ? made(a + b) : Maximum::of(a, b))
EQ_OF(CopySign, std::copysign(b, a))
#undef EQ_OF
struct Negate {
  template <class T>
  static T of(T a) {
    return -a;
  }
};
struct Absolute {
  template <class T>
  static T of(T a) {
    return std::fabs(a);
  }
};
struct Root {
  template <class T>
  static T of(T a) {
    return made(std::sqrt(a));
  }
};
struct Reciprocal {
  template <class T>
  static T of(T a) {
    return made(T(1) / a);
  }
};

enum class Rounding { none, nearest, down, up, zero };

template <Rounding R, class T>
T whole(T v) {
  if constexpr (R == Rounding::nearest) return std::nearbyint(v);
  if constexpr (R == Rounding::down) return std::floor(v);
  if constexpr (R == Rounding::up) return std::ceil(v);
  if constexpr (R == Rounding::zero) return std::trunc(v);
  return v;
}
/// Beyond the integer's range its nearest end; no number becomes 0.
template <class I, class T>
I saturated(T v) {
  constexpr T kLeast = static_cast<T>(std::numeric_limits<I>::min());
  const T past = std::ldexp(T(1), std::numeric_limits<I>::digits);
  if (!(v == v)) return 0;
  if (v < kLeast) return std::numeric_limits<I>::min();
  if (v >= past) return std::numeric_limits<I>::max();
  return static_cast<I>(v);
}

/// From S to D; the register of D may be wider than D, which then is extended by D's sign.
template <class D, class S, Rounding R>
void convert(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<S>(w, i.from_[0]);
  const auto* low_of = lanes_in<uint64_t>(w, i.from_[0]);
  const bool low = sizeof(S) < 8 && i.from_[0].wide;  // the low bits of a wider register
  const auto value = [&](int l) {
    const S v = std::is_integral_v<S> && low ? static_cast<S>(low_of[l]) : static_cast<S>(a[l]);
    if constexpr (std::is_floating_point_v<S> && std::is_floating_point_v<D>) return made(static_cast<D>(whole<R>(v)));
    else if constexpr (std::is_floating_point_v<S>) return saturated<D>(whole<R>(v));
    else return static_cast<D>(v);
  };
  if constexpr (std::is_integral_v<D>) {
    if (i.to[0].wide) each_lane<int64_t>(w, i.to[0], [&](int l) { return static_cast<int64_t>(value(l)); });
    else each_lane<int32_t>(w, i.to[0], [&](int l) { return static_cast<int32_t>(value(l)); });
  } else {
    each_lane<D>(w, i.to[0], value);
  }
}

using Add2 = std::function<void(const std::string&, Handler)>;

template <class D, class S>
void add_conversion(const Add2& add, const std::string& to, const std::string& from) {
  const std::string pair = to + "." + from;
  constexpr bool kFloats = std::is_floating_point_v<S> && std::is_floating_point_v<D>;
  if constexpr (!std::is_floating_point_v<S> && !std::is_floating_point_v<D>)
    add("cvt." + pair, convert<D, S, Rounding::none>);
  if constexpr (!std::is_floating_point_v<S> && std::is_floating_point_v<D>)
    add("cvt.rn." + pair, convert<D, S, Rounding::none>);
  if constexpr (kFloats && sizeof(D) < sizeof(S)) add("cvt.rn." + pair, convert<D, S, Rounding::none>);
  if constexpr (kFloats && sizeof(D) >= sizeof(S)) add("cvt." + pair, convert<D, S, Rounding::none>);
  if constexpr (std::is_floating_point_v<S> && (!kFloats || sizeof(D) == sizeof(S))) {
    add("cvt.rni." + pair, convert<D, S, Rounding::nearest>);
    add("cvt.rmi." + pair, convert<D, S, Rounding::down>);
    add("cvt.rpi." + pair, convert<D, S, Rounding::up>);
    add("cvt.rzi." + pair, convert<D, S, Rounding::zero>);
  }
}
template <class D>
void add_conversions(const Add2& add, const std::string& to) {
  add_conversion<D, uint8_t>(add, to, "u8"), add_conversion<D, int8_t>(add, to, "s8");
  add_conversion<D, uint16_t>(add, to, "u16"), add_conversion<D, int16_t>(add, to, "s16");
  add_conversion<D, uint32_t>(add, to, "u32"), add_conversion<D, int32_t>(add, to, "s32");
  add_conversion<D, uint64_t>(add, to, "u64"), add_conversion<D, int64_t>(add, to, "s64");
  add_conversion<D, float>(add, to, "f32"), add_conversion<D, double>(add, to, "f64");
}

template <class T>
void add_floats(const Add2& add, const std::string& type) {
  add("add.rn." + type, binary<T, Add>), add("sub.rn." + type, binary<T, Subtract>);
  add("mul.rn." + type, binary<T, Multiply>), add("div.rn." + type, binary<T, Divide>);
  add("fma.rn." + type, multiply_add<T>);
  add("sqrt.rn." + type, unary<T, Root>), add("rcp.rn." + type, unary<T, Reciprocal>);
  add("neg." + type, unary<T, Negate>), add("abs." + type, unary<T, Absolute>);
  add("min." + type, binary<T, Minimum>), add("max." + type, binary<T, Maximum>);
  add("min.NaN." + type, binary<T, MinimumOrNan>), add("max.NaN." + type, binary<T, MaximumOrNan>);
  add("copysign." + type, binary<T, CopySign>);
}

}  // namespace

void add_float_arithmetic(const std::function<void(const std::string&, Handler)>& add) {
  add_floats<float>(add, "f32");
  add_floats<double>(add, "f64");
  add_conversions<uint8_t>(add, "u8"), add_conversions<int8_t>(add, "s8");
  add_conversions<uint16_t>(add, "u16"), add_conversions<int16_t>(add, "s16");
  add_conversions<uint32_t>(add, "u32"), add_conversions<int32_t>(add, "s32");
  add_conversions<uint64_t>(add, "u64"), add_conversions<int64_t>(add, "s64");
  add_conversions<float>(add, "f32"), add_conversions<double>(add, "f64");
}

bool inexact(const std::string& name) {
  if (!name.ends_with(".f32") && !name.ends_with(".f64")) return false;
  for (const char* part : {".ftz", ".approx", ".full"})
    if (name.find(part) != std::string::npos) return true;
  for (const char* start : {"add.", "sub.", "mul.", "mad.", "fma.", "div.", "sqrt.", "rcp.", "rsqrt.", "sin.", "cos.",
                            "ex2.", "lg2.", "tanh."})
    if (name.starts_with(start) && name.find(".rn.") == std::string::npos) return true;
  return false;
}

}  // namespace equipoise::ptx
