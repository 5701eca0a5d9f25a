// engine/balance/gradient_range.cpp - the power of two, and what even that cannot hold.
#include "engine/balance/gradient_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/balance/balance_problem.h"
#include "engine/base/error.h"

namespace equipoise {
namespace {

/// Where the largest element is put: below float32's end, so that much smaller ones stay above its other end.
constexpr int kLargestExponent = 120;
/// Norms beyond these have squares, or products of squares with what methods make of them, beyond float64's range.
constexpr double kLargestNorm = 1e120, kSmallestNorm = 1e-120;

[[noreturn]] void refuse_range(const std::string& sentence) { throw Error(ExitCode::data, sentence); }

double largest_of(const double* begin, const double* end) {
  double largest = 0;
  for (; begin != end; ++begin) largest = std::max(largest, std::abs(*begin));
  return largest;
}

}  // namespace

ScaledFloats scaled_gradients(const StoredTensor& gradients, const std::string& what) {
  if (gradients.type != ElementType::f64) return {finite_floats(gradients, what), 0};
  const std::vector<double> values = gradients.to_doubles();
  const bool finite = std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  const bool loses = std::any_of(values.begin(), values.end(), [](double x) {
    const double size = std::abs(x);
    return size > std::numeric_limits<float>::max() || (size > 0 && size < std::numeric_limits<float>::min());
  });
  if (!finite || !loses) return {finite_floats(gradients, what), 0};

  const auto columns = static_cast<std::size_t>(gradients.shape[1]);
  const double largest = largest_of(values.data(), values.data() + values.size());
  ScaledFloats scaled{std::vector<float>(values.size()), std::ilogb(largest) - kLargestExponent};
  for (std::size_t row = 0; row * columns < values.size(); ++row) {
    const double* begin = values.data() + row * columns;
    const double here = largest_of(begin, begin + columns);
    if (here == 0) continue;
    if (here > kLargestNorm || here < kSmallestNorm)
      refuse_range(
          fmt::format("{}: row {} reaches to {:.3g}, where methods work with numbers from {:g} to {:g}; scale all "
                      "gradients by the same number",
                      what, row, here, kSmallestNorm, kLargestNorm));
    if (std::ldexp(here, -scaled.exponent) < std::numeric_limits<float>::min())
      refuse_range(
          fmt::format("{}: row {} reaches to {:.3g} and another one to {:.3g}, too far apart for float32; scale the "
                      "loss of one of the tasks",
                      what, row, here, largest));
    for (std::size_t c = 0; c < columns; ++c)
      scaled.values[row * columns + c] = static_cast<float>(std::ldexp(begin[c], -scaled.exponent));
  }
  return scaled;
}

}  // namespace equipoise
