// tests/engine/statistics/figures_test.cpp - figures of answers with ties and missing truths, beside scikit-learn's.
// tests/data/figures/make_figures.py made both files.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "engine/likelihood/likelihood.h"
#include "engine/statistics/auc.h"

namespace equipoise {
namespace {

constexpr double kRelative = 1e-8;  // closed forms in double; the answers of networks are float32

const std::map<std::string, std::vector<double>>& columns() {
  static const std::map<std::string, std::vector<double>> read = [] {
    std::map<std::string, std::vector<double>> values;
    std::ifstream file(EQUIPOISE_SOURCE_DIR "/tests/data/figures/answers.csv");
    std::vector<std::string> names;
    for (std::string line; std::getline(file, line);) {
      std::istringstream cells(line + ',');
      std::size_t c = 0;
      const bool header = names.empty();
      for (std::string cell; std::getline(cells, cell, ','); ++c)
        if (header) names.push_back(cell);
        else values[names.at(c)].push_back(cell.empty() ? std::nan("") : std::stod(cell));
    }
    return values;
  }();
  return read;
}

nlohmann::json expected() {
  return nlohmann::json::parse(std::ifstream(EQUIPOISE_SOURCE_DIR "/tests/data/figures/figures.json"));
}

std::vector<int> classes(const std::string& column) {
  std::vector<int> numbers;
  for (const double x : columns().at(column)) numbers.push_back(std::isnan(x) ? -1 : static_cast<int>(x));
  return numbers;
}

std::vector<float> floats(const std::vector<std::string>& names) {
  std::vector<float> values;
  for (std::size_t r = 0; r < columns().at(names[0]).size(); ++r)
    for (const std::string& name : names) values.push_back(static_cast<float>(columns().at(name)[r]));
  return values;
}

void expect_near(double said, const nlohmann::json& value, double relative, const std::string& what) {
  EXPECT_NEAR(said, value.get<double>(), relative * std::fabs(value.get<double>())) << what;
}

TEST(FiguresBesideScikitLearn, OfTwoClassesAtBothThresholds) {
  const std::vector<double>& p = columns().at("p");
  const std::vector<int> label = classes("label");
  const nlohmann::json known = expected();
  ASSERT_EQ(label.size(), 300u);
  expect_near(auc(p, label), known["auc"], kRelative, "auc");
  EXPECT_EQ(youden_threshold(p, label), known["youden"].get<double>());
  for (const auto& [name, threshold] : {std::pair("at_half", 0.5), {"at_youden", youden_threshold(p, label)}}) {
    const BinaryCounts counts = count_binary(p, label, threshold);
    expect_near(counts.accuracy(), known[name]["accuracy"], kRelative, name);
    expect_near(counts.sensitivity(), known[name]["sensitivity"], kRelative, name);
    expect_near(counts.specificity(), known[name]["specificity"], kRelative, name);
  }
}

/// Figures of a likelihood whose network answers `answers`.
std::map<std::string, double> figures_of(const Likelihood& likelihood, const std::string& name,
                                         const std::vector<float>& answers) {
  const Target target{name, &likelihood, 0, 1, 0};
  const std::vector<float> truth = floats({name});
  std::map<std::string, double> values;
  for (const Figure& f : likelihood.figures({target, truth}, likelihood.told(target, answers)))
    values[f.name] = f.values.front();
  return values;
}

TEST(FiguresBesideScikitLearn, OfThreeClasses) {
  std::vector<double> probability;
  for (std::size_t r = 0; r < columns().at("s0").size(); ++r)
    for (const char* name : {"s0", "s1", "s2"}) probability.push_back(columns().at(name)[r]);
  const nlohmann::json known = expected();
  expect_near(multiclass_auc(probability, classes("stage"), 3), known["stage.auc"], kRelative, "auc");
  expect_near(accuracy_of(probability, classes("stage"), 3), known["stage.accuracy"], kRelative, "accuracy");
}

TEST(FiguresBesideScikitLearn, OfNumbersAndCounts) {
  std::vector<float> log_counts = floats({"visits_said"});
  for (float& x : log_counts) x = std::log(x);
  std::map<std::string, double> said = figures_of(regression(), "stay", floats({"stay_said"}));
  said.merge(figures_of(count(), "visits", log_counts));
  const nlohmann::json known = expected();
  for (const char* name : {"stay.mse", "stay.r2", "visits.deviance", "visits.mae", "visits.d2"})
    expect_near(said.at(name), known[name], 1e-5, name);  // float32: 6e-8 of values, amplified by differences
}

}  // namespace
}  // namespace equipoise
