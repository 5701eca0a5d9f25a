// tests/ptx/decode.cpp - statements of a function as instructions: operands, registers, the handler of each name.
#include "tests/ptx/decode.h"

#include <stdexcept>

#include "tests/ptx/access.h"
#include "tests/ptx/arithmetic.h"
#include "tests/ptx/names.h"

namespace equipoise::ptx {

namespace {

std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (end > begin) words.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}
bool has(const std::vector<std::string>& words, const std::string& word) {
  for (const std::string& w : words)
    if (w == word) return true;
  return false;
}

class Decoder : private Names {
 public:
  Decoder(const FunctionText& text, const std::map<std::string, Variable*>& symbols,
          const std::map<std::string, int>& numbers, Module& module, Function& f)
      : Names(text, symbols, f), numbers_(numbers), module_(module) {}

  void all() {
    declare_parameters();
    for (const Statement& s : text_.body) {
      try {
        statement(s);
      } catch (const std::runtime_error& e) {
        refuse(s.line, e.what() + std::string(" in '") + s.text.substr(0, 160) + "'");
      }
    }
    finish();
  }

 private:
  // Statements

  void statement(const Statement& s) {
    switch (s.kind) {
      case Statement::Kind::open:
        scopes_.emplace_back();
        break;
      case Statement::Kind::close:
        scopes_.pop_back();
        break;
      case Statement::Kind::label:
        label_ = s.text;
        labels_[s.text] = static_cast<int32_t>(f_.code.size());
        break;
      case Statement::Kind::directive:
        directive(s);
        break;
      case Statement::Kind::instruction:
        instruction(s);
    }
  }
  void directive(const Statement& s) {
    if (s.text.starts_with(".reg ")) declare_registers(s.text);
    else if (s.text.starts_with(".local ") || s.text.starts_with(".param ")) declare(s.text);
    else if (s.text.starts_with(".branchtargets")) tables_[label_] = split_list(std::string_view(s.text).substr(14));
    else if (!s.text.starts_with(".pragma") && !s.text.starts_with(".shared "))
      throw std::runtime_error("a directive that is not known");
  }

  void instruction(const Statement& s) {
    Instruction i;
    i.line = s.line;
    i.location = s.location;
    module_.texts.push_back(s.text);
    text_numbers_.push_back(static_cast<int>(module_.texts.size()) - 1);
    std::string text = s.text;
    if (text[0] == '@') {
      const std::size_t blank = text.find(' ');
      i.guard_negated = text[1] == '!';
      i.guard = read(text.substr(i.guard_negated ? 2 : 1, blank - (i.guard_negated ? 2 : 1)), Type::pred);
      text = std::string(trimmed(std::string_view(text).substr(blank)));
    }
    const std::size_t blank = std::min(text.find(' '), text.size());
    const std::string name = text.substr(0, blank);
    const std::vector<std::string> operands = split_list(std::string_view(text).substr(blank)), words = words_of(name);
    decode(i, name, words, operands, text);
    if (i.guard.present() && (i.flow == Flow::call || i.flow == Flow::block_barrier || i.flow == Flow::warp_barrier ||
                              i.flow == Flow::cluster || i.flow == Flow::table))
      throw std::runtime_error("'" + name + "' under a predicate is not known");
    if (!i.run && (i.flow == Flow::next || i.flow == Flow::collective)) {
      if (inexact(name)) throw std::runtime_error("'" + name + "' is not rounded to nearest as the source says");
      throw std::runtime_error("instruction '" + name + "' is not known");
    }
    f_.code.push_back(i);
  }

  void decode(Instruction& i, const std::string& name, const std::vector<std::string>& words,
              const std::vector<std::string>& o, const std::string& text) {
    const std::string& head = words[0];
    i.type = type_named(words.back());
    if (head == "bra") i.flow = Flow::branch, jumps_.emplace_back(f_.code.size(), o.at(0));
    else if (head == "brx") branch_by_table(i, o);
    else if (head == "call") call(i, text);
    else if (head == "ret") i.flow = Flow::ret;
    else if (head == "exit") i.flow = Flow::exit;
    else if (head == "trap") i.run = trap();
    else if (head == "bar" || head == "barrier") barrier(i, words, o);
    else if (head == "membar" || head == "fence") i.run = fence(), i.acquires = i.releases = true;
    else if (head == "nanosleep") i.run = nothing();
    else if (head == "ld" || head == "ldu" || head == "st") memory(i, words, o);
    else if (head == "atom" || head == "red") atomic_access(i, words, o);
    else if (head == "cvta" || head == "isspacep" || head == "mapa") addresses(i, words, o);
    else if (head == "shfl" || head == "vote" || head == "match" || head == "redux" || head == "elect" ||
             head == "activemask")
      lanes(i, name, o);
    else if (head == "mov" && move(i, words, o)) return;
    else arithmetic_on(i, name, words, o);
  }

  void branch_by_table(Instruction& i, const std::vector<std::string>& o) {
    i.flow = Flow::table;
    i.from_[0] = read(o.at(0), Type::u32);
    i.target = static_cast<int32_t>(f_.tables.size());
    f_.tables.emplace_back();
    table_names_.push_back(o.at(1));
  }

  void call(Instruction& i, const std::string& text) {
    std::vector<std::string> o = split_list(std::string_view(text).substr(text.find(' ')));
    Function::Call c;
    std::size_t at = 0;
    const auto places = [&](const std::string& list) {
      std::vector<Parameter> found;
      for (const std::string& name : split_list(std::string_view(list).substr(1, list.size() - 2))) {
        const Parameter* p = find_local(name);
        if (!p) throw std::runtime_error("argument '" + name + "' is unknown");
        found.push_back(*p);
      }
      return found;
    };
    if (o.at(0).starts_with("(")) c.results = places(o[at++]);
    const auto callee = numbers_.find(o.at(at++));
    if (callee == numbers_.end()) throw std::runtime_error("a call of a function that is not in the module");
    if (at < o.size()) c.arguments = places(o[at]);
    i.flow = Flow::call;
    i.target = callee->second;
    i.offset = static_cast<int64_t>(f_.calls.size());
    f_.calls.push_back(std::move(c));
  }

  void barrier(Instruction& i, const std::vector<std::string>& words, const std::vector<std::string>& o) {
    if (has(words, "warp")) {
      i.flow = Flow::warp_barrier;
      i.from_[0] = read(o.at(0), Type::u32);
    } else if (has(words, "cluster")) {
      i.flow = Flow::cluster;
      i.modifier = has(words, "wait") ? 1 : has(words, "relaxed") ? 2 : 0;
    } else {
      if (has(words, "arrive") || has(words, "red")) throw std::runtime_error("this barrier is not known");
      i.flow = Flow::block_barrier;
      i.aligned = words[0] == "bar" || has(words, "aligned");
      i.from_[0] = read(o.at(0), Type::u32);
      if (o.size() > 1) i.from_[1] = read(o[1], Type::u32);
    }
  }

  static Space space_of(const std::vector<std::string>& words) {
    for (const std::string& w : words) {
      if (w == "global") return Space::global;
      if (w == "shared" || w.starts_with("shared::")) return Space::shared;
      if (w == "local") return Space::local;
      if (w == "param" || w.starts_with("param::")) return Space::param;
      if (w == "const") return Space::constant;
    }
    return Space::generic;
  }
  static void strength(Instruction& i, const std::vector<std::string>& words) {
    i.acquires = has(words, "acquire") || has(words, "acq_rel");
    i.releases = has(words, "release") || has(words, "acq_rel");
    i.strong = i.acquires || i.releases || has(words, "volatile") || has(words, "relaxed") || words[0] == "atom" ||
               words[0] == "red";
  }
  void memory(Instruction& i, const std::vector<std::string>& words, const std::vector<std::string>& o) {
    if (i.type == Type::none) throw std::runtime_error("an access of no type");
    i.space = space_of(words);
    if (has(words, "shared::cluster")) i.modifier = 1;
    strength(i, words);
    const bool stores = words[0] == "st";
    const std::vector<std::string> values = parts_of(o.at(stores ? 1 : 0));
    i.elements = static_cast<uint8_t>(values.size());
    if (values.size() > 4) throw std::runtime_error("a vector of more than four");
    address(o.at(stores ? 0 : 1), i);
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (stores) i.from_[k + 1] = value_of_any_width(values[k], i.type);
      else i.to[k] = write(values[k], i.type, true);
    }
    i.run = stores ? store(i) : load(i);
  }
  /// A store and a conversion may take the low bytes of a wider register.
  Operand value_of_any_width(const std::string& o, Type type) {
    Register made{};
    if (const Register* r = find_register(o, made); r && r->type != Type::pred)
      return {r->number, false, is_wide(r->type)};
    return read(o, type);
  }
  void atomic_access(Instruction& i, const std::vector<std::string>& words, const std::vector<std::string>& o) {
    i.space = space_of(words);
    strength(i, words);
    const bool returns = words[0] == "atom";
    std::size_t at = 0;
    if (returns) i.to[0] = write(o.at(at++), i.type);
    address(o.at(at++), i);
    for (int k = 1; at < o.size(); ++k) i.from_[k] = read(o[at++], i.type);
    for (const std::string& w : words)
      if (const Handler known = atomic(w, i)) i.run = known;
  }
  void addresses(Instruction& i, const std::vector<std::string>& words, const std::vector<std::string>& o) {
    i.space = space_of(words);
    if (i.space == Space::param && !f_.entry) i.space = Space::local;
    if (words[0] == "cvta") {
      i.modifier = has(words, "to") ? 1 : 0;
      i.to[0] = write(o.at(0), Type::u64);
      i.from_[0] = read(o.at(1), Type::u64);
      i.run = convert_address();
    } else if (words[0] == "isspacep") {
      i.to[0] = write(o.at(0), Type::pred);
      i.from_[0] = read(o.at(1), Type::u64);
      i.run = is_in_space();
    } else {
      i.modifier = has(words, "shared::cluster") ? 1 : 0;
      i.to[0] = write(o.at(0), i.type);
      i.from_[0] = read(o.at(1), i.type);
      i.from_[1] = read(o.at(2), Type::u32);
      i.run = map_to_block();
    }
  }
  void lanes(Instruction& i, const std::string& name, const std::vector<std::string>& o) {
    i.run = between_lanes(name);
    if (!i.run) return;
    i.flow = name == "activemask.b32" ? Flow::next : Flow::collective;
    i.target = static_cast<int32_t>(o.size()) - 2;  // the mask of members comes last
    std::string result = o.at(0);
    if (const std::size_t bar = result.find('|'); bar != std::string::npos) {
      i.to[1] = write(result.substr(bar + 1), Type::pred);
      result.resize(bar);
    }
    const bool wide = name.ends_with(".b64");
    const bool to_predicate = name.starts_with("vote") && name.ends_with(".pred");
    i.to[0] = write(result, to_predicate ? Type::pred : Type::b32);
    for (std::size_t k = 1; k < o.size() && k < 5; ++k) {
      if (name.starts_with("vote") && k == 1) {
        i.modifier = o[k][0] == '!';
        i.from_[0] = read(o[k].substr(i.modifier), Type::pred);
      } else {
        i.from_[k - 1] = read(o[k], k == 1 && wide ? Type::b64 : Type::b32);
      }
    }
  }
  /// What mov is besides a copy between registers.
  bool move(Instruction& i, const std::vector<std::string>& words, const std::vector<std::string>& o) {
    const bool unpacks = o.at(0).starts_with("{"), packs = o.at(1).starts_with("{");
    if (unpacks || packs) {
      const std::vector<std::string> parts = parts_of(o[unpacks ? 0 : 1]);
      const Type part = bytes_of(i.type) / static_cast<int>(parts.size()) == 4 ? Type::b32 : Type::b16;
      i.run = arithmetic((unpacks ? "unpack." : "pack.") + words.back() + "." + std::to_string(parts.size()));
      for (std::size_t k = 0; k < parts.size() && i.run; ++k)
        if (unpacks) i.to[k] = write(parts[k], part);
        else i.from_[k] = read(parts[k], part);
      if (unpacks) i.from_[0] = read(o[1], i.type);
      else i.to[0] = write(o[0], i.type);
      return true;
    }
    if (const int special = special_register(o[1]); special >= 0) {
      i.modifier = static_cast<uint8_t>(special);
      i.to[0] = write(o[0], i.type);
      i.run = read_special();
      return true;
    }
    if (const Parameter* local = find_local(o[1])) {  // an address in the frame, or among the launch's parameters
      i.to[0] = write(o[0], Type::u64);
      i.from_[0] = constant(0, true);
      i.offset = local->offset;
      if (!(f_.entry && is_parameter(o[1]))) i.base = Base::frame;
      i.space = Space::local;
      i.modifier = 2;
      i.run = convert_address();
      return true;
    }
    return false;
  }

  void arithmetic_on(Instruction& i, const std::string& name, const std::vector<std::string>& words,
                     const std::vector<std::string>& o) {
    i.run = arithmetic(name);
    if (!i.run) return;
    const std::string& head = words[0];
    const Type type = i.type;
    const bool doubles = has(words, "wide");
    const Type big = doubles ? (bytes_of(type) == 4 ? Type::b64 : Type::b32) : type;
    const auto source = [&](std::size_t k) {
      if (head == "setp" && k == 3) return Type::pred;
      if (head == "selp" && k == 3) return Type::pred;
      if ((head == "shl" || head == "shr") && k == 2) return Type::b32;
      if (head == "bfe" && k >= 2) return Type::b32;
      if (head == "bfi" && k >= 3) return Type::b32;
      if (doubles && k == 3) return big;
      return type;
    };
    if (head == "setp") {
      std::string first = o.at(0);
      if (const std::size_t bar = first.find('|'); bar != std::string::npos) {
        i.to[1] = write(first.substr(bar + 1), Type::pred);
        first.resize(bar);
      }
      i.to[0] = write(first, Type::pred);
    } else if (head == "cvt") {
      i.from = type;
      i.type = type_named(words[words.size() - 2]);
      i.to[0] = write(o.at(0), i.type, true);
    } else {
      i.to[0] = write(o.at(0), head == "popc" || head == "clz" ? Type::b32 : big);
    }
    for (std::size_t k = 1; k < o.size(); ++k) {
      std::string operand = o[k];
      if (source(k) == Type::pred && operand[0] == '!') {
        if (head != "setp") throw std::runtime_error("a negated predicate");
        i.modifier = 1;
        operand.erase(0, 1);
      }
      i.from_[k - 1] = head == "cvt" ? value_of_any_width(operand, type) : read(operand, source(k));
    }
  }

  void finish() {
    const auto place = [&](const std::string& name) {
      const auto found = labels_.find(name);
      if (found == labels_.end()) refuse(text_.line, "label " + name + " is nowhere in " + f_.name);
      return found->second;
    };
    if (f_.code.empty() || f_.code.back().flow != Flow::ret) {  // a label at the end needs an instruction
      Instruction last;
      last.flow = Flow::ret;
      last.line = text_.line;
      module_.texts.emplace_back("ret");
      text_numbers_.push_back(static_cast<int>(module_.texts.size()) - 1);
      f_.code.push_back(last);
    }
    for (const auto& [at, name] : jumps_) f_.code[at].target = place(name);
    for (std::size_t t = 0; t < f_.tables.size(); ++t) {
      const auto list = tables_.find(table_names_[t]);
      if (list == tables_.end()) refuse(text_.line, "branch targets " + table_names_[t] + " are nowhere");
      for (const std::string& name : list->second) f_.tables[t].push_back(place(name));
    }
    f_.local_bytes = (f_.local_bytes + 15) / 16 * 16;
    for (std::size_t k = 0; k < f_.code.size(); ++k) f_.code[k].text_number = text_numbers_[k];
    find_meetings(f_);
    forget_unread_elements(f_, widths_.size());
    assign_slots(f_, widths_);
  }

  const std::map<std::string, int>& numbers_;
  Module& module_;
  std::map<std::string, int32_t> labels_;
  std::string label_;  // the last
  std::map<std::string, std::vector<std::string>> tables_;
  std::vector<std::string> table_names_;
  std::vector<std::pair<std::size_t, std::string>> jumps_;
  std::vector<int> text_numbers_;
};

}  // namespace

void decode_body(const FunctionText& text, const std::map<std::string, Variable*>& symbols,
                 const std::map<std::string, int>& numbers, Module& module, Function& f) {
  Decoder(text, symbols, numbers, module, f).all();
}

}  // namespace equipoise::ptx
