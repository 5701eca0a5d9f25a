// host/data/group_split.h - a split that keeps the rows of a group together, such as the visits of a patient or the
// patients of a family.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/dataset.h"
#include "host/data/group_dealer.h"
#include "host/data/strata.h"

namespace equipoise {

/// Every group goes to one part as a whole. Groups are taken in a random order that `seed` decides, each to the part
/// (test, validation, training) that it brings nearest to what was asked for: fewest squares of rows too many or too
/// few, over all rows and over each class's. Of kGroupOrders orders the one is taken that leaves the fewest classes
/// without a row in some part, among these the one with the fewest such squares, among these the first. Rows of stratum
/// -1 go with their group and count for nothing; a group of such rows alone trains. Sizes and classes of the parts are
/// told in `notices`, and where a part is off by more rows than its largest group has. `groups` [rows]; "" = a group of
/// its own. Throws Error(data) as stratified_split does, with fewer groups than parts, and where no order leaves a row
/// of every class for training.
Split grouped_split(const Strata& strata, const std::vector<std::string>& groups, double validation, double test,
                    uint64_t seed, std::vector<std::string>& notices);

/// Throws Error(data) naming the first five groups that stand in several parts of a split that was given.
void expect_whole_groups(const Split& split, const std::vector<std::string>& groups, const std::string& where);

}  // namespace equipoise
