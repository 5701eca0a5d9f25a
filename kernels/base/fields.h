// kernels/base/fields.h - the fields of a plain struct, told to a visitor: for those that write an operation down or
// compare it, not for those that run it. Host only.
#pragma once

/// Behind a struct's fields, naming all of them in order: each_field(f) calls f("name, name, ...", field, field, ...).
#if defined(__CUDACC__)
#define EQ_FIELDS(...)
#else
#define EQ_FIELDS(...)                     \
  template <class F>                       \
  constexpr auto each_field(F&& f) const { \
    return f(#__VA_ARGS__, __VA_ARGS__);   \
  }
#endif
