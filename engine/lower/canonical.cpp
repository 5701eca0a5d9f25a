// engine/lower/canonical.cpp - clears what no field covers.
#include "engine/lower/canonical.h"

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace equipoise {

namespace {

/// The value's bytes at `to`, its padding zero.
template <class T>
void put(std::byte* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
#if defined(__has_builtin)
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&value);
#endif
#endif
  std::memcpy(to, &value, sizeof value);
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

}  // namespace

void make_canonical(ProgramCode& code) {
  for (Operation& o : code.operations) clear_padding(o);
  for (Phase& p : code.phases) clear_padding(p);
  for (Resident& r : code.residents) clear_padding(r);
}

void make_canonical(Chain& chain) { clear_padding(chain); }

}  // namespace equipoise
