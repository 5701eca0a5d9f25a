// engine/lower/canonical.h - one representation of each program: bytes that mean nothing are zero, so that equal
// programs have equal bytes and the bytes can be a key.
//
// Padding is cleared where the compiler can be asked to (__builtin_clear_padding: g++ 11 and later, clang 21).
// Elsewhere only the bytes of an operation that its kind does not use are zero, and padding is whatever lay there:
// equal programs may then look different, so that a cache loads one twice; different ones never look equal.
#pragma once

#include "engine/lower/program_code.h"

namespace equipoise {

void make_canonical(ProgramCode& code);
void make_canonical(Chain& chain);

/// Whether two programs do the same to states of the same layout, with the same names for tasks and terms. Where the
/// compiler cannot clear padding they are taken for different.
bool same_program(const Program& a, const Program& b);

}  // namespace equipoise
