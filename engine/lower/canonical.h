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

}  // namespace equipoise
