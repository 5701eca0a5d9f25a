// tests/ptx/names.cpp - names of types, registers, memory and constants.
#include "tests/ptx/names.h"

#include <bit>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "tests/ptx/decode.h"

namespace equipoise::ptx {

namespace {

bool is_number(const std::string& o) {
  return !o.empty() && (std::isdigit(static_cast<unsigned char>(o[0])) || o[0] == '-');
}

}  // namespace

Type type_named(const std::string& name) {
  static const std::map<std::string, Type> types = {
      {"b8", Type::b8},   {"b16", Type::b16}, {"b32", Type::b32}, {"b64", Type::b64}, {"u8", Type::u8},
      {"u16", Type::u16}, {"u32", Type::u32}, {"u64", Type::u64}, {"s8", Type::s8},   {"s16", Type::s16},
      {"s32", Type::s32}, {"s64", Type::s64}, {"f32", Type::f32}, {"f64", Type::f64}, {"pred", Type::pred}};
  const auto known = types.find(name);
  return known == types.end() ? Type::none : known->second;
}

int bytes_of(Type type) {
  switch (type) {
    case Type::b8:
    case Type::u8:
    case Type::s8:
      return 1;
    case Type::b16:
    case Type::u16:
    case Type::s16:
      return 2;
    case Type::b64:
    case Type::u64:
    case Type::s64:
    case Type::f64:
      return 8;
    case Type::none:
      return 0;
    default:
      return 4;
  }
}

Names::Names(const FunctionText& text, const std::map<std::string, Variable*>& symbols, Function& f)
    : text_(text), symbols_(symbols), f_(f) {
  scopes_.emplace_back();
}

void Names::declare_parameters() {
  const std::string& head = text_.head;
  std::size_t at = head.find(f_.entry ? ".entry" : ".func") + 5;
  const auto list_at = [&](std::size_t open) {
    const std::size_t close = head.find(')', open);
    const std::vector<std::string> list = split_list(std::string_view(head).substr(open + 1, close - open - 1));
    at = close + 1;
    return list;
  };
  const std::size_t name = head.find(f_.name, at), first = head.find('(', at);
  if (first != std::string::npos && first < name)
    for (const std::string& p : list_at(first)) f_.results.push_back(declare(p, true));
  if (const std::size_t open = head.find('(', head.find(f_.name, at)); open != std::string::npos)
    for (const std::string& p : list_at(open)) f_.parameters.push_back(declare(p, true));
  const auto directive = [&](const std::string& word) {
    const std::size_t where = head.find(word, at);
    return where == std::string::npos ? 0 : std::atoi(head.c_str() + where + word.size());
  };
  f_.most_threads = directive(".maxntid");
  f_.least_blocks = directive(".minnctapersm");
}
/// ".param .align 8 .b8 name[72]", of a function or of a call, or ".local ..." alike.
Parameter Names::declare(const std::string& text, bool of_head) {
  int align = 0, count = 1, size = 0;
  std::string name;
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == ".align") align = static_cast<int>(integer(words[++i]));
    else if (words[i][0] == '.') size = std::max(size, bytes_of(type_named(words[i].substr(1))));
    else name = words[i];
  }
  if (const std::size_t open = name.find('['); open != std::string::npos) {
    count = static_cast<int>(integer(name.substr(open + 1, name.find(']') - open - 1)));
    name.resize(open);
  }
  if (size == 0 || name.empty()) throw std::runtime_error("a declaration that is not understood");
  if (align == 0) align = size;
  int& bytes = f_.entry && of_head ? f_.parameter_bytes : f_.local_bytes;
  bytes = (bytes + align - 1) / align * align;
  const Parameter placed{bytes, size * count};
  bytes += placed.bytes;
  scopes_.back().locals[name] = placed;
  if (of_head) of_head_.insert(name);
  return placed;
}

void Names::declare_registers(const std::string& text) {  // ".reg .b32 %r<5>" or ".reg .b64 %a, %b"
  const std::size_t dot = text.find('.', 4), blank = text.find(' ', dot);
  const Type type = type_named(text.substr(dot + 1, blank - dot - 1));
  if (type == Type::none) throw std::runtime_error("a register of unknown type");
  for (const std::string& name : split_list(std::string_view(text).substr(blank))) {
    const std::size_t open = name.find('<');
    const Register first{static_cast<int>(widths_.size()), type};
    const int64_t count = open == std::string::npos ? 1 : integer(name.substr(open + 1, name.find('>') - open - 1));
    widths_.insert(widths_.end(), static_cast<std::size_t>(count),
                   type == Type::pred ? Width::mask
                   : is_wide(type)    ? Width::wide
                                      : Width::narrow);
    if (open == std::string::npos) scopes_.back().registers[name] = first;
    else scopes_.back().ranges[name.substr(0, open)] = first;
  }
}

const Names::Register* Names::find_register(const std::string& name, Register& made) const {
  std::size_t digits = name.size();
  while (digits > 0 && std::isdigit(static_cast<unsigned char>(name[digits - 1]))) --digits;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto one = scope->registers.find(name); one != scope->registers.end()) return &one->second;
    if (digits == name.size()) continue;
    if (const auto range = scope->ranges.find(name.substr(0, digits)); range != scope->ranges.end()) {
      made = {range->second.number + std::atoi(name.c_str() + digits), range->second.type};
      return &made;
    }
  }
  return nullptr;
}
const Parameter* Names::find_local(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (const auto found = scope->locals.find(name); found != scope->locals.end()) return &found->second;
  return nullptr;
}

Operand Names::constant(uint64_t value, bool wide) {
  const auto [known, fresh] =
      constants_.try_emplace({value, wide}, static_cast<int32_t>(f_.constants.size() / kSlotBytes));
  if (fresh) {
    const std::size_t each = wide ? 8 : 4, begin = f_.constants.size();
    f_.constants.resize(begin + each * kLanes);
    for (std::size_t l = 0; l < kLanes; ++l) std::memcpy(f_.constants.data() + begin + l * each, &value, each);
  }
  return {known->second, true, wide};
}
/// An operand that is read as `type`.
Operand Names::read(const std::string& o, Type type) {
  Register made{};
  if (const Register* r = find_register(o, made)) {
    if ((r->type == Type::pred) != (type == Type::pred) || is_wide(r->type) != is_wide(type))
      throw std::runtime_error("register " + o + " has another width");
    return {r->number, false, is_wide(type)};
  }
  if (o.starts_with("0f") || o.starts_with("0F")) {
    const auto bits = static_cast<uint32_t>(std::stoul(o.substr(2), nullptr, 16));
    return constant(is_wide(type) ? std::bit_cast<uint64_t>(double{std::bit_cast<float>(bits)}) : bits, is_wide(type));
  }
  if (o.starts_with("0d") || o.starts_with("0D")) {
    const uint64_t bits = std::stoull(o.substr(2), nullptr, 16);
    return constant(is_wide(type) ? bits : std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(bits))),
                    is_wide(type));
  }
  if (is_number(o)) {
    const auto value = static_cast<uint64_t>(integer(o));
    if (type == Type::pred) return constant(value ? kAllLanes : 0, false);
    return constant(is_wide(type) ? value : value & 0xffffffffu, is_wide(type));
  }
  if (const auto variable = symbols_.find(o); variable != symbols_.end())
    return constant(variable->second->address, is_wide(type));
  throw std::runtime_error("operand '" + o + "' is unknown");
}
Operand Names::write(const std::string& o, Type type, bool wider) {
  if (o == "_") return {};
  Register made{};
  const Register* r = find_register(o, made);
  if (!r) throw std::runtime_error("result '" + o + "' is no register");
  if ((r->type == Type::pred) != (type == Type::pred) ||
      (is_wide(r->type) != is_wide(type) && !(wider && is_wide(r->type))))
    throw std::runtime_error("register " + o + " has another width");
  return {r->number, false, is_wide(r->type)};
}
/// "[%rd1+8]", "[name]", "[%r3]"
void Names::address(const std::string& o, Instruction& i) {
  if (o.size() < 3 || o.front() != '[') throw std::runtime_error("'" + o + "' is no address");
  std::string base(trimmed(std::string_view(o).substr(1, o.size() - 2)));
  if (const std::size_t plus = base.find('+'); plus != std::string::npos) {
    i.offset = integer(trimmed(std::string_view(base).substr(plus + 1)));
    base = std::string(trimmed(std::string_view(base).substr(0, plus)));
  }
  Register made{};
  if (const Parameter* local = find_local(base)) {
    i.offset += local->offset;
    i.from_[0] = constant(0, true);
    if (!(f_.entry && is_parameter(base))) i.base = Base::frame, i.space = Space::local;
  } else if (const Register* r = find_register(base, made)) {
    i.from_[0] = {r->number, false, is_wide(r->type)};
    if (i.space == Space::param && !f_.entry) i.space = Space::local;
  } else {
    i.from_[0] = read(base, Type::u64);
  }
}
bool Names::is_parameter(const std::string& name) const { return of_head_.contains(name); }

std::vector<std::string> Names::parts_of(const std::string& o) {
  if (!o.starts_with("{")) return {o};
  return split_list(std::string_view(o).substr(1, o.size() - 2));
}

}  // namespace equipoise::ptx
