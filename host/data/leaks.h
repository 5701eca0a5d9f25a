// host/data/leaks.h - features that hold the answer: a copy of the label under another name, or a code that follows
// from it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/data/cohort.h"

namespace equipoise {

/// What tells a leak.
struct LeakRules {
  std::vector<std::string> names = {};  ///< of the id, the label and the targets, as the config has them
  std::vector<std::string> allow = {};  ///< patterns of features (host/text/glob.h) that are let in
};

/// Throws Error(data), naming the first five, on a feature
/// - named like one of the rules' names, or like label, target, outcome or id, but for case and blanks;
/// - that tells the class: among the training rows that know both, every level of the feature lies in one class alone,
///   and there are at most two levels a class (constant columns have one, measurements more). This may be so by chance:
///   of all orders of these classes at most levels-to-classes maps x the product of n_k! / n! keep every level pure.
///   That share times the number of features tested must lie below kLeakByChance; else, below kLeakWorthTelling, the
///   feature is told in `notices`.
/// Throws Error(usage) on a pattern that no feature fits.
void expect_no_leaks(const RawCohort& cohort, std::span<const int> train_rows, const LeakRules& rules,
                     std::vector<std::string>& notices);

inline constexpr double kLeakByChance = 1e-6, kLeakWorthTelling = 0.05;

}  // namespace equipoise
