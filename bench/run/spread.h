// bench/run/spread.h - the middle and the spread of repeated timings.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace equipoise::bench {

struct Spread {
  double median, first_quartile, third_quartile, smallest, largest;
};

/// Of one timing or more.
inline Spread spread(std::vector<double> timings) {
  std::sort(timings.begin(), timings.end());
  const auto at = [&](double share) {
    return timings[static_cast<std::size_t>(share * double(timings.size() - 1) + 0.5)];
  };
  return {at(0.5), at(0.25), at(0.75), timings.front(), timings.back()};
}

}  // namespace equipoise::bench
