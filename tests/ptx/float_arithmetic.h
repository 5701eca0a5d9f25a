// tests/ptx/float_arithmetic.h - the part of arithmetic.cpp's table that is about floats.
#pragma once

#include <functional>
#include <string>

#include "tests/ptx/module.h"

namespace equipoise::ptx {

/// Calls add(name, handler) for arithmetic on floats and for conversions.
void add_float_arithmetic(const std::function<void(const std::string&, Handler)>& add);

}  // namespace equipoise::ptx
