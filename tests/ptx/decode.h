// tests/ptx/decode.h - a function's statements decoded.
#pragma once

#include <map>
#include <string>

#include "tests/ptx/module.h"
#include "tests/ptx/text.h"

namespace equipoise::ptx {

Type type_named(const std::string& name);  ///< "f32"; Type::none: no type

/// Decodes a body. `f` has its name and kind; `symbols` says where variables lie, `numbers` the module's functions.
void decode_body(const FunctionText& text, const std::map<std::string, Variable*>& symbols,
                 const std::map<std::string, int>& numbers, Module& module, Function& f);

}  // namespace equipoise::ptx
