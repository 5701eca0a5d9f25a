// engine/balance/methods.cpp - methods read from and written to text by the table, and laid out as a chain.
#include "engine/balance/methods.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "engine/balance/method_table.h"
#include "engine/base/error.h"
#include "kernels/balance/chain.h"

namespace equipoise {
namespace {

using method_table::entries, method_table::entry_of, method_table::Entry, method_table::Key, method_table::kNormalise;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Reads one SPEC; messages begin with `where` and the spec.
class Reader {
 public:
  Reader(std::string_view spec, const std::string& where, const NameHint& hint)
      : spec_(spec), where_(where), hint_(hint) {}

  void read_into(MethodList& list) {
    const auto colon = spec_.find(':');
    const std::string_view name = trimmed(spec_.substr(0, colon));
    const auto found = std::find_if(entries().begin(), entries().end(), [&](const Entry& e) { return e.name == name; });
    if (found == entries().end()) refuse(fmt::format("'{}' is not a method; {}", name, hint_(name, method_names())));
    Method method = default_method(found->kind);
    if (colon != std::string_view::npos) {
      std::string_view rest = spec_.substr(colon + 1);
      for (bool more = true; more;) {
        const auto comma = rest.find(',');
        read_setting(*found, trimmed(rest.substr(0, comma)), method, list);
        more = comma != std::string_view::npos;
        if (more) rest = rest.substr(comma + 1);
      }
    }
    list.methods.push_back(method);
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error(ExitCode::usage, fmt::format("{} '{}': {}", where_, spec_, reason));
  }

  void read_setting(const Entry& entry, std::string_view setting, Method& method, MethodList& list) {
    const auto equals = setting.find('=');
    if (equals == std::string_view::npos)
      refuse(fmt::format("'{}' is no key=value; write {}:key=value,key=value", setting, entry.name));
    const std::string_view name = trimmed(setting.substr(0, equals)), value = trimmed(setting.substr(equals + 1));
    const Key* key = entry.find(name);
    if (!key) refuse_key(entry, name);
    if (std::find(seen_.begin(), seen_.end(), name) != seen_.end())
      refuse(fmt::format("{} is given twice; keep one", name));
    seen_.push_back(name);
    const double number = read_value(*key, value);
    if (!key->shared) return key->set(method, number);
    std::optional<double>& shared = list.*(key->shared);
    if (shared && *shared != number)
      refuse(fmt::format("{} is {} of an earlier method, and a run has but one; give both the same", name, *shared));
    shared = number;
  }

  [[noreturn]] void refuse_key(const Entry& entry, std::string_view name) const {
    if (entry.keys.empty()) refuse(fmt::format("{} takes no keys; leave '{}' out", entry.name, name));
    std::vector<std::string> names;
    for (const Key& key : entry.keys) names.emplace_back(key.name);
    refuse(fmt::format("{} takes no key '{}'; {}", entry.name, name, hint_(name, names)));
  }

  double read_value(const Key& key, std::string_view value) const {
    if (!key.words.empty()) {
      const auto found = std::find(key.words.begin(), key.words.end(), value);
      if (found == key.words.end())
        refuse(fmt::format("{} must be one of {}, not '{}'", key.name, fmt::join(key.words, ", "), value));
      return static_cast<double>(found - key.words.begin());
    }
    double number = 0;
    const auto [end, fault] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (fault != std::errc{} || end != value.data() + value.size() || !key.range.holds(number))
      refuse(fmt::format("{} must be {}, not '{}'", key.name, key.range.text(), value));
    return number;
  }

  std::string_view spec_;
  const std::string& where_;
  const NameHint& hint_;
  std::vector<std::string_view> seen_;
};

void expect_composable(const std::vector<Method>& methods, const std::string& where) {
  const auto refuse = [&](const std::string& reason) { throw Error(ExitCode::usage, where + ": " + reason); };
  if (methods.empty()) refuse(fmt::format("names no method; name one of {}", fmt::join(method_names(), ", ")));
  if (methods.size() > kMaxMethods)
    refuse(fmt::format("names {} methods; a composition has at most {}", methods.size(), kMaxMethods));
  std::vector<bool> seen(entries().size());
  for (std::size_t a = 0; a < methods.size(); ++a) {
    const MethodKind kind = methods[a].kind;
    const auto place = static_cast<std::size_t>(kind);
    if (seen[place]) refuse(fmt::format("{} is named twice; a composition has each method once", method_name(kind)));
    seen[place] = true;
    if (kind == MethodKind::graddrop && a + 1 != methods.size())
      refuse("graddrop works on elements of the combined gradient, not on the Gram matrix; name it last");
  }
  if (seen[static_cast<std::size_t>(MethodKind::gradnorm)] &&
      seen[static_cast<std::size_t>(MethodKind::gradnorm_modified)])
    refuse("gradnorm and gradnorm_modified share alpha, lr and targets; name one of them");
}

}  // namespace

std::string list_names(std::string_view, std::span<const std::string> names) {
  return fmt::format("the names are {}", fmt::join(names, ", "));
}

MethodList parse_methods(std::span<const std::string> specs, const std::string& where, const NameHint& hint) {
  MethodList list;
  for (const std::string& spec : specs) Reader(spec, where, hint).read_into(list);
  expect_composable(list.methods, where);
  return list;
}

std::string method_text(const Method& method, const MethodList* list) {
  const Entry& entry = entry_of(method.kind);
  const Method standard = default_method(method.kind);
  std::string text = entry.name;
  char before = ':';
  for (const Key& key : entry.keys) {
    const bool of_list = key.shared && list && list->*(key.shared);
    if (key.shared ? !of_list : key.get(method) == key.get(standard)) continue;
    text += fmt::format("{}{}={}", before, key.name, key.text(of_list ? *(list->*(key.shared)) : key.get(method)));
    before = ',';
  }
  return text;
}

std::string full_method_text(const Method& method) {
  const Entry& entry = entry_of(method.kind);
  std::string text = entry.name;
  char before = ':';
  for (const Key& key : entry.keys) {
    if (key.shared) continue;
    text += fmt::format("{}{}={}", before, key.name, key.text(key.get(method)));
    before = ',';
  }
  return text;
}

bool learns_weights(const Method& method) {
  const std::vector<Key>& keys = entry_of(method.kind).keys;
  return std::any_of(keys.begin(), keys.end(), [](const Key& key) { return key.shared == &MethodList::task_lr; });
}

std::string_view method_name(MethodKind kind) { return entry_of(kind).name; }

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries()) names.push_back(entry.name);
  return names;
}

Method default_method(MethodKind kind) {
  Method method;
  method.kind = kind;
  method.softmax = kind == MethodKind::gradnorm_modified;  // the form of the code that it comes from
  return method;
}

std::string methods_help() {
  std::string text;
  const Key* common = entry_of(MethodKind::mgda).find(kNormalise);
  for (const Entry& entry : entries()) {
    text += fmt::format("  {:<18} {}\n", entry.name, entry.meaning);
    for (const Key& key : entry.keys)
      if (key.name != kNormalise)
        text += fmt::format("  {:<18}   {}: {}{}\n", "", key.name, key.values(),
                            key.shared ? "" : "; default " + key.text(key.get(default_method(entry.kind))));
  }
  return text + fmt::format(
                    "  Those from mgda to config also take {}: {}; default none: what a gradient is divided by\n"
                    "  before the method sees it: its norm, its loss, or both.\n",
                    common->name, common->values());
}

Chain make_chain(const std::vector<Method>& methods, int tasks) {
  if (tasks < 1 || tasks > kMaxTasks)
    throw Error(ExitCode::usage, fmt::format("{} tasks cannot be balanced; there may be 1 to {}", tasks, kMaxTasks));
  expect_composable(methods, "the composition");
  Chain chain{};
  chain.tasks = tasks;
  for (const Method& method : methods) {
    Method& placed = chain.methods[chain.count++];
    placed = method;
    placed.state = chain.state;
    chain.state += state_doubles(method.kind, tasks);
  }
  return chain;
}

bool needs_gram(const Chain& chain) {
  return chain.rescale || std::any_of(chain.methods, chain.methods + chain.count, [](const Method& m) {
           return !weighs_losses(m.kind) || m.kind == MethodKind::gradnorm || m.kind == MethodKind::gradnorm_modified;
         });
}

bool needs_losses(MethodKind kind) {
  return kind == MethodKind::dwa || kind == MethodKind::rlw || kind == MethodKind::famo;
}

bool needs_positive_losses(const Method& method) {
  return method.kind == MethodKind::uw || method.kind == MethodKind::dwa || method.kind == MethodKind::famo ||
         method.normaliser == Normaliser::loss || method.normaliser == Normaliser::loss_plus;
}

}  // namespace equipoise
