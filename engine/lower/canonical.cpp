// engine/lower/canonical.cpp - clears what no field covers.
#include "engine/lower/canonical.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <tuple>
#include <type_traits>

namespace equipoise {

namespace {

#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
#define EQ_CLEARS_PADDING 1
#endif
#endif

/// The value's bytes at `to`, its padding zero.
template <class T>
void put(std::byte* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
#ifdef EQ_CLEARS_PADDING
  __builtin_clear_padding(&value);
#endif
  std::memcpy(to, &value, sizeof value);
}

/// Structs with arrays of structs go field by field: behind such an array g++ 12's builtin counts from its wrong end
/// and clears a field instead of the padding. `to` holds zeros.
void put(std::byte* to, const SumViews& o) {
  put(to + offsetof(SumViews, to), o.to);
  for (std::size_t i = 0; i < std::size(o.from); ++i) put(to + offsetof(SumViews, from) + i * sizeof(View), o.from[i]);
  std::memcpy(to + offsetof(SumViews, coefficient), o.coefficient, sizeof o.coefficient);
  std::memcpy(to + offsetof(SumViews, task), o.task, sizeof o.task);
  put(to + offsetof(SumViews, count), o.count);
  put(to + offsetof(SumViews, accumulate), o.accumulate);
}
void put(std::byte* to, const TaskLoss& o) {
  put(to + offsetof(TaskLoss, task), o.task);
  put(to + offsetof(TaskLoss, form), o.form);
  put(to + offsetof(TaskLoss, terms), o.terms);
  std::memcpy(to + offsetof(TaskLoss, term), o.term, sizeof o.term);
  std::memcpy(to + offsetof(TaskLoss, divisor), o.divisor, sizeof o.divisor);
  std::memcpy(to + offsetof(TaskLoss, per_row), o.per_row, sizeof o.per_row);
  for (std::size_t t = 0; t < std::size(o.sum); ++t) {
    put(to + offsetof(TaskLoss, sum) + t * sizeof(Place), o.sum[t]);
    put(to + offsetof(TaskLoss, count) + t * sizeof(Place), o.count[t]);
  }
}

template <class T>
void clear_padding(T& value) {
  std::byte clean[sizeof(T)];
  put(clean, value);
  std::memcpy(&value, clean, sizeof value);
}

/// A union's padding depends on its kind, which the compiler does not know.
void clear_padding(Operation& o) {
  std::byte clean[sizeof(Operation)] = {};
  put(clean + offsetof(Operation, kind), o.kind);
  put(clean + offsetof(Operation, first_unit), o.first_unit);
  put(clean + offsetof(Operation, turns), o.turns);
  put(clean + offsetof(Operation, next_turns), o.next_turns);
  switch (o.kind) {
#define EQ_CASE(tag, Struct)                      \
  case OperationKind::tag:                        \
    put(clean + offsetof(Operation, tag), o.tag); \
    break;
    EQ_OPERATIONS(EQ_CASE)
#undef EQ_CASE
  }
  std::memcpy(&o, clean, sizeof o);
}

[[maybe_unused]] auto layout(const Program& p) {
  return std::tie(p.fast_floats, p.work_floats, p.state_floats, p.routed, p.moment_stride, p.measured, p.batch,
                  p.shuffle, p.task_names, p.term_names, p.layer_of_block, p.output_cols);
}

[[maybe_unused]] auto layout(const ParameterInfo& p) {
  return std::tie(p.name, p.shape, p.layer, p.offset, p.rows, p.cols, p.stride, p.fan_in);
}

template <class T>
[[maybe_unused]] bool equal_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace

void make_canonical(ProgramCode& code) {
  for (Operation& o : code.operations) clear_padding(o);
  for (Phase& p : code.phases) clear_padding(p);
  for (Resident& r : code.residents) clear_padding(r);
}

void make_canonical(Chain& chain) {
  static_assert(sizeof(Method) == 10 * sizeof(int32_t) + 7 * sizeof(double), "a method has no padding");
  constexpr std::size_t kEnd = offsetof(Chain, rescale) + sizeof chain.rescale;
  std::memset(reinterpret_cast<std::byte*>(&chain) + kEnd, 0, sizeof chain - kEnd);
}

#ifdef EQ_CLEARS_PADDING
bool same_program(const Program& a, const Program& b) {
  return equal_bytes(a.code->operations, b.code->operations) && equal_bytes(a.code->phases, b.code->phases) &&
         equal_bytes(a.code->residents, b.code->residents) && equal_bytes(a.chains, b.chains) && layout(a) == layout(b) &&
         std::equal(a.parameters.begin(), a.parameters.end(), b.parameters.begin(), b.parameters.end(),
                    [](const ParameterInfo& p, const ParameterInfo& q) { return layout(p) == layout(q); });
}
#else
bool same_program(const Program&, const Program&) { return false; }
#endif

}  // namespace equipoise
