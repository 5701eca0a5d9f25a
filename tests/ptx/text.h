// tests/ptx/text.h - PTX text cut into declarations and statements; what they mean is decode.cpp's.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/ptx/module.h"

namespace equipoise::ptx {

struct Statement {
  enum class Kind { instruction, directive, label, open, close };
  Kind kind;
  std::string text;  ///< one blank between words, no ';'
  int line;
  int location;  ///< of Module::locations; -1: none
};

struct FunctionText {
  std::string head;  ///< up to the body
  std::vector<Statement> body;
  int line;
};

struct VariableText {
  std::string head, initial;  ///< `initial`: between the braces; "" without
  int line;
};

struct ModuleText {
  std::string target;
  std::vector<FunctionText> functions;
  std::vector<VariableText> variables;
  std::vector<Location> locations;
  std::map<int, std::string> files;
};

ModuleText cut(const std::string& text);

/// Parts of a list that commas outside of brackets separate, without blanks around.
std::vector<std::string> split_list(std::string_view list);
std::string_view trimmed(std::string_view text);
/// The whole number that `text` is (decimal, 0x, a sign, a U behind); throws std::runtime_error.
int64_t integer(std::string_view text);
[[noreturn]] void refuse(int line, const std::string& what);

}  // namespace equipoise::ptx
