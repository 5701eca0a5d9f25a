// host/data/group_split.cpp - groups dealt to parts by what each still lacks.
#include "host/data/group_split.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "host/data/split.h"
#include "host/text/offenders.h"

namespace equipoise {
namespace {

enum DealtPart { kTest, kValidation, kTrain, kDealtParts };
constexpr const char* kDealtNames[] = {"test", "validation", "train"};

struct Group {
  std::string name;
  std::vector<int> rows;
  std::vector<double> of_class;  // [classes] rows of each
  double counted = 0;            // rows with a stratum
};

/// Rows wanted and had, of all classes and of each.
struct Need {
  double share = 0, rows = 0;
  std::vector<double> want, have;  // [1 + classes], the first of all rows
  int groups = 0;

  /// What the squares of rows too many or too few grow by if the group comes.
  double growth(const Group& group) const {
    double sum = 0;
    for (size_t k = 0; k < want.size(); ++k) {
      const double more = k == 0 ? group.counted : group.of_class[k - 1];
      sum += more * (more + 2 * (have[k] - want[k]));
    }
    return sum;
  }
  void take(const Group& group) {
    ++groups;
    have[0] += group.counted;
    for (size_t k = 1; k < have.size(); ++k) have[k] += group.of_class[k - 1];
  }
};

class Dealer {
 public:
  Dealer(const Strata& strata, const std::vector<std::string>& groups, double validation, double test)
      : strata_(strata) {
    std::map<int, size_t> place;  // of each stratum
    for (const int k : strata.of_row)
      if (k >= 0) place.emplace(k, 0);
    for (auto& [k, at] : place) {
      at = classes_.size();
      classes_.push_back(k);
    }
    std::map<std::string, size_t> number_of;
    totals_.assign(1 + classes_.size(), 0);
    for (size_t row = 0; row < groups.size(); ++row) {
      size_t g = groups_.size();
      if (!groups[row].empty()) g = number_of.emplace(groups[row], g).first->second;
      if (g == groups_.size()) groups_.push_back({groups[row], {}, std::vector<double>(classes_.size(), 0)});
      groups_[g].rows.push_back(static_cast<int>(row));
      if (strata.of_row[row] < 0) continue;
      const size_t k = place.at(strata.of_row[row]);
      groups_[g].of_class[k] += 1;
      groups_[g].counted += 1;
      totals_[0] += 1;
      totals_[1 + k] += 1;
    }
    shares_ = {test, validation, 1 - test - validation};
    int asked = 0, usable = 0;
    for (const double share : shares_) asked += share > 0;
    for (const Group& group : groups_) usable += group.counted > 0;
    if (usable < asked)
      throw Error(ExitCode::data, fmt::format("data.group: {} group{} with a labelled row cannot fill {} parts; set "
                                              "data.validation or data.test to 0, or name another column",
                                              usable, usable == 1 ? "" : "s", asked));
  }

  /// One order of the groups; kept if it is the best so far.
  void deal(uint64_t seed, int order) {
    std::vector<std::pair<uint64_t, size_t>> drawn;
    // Users' seeds are small, and so each order has seeds of its own.
    for (size_t g = 0; g < groups_.size(); ++g)
      drawn.emplace_back(split_key(seed + (static_cast<uint64_t>(order) << 48), groups_[g].rows.front()), g);
    std::sort(drawn.begin(), drawn.end());
    std::array<Need, kDealtParts> needs;
    for (int p = 0; p < kDealtParts; ++p) {
      needs[static_cast<size_t>(p)].share = shares_[static_cast<size_t>(p)];
      needs[static_cast<size_t>(p)].have.assign(totals_.size(), 0);
      for (const double total : totals_)
        needs[static_cast<size_t>(p)].want.push_back(total * shares_[static_cast<size_t>(p)]);
    }
    std::vector<int> part_of(groups_.size(), kTrain);
    int left = 0;
    for (const Group& group : groups_) left += group.counted > 0;
    for (const auto& [key, g] : drawn) {
      if (groups_[g].counted == 0) continue;
      part_of[g] = choose(needs, groups_[g], left--);
      needs[static_cast<size_t>(part_of[g])].take(groups_[g]);
    }
    int absent = 0, untrained = 0;
    double squares = 0;
    for (int p = 0; p < kDealtParts; ++p) {
      const Need& need = needs[static_cast<size_t>(p)];
      for (size_t k = 0; k < need.want.size(); ++k) {
        squares += (need.have[k] - need.want[k]) * (need.have[k] - need.want[k]);
        const bool of_the_rest = k > 0 && classes_[k - 1] == strata_.rest;
        if (k == 0 || need.share == 0 || need.have[k] > 0 || of_the_rest) continue;
        ++absent;
        untrained += p == kTrain;
      }
    }
    const std::array<double, 3> cost{static_cast<double>(untrained), static_cast<double>(absent), squares};
    if (!best_.empty() && !(cost < cost_)) return;
    best_ = part_of;
    cost_ = cost;
    needs_ = needs;
  }

  Split split(std::vector<std::string>& notices) const {
    if (cost_[0] > 0) {
      std::vector<std::string> lost;
      for (size_t k = 0; k < classes_.size(); ++k)
        if (needs_[kTrain].have[1 + k] == 0) lost.push_back(strata_.name(classes_[k]));
      throw Error(
          ExitCode::data,
          fmt::format("data.group: the class '{}' lies in so few groups that no row of it is left for training; "
                      "make data.validation and data.test smaller, or name another column",
                      fmt::join(lost, "', '")));
    }
    Split split;
    for (size_t g = 0; g < groups_.size(); ++g) {
      auto& part = best_[g] == kTest ? split.test : best_[g] == kValidation ? split.validation : split.train;
      part.insert(part.end(), groups_[g].rows.begin(), groups_[g].rows.end());
    }
    for (auto* part : {&split.train, &split.validation, &split.test}) std::sort(part->begin(), part->end());
    tell(notices);
    return split;
  }

 private:
  /// While as many groups are left as parts are still empty, each goes to one of those.
  static int choose(const std::array<Need, kDealtParts>& needs, const Group& group, int left) {
    int empty = 0;
    for (const Need& need : needs) empty += need.share > 0 && need.groups == 0;
    int best = kTrain;
    double least = std::numeric_limits<double>::infinity();
    for (int p = 0; p < kDealtParts; ++p) {
      const Need& need = needs[static_cast<size_t>(p)];
      if (need.share == 0 || (left <= empty && need.groups > 0)) continue;
      if (const double growth = need.growth(group); growth < least) {
        least = growth;
        best = p;
      }
    }
    return best;
  }

  void tell(std::vector<std::string>& notices) const {
    for (int p = 0; p < kDealtParts; ++p) {
      const Need& need = needs_[static_cast<size_t>(p)];
      if (need.share == 0) continue;
      std::vector<std::string> classes;
      for (size_t k = 0; k < classes_.size(); ++k)
        if (classes_[k] != strata_.rest && !strata_.column.empty())
          classes.push_back(fmt::format("{} ({})", strata_.name(classes_[k]), need.have[1 + k]));
      double largest = 0;
      for (size_t g = 0; g < groups_.size(); ++g)
        if (best_[g] == p) largest = std::max(largest, groups_[g].counted);
      const bool off = std::fabs(need.have[0] - need.want[0]) > largest;
      notices.push_back(fmt::format("groups: {} has {} of them with {} labelled rows, {:.3g} asked{}{}{}",
                                    kDealtNames[p], need.groups, need.have[0], need.want[0],
                                    classes.empty() ? "" : ": ", fmt::join(classes, ", "),
                                    off ? "; whole groups come no nearer" : ""));
    }
  }

  const Strata& strata_;
  std::vector<int> classes_;  // their numbers in strata_
  std::vector<Group> groups_;
  std::vector<double> totals_;  // [1 + classes] rows
  std::array<double, kDealtParts> shares_{};
  std::vector<int> best_;  // [groups] parts
  std::array<double, 3> cost_{};
  std::array<Need, kDealtParts> needs_;  // of the best
};

}  // namespace

Split grouped_split(const Strata& strata, const std::vector<std::string>& groups, double validation, double test,
                    uint64_t seed, std::vector<std::string>& notices) {
  expect_shares(validation, test);
  expect_rows_for_parts(strata, validation, test);
  Dealer dealer(strata, groups, validation, test);
  for (int order = 0; order < kGroupOrders; ++order) dealer.deal(seed, order);
  return dealer.split(notices);
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
