// host/data/preprocess_json.cpp - preprocess.json, written and checked.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "engine/base/error.h"
#include "engine/files/format.h"
#include "engine/files/json_text.h"
#include "host/data/preprocess.h"
#include "host/data/transform.h"
#include "host/text/json_number.h"

namespace equipoise {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(ExitCode::checkpoint, file + ": " + what + "; take the file the run was trained with");
}

std::vector<double> finite_numbers(const Json& view, const char* key, size_t count, const std::string& file) {
  const auto numbers = view.at(key).get<std::vector<double>>();
  if (numbers.size() != count) refuse(file, std::string("'") + key + "' does not have one number per column");
  for (const double x : numbers) {
    if (!std::isfinite(x)) refuse(file, std::string("'") + key + "' holds a number that is not finite");
  }
  return numbers;
}

int count(const Json& value, const char* key, const std::string& file) {
  const std::optional<int> number = json_count(value);
  if (!number) refuse(file, std::string("'") + key + "' holds a number that is no count");
  return *number;
}

/// Of rows, one per column; {} where they are not told, as before there were such counts.
std::vector<int> counts(const Json& json, const char* key, size_t columns, const std::string& file) {
  if (!json.contains(key)) return {};
  std::vector<int> numbers;
  for (const Json& value : json.at(key).get<std::vector<Json>>()) numbers.push_back(count(value, key, file));
  if (numbers.size() != columns) refuse(file, std::string("'") + key + "' does not have one count per column");
  return numbers;
}

std::vector<std::string> unique_names(const Json& json, const char* key, const std::string& file) {
  auto names = json.at(key).get<std::vector<std::string>>();
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    refuse(file, std::string("'") + key + "' names one twice");
  return names;
}

void refuse_scale_not_positive(const std::vector<double>& scales, const std::string& file) {
  for (const double scale : scales) {
    if (scale <= 0) refuse(file, "'scale' holds a number that is not positive");
  }
}

/// Of a view without selection there is nothing.
void read_selection(const Json& json, FittedView& view, const std::string& file) {
  if (!json.contains("selected")) return;
  for (const Json& step : json.at("selected"))
    view.selected.push_back(
        {step.at("method").get<std::string>(), finite_numbers(step, "score", view.columns.size(), file)});
  view.dropped = unique_names(json, "dropped", file);
  for (const std::string& name : view.dropped)
    if (std::find(view.columns.begin(), view.columns.end(), name) != view.columns.end())
      refuse(file, "'dropped' names a column that is kept");
}

void read_categories(const Json& json, FittedView& view, const std::string& file) {
  if (!json.contains("categories")) return;
  std::set<std::string> columns;
  for (const Json& category : json.at("categories")) {
    view.categories.push_back({category.at("column").get<std::string>(), unique_names(category, "words", file)});
    if (!columns.insert(view.categories.back().column).second) refuse(file, "'categories' names a column twice");
  }
}

FittedView view_from_json(const Json& json, const std::string& file) {
  FittedView view;
  view.columns = unique_names(json, "columns", file);
  if (view.columns.empty()) refuse(file, "'columns' is empty");
  view.median = finite_numbers(json, "median", view.columns.size(), file);
  view.mean = finite_numbers(json, "mean", view.columns.size(), file);
  view.scale = finite_numbers(json, "scale", view.columns.size(), file);
  refuse_scale_not_positive(view.scale, file);
  read_selection(json, view, file);
  read_categories(json, view, file);
  if (json.contains("low")) {
    view.low = finite_numbers(json, "low", view.columns.size(), file);
    view.high = finite_numbers(json, "high", view.columns.size(), file);
  }
  view.missing = counts(json, "missing", view.columns.size(), file);
  view.far = counts(json, "far", view.columns.size(), file);
  if (!json.contains("transform")) return view;
  view.transform = json.at("transform").get<std::vector<std::string>>();
  if (view.transform.size() != view.columns.size()) refuse(file, "'transform' does not have one name per column");
  for (const std::string& name : view.transform)
    if (!name.empty() && !find_transform(name)) refuse(file, "'transform' holds a name that is no transform");
  return view;
}

FittedTarget target_from_json(const Json& json, const std::string& file) {
  FittedTarget target;
  target.likelihood = find_likelihood(json.at("kind").get<std::string>());
  if (!target.likelihood) refuse(file, "'kind' names no kind of target");
  target.columns = unique_names(json, "columns", file);
  if (!target.likelihood->columns().holds(target.columns.size()))
    refuse(file, "'columns' of a target has too few or too many");
  const size_t numbers = target.likelihood->cells() == Cells::numbers ? target.columns.size() : 0;
  target.mean = finite_numbers(json, "mean", numbers, file);
  target.scale = finite_numbers(json, "scale", numbers, file);
  refuse_scale_not_positive(target.scale, file);
  target.class_names = unique_names(json, "class_names", file);
  if (!target.likelihood->classes().holds(target.class_names.size()))
    refuse(file, "'class_names' does not fit the kind of the target");
  return target;
}

}  // namespace

std::string to_json(const Preprocess& preprocess) {
  Json json;
  json["format"] = mark(file_format::kPreprocess);
  json["label_names"] = preprocess.label_names;
  if (preprocess.train_rows > 0) json["train_rows"] = preprocess.train_rows;
  if (!preprocess.left_out.empty()) json["left_out"] = preprocess.left_out;
  json["views"] = Json::array();
  for (const FittedView& view : preprocess.views) {
    json["views"].push_back(
        {{"columns", view.columns}, {"median", view.median}, {"mean", view.mean}, {"scale", view.scale}});
    if (!view.missing.empty()) json["views"].back()["missing"] = view.missing;
    if (!view.far.empty()) json["views"].back()["far"] = view.far;
    if (!view.transform.empty()) json["views"].back()["transform"] = view.transform;
    if (!view.low.empty()) json["views"].back().update({{"low", view.low}, {"high", view.high}});
    for (const SelectedBy& step : view.selected)
      json["views"].back()["selected"].push_back({{"method", step.method}, {"score", step.score}});
    if (!view.selected.empty()) json["views"].back()["dropped"] = view.dropped;
    for (const FittedCategory& category : view.categories)
      json["views"].back()["categories"].push_back({{"column", category.column}, {"words", category.levels}});
  }
  for (size_t t = 0; t < preprocess.targets.size(); ++t) {
    const FittedTarget& target = preprocess.targets[t];
    json["targets"].push_back({{"kind", target.likelihood->name()},
                               {"columns", target.columns},
                               {"mean", target.mean},
                               {"scale", target.scale},
                               {"class_names", target.class_names}});
    if (t < preprocess.far_targets.size()) json["targets"].back()["far"] = preprocess.far_targets[t];
  }
  return json.dump(1) + "\n";
}

Preprocess preprocess_from_json(std::string_view text, const std::string& file) {
  Preprocess preprocess;
  try {
    const Json json = parse_json(text, file);
    expect_format(file, file_format::kPreprocess, json.value("format", ""));
    preprocess.label_names = unique_names(json, "label_names", file);
    for (const Json& view : json.at("views")) preprocess.views.push_back(view_from_json(view, file));
    if (json.contains("targets"))
      for (const Json& target : json.at("targets")) {
        preprocess.targets.push_back(target_from_json(target, file));
        if (target.contains("far"))
          preprocess.far_targets.push_back(counts(target, "far", preprocess.targets.back().columns.size(), file));
      }
    if (json.contains("train_rows")) preprocess.train_rows = count(json.at("train_rows"), "train_rows", file);
    preprocess.left_out = json.value("left_out", std::vector<std::string>());
  } catch (const Json::exception& problem) {
    refuse(file, std::string("not the preprocessing of a run (") + problem.what() + ")");
  }
  if (preprocess.views.empty()) refuse(file, "there is no view in it");
  return preprocess;
}

}  // namespace equipoise
