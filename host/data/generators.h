// host/data/generators.h - the published experiments' data, made from a seed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/data/cohort.h"

namespace equipoise {

/// What rows are made of.
struct GeneratorSpec {
  std::string source = "tables";  ///< gradnorm-towers or gradnorm-toy; tables are read, not made
  int rows = 10000;
  int features = 100;
  int outputs = 100;                      ///< of each task of gradnorm-toy
  std::vector<double> sigmas = {1, 100};  ///< scales of its tasks
  uint64_t seed = 1;

  bool generated() const { return source != "tables"; }
  bool operator==(const GeneratorSpec&) const = default;
};

/// The rows of data.source "gradnorm-towers" or "gradnorm-toy", a pure function of data.seed, rows, features, outputs
/// and sigmas; ids are r00001, r00002, ... All numbers are float32.
///
/// gradnorm-towers, tasks tower1 and tower2 of one output: x ~ N(0, I); y_k = w_k.x + sin(w_k.x) + e_k with directions
/// w_k of length 1/2 and correlation 0.9, and e_k one draw of N(0, 0.01^2) added to all rows.
///
/// gradnorm-toy, tasks task0, task1, ... of several outputs, one per sigma (Chen et al. 2018, section 4):
/// y_k = sigma_k tanh((B + e_k) x), x uniform on [0, 1), the entries of B and e_k normal with deviations 10 and 3.5.
RawCohort generate_cohort(const GeneratorSpec& data);

/// How many tasks that makes.
size_t generated_tasks(const GeneratorSpec& data);

/// How many numbers that makes, features and targets.
double generated_numbers(const GeneratorSpec& data);

}  // namespace equipoise
