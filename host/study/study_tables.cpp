// host/study/study_tables.cpp - writes a study's tables.
#include "host/study/study_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/files/atomic_file.h"
#include "host/run/answers.h"
#include "host/study/choice.h"
#include "host/study/flat_figures.h"
#include "host/text/csv_field.h"

namespace equipoise {

namespace {

/// Key and value of an override.
std::pair<std::string, std::string> taken_apart(const std::string& override_text) {
  const std::size_t equals = override_text.find('=');
  return {override_text.substr(0, equals), override_text.substr(equals + 1)};
}

/// Keys that settings change, in the order in which they first do.
std::vector<std::string> changed_keys(const StudyPlan& plan) {
  std::vector<std::string> keys;
  for (const StudySetting& setting : plan.settings)
    for (const std::string& text : setting.overrides)
      if (const std::string key = taken_apart(text).first; std::find(keys.begin(), keys.end(), key) == keys.end())
        keys.push_back(key);
  return keys;
}

std::string value_of(const StudySetting& setting, const std::string& key) {
  for (const std::string& text : setting.overrides)
    if (const auto [of, value] = taken_apart(text); of == key) return value;
  return "";
}

/// Undefined numbers are empty cells.
std::string cell(double x) { return std::isfinite(x) ? fmt::format("{}", x) : ""; }

/// What a chosen member said of the held-out rows, by its place in the plan.
std::map<std::size_t, const Evaluation*> outer_of(const std::vector<OuterPart>& outer) {
  std::map<std::size_t, const Evaluation*> of;
  for (const OuterPart& part : outer)
    for (std::size_t i = 0; i < part.choice.members.size(); ++i)
      of[part.choice.members[i]] = part.rows.empty() ? nullptr : &part.of_members[i];
  return of;
}

std::vector<std::string> figure_names(const std::map<std::size_t, const Evaluation*>& of) {
  std::vector<std::string> names;
  for (const auto& [member, evaluation] : of)
    if (evaluation)
      for (const auto& [name, value] : flat_figures(*evaluation))
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  return names;
}

std::string number_or_empty(int number) { return number > 0 ? std::to_string(number) : ""; }

}  // namespace

void write_members_csv(const std::filesystem::path& path, const StudyPlan& plan,
                       const std::map<int, MemberResult>& results, const std::vector<OuterPart>& outer,
                       StudyData& data) {
  const std::vector<std::string> keys = changed_keys(plan);
  const std::map<std::size_t, const Evaluation*> of = outer_of(outer);
  const std::vector<std::string> names = figure_names(of);
  const InnerFigure of_inner = inner_figure(data.config_of(plan.members.front()).train);
  write_file_atomically(path, [&](const TextSink& sink) {
    std::string head = "member,setting";
    for (const std::string& key : keys) head += "," + csv_field(key);
    head += fmt::format(",repeat,fold,inner_fold,seed,epochs,best_epoch,ended,failure,inner_{}_optimistic,chosen",
                        of_inner.name);
    for (const std::string& name : names) head += ",outer_" + csv_field(name);
    sink(head + "\n");
    for (std::size_t m = 0; m < plan.members.size(); ++m) {
      const StudyMember& member = plan.members[m];
      const StudySplit& split = plan.splits[member.split];
      const auto found = results.find(member.number);
      if (found == results.end()) continue;
      const MemberResult& r = found->second;
      std::string line = fmt::format("{},{}", member.number, member.setting + 1);
      for (const std::string& key : keys) line += "," + csv_field(value_of(plan.settings[member.setting], key));
      line += fmt::format(",{},{},{},{},{},{},{},{},{},{}", number_or_empty(split.repeat), csv_field(split.fold),
                          number_or_empty(split.inner), member.seed, r.epochs, number_or_empty(r.best_epoch),
                          csv_field(r.reason), csv_field(r.failure),
                          cell(of_inner.larger_is_better ? r.inner : -r.inner), of.contains(m) ? 1 : 0);
      const auto chosen = of.find(m);
      for (const std::string& name : names)
        line += "," + (chosen != of.end() && chosen->second ? cell(flat_figure(*chosen->second, name)) : "");
      sink(line + "\n");
    }
  });
}

void write_study_predictions(const std::filesystem::path& path, const StudyPlan& plan,
                             const std::vector<OuterPart>& outer, StudyData& data) {
  write_file_atomically(path, [&](const TextSink& sink) {
    bool headed = false;
    for (const OuterPart& part : outer) {
      if (part.scaled.empty()) continue;
      const StudyMember& member = plan.members[part.choice.members.front()];
      const PreparedData& prepared = data.of(member);
      const AnySystem system = data.engine_member(member).plan.setup.system;
      const bool labelled = system->traits().tells_labels;
      AnswerColumns columns(*system, prepared.preprocess, part.thresholds);
      columns.leave_out(system->latent_names());
      const std::size_t width = part.scaled.size() / part.rows.size(), told = part.answers.names.size();
      if (!headed) {
        std::string head = (labelled ? "id,repeat,fold,label" : "id,repeat,fold") + columns.header();
        for (const std::string& name : part.answers.names) head += "," + csv_field(name + "_sd");
        sink(head + "\n");
        headed = true;
      }
      for (std::size_t row = 0; row < part.rows.size(); ++row) {
        const auto at = static_cast<std::size_t>(part.rows[row]);
        std::string line = fmt::format("{},{},{}", csv_field(prepared.data.ids[at]),
                                       number_or_empty(part.choice.split.repeat), csv_field(part.choice.split.fold));
        if (const int label = prepared.data.label[at]; labelled)
          line += "," + (label < 0 ? "" : csv_field(prepared.preprocess.label_names[static_cast<std::size_t>(label)]));
        line += columns.row(std::span(part.scaled).subspan(row * width, width));
        for (std::size_t column = 0; column < told; ++column) line += "," + cell(part.answers.sd[row * told + column]);
        sink(line + "\n");
      }
    }
    if (!headed) sink("id,repeat,fold\n");  // nothing was held out, or nothing is answered
  });
}

}  // namespace equipoise
