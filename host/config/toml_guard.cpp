// host/config/toml_guard.cpp - as much of TOML's lexical rules as tells keys from strings and comments.
#include "host/config/toml_guard.h"

#include <cctype>
#include <cstddef>

namespace equipoise {

namespace {

class Guard {
 public:
  explicit Guard(std::string_view text) : text_(text) {}

  TomlTrouble find() {
    int dots = 0;
    bool header = false;  // only brackets and blanks since the line began
    bool blank = true;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        blank = header = false;
      } else if (c == '#') {
        at_ = text_.find('\n', at_);
        if (at_ == text_.npos) break;
      } else {
        ++at_;
        if (c == '.' && header) return {line_, "the name of a section begins with a dot; write [section]"};
        if (c == '.' && ++dots > kMostKeyParts)
          return {line_, "a key has more than 64 parts joined by dots; write section.key"};
        if (!may_stand_in_key(c)) dots = 0;
        if (c == '\n') ++line_;
        header = c == '[' ? blank || header : header && (c == ' ' || c == '\t');
        blank = c == '\n' || (blank && (c == ' ' || c == '\t' || c == '\r'));
      }
    }
    return {};
  }

 private:
  static bool may_stand_in_key(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-' || c == ' ' ||
           c == '\t';
  }

  /// Past a string of one of the four kinds, in one or three quotes. Escapes are those of double quotes; a string of
  /// one line ends with it, closed or not.
  void skip_string(char quote) {
    const char three[] = {quote, quote, quote};
    const std::string_view mark(three, text_.substr(at_, 3) == std::string_view(three, 3) ? 3 : 1);
    at_ += mark.size();
    while (at_ < text_.size()) {
      if (text_.substr(at_, mark.size()) == mark) {
        at_ += mark.size();
        // Of a string of several lines the last quotes may be its own: up to two before the three that close it.
        for (int own = 0; mark.size() == 3 && own < 2 && at_ < text_.size() && text_[at_] == quote; ++own) ++at_;
        return;
      }
      if (text_[at_] == '\n') {
        if (mark.size() == 1) return;  // the line's end is counted by the caller
        ++line_;
      }
      if (text_[at_] == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

TomlTrouble find_toml_trouble(std::string_view text) { return Guard(text).find(); }

}  // namespace equipoise
