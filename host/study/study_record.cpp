// host/study/study_record.cpp - a study's record as JSON.
#include "host/study/study_record.h"

#include <fmt/format.h>

#include <charconv>

#include "engine/base/error.h"
#include "engine/files/atomic_file.h"
#include "engine/files/format.h"
#include "engine/files/json_text.h"
#include "engine/files/sha256.h"
#include "host/run/build_info.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

constexpr std::string_view kKinds[] = {"cross-validation", "sweep"};
constexpr std::size_t kLargestRecord = std::size_t{256} << 20;

ordered_json members_of(const StudyPlan& plan) {
  ordered_json members = ordered_json::array();
  for (const StudyMember& m : plan.members) members.push_back({m.setting, m.split, m.seed});
  return members;
}

void read_plan(const ordered_json& json, const std::string& file, StudyPlan& plan) {
  const std::string kind = json.at("kind").get<std::string>();
  if (kind != kKinds[0] && kind != kKinds[1]) throw std::invalid_argument("kind");
  plan.kind = kind == kKinds[0] ? StudyKind::cross_validation : StudyKind::sweep;
  for (const auto& overrides : json.at("settings"))
    plan.settings.push_back({overrides.get<std::vector<std::string>>()});
  for (const auto& text : json.at("configs")) plan.configs.push_back(config_of_text(text.get<std::string>(), file));
  if (plan.configs.size() != plan.settings.size()) throw std::invalid_argument("configs");
  plan.inner_folds = json.at("inner_folds").get<int>();
  for (const auto& split : json.at("splits"))
    plan.splits.push_back({split.at(0).get<int>(), split.at(1).get<std::string>(), split.at(2).get<int>()});
  for (const auto& m : json.at("members")) {
    const StudyMember member{static_cast<int>(plan.members.size()) + 1, m.at(0).get<std::size_t>(),
                             m.at(1).get<std::size_t>(), m.at(2).get<uint64_t>()};
    if (member.setting >= plan.settings.size() || member.split >= plan.splits.size())
      throw std::invalid_argument("members");
    plan.members.push_back(member);
  }
  if (plan.members.empty()) throw std::invalid_argument("members");
}

}  // namespace

StudyPart study_part(const std::string& text) {
  StudyPart part{0, 0};
  const char* const end = text.data() + text.size();
  const auto [slash, wrong] = std::from_chars(text.data(), end, part.index);
  if (wrong == std::errc{} && slash != end && *slash == '/') {
    const auto [last, error] = std::from_chars(slash + 1, end, part.of);
    if (error == std::errc{} && last == end && part.index >= 1 && part.index <= part.of) return part;
  }
  throw Error(ExitCode::usage, fmt::format("--part {}: is no part such as 2/8, the second of eight", text));
}

std::string hash_of(const RawCohort& cohort) {
  Sha256 sha;
  const auto add = [&](const auto& values) {
    sha.update(fmt::format("{}\n", values.size()));
    sha.update(values.data(), values.size() * sizeof values[0]);
  };
  const auto add_texts = [&](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) sha.update(fmt::format("{}:{}\n", text.size(), text));
  };
  add_texts(cohort.ids);
  for (const RawView& view : cohort.views) {
    add_texts(view.columns);
    add(view.values);
    for (const RawCategory& category : view.categories) {
      sha.update(fmt::format("{}\n", category.column));
      add_texts(category.levels);
    }
  }
  add(cohort.label);
  add_texts(cohort.label_names);
  for (const RawTarget& target : cohort.targets) {
    add_texts(target.columns);
    add(target.values);
  }
  add_texts(cohort.groups);
  return sha.hex();
}

Config without_places(Config config) {
  for (ViewSource& view : config.data.views) view.file = view.file.filename();
  for (std::optional<std::filesystem::path>* table : {&config.data.outcome, &config.data.split})
    if (*table) *table = (*table)->filename();
  return config;
}

std::string identity_of(const Config& config, const StudyRecord& r) {
  Sha256 sha;
  const auto add = [&](const std::string& text) { sha.update(fmt::format("{}:{}\n", text.size(), text)); };
  add(to_toml(without_places(config)));
  for (const Config& setting : r.plan.configs) add(to_toml(without_places(setting)));
  add(fmt::format("{} {}", r.plan.kind == StudyKind::sweep ? 1 : 0, r.plan.inner_folds));
  for (const StudySplit& split : r.plan.splits) add(fmt::format("{} {} {}", split.repeat, split.inner, split.fold));
  add(members_of(r.plan).dump());
  add(r.plan.folds);
  add(r.data_sha256);
  return sha.hex();
}

std::string to_json(const StudyRecord& r, const std::filesystem::path& folder) {
  const std::filesystem::path from = std::filesystem::absolute(folder).lexically_normal();
  ordered_json files = ordered_json::array();
  for (const DataFile& file : r.files)
    files.push_back({{"path", file.path},
                     {"relative", std::filesystem::path(file.path).lexically_relative(from).string()},
                     {"sha256", file.sha256}});
  ordered_json splits = ordered_json::array(), settings = ordered_json::array();
  for (const StudySplit& split : r.plan.splits) splits.push_back({split.repeat, split.fold, split.inner});
  for (const StudySetting& setting : r.plan.settings) settings.push_back(setting.overrides);
  ordered_json configs = ordered_json::array();
  for (const Config& config : r.plan.configs) configs.push_back(to_toml(config));
  const BuildInfo& build = build_info();
  const ordered_json json{
      {"format", mark(file_format::kStudy)},
      {"kind", kKinds[r.plan.kind == StudyKind::sweep ? 1 : 0]},
      {"status", r.status},
      {"part", {r.part.index, r.part.of}},
      {"started", r.started},
      {"ended", r.ended},
      {"resumed", r.resumed},
      {"build", {{"version", build.version}, {"git", build.git}, {"compiler", build.compiler}, {"cuda", build.cuda}}},
      {"device", r.device},
      {"identity", r.identity},
      {"fits_sha256", r.fits_sha256},
      {"data", {{"files", files}, {"sha256", r.data_sha256}, {"notices", r.notices}}},
      {"settings", settings},
      {"configs", configs},
      {"inner_folds", r.plan.inner_folds},
      {"splits", splits},
      {"members", members_of(r.plan)}};
  // A line for each member would be long; one for each key is read well enough.
  return json.dump(r.plan.members.size() > 100 ? -1 : 1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

StudyRecord read_study_record(const std::filesystem::path& study_json) {
  const std::string file = study_json.string();
  try {
    const ordered_json json = parse_json(read_text(study_json, kLargestRecord), file);
    expect_format(file, file_format::kStudy, json.at("format").get<std::string>());
    StudyRecord r;
    read_plan(json, file, r.plan);
    r.part = {json.at("part").at(0).get<int>(), json.at("part").at(1).get<int>()};
    if (r.part.index < 1 || r.part.index > r.part.of) throw std::invalid_argument("part");
    r.status = json.at("status").get<std::string>();
    r.device = json.at("device").get<std::string>();
    r.identity = json.at("identity").get<std::string>();
    r.fits_sha256 = json.at("fits_sha256").get<std::string>();
    r.started = json.at("started").get<std::string>();
    r.ended = json.at("ended").get<std::string>();
    r.resumed = json.at("resumed").get<int>();
    const ordered_json& data = json.at("data");
    r.data_sha256 = data.at("sha256").get<std::string>();
    r.notices = data.at("notices").get<std::vector<std::string>>();
    for (const auto& f : data.at("files"))
      r.files.push_back(
          {f.at("path").get<std::string>(), f.at("sha256").get<std::string>(), f.at("relative").get<std::string>()});
    return r;
  } catch (const nlohmann::json::exception&) {
  } catch (const std::invalid_argument&) {
  } catch (const Error& error) {
    if (error.code() != ExitCode::usage) throw;  // a config in it that is none
  }
  throw Error(ExitCode::checkpoint, fmt::format("{}: cannot be read as the record of a study; it is damaged, start the "
                                                "study anew in another folder",
                                                file));
}

}  // namespace equipoise
