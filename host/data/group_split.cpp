// host/data/group_split.cpp - the parts of a split as a dealer of groups fills them.
#include "host/data/group_split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <string_view>

#include "host/data/group_dealer.h"
#include "host/data/split.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

enum DealtPart { kTest, kValidation, kTrain };
constexpr const char* kDealtNames[] = {"test", "validation", "train"};

/// No row of the class is left for training.
bool untrained(const std::vector<PartNeed>& parts, size_t k) { return parts[kTrain].have[1 + k] == 0; }

}  // namespace

Split grouped_split(const Strata& strata, const std::vector<std::string>& groups, double validation, double test,
                    uint64_t seed, std::vector<std::string>& notices) {
  expect_shares(validation, test);
  expect_rows_for_parts(strata, validation, test);
  GroupDealer dealer(strata, groups, {test, validation, 1 - test - validation});
  if (const int usable = dealer.usable(); usable < dealer.asked())
    throw Error(ExitCode::data, fmt::format("data.group: {} group{} with a labelled row cannot fill {} parts; set "
                                            "data.validation or data.test to 0, or name another column",
                                            usable, usable == 1 ? "" : "s", dealer.asked()));
  // Users' seeds are small, and so each order has seeds of its own.
  dealer.deal([&](int order, int row) { return split_key(seed + (static_cast<uint64_t>(order) << 48), row); },
              untrained);
  if (const std::vector<std::string> lost = dealer.lost_classes(untrained); !lost.empty())
    throw Error(ExitCode::data,
                fmt::format("data.group: the class '{}' lies in so few groups that no row of it is left for training; "
                            "make data.validation and data.test smaller, or name another column",
                            fmt::join(lost, "', '")));
  Split split;
  const std::vector<int> part_of = dealer.part_of_rows();
  for (size_t row = 0; row < part_of.size(); ++row) {
    auto& part = part_of[row] == kTest ? split.test : part_of[row] == kValidation ? split.validation : split.train;
    part.push_back(static_cast<int>(row));
  }
  for (const DealtPart p : {kTest, kValidation, kTrain})
    if (const PartNeed& part = dealer.parts()[p]; part.share > 0)
      notices.push_back(fmt::format("groups: {} has {}", kDealtNames[p], dealer.told(part)));
  return split;
}

void expect_whole_groups(const Split& split, const std::vector<std::string>& groups, const std::string& where) {
  std::map<std::string, const char*> part_of;
  std::map<std::string, bool> told;
  Offenders offenders;
  const auto add = [&](const std::vector<int>& rows, const char* part) {
    for (const int row : rows) {
      const std::string& group = groups[static_cast<size_t>(row)];
      if (group.empty()) continue;
      const auto [known, added] = part_of.emplace(group, part);
      if (added || std::string_view(known->second) == part || told[group]) continue;
      told[group] = true;
      offenders.add(
          fmt::format("{}: the group '{}' stands in {} and in {}; keep a group in one part, or remove "
                      "data.group",
                      where, group, known->second, part));
    }
  };
  add(split.train, "train");
  add(split.validation, "validation");
  add(split.test, "test");
  offenders.refuse(ExitCode::data);
}

}  // namespace equipoise
