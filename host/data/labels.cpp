// host/data/labels.cpp - label cells to classes in a fixed order.
#include "host/data/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "host/text/offenders.h"

namespace equipoise {
namespace {

constexpr size_t kClassesBeyondDoubt = 20;

/// Rising by value if all names are numbers, otherwise by bytes.
void sort_names(std::vector<std::string>& names) {
  const bool numeric = std::all_of(names.begin(), names.end(), [](const std::string& name) {
    return parse_number(name).kind == NumberKind::number;
  });
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return numeric ? parse_number(a).value < parse_number(b).value : a < b;
  });
}

}  // namespace

std::optional<std::string> canonical_label(std::string_view text) {
  const Number number = parse_number(text);
  if (number.kind == NumberKind::missing) return "";
  if (number.kind == NumberKind::text) return std::string(text);
  if (number.kind == NumberKind::out_of_range || number.value != std::floor(number.value)) return std::nullopt;
  if (number.value == -1) return "";
  return fmt::format("{:.0f}", number.value + 0.0);  // + 0.0 makes -0 a plain 0
}

void LabelReader::add(const Table& table, int label_column, const std::vector<std::string>& ids,
                      const std::vector<int>& rows) {
  file_ = table.file;
  Offenders offenders;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (rows[i] < 0) continue;
    const std::string_view text = table.at(rows[i], label_column);
    const std::string where = table.where(rows[i], label_column);
    const std::optional<std::string> name = canonical_label(text);
    if (!name) {
      offenders.add(fmt::format("{}: the label {} is not a whole number; write classes as whole numbers or words",
                                where, excerpt(text)));
      continue;
    }
    if (name->empty()) continue;
    const auto [known, added] = by_id_.try_emplace(ids[i], Label{*name, where});
    if (!added && known->second.name != *name) {
      offenders.add(fmt::format("{}: the label of {} is '{}' but '{}' at {}; make the views agree", where, ids[i],
                                *name, known->second.name, known->second.where));
    }
  }
  offenders.refuse(ExitCode::data);
}

LabelReader::Result LabelReader::result(const std::string& label_name, const std::vector<std::string>& ids,
                                        bool several) const {
  std::map<std::string, int> number_of;
  size_t labelled = 0;
  for (const std::string& id : ids) {
    if (const auto found = by_id_.find(id); found != by_id_.end()) number_of[found->second.name] = 0, ++labelled;
  }
  Result result;
  for (const auto& [name, number] : number_of) result.names.push_back(name);
  if (several && result.names.size() < 2) {
    const std::string found = result.names.empty() ? "no label" : fmt::format("only the class '{}'", result.names[0]);
    throw Error(ExitCode::data, fmt::format("{}: the column '{}' holds {} for the patients that all views have; "
                                            "classification needs two classes or more",
                                            file_, label_name, found));
  }
  if (several && result.names.size() > kClassesBeyondDoubt && result.names.size() * 2 > labelled) {
    throw Error(ExitCode::data,
                fmt::format("{}: the column '{}' holds {} different values for {} patients; name a column of classes",
                            file_, label_name, result.names.size(), labelled));
  }
  sort_names(result.names);
  for (size_t k = 0; k < result.names.size(); ++k) number_of[result.names[k]] = static_cast<int>(k);
  for (const std::string& id : ids) {
    const auto found = by_id_.find(id);
    result.label.push_back(found == by_id_.end() ? -1 : number_of[found->second.name]);
  }
  return result;
}

}  // namespace equipoise
