// host/study/member_result.cpp - results of members as JSON.
#include "host/study/member_result.h"

#include <fmt/format.h>

#include "engine/base/error.h"
#include "engine/files/json_text.h"
#include "host/text/json_number.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

double number_of(const ordered_json& value) { return value.is_null() ? kUndefined : value.get<double>(); }

}  // namespace

std::string to_json(const MemberResult& r) {
  ordered_json figures = ordered_json::object();
  for (const Figure& figure : r.validation) {
    ordered_json values = ordered_json::array();
    for (const double value : figure.values) values.push_back(json_number(value));
    figures[figure.name] = std::move(values);
  }
  const ordered_json json{{"member", r.number},
                          {"epochs", r.epochs},
                          {"steps", r.steps},
                          {"best_epoch", r.best_epoch},
                          {"reason", r.reason},
                          {"failure", r.failure},
                          {"inner_optimistic", json_number(r.inner)},
                          {"validation_optimistic", figures}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

MemberResult member_result_of_json(const std::string& text, const std::string& file) {
  try {
    const ordered_json json = parse_json(text, file);
    MemberResult r;
    r.number = json.at("member").get<int>();
    r.epochs = json.at("epochs").get<int>();
    r.steps = json.at("steps").get<int64_t>();
    r.best_epoch = json.at("best_epoch").get<int>();
    r.reason = json.at("reason").get<std::string>();
    r.failure = json.at("failure").get<std::string>();
    r.inner = number_of(json.at("inner_optimistic"));
    for (const auto& [name, values] : json.at("validation_optimistic").items()) {
      Figure figure{name, {}};
      for (const auto& value : values) figure.values.push_back(number_of(value));
      r.validation.push_back(std::move(figure));
    }
    return r;
  } catch (const nlohmann::json::exception&) {
    throw Error(ExitCode::checkpoint, fmt::format("{}: what it says of a member cannot be read", file));
  }
}

}  // namespace equipoise
