// engine/systems/metadata.h - a setup as text in a file's metadata, and back; sizes are read off the shapes of its
// parameters.
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/files/safetensors.h"
#include "engine/systems/setup.h"
#include "engine/systems/words.h"

namespace equipoise {

/// The setup as metadata: system, variant, one key per setting.
std::map<std::string, std::string> to_metadata(const Setup& setup);

/// Reads a setup from a file whose parameters are named `prefix` + name. What the metadata leave open is the published
/// setting of the variant. Throws Error(checkpoint) naming file and key.
Setup read_setup(const TensorFile& file, const std::string& prefix);

/// Runs what works on numbers and words out of a file: an Error(usage), which would speak to whoever wrote a config,
/// becomes an Error(checkpoint) that names the file.
template <class Work>
auto as_of_file(const std::string& path, Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage) throw;
    throw Error(ExitCode::checkpoint,
                path + ": its metadata were changed, or are of another program: " + error.what());
  }
}

/// The shortest decimal that reads back as the same double.
std::string shortest(double value);

/// Words between blanks.
std::vector<std::string> words_of(const std::string& text);

/// Reads keys of a file's metadata with errors that name file and key.
class Metadata {
 public:
  Metadata(const std::map<std::string, std::string>& map, const std::string& path) : map_(map), path_(path) {}

  const std::string* find(const std::string& key) const;
  /// Throws Error(checkpoint).
  [[noreturn]] void refuse(const std::string& key, const std::string& why) const;
  /// A decimal number or a fraction such as 1/3; a key that is not there leaves the value.
  void number(const std::string& key, double& value) const;
  double parse(const std::string& key, const std::string& text) const;
  /// A whole number that draws are keyed by.
  template <class Integer>
  void integer(const std::string& key, Integer& value) const {
    const std::string* text = find(key);
    if (!text) return;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error != std::errc{} || end != text->data() + text->size())
      refuse(key, "'" + *text + "' is not a whole number from 0");
  }
  /// A whole number from 1 to a million.
  int whole(const std::string& key, int fallback) const;
  /// One of the given words; returns its number.
  int choice(const std::string& key, const std::vector<std::string_view>& words, int fallback) const;
  bool on(const std::string& key, std::string_view off_word, std::string_view on_word, bool fallback) const {
    return choice(key, {off_word, on_word}, fallback ? 1 : 0) == 1;
  }
  /// Some of the words of `all`, in any order, each once, at least one; `all` where the key is not there.
  std::vector<std::string> subset(const std::string& key, const std::vector<std::string>& all) const;
  void activation(const std::string& key, Activation& activation) const;

 private:
  double plain(const std::string& key, const std::string& text) const;

  const std::map<std::string, std::string>& map_;
  const std::string& path_;
};

/// Shapes of a file's parameters, [out, in].
class Shapes {
 public:
  Shapes(const TensorFile& file, const std::string& prefix) : file_(file), prefix_(prefix) {}
  bool has(const std::string& layer) const { return file_.tensors.contains(name(layer)); }
  int out(const std::string& layer) const { return size(layer, 0); }
  int in(const std::string& layer) const { return size(layer, 1); }
  /// Widths of layers `name(0)`, `name(1)`, ... as far as there are such.
  template <class Name>
  std::vector<int> widths(Name&& name) const {
    std::vector<int> found;
    while (has(name(static_cast<int>(found.size())))) found.push_back(out(name(static_cast<int>(found.size()))));
    return found;
  }
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string name(const std::string& layer) const { return prefix_ + layer + ".weight"; }
  int size(const std::string& layer, std::size_t axis) const;

  const TensorFile& file_;
  std::string prefix_;
};

}  // namespace equipoise
