// host/data/labels.cpp - label cells to classes in a fixed order.
#include "host/data/labels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "host/text/nearest_name.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr size_t kClassesBeyondDoubt = 20;
constexpr size_t kLongestWhole = 400;  // digits: longer numbers are no codes of classes

/// A decimal as it is written: 12.5e3 has the digits 125, of which 2 + 3 stand before the point.
struct Decimal {
  bool negative = false;
  std::string whole, fraction;
  long exponent = 0;
  bool has_exponent = false;
};

std::string digits_at(std::string_view& text) {
  const size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string digits(text.substr(0, end));
  text.remove_prefix(end);
  return digits;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal decimal;
  decimal.negative = text.starts_with('-');
  take(text, "+-");
  decimal.whole = digits_at(text);
  if (take(text, ".")) decimal.fraction = digits_at(text);
  if (decimal.whole.empty() && decimal.fraction.empty()) return std::nullopt;
  if (take(text, "eE")) {
    const bool down = text.starts_with('-');
    take(text, "+-");
    const std::string digits = digits_at(text);
    if (digits.empty()) return std::nullopt;
    decimal.has_exponent = true;
    decimal.exponent = digits.size() > 6 ? 1'000'000 : std::stol(digits);
    if (down) decimal.exponent = -decimal.exponent;
  }
  return text.empty() ? std::optional(decimal) : std::nullopt;
}

bool all_zeros(std::string_view digits) { return digits.find_first_not_of('0') == digits.npos; }

/// Nothing for a number that is not whole.
std::optional<std::string> whole_number(const Decimal& decimal) {
  const std::string sign = decimal.negative ? "-" : "";
  const bool code = decimal.whole.size() > 1 && decimal.whole.front() == '0' && !decimal.has_exponent;
  if (code) return all_zeros(decimal.fraction) ? std::optional(sign + decimal.whole) : std::nullopt;
  std::string digits = decimal.whole + decimal.fraction;
  if (all_zeros(digits)) return "0";
  const long before = static_cast<long>(decimal.whole.size()) + decimal.exponent;  // the point
  if (before <= 0 || before > static_cast<long>(kLongestWhole)) return std::nullopt;
  const auto point = static_cast<size_t>(before);
  if (digits.size() > point && !all_zeros(std::string_view(digits).substr(point))) return std::nullopt;
  digits.resize(point, '0');
  return sign + digits.substr(digits.find_first_not_of('0'));
}

/// Digits with or without a minus.
bool is_whole(const std::string& name) {
  const size_t first = name.starts_with('-') ? 1 : 0;
  return name.size() > first && name.find_first_not_of("0123456789", first) == name.npos;
}

bool less_by_value(const std::string& a, const std::string& b) {
  const auto magnitude = [](std::string_view name) {
    const size_t first = name.find_first_not_of("-0");
    return first == name.npos ? std::string_view() : name.substr(first);
  };
  const bool below_a = a.starts_with('-'), below_b = b.starts_with('-');
  if (below_a != below_b) return below_a;
  const std::string_view one = below_a ? magnitude(b) : magnitude(a), other = below_a ? magnitude(a) : magnitude(b);
  if (one.size() != other.size()) return one.size() < other.size();
  if (one != other) return one < other;
  return a.size() < b.size();
}

std::string cells(int count) { return count == 1 ? "1 cell" : fmt::format("{} cells", count); }

/// What to say of a column that is a measurement.
constexpr const char* kToRegress =
    "a number to be predicted is a task of towers and trunk: data.tasks = [\"regression:{}\"]";

void put_last(const std::string& wanted, const std::string& column, std::vector<std::string>& names) {
  if (wanted.empty()) return;
  const auto found = std::find(names.begin(), names.end(), canonical_label(wanted).value_or(wanted));
  if (found == names.end())
    throw Error(ExitCode::data, fmt::format("data.positive: '{}' is no class of the column '{}'; {}", wanted, column,
                                            did_you_mean(wanted, names)));
  if (names.size() != 2)
    throw Error(ExitCode::data, fmt::format("data.positive: the column '{}' has {} classes, and only one of two can be "
                                            "the positive one; remove '{}'",
                                            column, names.size(), wanted));
  std::rotate(found, found + 1, names.end());
}

}  // namespace

std::optional<std::string> canonical_label(std::string_view text) {
  if (is_missing(text)) return "";
  if (const auto decimal = parse_decimal(text)) return whole_number(*decimal);
  if (parse_number(text).kind == NumberKind::out_of_range) return std::nullopt;  // inf
  return std::string(text);
}

void sort_class_names(std::vector<std::string>& names) {
  const bool numeric = std::all_of(names.begin(), names.end(), is_whole);
  if (numeric) std::sort(names.begin(), names.end(), less_by_value);
  else std::sort(names.begin(), names.end());
}

void LabelReader::add(const Table& table, int label_column, const std::vector<std::string>& ids,
                      const std::vector<int>& rows) {
  file_ = table.file;
  Offenders offenders;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (rows[i] < 0) continue;
    const std::string_view text = table.at(rows[i], label_column);
    std::string where = table.where(rows[i], label_column);
    const std::optional<std::string> name = canonical_label(text);
    if (!name) {
      offenders.add(
          fmt::format("{}: the label {} is not a whole number; write classes as whole numbers or words, or, "
                      "{}",
                      where, excerpt(text),
                      fmt::format(fmt::runtime(kToRegress), table.columns[static_cast<size_t>(label_column)])));
    } else if (!name->empty()) {
      by_id_[ids[i]].push_back({*name, std::move(where)});
    } else if (text == "None" || text == "." || text.starts_with('<') || text.starts_with('#')) {
      ++words_[std::string(text)];
    }
  }
  offenders.refuse(ExitCode::data);
}

std::vector<std::string> LabelReader::none_of(const std::string& label_name, const ClassRules& rules,
                                              Result& to) const {
  std::map<std::string, int> count;
  for (const auto& [id, labels] : by_id_)
    for (const Label& label : labels) ++count[label.name];
  const auto tell = [&](int times, const std::string& word, const char* why) {
    to.notices.push_back(
        fmt::format("{}: {} of '{}' say '{}', {}: unlabelled", file_, cells(times), label_name, word, why));
  };
  for (const auto& [word, times] : std::map<std::string, int>(words_.begin(), words_.end()))
    tell(times, word, "a word for a missing value");
  std::vector<std::string> none;
  if (rules.unlabelled) {
    for (const std::string& word : *rules.unlabelled) {
      none.push_back(canonical_label(word).value_or(word));
      if (const auto found = count.find(none.back()); found == count.end()) to.unfound.push_back(word);
      else tell(found->second, word, "which data.unlabelled names");
    }
  } else if (rules.minus_one && count.size() == 3 && count.contains("-1") && count.contains("0") &&
             count.contains("1")) {
    none.emplace_back("-1");
    tell(count.at("-1"), "-1", "beside the classes 0 and 1 (where it is a class, set data.unlabelled = [])");
  }
  return none;
}

LabelReader::Result LabelReader::result(const std::string& label_name, const std::vector<std::string>& ids,
                                        const ClassRules& rules) const {
  Result result;
  const std::vector<std::string> none = none_of(label_name, rules, result);
  std::vector<std::string> name_of(ids.size());
  std::map<std::string, int> number_of;
  size_t labelled = 0;
  Offenders offenders;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto found = by_id_.find(ids[i]);
    if (found == by_id_.end()) continue;
    const Label* known = nullptr;
    for (const Label& label : found->second) {
      if (std::find(none.begin(), none.end(), label.name) != none.end()) continue;
      if (!known) known = &label;
      else if (label.name != known->name)
        offenders.add(fmt::format("{}: the label of {} is '{}' but '{}' at {}; make the views agree", label.where,
                                  ids[i], label.name, known->name, known->where));
    }
    if (!known) continue;
    name_of[i] = known->name;
    number_of[known->name] = 0;
    ++labelled;
  }
  offenders.refuse(ExitCode::data);
  for (const auto& [name, number] : number_of) result.names.push_back(name);
  if (rules.several && result.names.size() < 2) {
    const std::string found = result.names.empty() ? "no label" : fmt::format("only the class '{}'", result.names[0]);
    throw Error(ExitCode::data, fmt::format("{}: the column '{}' holds {} for the patients that all views have; "
                                            "classification needs two classes or more",
                                            file_, label_name, found));
  }
  if (rules.several && result.names.size() > kClassesBeyondDoubt && result.names.size() * 2 > labelled) {
    throw Error(ExitCode::data,
                fmt::format("{}: the column '{}' holds {} different values for {} patients; name a column of classes, "
                            "or, {}",
                            file_, label_name, result.names.size(), labelled,
                            fmt::format(fmt::runtime(kToRegress), label_name)));
  }
  sort_class_names(result.names);
  if (rules.several) put_last(rules.positive, label_name, result.names);
  for (size_t k = 0; k < result.names.size(); ++k) number_of[result.names[k]] = static_cast<int>(k);
  for (const std::string& name : name_of) result.label.push_back(name.empty() ? -1 : number_of[name]);
  return result;
}

std::string tell_unfound(const std::string& file, const std::vector<std::string>& words) {
  return fmt::format("{}: no class is '{}', which data.unlabelled names", file, fmt::join(words, "' or '"));
}

std::string class_counts(const std::vector<int>& label, const std::vector<std::string>& names, const char* none) {
  const bool plain = names == std::vector<std::string>{"0", "1"};
  std::string text;
  for (size_t k = 0; k < names.size(); ++k)
    text += fmt::format("{} ({}{}), ", names[k], std::count(label.begin(), label.end(), static_cast<int>(k)),
                        names.size() == 2 && k == 1 && !plain ? ", positive" : "");
  return text + fmt::format("{} {}", std::count(label.begin(), label.end(), -1), none);
}

}  // namespace equipoise
