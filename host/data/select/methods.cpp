// host/data/select/methods.cpp - the table of methods, and how they are written.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/error.h"
#include "host/data/select/select.h"
#include "host/text/nearest_name.h"
#include "host/text/trimmed.h"

namespace equipoise {
namespace {

constexpr double kMostColumns = 1e6;

bool always(double, double) { return true; }

/// Pieces between separators, blanks around them removed.
std::vector<std::string> pieces_of(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (std::size_t end = text.find(separator); end != text.npos; end = text.find(separator)) {
    pieces.emplace_back(trimmed(text.substr(0, end)));
    text.remove_prefix(end + 1);
  }
  pieces.emplace_back(trimmed(text));
  return pieces;
}

/// Reads chains and words what is wrong with them.
class SelectParser {
 public:
  explicit SelectParser(std::string where) : where_(std::move(where)) {}

  SelectStep step(const std::string& text) const {
    SelectStep step;
    step.text = text;
    const std::size_t colon = text.find(':');
    const std::string name(trimmed(std::string_view(text).substr(0, colon)));
    std::vector<std::string> names;
    for (const SelectMethod& method : select_methods()) {
      names.emplace_back(method.name);
      if (method.name == name) step.method = &method;
    }
    if (!step.method) refuse(text, fmt::format("'{}' is no method; {}", name, did_you_mean(name, names)));
    step.setting = step.method->by_default;
    if (colon == text.npos) return step;
    for (const std::string& setting : pieces_of(std::string_view(text).substr(colon + 1), ',')) set(step, setting);
    return step;
  }

  [[noreturn]] void refuse(const std::string& text, const std::string& why) const {
    throw Error(ExitCode::usage, fmt::format("{} '{}': {}", where_, text, why));
  }

 private:
  void set(SelectStep& step, const std::string& setting) const {
    const SelectMethod& method = *step.method;
    const std::size_t equals = setting.find('=');
    if (equals == setting.npos) refuse(step.text, "a setting is written key=value, as in correlation:most=0.95");
    const std::string key(trimmed(std::string_view(setting).substr(0, equals)));
    const std::string text(trimmed(std::string_view(setting).substr(equals + 1)));
    std::vector<std::string> keys{"keep"};
    if (!method.key.empty()) keys.emplace_back(method.key);
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      refuse(step.text, fmt::format("{} has no key '{}'; {}", method.name, key, did_you_mean(key, keys)));
    const bool counts = key == "keep" || method.key == kTrees;
    const double value = number(step, key, text);
    const Range range = key == "keep" ? Range{1, kMostColumns} : method.range;
    if (!range.contains(value) || (counts && value != static_cast<int>(value)))
      refuse(step.text, fmt::format("{} is {} but must be {}from {} to {}", key, text, counts ? "a whole number " : "",
                                    range.low, range.high));
    if (key == "keep") step.keep = static_cast<int>(value);
    else step.setting = value;
  }

  double number(const SelectStep& step, const std::string& key, const std::string& text) const {
    double value = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || end != text.data() + text.size())
      refuse(step.text, fmt::format("{} is '{}' but must be a number", key, text));
    return value;
  }

  static constexpr std::string_view kTrees = "trees";
  std::string where_;
};

}  // namespace

std::span<const SelectMethod> select_methods() {
  static const SelectMethod table[] = {
      {"variance",
       "drops constant columns and those that vary less than least, in the data's units",
       false,
       true,
       true,
       "least",
       {0, range::kMost},
       0,
       variance_scores,
       [](double score, double least) { return score > 0 && score >= least; }},
      {"correlation",
       "drops a column whose |r| with a better or earlier one is above most",
       false,
       true,
       false,
       "most",
       {0, 1},
       0.95,
       correlation_scores,
       [](double score, double most) { return score <= most; }},
      {"anova",
       "by the F between classes, or of the correlation with a number",
       true,
       true,
       true,
       "",
       {},
       0,
       anova_scores,
       always},
      {"auc", "by how well a column alone tells classes apart", true, false, true, "", {}, 0, auc_scores, always},
      {"forest",
       "by the importance in a random forest",
       true,
       true,
       true,
       "trees",
       {1, 1e5},
       500,
       forest_scores,
       always},
  };
  return table;
}

std::vector<SelectStep> parse_select(const SelectConfig& wanted, const std::string& where) {
  const SelectParser parser(where);
  std::vector<SelectStep> steps;
  for (const std::string& text : wanted.methods) steps.push_back(parser.step(text));
  if (steps.empty()) return steps;
  SelectStep& last = steps.back();
  if (last.keep > 0) parser.refuse(last.text, "what the last method keeps is select.keep; set that");
  if (wanted.keep == 0 && last.method->supervised)
    parser.refuse(last.text, "it ranks columns and drops none; say in select.keep how many are kept");
  last.keep = wanted.keep;
  for (std::size_t s = 0; s + 1 < steps.size(); ++s)
    if (steps[s].method->supervised && steps[s].keep == 0 && steps[s + 1].method->ranks)
      parser.refuse(steps[s].text, fmt::format("it ranks columns and drops none before '{}' ranks them anew; give it a "
                                               "keep of its own, or leave it out",
                                               steps[s + 1].text));
  return steps;
}

}  // namespace equipoise
