// host/data/group_dealer.cpp - greedy dealing over many orders.
#include "host/data/group_dealer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace equipoise {
namespace {

/// What the squares of rows too many or too few grow by if the group comes.
double growth_of(const PartNeed& need, const Group& group) {
  double sum = 0;
  for (size_t k = 0; k < need.want.size(); ++k) {
    const double more = k == 0 ? group.counted : group.of_class[k - 1];
    sum += more * (more + 2 * (need.have[k] - need.want[k]));
  }
  return sum;
}

void take(PartNeed& need, const Group& group) {
  ++need.groups;
  need.largest = std::max(need.largest, group.counted);
  need.have[0] += group.counted;
  for (size_t k = 1; k < need.have.size(); ++k) need.have[k] += group.of_class[k - 1];
}

/// While as many groups are left as parts are still empty, each goes to one of those.
size_t choose(const std::vector<PartNeed>& needs, const Group& group, int left) {
  int empty = 0;
  for (const PartNeed& need : needs) empty += need.share > 0 && need.groups == 0;
  size_t best = needs.size() - 1;
  double least = std::numeric_limits<double>::infinity();
  for (size_t p = 0; p < needs.size(); ++p) {
    const PartNeed& need = needs[p];
    if (need.share == 0 || (left <= empty && need.groups > 0)) continue;
    if (const double growth = growth_of(need, group); growth < least) {
      least = growth;
      best = p;
    }
  }
  return best;
}

}  // namespace

GroupDealer::GroupDealer(const Strata& strata, const std::vector<std::string>& groups, std::vector<double> shares)
    : strata_(strata), shares_(std::move(shares)) {
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
}

int GroupDealer::usable() const {
  return static_cast<int>(
      std::count_if(groups_.begin(), groups_.end(), [](const Group& group) { return group.counted > 0; }));
}

int GroupDealer::asked() const {
  return static_cast<int>(std::count_if(shares_.begin(), shares_.end(), [](double share) { return share > 0; }));
}

void GroupDealer::deal(const Key& key, const Lost& lost) {
  for (int order = 0; order < kGroupOrders; ++order) deal_one(order, key, lost);
}

void GroupDealer::deal_one(int order, const Key& key, const Lost& lost) {
  std::vector<std::pair<uint64_t, size_t>> drawn;
  for (size_t g = 0; g < groups_.size(); ++g) drawn.emplace_back(key(order, groups_[g].rows.front()), g);
  std::sort(drawn.begin(), drawn.end());
  std::vector<PartNeed> needs(shares_.size());
  for (size_t p = 0; p < needs.size(); ++p) {
    needs[p].share = shares_[p];
    needs[p].have.assign(totals_.size(), 0);
    for (const double total : totals_) needs[p].want.push_back(total * shares_[p]);
  }
  std::vector<int> part_of(groups_.size(), static_cast<int>(needs.size()) - 1);
  int left = usable();
  for (const auto& [drawn_key, g] : drawn) {
    if (groups_[g].counted == 0) continue;
    const size_t part = choose(needs, groups_[g], left--);
    part_of[g] = static_cast<int>(part);
    take(needs[part], groups_[g]);
  }
  int absent = 0, untrained = 0;
  double squares = 0;
  for (size_t k = 0; k < classes_.size(); ++k) untrained += !is_rest(k) && lost(needs, k);
  for (const PartNeed& need : needs)
    for (size_t k = 0; k < need.want.size(); ++k) {
      squares += (need.have[k] - need.want[k]) * (need.have[k] - need.want[k]);
      absent += k > 0 && !is_rest(k - 1) && need.share > 0 && need.have[k] == 0;
    }
  const std::array<double, 3> cost{static_cast<double>(untrained), static_cast<double>(absent), squares};
  if (!best_.empty() && !(cost < cost_)) return;
  best_ = std::move(part_of);
  cost_ = cost;
  needs_ = std::move(needs);
}

std::vector<int> GroupDealer::part_of_rows() const {
  std::vector<int> parts(strata_.of_row.size());
  for (size_t g = 0; g < groups_.size(); ++g)
    for (const int row : groups_[g].rows) parts[static_cast<size_t>(row)] = best_[g];
  return parts;
}

std::vector<std::string> GroupDealer::lost_classes(const Lost& lost) const {
  std::vector<std::string> names;
  for (size_t k = 0; k < classes_.size(); ++k)
    if (!is_rest(k) && lost(needs_, k)) names.push_back(strata_.name(classes_[k]));
  return names;
}

std::vector<std::string> GroupDealer::class_counts(const PartNeed& part) const {
  std::vector<std::string> counts;
  for (size_t k = 0; k < classes_.size(); ++k)
    if (!is_rest(k) && !strata_.column.empty())
      counts.push_back(fmt::format("{} ({})", strata_.name(classes_[k]), part.have[1 + k]));
  return counts;
}

std::string GroupDealer::told(const PartNeed& part) const {
  const std::vector<std::string> classes = class_counts(part);
  const bool off = std::fabs(part.have[0] - part.want[0]) > part.largest;
  return fmt::format("{} of them with {} labelled rows, {:.3g} asked{}{}{}", part.groups, part.have[0], part.want[0],
                     classes.empty() ? "" : ": ", fmt::join(classes, ", "), off ? "; whole groups come no nearer" : "");
}

}  // namespace equipoise
