// tests/ptx/names.h - what a function's names stand for: its registers, its places in local memory, its constants.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/ptx/flow.h"
#include "tests/ptx/text.h"

namespace equipoise::ptx {

inline bool is_wide(Type type) { return bytes_of(type) == 8; }

class Names {
 protected:
  struct Register {
    int number;
    Type type;
  };
  struct Scope {
    std::map<std::string, Register> registers, ranges;  // a range by its prefix: the first number
    std::map<std::string, Parameter> locals;
  };

  Names(const FunctionText& text, const std::map<std::string, Variable*>& symbols, Function& f);

  void declare_parameters();  ///< of the function's head
  Parameter declare(const std::string& text, bool of_head = false);
  void declare_registers(const std::string& text);
  const Register* find_register(const std::string& name, Register& made) const;
  const Parameter* find_local(const std::string& name) const;
  Operand constant(uint64_t value, bool wide);
  Operand read(const std::string& o, Type type);
  Operand write(const std::string& o, Type type, bool wider = false);
  void address(const std::string& o, Instruction& i);
  bool is_parameter(const std::string& name) const;
  static std::vector<std::string> parts_of(const std::string& o);

  const FunctionText& text_;
  const std::map<std::string, Variable*>& symbols_;
  Function& f_;
  std::vector<Scope> scopes_;
  std::vector<Width> widths_;      // of the virtual registers
  std::set<std::string> of_head_;  // names of the function's parameters
  std::map<std::pair<uint64_t, bool>, int32_t> constants_;
};

}  // namespace equipoise::ptx
