// tests/reference/mtl_compare.h - every outcome a record holds against what the reference computes.
#pragma once

#include <cmath>
#include <map>
#include <sstream>
#include <string>

#include "tests/reference/record.h"

namespace equipoise::reference {

struct Comparison {
  int compared = 0;         // outcome tensors of the record
  double worst = 0.0;       // largest deviation met, in units of its tensor's largest entry
  std::string differences;  // one line a tensor that deviates, or none
};

/// The tensors of a file whose tensors know their shape and to_doubles().
template <class File>
Record record_of(const File& file) {
  Record record;
  for (const auto& [name, tensor] : file.tensors) record[name] = {tensor.shape, tensor.to_doubles()};
  return record;
}

inline bool is_outcome_name(const std::string& name) {
  const auto begins = [&](const char* prefix) { return name.rfind(prefix, 0) == 0; };
  return begins("out.") || begins("grad.") || begins("gram.") || begins("trace.") || begins("final.");
}

/// Empty where each entry is within `tolerance` of the expected tensor's largest entry (absolutely where that is zero);
/// else the first entry that is not, a NaN included.
inline std::string tensor_difference(const std::vector<double>& found, const std::vector<double>& expected,
                                     double tolerance, double& worst) {
  if (found.size() != expected.size()) return "has another number of entries";
  const double largest = max_abs(Matrix(1, static_cast<int>(expected.size()), expected));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double deviation = std::fabs(found[i] - expected[i]) / (largest > 0.0 ? largest : 1.0);
    if (deviation <= tolerance) {
      worst = std::fmax(worst, deviation);
      continue;
    }
    std::ostringstream text;
    text.precision(17);
    text << "entry " << i << ": found " << found[i] << ", recorded " << expected[i];
    return text.str();
  }
  return {};
}

inline Comparison compare_outcomes(const Record& record, const std::map<std::string, Matrix>& outcome,
                                   double tolerance) {
  Comparison comparison;
  for (const auto& [name, expected] : record) {
    if (!is_outcome_name(name)) continue;
    ++comparison.compared;
    const auto found = outcome.find(name);
    const std::string difference =
        found == outcome.end() ? "is not computed"
                               : tensor_difference(found->second.values, expected.values, tolerance, comparison.worst);
    if (!difference.empty()) comparison.differences += name + " " + difference + "\n";
  }
  return comparison;
}

}  // namespace equipoise::reference
