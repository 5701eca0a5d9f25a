// tests/ptx/module.cpp - a module read: its variables laid out, its functions decoded.
#include "tests/ptx/module.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "tests/ptx/decode.h"
#include "tests/ptx/text.h"

namespace equipoise::ptx {

namespace {

/// The word in front of the parameters, or the last one.
std::string function_name(const std::string& head) {
  std::size_t at = head.find(".entry") != std::string::npos ? head.find(".entry") + 6 : head.find(".func") + 5;
  at = head.find_first_not_of(' ', at);
  if (head[at] == '(') at = head.find_first_not_of(' ', head.find(')', at) + 1);
  return head.substr(at, head.find_first_of(" (", at) - at);
}

/// ".global .align 4 .b8 name[16] = {...}", ".extern .shared .align 16 .b8 name[]"
Variable variable_of(const VariableText& text) {
  Variable v{};
  v.space = text.head.find(".shared") != std::string::npos  ? Space::shared
            : text.head.find(".const") != std::string::npos ? Space::constant
                                                            : Space::global;
  v.align = 1;
  int size = 0;
  std::string_view rest = trimmed(text.head);
  if (const std::size_t equals = rest.find('='); equals != std::string_view::npos)
    rest = trimmed(rest.substr(0, equals));
  std::string name;
  for (std::size_t begin = 0; begin < rest.size();) {
    const std::size_t end = std::min(rest.find(' ', begin), rest.size());
    const std::string word(rest.substr(begin, end - begin));
    if (word == ".align") {
      const std::size_t next = std::min(rest.find(' ', end + 1), rest.size());
      v.align = static_cast<int>(integer(rest.substr(end + 1, next - end - 1)));
      begin = next + 1;
      continue;
    }
    if (word.starts_with(".")) size = std::max(size, bytes_of(type_named(word.substr(1))));
    else name = word;
    begin = end + 1;
  }
  v.bytes = size;
  if (const std::size_t open = name.find('['); open != std::string::npos) {
    const std::string count = name.substr(open + 1, name.find(']') - open - 1);
    v.dynamic = count.empty();
    v.bytes = count.empty() ? 0 : size * integer(count);
    name.resize(open);
  }
  if (size == 0) refuse(text.line, "a variable of unknown type, '" + text.head + "'");
  v.name = name;
  for (const std::string& word : split_list(text.initial)) {
    uint64_t bits;
    if (word.starts_with("0d") || word.starts_with("0D")) bits = std::stoull(word.substr(2), nullptr, 16);
    else if (word.starts_with("0f") || word.starts_with("0F")) bits = std::stoul(word.substr(2), nullptr, 16);
    else bits = static_cast<uint64_t>(integer(word));
    const std::size_t at = v.contents.size();
    v.contents.resize(at + static_cast<std::size_t>(size));
    std::memcpy(v.contents.data() + at, &bits, static_cast<std::size_t>(size));
  }
  return v;
}

/// Shared variables one behind the other, what a launch asks for last; others far from all that is allocated.
void lay_out(Module& module) {
  static int modules = 0;
  uint64_t next = (kGlobalWindow - (uint64_t{1} << 32)) + (static_cast<uint64_t>(++modules) << 26);
  int shared = 0;
  const auto up = [](int64_t value, int64_t align) { return (value + align - 1) / align * align; };
  for (Variable& v : module.variables) {
    if (v.space != Space::shared) {
      v.address = next;
      next += static_cast<uint64_t>(up(v.bytes + 4096, 4096));
    } else if (!v.dynamic) {
      shared = static_cast<int>(up(shared, v.align));
      v.address = kSharedFirst + static_cast<uint64_t>(shared);
      shared += static_cast<int>(v.bytes);
    }
  }
  module.static_shared = static_cast<int>(up(shared, 16));
  for (Variable& v : module.variables)
    if (v.dynamic) v.address = kSharedFirst + static_cast<uint64_t>(module.static_shared);
}

/// Local memory that a function and what it calls need; `path`: the calls on the way, none of which may come back.
int deepest_local(Module& module, int number, std::vector<int>& path) {
  Function& f = module.functions[static_cast<std::size_t>(number)];
  if (std::find(path.begin(), path.end(), number) != path.end())
    throw std::runtime_error(f.name + " calls itself, which the machine does not know");
  if (f.deepest_local > 0) return f.deepest_local;
  path.push_back(number);
  int below = 0;
  for (const Instruction& i : f.code)
    if (i.flow == Flow::call) below = std::max(below, deepest_local(module, i.target, path));
  path.pop_back();
  return f.deepest_local = f.local_bytes + below;
}

}  // namespace

Module read_module(const std::string& text) {
  const ModuleText parts = cut(text);
  Module module;
  module.target = parts.target;
  module.files = parts.files;
  module.locations = parts.locations;
  for (const VariableText& v : parts.variables) module.variables.push_back(variable_of(v));
  for (const FunctionText& f : parts.functions)  // a function's own shared memory is laid out like the module's
    for (const Statement& statement : f.body)
      if (statement.kind == Statement::Kind::directive && statement.text.starts_with(".shared "))
        module.variables.push_back(variable_of({statement.text, "", statement.line}));
  lay_out(module);
  std::map<std::string, Variable*> symbols;
  for (Variable& v : module.variables) symbols[v.name] = &v;
  std::map<std::string, int> numbers;
  for (const FunctionText& f : parts.functions) {
    Function function;
    function.name = function_name(f.head);
    function.entry = f.head.find(".entry") != std::string::npos;
    numbers[function.name] = static_cast<int>(module.functions.size());
    module.functions.push_back(std::move(function));
  }
  for (std::size_t i = 0; i < parts.functions.size(); ++i)
    decode_body(parts.functions[i], symbols, numbers, module, module.functions[i]);
  for (int i = 0; i < static_cast<int>(module.functions.size()); ++i) {
    std::vector<int> path;
    deepest_local(module, i, path);
  }
  for (const Function& f : module.functions)
    for (const Instruction& i : f.code)
      module.lesser_order |=
          i.flow == Flow::cluster || i.strong || i.acquires || (i.flow == Flow::block_barrier && i.from_[1].present());
  return module;
}

const Function& Module::entry(const std::vector<std::string>& wanted) const {
  const Function* found = nullptr;
  std::string names;
  for (const std::string& part : wanted) names += " " + part;
  for (const Function& f : functions) {
    bool all = f.entry;
    for (const std::string& part : wanted) all = all && f.name.find(part) != std::string::npos;
    if (!all) continue;
    if (found) throw std::invalid_argument("two entries hold" + names + ": " + found->name + ", " + f.name);
    found = &f;
  }
  if (!found) throw std::invalid_argument("no entry holds" + names);
  return *found;
}

namespace {

std::string short_path(const std::string& path) {
  const std::size_t last = path.rfind('/');
  if (last == std::string::npos || last == 0) return path;
  const std::size_t before = path.rfind('/', last - 1);
  return before == std::string::npos ? path : path.substr(before + 1);
}

}  // namespace

std::string Module::source_of(const Instruction& instruction) const {
  std::string text;
  int at = instruction.location;
  for (int depth = 0; at >= 0 && depth < 4; ++depth, at = locations[static_cast<std::size_t>(at)].caller) {
    const Location& l = locations[static_cast<std::size_t>(at)];
    const auto file = files.find(l.file);
    text += (text.empty() ? "" : ", from ") + short_path(file == files.end() ? "?" : file->second) + ":" +
            std::to_string(l.line);
  }
  return text.empty() ? "no source line" : text;
}

std::string Module::file_of(const Instruction& instruction, const std::string& part) const {
  int depth = 0;
  for (int at = instruction.location; at >= 0 && depth < 64;
       at = locations[static_cast<std::size_t>(at)].caller, ++depth) {
    const auto file = files.find(locations[static_cast<std::size_t>(at)].file);
    if (file != files.end() && file->second.find(part) != std::string::npos) return file->second;
  }
  return "";
}

}  // namespace equipoise::ptx
