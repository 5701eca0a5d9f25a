// host/config/config_value.cpp - reads values: one overload per kind of slot.
#include "host/config/config_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "host/config/toml_advice.h"
#include "host/data/table/encoding.h"
#include "host/text/nearest_name.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;
using Complaint = std::optional<std::string>;

std::string as_written(const toml::node& node) {
  std::ostringstream text;
  node.visit([&](const auto& value) { text << value; });
  std::string whole = text.str();
  for (char& c : whole) c = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;  // a complaint is one line
  return whole.size() <= 60 ? whole : whole.substr(0, 57) + "...";
}

std::string describe(const Range& range) {
  return fmt::format("{} {} and {} {}", range.low_open ? "above" : "at least", range.low,
                     range.high_open ? "below" : "at most", range.high);
}

std::string describe(const std::vector<std::string_view>& choices) {
  std::string list;
  for (const std::string_view choice : choices) {
    if (!choice.empty()) list += (list.empty() ? "" : ", ") + toml_string(std::string(choice));
  }
  return list;
}

bool holds(const std::vector<std::string_view>& choices, const std::string& word) {
  return std::find(choices.begin(), choices.end(), word) != choices.end();
}

/// Reads values of one key and words the complaints about them.
class ValueReader {
 public:
  ValueReader(const ConfigKey& key, size_t balancer, const toml::node& node, const fs::path& base)
      : key_(key), balancer_(balancer), node_(node), base_(base) {}

  Complaint operator()(bool* slot) const {
    const auto value = node_.value_exact<bool>();
    if (!value) return complain(node_, "must be true or false");
    *slot = *value;
    return std::nullopt;
  }
  Complaint operator()(int* slot) const { return store(slot, integer<int>(node_)); }
  Complaint operator()(uint64_t* slot) const { return store(slot, integer<uint64_t>(node_)); }
  Complaint operator()(double* slot) const { return store(slot, number(node_)); }
  Complaint operator()(std::optional<double>* slot) const { return store(slot, number(node_)); }
  Complaint operator()(std::string* slot) const { return store(slot, word(node_)); }
  Complaint operator()(std::optional<fs::path>* slot) const { return store(slot, path(node_)); }
  Complaint operator()(std::vector<int>* slot) const { return store(slot, list<int>(&ValueReader::integer<int>)); }
  Complaint operator()(std::vector<double>* slot) const { return store(slot, list<double>(&ValueReader::number)); }
  Complaint operator()(std::vector<std::string>* slot) const {
    return store(slot, list<std::string>(&ValueReader::word));
  }
  Complaint operator()(std::vector<ViewSource>* slot) const {
    return store(slot, list<ViewSource>(&ValueReader::view));
  }
  Complaint operator()(std::map<std::string, std::string>* slot) const {
    const toml::table* table = node_.as_table();
    if (!table) return complain(node_, "must be a table in braces, such as {\"name\" = \"word\"}");
    std::map<std::string, std::string> entries;
    for (const auto& [name, value] : *table) {
      const auto read = word(value);
      if (!read) {
        *complaint_ +=
            fmt::format(" (the entry '{}'; keys that follow a table's heading belong to the table)", name.str());
        return complaint_;
      }
      entries.emplace(name.str(), *read);
    }
    *slot = std::move(entries);
    return std::nullopt;
  }

  Complaint operator()(std::optional<int>* slot) const { return store(slot, integer<int>(node_)); }
  Complaint operator()(std::optional<std::string>* slot) const {
    return store(slot, key_.rule.choices.empty() ? text_or_number(node_) : word(node_));
  }
  Complaint operator()(const Words& slot) const {
    std::vector<std::string> words;
    if (const toml::table* table = node_.as_table()) {
      for (const auto& [name, value] : *table) {
        const auto text = text_or_number(value);
        if (!text) return complaint_;
        words.push_back(fmt::format("{}={}", name.str(), *text));
      }
    } else if (const toml::array* array = node_.as_array()) {
      for (const toml::node& value : *array) {
        const auto text = text_or_number(value);
        if (!text) return complaint_;
        words.push_back(*text);
      }
    } else {
      const auto text = text_or_number(node_);
      if (!text) return complaint_;
      words.push_back(*text);
    }
    *slot.words = std::move(words);
    return std::nullopt;
  }

  Complaint operator()(NameOrNames slot) const {
    if (!node_.is_string() && !node_.is_array()) return complain(node_, "must be a string or a list of strings");
    if (node_.is_array()) return (*this)(slot.names);
    const std::string name = *node_.value<std::string>();
    *slot.names = name.empty() ? std::vector<std::string>{} : std::vector{name};
    return std::nullopt;
  }

  Complaint operator()(const Word& slot) const {
    const auto value = word(node_);
    if (!value) return complaint_;
    if (!value->empty()) slot.set(*value);
    return std::nullopt;
  }

  Complaint operator()(ThresholdChoice* slot) const {
    if (!node_.is_string()) {
      slot->youden = false;
      return store(&slot->value, number(node_));
    }
    if (!word(node_)) return complaint_;
    *slot = {true, ThresholdChoice{}.value};
    return std::nullopt;
  }

  Complaint operator()(ClassWeights* slot) const {
    ClassWeights weights;
    if (const toml::table* tasks = node_.as_table()) {
      for (const auto& [name, node] : *tasks) {
        const auto of_task = weighing(node);
        if (!of_task) {
          *complaint_ += fmt::format(" (of the task '{}')", name.str());
          return complaint_;
        }
        weights.by_task.emplace(name.str(), *of_task);
      }
    } else if (const auto of_all = weighing(node_)) {
      weights.all = *of_all;
    } else {
      return complaint_;
    }
    *slot = std::move(weights);
    return std::nullopt;
  }

 private:
  template <class To, class From>
  Complaint store(To* slot, const std::optional<From>& value) const {
    if (!value) return complaint_;
    *slot = *value;
    return std::nullopt;
  }

  template <class Integer>
  std::optional<Integer> integer(const toml::node& node) const {
    const auto value = node.value_exact<int64_t>();
    if (!value) {
      complain(node, "must be a whole number");
    } else if (!key_.rule.range.contains(static_cast<double>(*value))) {
      complain(node, "must be " + describe(key_.rule.range));
    } else {
      return static_cast<Integer>(*value);
    }
    return std::nullopt;
  }

  std::optional<double> number(const toml::node& node) const {
    const auto value = node.is_number() ? node.value<double>() : std::nullopt;
    if (!value) {
      complain(node, "must be a number");
    } else if (!std::isfinite(*value)) {
      complain(node, "must be a finite number");
    } else if (!key_.rule.range.contains(*value)) {
      const Range& range = key_.rule.range;
      const bool vanishes = *value > range.low && static_cast<float>(*value) == static_cast<float>(range.low);
      complain(node, "must be " + describe(range) + (vanishes ? " (it is 0 in float32)" : ""));
    } else {
      return *value + 0.0;  // no -0
    }
    return std::nullopt;
  }

  /// A word of the tables as it stands there, so far as TOML keeps it: 01 needs quotes.
  std::optional<std::string> text_or_number(const toml::node& node) const {
    if (const auto whole = node.value_exact<int64_t>()) return fmt::format("{}", *whole);
    if (const auto number = node.value_exact<double>()) return fmt::format("{}", *number);
    const auto text = node.value_exact<std::string>();
    if (text && !text->empty()) return text;
    complain(node, "must be a word in quotes or a number");
    return std::nullopt;
  }

  std::optional<std::string> word(const toml::node& node) const {
    const auto value = node.value_exact<std::string>();
    if (!value) {
      complain(node, key_.rule.choices.empty() ? "must be a string in quotes"
                                               : "must be one of " + describe(key_.rule.choices));
    } else if (!key_.rule.choices.empty() && !holds(key_.rule.choices, *value) && !holds(key_.rule.older, *value)) {
      const std::vector<std::string> names(key_.rule.choices.begin(), key_.rule.choices.end());
      const auto near = nearest_name(*value, names);
      complain(node, "must be one of " + describe(key_.rule.choices) + (near ? "; did you mean '" + *near + "'?" : ""));
    } else {
      return value;
    }
    return std::nullopt;
  }

  std::optional<ClassWeighing> weighing(const toml::node& node) const {
    if (node.is_string()) return word(node) ? std::optional(ClassWeighing{true}) : std::nullopt;
    const auto values = list<double>(&ValueReader::number, node);
    return values ? std::optional(ClassWeighing{false, *values}) : std::nullopt;
  }

  std::optional<fs::path> path(const toml::node& node) const {
    const auto value = node.value_exact<std::string>();
    if (!value || value->empty()) {
      complain(node, "must be the path of a file");
      return std::nullopt;
    }
    const char* home = value->starts_with("~/") ? std::getenv("HOME") : nullptr;
    const fs::path whole = (home ? fs::path(home) / value->substr(2) : base_ / *value).lexically_normal();
    if (const std::string bytes = whole.string(); find_broken_byte(bytes) != bytes.npos) {
      complain(node, "lies in a folder whose name is not UTF-8, which a run's own config could not say; rename it");
      return std::nullopt;
    }
    std::error_code absent;
    const std::string advice = path_advice(*value);
    if (advice.empty() || fs::exists(whole, absent)) return whole;
    complain(node, advice);
    return std::nullopt;
  }

  /// A file, or {file = "...", columns = "pattern", leave_out = ["pattern", "pattern"]}.
  std::optional<ViewSource> view(const toml::node& node) const {
    const toml::table* table = node.as_table();
    if (!table) {
      if (auto file = path(node)) return ViewSource(std::move(*file));
      if (node.is_string()) return std::nullopt;  // and the path's complaint
      complain(node, "must be the path of a file, or {file = \"...\", columns = \"pattern\"}");
      return std::nullopt;
    }
    static const std::vector<std::string> keys{"file", "columns", "leave_out"};
    for (const auto& [name, value] : *table)
      if (std::find(keys.begin(), keys.end(), name.str()) == keys.end()) {
        complain(node,
                 fmt::format("has the unknown key '{}'; {}", name.str(), did_you_mean(std::string(name.str()), keys)));
        return std::nullopt;
      }
    const toml::node* file = table->get("file");
    if (!file) {
      complain(node, "must name a file");
      return std::nullopt;
    }
    auto place = path(*file);
    if (!place) return std::nullopt;
    ViewSource source(std::move(*place));
    if (!patterns(table->get("columns"), source.columns) || !patterns(table->get("leave_out"), source.leave_out))
      return std::nullopt;
    return source;
  }

  /// One pattern of names or a list of them, if the key is there.
  bool patterns(const toml::node* node, std::vector<std::string>& to) const {
    if (!node) return true;
    const auto add = [&](const toml::node& element) {
      const auto text = element.value_exact<std::string>();
      if (text && !text->empty()) to.push_back(*text);
      return text && !text->empty();
    };
    const toml::array* list = node->as_array();
    const bool right = list ? !list->empty() && std::all_of(list->begin(), list->end(), add) : add(*node);
    if (!right) complain(*node, "must be a pattern of names, such as \"t0_*\", or a list of them");
    return right;
  }

  template <class Element>
  std::optional<std::vector<Element>> list(std::optional<Element> (ValueReader::*read)(const toml::node&) const) const {
    if (const toml::array* array = node_.as_array(); array && array->size() > key_.rule.most) {
      complain(node_, fmt::format("has {} elements; give at most {}", array->size(), key_.rule.most));
      return std::nullopt;
    }
    return list(read, node_);
  }
  template <class Element>
  std::optional<std::vector<Element>> list(std::optional<Element> (ValueReader::*read)(const toml::node&) const,
                                           const toml::node& whole) const {
    const toml::array* array = whole.as_array();
    if (!array) {
      complain(whole, "must be a list in square brackets");
      return std::nullopt;
    }
    if (key_.rule.count > 0 && array->size() != key_.rule.count && !(key_.rule.or_none && array->empty())) {
      complain(whole, fmt::format("must have {} element{}, not {}", key_.rule.count, key_.rule.count == 1 ? "" : "s",
                                  array->size()));
      return std::nullopt;
    }
    if (key_.rule.some && array->empty()) {
      complain(whole, "must have an element or more");
      return std::nullopt;
    }
    std::vector<Element> values;
    for (const toml::node& node : *array) {
      auto value = (this->*read)(node);
      if (!value) return std::nullopt;
      if (key_.rule.distinct && std::find(values.begin(), values.end(), *value) != values.end()) {
        complain(whole, "names one twice");
        return std::nullopt;
      }
      values.push_back(std::move(*value));
    }
    return values;
  }

  Complaint complain(const toml::node& node, const std::string& what) const {
    complaint_ =
        fmt::format("{}.{} is {} but {}", section_name(key_.section, balancer_), key_.name, as_written(node), what);
    return complaint_;
  }

  const ConfigKey& key_;
  size_t balancer_;
  const toml::node& node_;
  const fs::path& base_;
  mutable Complaint complaint_;
};

}  // namespace

std::optional<std::string> store_value(const ConfigKey& key, const toml::node& node, const std::filesystem::path& base,
                                       Config& config, size_t balancer) {
  return std::visit(ValueReader(key, balancer, node, base), key.at(config, balancer));
}

}  // namespace equipoise
