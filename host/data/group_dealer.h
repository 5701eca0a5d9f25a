// host/data/group_dealer.h - deals whole groups to parts by what each part still lacks.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "host/data/strata.h"

namespace equipoise {

inline constexpr int kGroupOrders = 64;

struct Group {
  std::string name;
  std::vector<int> rows;
  std::vector<double> of_class;  ///< [classes] rows of each
  double counted = 0;            ///< rows with a stratum
};

/// What a part should have of the rows and what it has, of all classes and of each.
struct PartNeed {
  double share = 0;
  std::vector<double> want, have;  ///< [1 + classes], the first of all rows
  int groups = 0;
  double largest = 0;  ///< rows of its largest group
};

/// Groups are taken in random orders, each to the part that it brings nearest to its share: fewest squares of rows too
/// many or too few, over all rows and over each class's. The best of the orders is kept.
class GroupDealer {
 public:
  /// `groups` [rows]; "" = a group of its own. Shares sum to 1; a part whose share is 0 gets no group, and the last
  /// part those without a row in a stratum.
  GroupDealer(const Strata& strata, const std::vector<std::string>& groups, std::vector<double> shares);

  /// Groups that have a row in a stratum, and parts that want some.
  int usable() const;
  int asked() const;

  /// A number as good as random for a row in one of the orders.
  using Key = std::function<uint64_t(int order, int row)>;
  /// Whether the parts leave no row of class k, which is no rest, to train.
  using Lost = std::function<bool(const std::vector<PartNeed>& parts, std::size_t k)>;
  /// Tries kGroupOrders orders. Kept is the one that loses the fewest classes, among these the one with the fewest
  /// classes absent from some part, among these the one with the fewest squares, among these the first.
  void deal(const Key& key, const Lost& lost);

  /// After dealing: the part of each row, and what the parts have.
  std::vector<int> part_of_rows() const;
  const std::vector<PartNeed>& parts() const { return needs_; }
  /// Classes that are lost, by name.
  std::vector<std::string> lost_classes(const Lost& lost) const;
  /// Counts of the classes that a part has: "no (3)", "yes (2)"; none where rows are not told apart.
  std::vector<std::string> class_counts(const PartNeed& part) const;
  /// "3 of them with 7 labelled rows, 6.5 asked: no (4), yes (3)", of one part.
  std::string told(const PartNeed& part) const;

 private:
  void deal_one(int order, const Key& key, const Lost& lost);
  bool is_rest(std::size_t k) const { return classes_[k] == strata_.rest; }

  const Strata& strata_;
  std::vector<int> classes_;  // their numbers in strata_
  std::vector<Group> groups_;
  std::vector<double> totals_;  // [1 + classes] rows
  std::vector<double> shares_;
  std::vector<int> best_;  // [groups] parts
  std::array<double, 3> cost_{};
  std::vector<PartNeed> needs_;  // of the best
};

}  // namespace equipoise
