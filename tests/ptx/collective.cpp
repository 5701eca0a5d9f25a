// tests/ptx/collective.cpp - instructions by which lanes of a warp tell each other something.
#include <map>

#include "tests/ptx/access.h"
#include "tests/ptx/lanes.h"

namespace equipoise::ptx {

namespace {

enum class Shuffle { up, down, butterfly, index };

/// shfl.sync: the value of another lane, within segments; where there is none, the lane's own, and false.
template <Shuffle Kind>
void shuffle(Warp& w, const Instruction& i) {
  const auto *a = lanes_in<uint32_t>(w, i.from_[0]), *b = lanes_in<uint32_t>(w, i.from_[1]),
             *c = lanes_in<uint32_t>(w, i.from_[2]);
  uint32_t values[kLanes];
  Mask found = 0;
  for_lanes(w.mask, [&](int l) {
    const int by = static_cast<int>(b[l] & 31), clamp = static_cast<int>(c[l] & 31),
              segment = static_cast<int>(c[l] >> 8 & 31);
    const int least = l & segment, most = least | (clamp & ~segment);
    int from = l;
    bool has = false;
    if constexpr (Kind == Shuffle::up) from = l - by, has = from >= most;
    if constexpr (Kind == Shuffle::down) from = l + by, has = from <= most;
    if constexpr (Kind == Shuffle::butterfly) from = l ^ by, has = from <= most;
    if constexpr (Kind == Shuffle::index) from = least | (by & ~segment), has = from <= most;
    if (!has) from = l;
    values[l] = a[from];
    found |= static_cast<Mask>(has) << l;
  });
  auto* out = lanes_out<uint32_t>(w, i.to[0]);
  for_lanes(w.mask, [&](int l) { out[l] = values[l]; });
  if (i.to[1].present()) set_predicate(w, i.to[1], found);
}

Mask voters(const Warp& w, const Instruction& i) {
  const Mask yes = predicate(w, i.from_[0]);
  return (i.modifier ? ~yes : yes) & w.mask;
}
void ballot(Warp& w, const Instruction& i) {
  const Mask yes = voters(w, i);
  each_lane<uint32_t>(w, i.to[0], [&](int) { return yes; });
}
void any(Warp& w, const Instruction& i) { set_predicate(w, i.to[0], voters(w, i) ? kAllLanes : 0); }
void all(Warp& w, const Instruction& i) { set_predicate(w, i.to[0], voters(w, i) == w.mask ? kAllLanes : 0); }
void uniform(Warp& w, const Instruction& i) {
  const Mask yes = voters(w, i);
  set_predicate(w, i.to[0], yes == 0 || yes == w.mask ? kAllLanes : 0);
}

void active_mask(Warp& w, const Instruction& i) {
  const Mask mask = w.mask;
  each_lane<uint32_t>(w, i.to[0], [&](int) { return mask; });
}
void elect(Warp& w, const Instruction& i) {
  const auto first = static_cast<uint32_t>(__builtin_ctz(w.mask));
  if (i.to[0].present()) each_lane<uint32_t>(w, i.to[0], [&](int) { return first; });
  if (i.to[1].present()) set_predicate(w, i.to[1], 1u << first);
}

template <class T>
void match_any(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  uint32_t same[kLanes] = {};
  for_lanes(w.mask, [&](int l) { for_lanes(w.mask, [&](int m) { same[l] |= static_cast<Mask>(a[l] == a[m]) << m; }); });
  each_lane<uint32_t>(w, i.to[0], [&](int l) { return same[l]; });
}

/// redux.sync: one number of all lanes.
template <class T, class F>
void reduce(Warp& w, const Instruction& i) {
  const auto* a = lanes_in<T>(w, i.from_[0]);
  const int first = __builtin_ctz(w.mask);
  T sum = static_cast<T>(a[first]);
  for_lanes(w.mask & (w.mask - 1), [&](int l) { sum = F::of(sum, static_cast<T>(a[l])); });
  each_lane<T>(w, i.to[0], [&](int) { return sum; });
}
#define EQ_OF(Name, expression) \
  struct Name {                 \
    template <class T>          \
    static T of(T a, T b) {     \
      return expression;        \
    }                           \
  };
EQ_OF(Add, static_cast<T>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b)))
EQ_OF(Least, a < b ? a : b)
EQ_OF(Most, a > b ? a : b)
EQ_OF(BitAnd, a& b)
EQ_OF(BitOr, a | b)
EQ_OF(BitXor, a ^ b)
#undef EQ_OF

}  // namespace

Handler between_lanes(const std::string& name) {
  static const std::map<std::string, Handler> table = {
      {"shfl.sync.up.b32", shuffle<Shuffle::up>},
      {"shfl.sync.down.b32", shuffle<Shuffle::down>},
      {"shfl.sync.bfly.b32", shuffle<Shuffle::butterfly>},
      {"shfl.sync.idx.b32", shuffle<Shuffle::index>},
      {"vote.sync.ballot.b32", ballot},
      {"vote.sync.any.pred", any},
      {"vote.sync.all.pred", all},
      {"vote.sync.uni.pred", uniform},
      {"activemask.b32", active_mask},
      {"elect.sync", elect},
      {"match.any.sync.b32", match_any<uint32_t>},
      {"match.any.sync.b64", match_any<uint64_t>},
      {"redux.sync.add.u32", reduce<uint32_t, Add>},
      {"redux.sync.add.s32", reduce<int32_t, Add>},
      {"redux.sync.min.u32", reduce<uint32_t, Least>},
      {"redux.sync.min.s32", reduce<int32_t, Least>},
      {"redux.sync.max.u32", reduce<uint32_t, Most>},
      {"redux.sync.max.s32", reduce<int32_t, Most>},
      {"redux.sync.and.b32", reduce<uint32_t, BitAnd>},
      {"redux.sync.or.b32", reduce<uint32_t, BitOr>},
      {"redux.sync.xor.b32", reduce<uint32_t, BitXor>},
  };
  const auto known = table.find(name);
  return known == table.end() ? nullptr : known->second;
}

}  // namespace equipoise::ptx
