// host/config/toml_guard.h - what is looked for in a TOML text before the library parses it.
#pragma once

#include <string_view>

namespace equipoise {

/// Parts of a dotted key that the parser, which recurses into them, is given at most.
inline constexpr int kMostKeyParts = 64;

/// What the library would come to harm by.
struct TomlTrouble {
  int line = 0;           ///< from 1; 0: none was found
  const char* what = "";  ///< "a key has more than 64 parts joined by dots", "the name of a section begins with a dot"
};

/// The first trouble of a text; dots in strings of every kind and in comments are none.
TomlTrouble find_toml_trouble(std::string_view text);

}  // namespace equipoise
