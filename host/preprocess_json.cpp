// host/preprocess_json.cpp - preprocess.json, written and checked.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"
#include "host/preprocess.h"

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

FittedView view_from_json(const Json& json, const std::string& file) {
  FittedView view;
  view.columns = json.at("columns").get<std::vector<std::string>>();
  const std::set<std::string> unique(view.columns.begin(), view.columns.end());
  if (view.columns.empty() || unique.size() != view.columns.size())
    refuse(file, "'columns' is empty or names one twice");
  view.median = finite_numbers(json, "median", view.columns.size(), file);
  view.mean = finite_numbers(json, "mean", view.columns.size(), file);
  view.scale = finite_numbers(json, "scale", view.columns.size(), file);
  for (const double scale : view.scale) {
    if (scale <= 0) refuse(file, "'scale' holds a number that is not positive");
  }
  return view;
}

}  // namespace

std::string to_json(const Preprocess& preprocess) {
  Json json;
  json["label_names"] = preprocess.label_names;
  json["views"] = Json::array();
  for (const FittedView& view : preprocess.views) {
    json["views"].push_back(
        {{"columns", view.columns}, {"median", view.median}, {"mean", view.mean}, {"scale", view.scale}});
  }
  return json.dump(1) + "\n";
}

Preprocess preprocess_from_json(std::string_view text, const std::string& file) {
  Preprocess preprocess;
  try {
    const Json json = Json::parse(text);
    preprocess.label_names = json.at("label_names").get<std::vector<std::string>>();
    for (const Json& view : json.at("views")) preprocess.views.push_back(view_from_json(view, file));
  } catch (const Json::exception& problem) {
    refuse(file, std::string("not the preprocessing of a run (") + problem.what() + ")");
  }
  if (preprocess.views.empty()) refuse(file, "there is no view in it");
  return preprocess;
}

}  // namespace equipoise
