// tests/ptx/text.cpp - PTX text cut into declarations and statements.
#include "tests/ptx/text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>

namespace equipoise::ptx {

namespace {

bool blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool of_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%'; }

class Cutter {
 public:
  explicit Cutter(const std::string& text) : text_(text) {}

  ModuleText module() {
    for (skip(); at_ < text_.size(); skip()) declaration();
    return std::move(out_);
  }

 private:
  void declaration() {
    if (starts(".version") || starts(".address_size")) return void(rest_of_line());
    if (starts(".target")) {
      const std::string line = rest_of_line();
      out_.target = std::string(trimmed(std::string_view(line).substr(7, line.find(',') - 7)));
      return;
    }
    if (starts(".file")) return file();
    if (starts(".section")) {  // of debuggers
      until("{");
      while (text_[at_] != '}') step();
      return step();
    }
    const int line = line_;
    const std::string head = until(";{");
    const bool function = head.find(".func") != std::string::npos || head.find(".entry") != std::string::npos;
    if (text_[at_] == ';') {
      step();
      if (!function) out_.variables.push_back({head, "", line});
      return;  // a function without a body is told of again
    }
    step();
    if (function) return body(head, line);
    const std::string initial = until("}");
    step();
    until(";");
    step();
    out_.variables.push_back({head, initial, line});
  }

  void body(const std::string& head, int line) {
    FunctionText f{head, {}, line};
    int depth = 1;
    location_ = -1;
    for (skip();; skip()) {
      if (at_ >= text_.size()) refuse(line, "a function without an end");
      const int begin = line_;
      if (text_[at_] == '{' || text_[at_] == '}') {
        depth += text_[at_] == '{' ? 1 : -1;
        const auto kind = text_[at_] == '{' ? Statement::Kind::open : Statement::Kind::close;
        step();
        if (depth == 0) break;
        f.body.push_back({kind, "", begin, location_});
      } else if (starts(".loc")) {
        location(rest_of_line());
      } else if (std::size_t colon = label_end(); colon != std::string::npos) {
        f.body.push_back({Statement::Kind::label, text_.substr(at_, colon - at_), begin, location_});
        while (at_ <= colon) step();
      } else {
        const std::string text = until(";");
        step();
        f.body.push_back(
            {text[0] == '.' ? Statement::Kind::directive : Statement::Kind::instruction, text, begin, location_});
      }
    }
    out_.functions.push_back(std::move(f));
  }

  /// .loc FILE LINE COLUMN [, function_name LABEL [+ N], inlined_at FILE LINE COLUMN]
  void location(const std::string& text) {
    const auto number_after = [&](std::size_t from, int nth) {
      const std::vector<std::string> words = words_of(text.substr(from));
      return static_cast<int>(integer(words[static_cast<std::size_t>(nth)]));
    };
    Location here{number_after(4, 0), number_after(4, 1), -1};
    if (here.line == 0) return;  // made by the compiler: what came before is nearer to it
    if (const auto at = text.find("inlined_at"); at != std::string::npos)
      here.caller = number_of({number_after(at + 10, 0), number_after(at + 10, 1), -1}, true);
    location_ = number_of(here, false);
  }
  static std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> words;
    std::string word;
    for (char c : text + " ") {
      if (!blank(c) && c != ',') word += c;
      else if (!word.empty()) words.push_back(std::move(word)), word.clear();
    }
    return words;
  }
  /// A caller is told by its place alone; its own caller is that of the location there, where one was seen.
  int number_of(Location location, bool caller) {
    const auto key = std::make_tuple(location.file, location.line, caller ? -2 : location.caller);
    if (caller) {
      if (const auto known = places_.find({location.file, location.line}); known != places_.end()) return known->second;
    }
    const auto [at, fresh] = numbers_.try_emplace(key, static_cast<int>(out_.locations.size()));
    if (fresh) out_.locations.push_back(location);
    if (!caller) places_[{location.file, location.line}] = at->second;
    return at->second;
  }

  void file() {
    const std::string line = rest_of_line();
    const std::size_t open = line.find('"'), close = line.rfind('"');
    if (open == std::string::npos || open == close) refuse(line_, "a .file without a name");
    out_.files[static_cast<int>(integer(trimmed(std::string_view(line).substr(5, open - 5))))] =
        line.substr(open + 1, close - open - 1);
  }

  std::size_t label_end() const {
    std::size_t i = at_;
    while (i < text_.size() && of_name(text_[i])) ++i;
    if (i == at_) return std::string::npos;
    std::size_t j = i;
    while (j < text_.size() && blank(text_[j])) ++j;
    return j < text_.size() && text_[j] == ':' && (j + 1 >= text_.size() || text_[j + 1] != ':') ? i
                                                                                                 : std::string::npos;
  }

  bool starts(std::string_view word) const {
    return text_.compare(at_, word.size(), word) == 0 &&
           (at_ + word.size() >= text_.size() || !of_name(text_[at_ + word.size()]));
  }
  void step() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  bool skip_comment() {
    if (text_.compare(at_, 2, "//") == 0) {
      while (at_ < text_.size() && text_[at_] != '\n') step();
      return true;
    }
    if (text_.compare(at_, 2, "/*") == 0) {
      while (at_ < text_.size() && text_.compare(at_, 2, "*/") != 0) step();
      if (at_ < text_.size()) step(), step();
      return true;
    }
    return false;
  }
  void skip() {
    while (at_ < text_.size() && (blank(text_[at_]) ? (step(), true) : skip_comment())) {
    }
  }
  std::string rest_of_line() {
    std::string line;
    while (at_ < text_.size() && text_[at_] != '\n') line += text_[at_], step();
    return line;
  }
  /// Text up to one of `ends`, which stays: blanks are one blank.
  std::string until(std::string_view ends) {
    std::string out;
    const int begin = line_;
    int braces = 0;
    for (;;) {
      if (at_ >= text_.size()) refuse(begin, "'" + out.substr(0, 60) + "' has no end");
      if (skip_comment()) continue;
      const char c = text_[at_];
      if (braces == 0 && ends.find(c) != std::string_view::npos) break;
      braces += c == '{' ? 1 : c == '}' ? -1 : 0;
      if (!blank(c)) out += c;
      else if (!out.empty() && out.back() != ' ') out += ' ';
      step();
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  }

  const std::string& text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int location_ = -1;
  std::map<std::tuple<int, int, int>, int> numbers_;
  std::map<std::pair<int, int>, int> places_;
  ModuleText out_;
};

}  // namespace

ModuleText cut(const std::string& text) { return Cutter(text).module(); }

std::vector<std::string> split_list(std::string_view list) {
  std::vector<std::string> parts;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] != ',') {
      depth += list[i] == '[' || list[i] == '{' || list[i] == '(' ? 1 : 0;
      depth -= list[i] == ']' || list[i] == '}' || list[i] == ')' ? 1 : 0;
      continue;
    }
    if (i < list.size() && depth > 0) continue;
    const std::string_view part = trimmed(list.substr(begin, i - begin));
    if (!part.empty()) parts.emplace_back(part);
    begin = i + 1;
  }
  return parts;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

int64_t integer(std::string_view text) {
  const std::string_view whole = text;
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (!text.empty() && text.back() == 'U') text.remove_suffix(1);
  int base = 10;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) base = 16, text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    throw std::runtime_error("'" + std::string(whole) + "' is no whole number");
  return static_cast<int64_t>(negative ? 0 - value : value);
}

void refuse(int line, const std::string& what) {
  throw std::runtime_error("PTX line " + std::to_string(line) + ": " + what);
}

}  // namespace equipoise::ptx
