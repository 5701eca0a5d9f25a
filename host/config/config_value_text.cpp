// host/config/config_value_text.cpp - writes values as TOML: one overload per kind of slot.
#include <fmt/format.h>

#include "host/config/config_value.h"

namespace equipoise {
namespace {

std::string format_double(double x) {
  std::string text = fmt::format("{}", x);
  return text.find_first_of(".en") == text.npos ? text + ".0" : text;
}

/// ", key = "pattern"", or a list of several; "" of none.
std::string patterns(const char* key, const std::vector<std::string>& written) {
  if (written.empty()) return "";
  std::string text;
  for (const std::string& pattern : written) text += (text.empty() ? "" : ", ") + toml_string(pattern);
  return fmt::format(", {} = {}", key, written.size() == 1 ? text : "[" + text + "]");
}

struct ValueWriter {
  using Text = std::optional<std::string>;

  Text operator()(const bool* slot) const { return *slot ? "true" : "false"; }
  Text operator()(const int* slot) const { return fmt::format("{}", *slot); }
  Text operator()(const uint64_t* slot) const { return fmt::format("{}", *slot); }
  Text operator()(const double* slot) const { return format_double(*slot); }
  Text operator()(const std::string* slot) const { return toml_string(*slot); }
  Text operator()(const std::optional<double>* slot) const {
    return *slot ? Text(format_double(**slot)) : std::nullopt;
  }
  Text operator()(const std::optional<std::filesystem::path>* slot) const {
    return *slot ? Text(toml_string((*slot)->string())) : std::nullopt;
  }
  Text operator()(const std::vector<int>* slot) const {
    return list(*slot, [](int number) { return fmt::format("{}", number); });
  }
  Text operator()(const std::vector<double>* slot) const { return list(*slot, format_double); }
  Text operator()(const std::vector<std::string>* slot) const { return list(*slot, toml_string); }
  Text operator()(const std::vector<ViewSource>* slot) const {
    return list(*slot, [](const ViewSource& view) {
      const std::string file = toml_string(view.file.string());
      if (view.columns.empty() && view.leave_out.empty()) return file;
      return fmt::format("{{file = {}{}{}}}", file, patterns("columns", view.columns),
                         patterns("leave_out", view.leave_out));
    });
  }
  Text operator()(const std::map<std::string, std::string>* slot) const {
    if (slot->empty()) return std::nullopt;
    std::string text;
    for (const auto& [name, value] : *slot)
      text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", toml_string(name), toml_string(value));
    return "{" + text + "}";
  }
  Text operator()(const std::optional<int>* slot) const {
    return *slot ? Text(fmt::format("{}", **slot)) : std::nullopt;
  }
  Text operator()(const std::optional<std::string>* slot) const {
    return *slot ? Text(toml_string(**slot)) : std::nullopt;
  }
  Text operator()(const Words& slot) const { return *slot.words ? (*this)(&**slot.words) : std::nullopt; }
  Text operator()(NameOrNames slot) const {
    if (slot.names->size() > 1) return (*this)(slot.names);
    return toml_string(slot.names->empty() ? "" : slot.names->front());
  }
  Text operator()(const Word& slot) const { return toml_string(std::string(slot.get())); }
  Text operator()(const ThresholdChoice* slot) const {
    return slot->youden ? "\"youden\"" : format_double(slot->value);
  }
  Text operator()(const ClassWeighing* slot) const {
    return slot->balanced ? Text("\"balanced\"") : (*this)(&slot->values);
  }
  /// Of tasks by name where there are any.
  Text operator()(const ClassWeights* slot) const {
    if (slot->by_task.empty()) return (*this)(&slot->all);
    std::string text;
    for (const auto& [task, weighing] : slot->by_task)
      text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", toml_string(task), *(*this)(&weighing));
    return "{" + text + "}";
  }

 private:
  template <class Element, class Format>
  static Text list(const std::vector<Element>& values, Format format) {
    std::string text;
    for (const Element& value : values) text += (text.empty() ? "" : ", ") + format(value);
    return "[" + text + "]";
  }
};

}  // namespace

std::string toml_string(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += fmt::format("\\{}", c);
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\u{:04X}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::optional<std::string> format_value(const ConfigKey& key, const Config& config, size_t balancer) {
  Config copy = config;  // slots are writable
  const Slot slot = key.at(copy, balancer);
  // Weights that are not given have no value where an example stands for them.
  if (const auto* weights = std::get_if<ClassWeights*>(&slot);
      weights && **weights == ClassWeights{} && !key.rule.example.empty())
    return std::nullopt;
  return std::visit(ValueWriter{}, slot);
}

}  // namespace equipoise
