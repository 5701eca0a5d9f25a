// tests/ptx/arithmetic.h - instructions that compute on registers alone, by their names.
#pragma once

#include <string>

#include "tests/ptx/module.h"

namespace equipoise::ptx {

/// How an instruction of that name is run: "fma.rn.f32", "setp.lt.and.s32", "cvt.rzi.s32.f32"; null: unknown.
/// Floating-point arithmetic is known only as IEEE 754 has it, rounded to nearest: what may be contracted, flushes to
/// zero or approximates is unknown.
Handler arithmetic(const std::string& name);

/// Whether `name` is arithmetic on floats whose result nvcc or ptxas may round otherwise than the source says.
bool inexact(const std::string& name);

}  // namespace equipoise::ptx
