// host/data/generators.cpp - strict draws and double sums, so that every machine makes the same rows.
#include "host/data/generators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/machine_memory.h"
#include "kernels/base/philox.h"
#include "kernels/base/strict_math.h"

namespace equipoise {
namespace {

/// What is drawn; a stream of the split's purpose, whose stream 0 is the split itself.
enum class Drawn { features = 1, directions, shifts, base, differences };

constexpr double kTowerLength = 0.5, kTowerCorrelation = 0.9, kTowerShift = 0.01;
constexpr double kBytesOfANumber = 16;  // while it is made: as drawn in float64, and beside it what is made of it
constexpr double kToyBase = 10, kToyDifference = 3.5;

/// Draws of one kind; `number` tells those of several tasks apart.
struct Draws {
  uint64_t seed;
  Drawn drawn;
  uint32_t number = 0;

  PhiloxBlock block(size_t b) const {
    const uint32_t purpose = purpose_of(Purpose::split, static_cast<int>(drawn));
    return draw({seed, 0, number, purpose}, static_cast<uint32_t>(b));
  }

  std::vector<double> normals(size_t count) const {
    std::vector<double> values(count);
    for (size_t first = 0; first < count; first += 4) {
      float four[4];
      equipoise::normals(block(first / 4), four);
      std::copy_n(four, std::min<size_t>(4, count - first), values.begin() + static_cast<ptrdiff_t>(first));
    }
    return values;
  }

  std::vector<double> uniforms(size_t count) const {
    std::vector<double> values(count);
    for (size_t i = 0; i < count; i += 4) {
      const PhiloxBlock words = block(i / 4);
      for (size_t lane = 0; lane < std::min<size_t>(4, count - i); ++lane) values[i + lane] = uniform01(words.v[lane]);
    }
    return values;
  }
};

double dot(const double* a, const double* b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum = std::fma(a[i], b[i], sum);
  return sum;
}

void normalise(std::vector<double>& v) {
  const double length = std::sqrt(dot(v.data(), v.data(), v.size()));
  for (double& x : v) x /= length;
}

double as_float(double x) { return static_cast<double>(static_cast<float>(x)); }

RawTarget numbers(const std::string& source, std::vector<std::string> columns, std::vector<double> values) {
  return {source, &regression(), std::move(columns), std::move(values), {}};
}

std::vector<RawTarget> tower_targets(const GeneratorSpec& data, const std::vector<double>& x) {
  const auto rows = static_cast<size_t>(data.rows), width = static_cast<size_t>(data.features);
  std::vector<double> first = Draws{data.seed, Drawn::directions, 0}.normals(width);
  std::vector<double> second = Draws{data.seed, Drawn::directions, 1}.normals(width);
  const std::vector<double> shift = Draws{data.seed, Drawn::shifts}.normals(2);
  normalise(first);
  const double along = dot(first.data(), second.data(), width);
  for (size_t i = 0; i < width; ++i) second[i] = std::fma(-along, first[i], second[i]);
  normalise(second);
  const double across = std::sqrt(1 - kTowerCorrelation * kTowerCorrelation);
  for (size_t i = 0; i < width; ++i) second[i] = std::fma(across, second[i], kTowerCorrelation * first[i]);

  std::vector<RawTarget> targets;
  for (const auto* direction : {&first, &second}) {
    const size_t k = targets.size();
    std::vector<double> y(rows);
    for (size_t row = 0; row < rows; ++row) {
      const double projected = kTowerLength * dot(direction->data(), x.data() + row * width, width);
      const double bent = projected + double{strict_sin(static_cast<float>(projected))};
      y[row] = as_float(std::fma(kTowerShift, shift[k], bent));
    }
    targets.push_back(numbers(data.source, {fmt::format("tower{}", k + 1)}, std::move(y)));
  }
  return targets;
}

/// B + e_k, transposed: [features, outputs], so that a row's outputs are summed side by side.
std::vector<double> toy_matrix(const GeneratorSpec& data, const std::vector<double>& base, uint32_t task) {
  const size_t width = static_cast<size_t>(data.features), outputs = static_cast<size_t>(data.outputs);
  const std::vector<double> difference = Draws{data.seed, Drawn::differences, task}.normals(base.size());
  std::vector<double> matrix(base.size());
  for (size_t o = 0; o < outputs; ++o)
    for (size_t i = 0; i < width; ++i)
      matrix[i * outputs + o] = std::fma(kToyBase, base[o * width + i], kToyDifference * difference[o * width + i]);
  return matrix;
}

/// sum [outputs] += x [features] matrix [features, outputs]
void accumulate(const double* x, const std::vector<double>& matrix, std::vector<double>& sum) {
  const size_t outputs = sum.size(), width = matrix.size() / outputs;
  double* const s = sum.data();
  for (size_t i = 0; i < width; ++i) {
    const double* const m = matrix.data() + i * outputs;
    for (size_t o = 0; o < outputs; ++o) s[o] = std::fma(x[i], m[o], s[o]);
  }
}

std::vector<RawTarget> toy_targets(const GeneratorSpec& data, const std::vector<double>& x) {
  const auto rows = static_cast<size_t>(data.rows), width = static_cast<size_t>(data.features),
             outputs = static_cast<size_t>(data.outputs);
  const std::vector<double> base = Draws{data.seed, Drawn::base}.normals(width * outputs);
  std::vector<RawTarget> targets;
  for (const double sigma : data.sigmas) {
    const size_t k = targets.size();
    const std::vector<double> matrix = toy_matrix(data, base, static_cast<uint32_t>(k));
    std::vector<double> y;
    y.reserve(rows * outputs);
    for (size_t row = 0; row < rows; ++row) {
      std::vector<double> sum(outputs, 0.0);
      accumulate(x.data() + row * width, matrix, sum);
      for (const double s : sum) y.push_back(as_float(sigma * double{strict_tanh(static_cast<float>(s))}));
    }
    std::vector<std::string> columns{fmt::format("task{}", k)};
    for (size_t o = 1; o < outputs; ++o) columns.push_back(fmt::format("task{}.{}", k, o + 1));
    targets.push_back(numbers(data.source, std::move(columns), std::move(y)));
  }
  return targets;
}

}  // namespace

RawCohort generate_cohort(const GeneratorSpec& data) {
  const bool towers = data.source == "gradnorm-towers";
  const auto rows = static_cast<size_t>(data.rows), width = static_cast<size_t>(data.features);
  expect_memory(static_cast<int64_t>(kBytesOfANumber * generated_numbers(data)), "this number of generated rows");
  RawCohort cohort;
  cohort.standardised = false;
  // Leading zeros make the order of the bytes that of the rows.
  const size_t digits = std::max<size_t>(5, fmt::formatted_size("{}", rows));
  for (size_t row = 1; row <= rows; ++row) cohort.ids.push_back(fmt::format("r{:0{}}", row, digits));
  cohort.label.assign(rows, -1);
  RawView view{data.source, {}, {}};
  for (size_t i = 1; i <= width; ++i) view.columns.push_back(fmt::format("x{}", i));
  const Draws features{data.seed, Drawn::features};
  view.values = towers ? features.normals(rows * width) : features.uniforms(rows * width);
  cohort.targets = towers ? tower_targets(data, view.values) : toy_targets(data, view.values);
  cohort.views.push_back(std::move(view));
  return cohort;
}

size_t generated_tasks(const GeneratorSpec& data) { return data.source == "gradnorm-towers" ? 2 : data.sigmas.size(); }

double generated_numbers(const GeneratorSpec& data) {
  const double outputs = data.source == "gradnorm-towers" ? 1 : data.outputs;
  return data.rows * (data.features + static_cast<double>(generated_tasks(data)) * outputs);
}

}  // namespace equipoise
