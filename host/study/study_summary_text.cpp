// host/study/study_summary_text.cpp - a study's summary for programs and for people.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "engine/files/format.h"
#include "host/study/study_summary.h"
#include "host/text/json_number.h"

namespace equipoise {

namespace {

using nlohmann::ordered_json;

constexpr std::size_t kSettingsTold = 20;
constexpr std::size_t kColumnsTold = 10;

std::string in_column(double x) { return std::isfinite(x) ? fmt::format("{:.4f}", x) : std::string("-"); }

std::string from_to(double low, double high) {
  return std::isfinite(low) ? fmt::format("{:.4f} to {:.4f}", low, high) : std::string("-");
}

ordered_json numbers(const std::vector<double>& values) {
  ordered_json json = ordered_json::array();
  for (const double value : values) json.push_back(json_number(value));
  return json;
}

std::string setting_text(const SettingSummary& setting) {
  return setting.overrides.empty() ? "the config as it is" : fmt::format("{}", fmt::join(setting.overrides, "  "));
}

/// As it is told: a loss is smaller the better.
double told(const StudySummary& summary, double inner) { return summary.larger_is_better ? inner : -inner; }

}  // namespace

std::string to_json(const StudySummary& s) {
  ordered_json figures = ordered_json::object();
  for (const OuterFigure& f : s.figures)
    figures[f.name] = {{"mean", json_number(f.mean)},
                       {f.of_repeats.size() > 1 ? "sd_over_repeats" : "sd_over_folds", json_number(f.sd)},
                       {"interval_95", {json_number(f.low), json_number(f.high)}},
                       {"repeats", numbers(f.of_repeats)},
                       {"of", f.of_ensemble ? "ensembles" : "members"},
                       {"single_members", json_number(f.of_members)},
                       {"undefined_folds", f.undefined}};
  ordered_json settings = ordered_json::array();
  for (const SettingSummary& setting : s.settings) {
    const ResampledTTest& t = setting.against_best;
    settings.push_back({{"overrides", setting.overrides},
                        {fmt::format("inner_{}_optimistic", s.inner_name), json_number(told(s, setting.inner))},
                        {"chosen", setting.chosen},
                        {"failed_members", setting.failed},
                        {"against_best",
                         {{"difference_optimistic", json_number(told(s, t.mean))},
                          {"t_optimistic", json_number(t.t)},
                          {"df", json_number(t.df)},
                          {"p_optimistic", json_number(t.p)}}}});
  }
  ordered_json selected = ordered_json::array();
  for (const std::vector<SelectedColumn>& view : s.selected) {
    ordered_json of_view = ordered_json::object();
    for (const SelectedColumn& column : view) of_view[column.column] = column.times;
    selected.push_back(std::move(of_view));
  }
  const ordered_json json{{"format", mark(file_format::kStudySummary)},
                          {"kind", s.kind == StudyKind::sweep ? "sweep" : "cross-validation"},
                          {"rows", s.rows},
                          {"held_out_rows", s.held_out},
                          {"folds", s.folds},
                          {"repeats", s.repeats},
                          {"members", s.members},
                          {"failed_members", s.failed},
                          {"members_of_an_ensemble", s.of_ensemble},
                          {"held_out", figures},
                          {"best_setting", s.best_setting + 1},
                          {"settings", settings},
                          {"training_parts", s.training_parts},
                          {"selected", selected},
                          {"notices", s.notices}};
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string to_text(const StudySummary& s) {
  std::string text =
      fmt::format("{} members, {} failed; {} rows, {} of them held out", s.members, s.failed, s.rows, s.held_out);
  if (s.kind != StudyKind::sweep)
    text += fmt::format(" in {} folds{}", s.folds, s.repeats > 1 ? fmt::format(", {} times", s.repeats) : "");
  text += '\n';
  if (!s.figures.empty()) {
    text += fmt::format("\n{:<26}{:>9}{:>9}   {:<19}{:<19}{:>9}\n", "held-out rows", "mean",
                        s.repeats > 1 ? "sd" : "sd folds", "95 % interval", s.repeats > 1 ? "repeats" : "", "single");
    bool of_members = false;
    for (const OuterFigure& f : s.figures) {
      of_members = of_members || !f.of_ensemble;
      text += fmt::format("{:<26}{:>9}{:>9}   {:<19}{:<19}{:>9}\n", f.name + (f.of_ensemble ? "" : " *"),
                          in_column(f.mean), in_column(f.sd), from_to(f.low, f.high),
                          s.repeats > 1 ? from_to(f.smallest, f.largest) : "", in_column(f.of_members));
      if (f.undefined > 0) text += fmt::format("    undefined in {} folds, which are left out\n", f.undefined);
    }
    text += fmt::format("(ensembles of {} member{}{}; single: members alone{})\n", s.of_ensemble,
                        s.of_ensemble == 1 ? "" : "s",
                        s.repeats > 1 ? "; mean and sd over repeats, smallest to largest" : "",
                        of_members ? "; *: mean answers have none" : "");
  }
  if (s.settings.size() > 1) {
    text += fmt::format("\nsettings by inner {} (optimistic: it chose {}settings)\n", s.inner_name,
                        s.chooses_epochs ? "epochs and " : "");
    bool compares = false;
    for (std::size_t i = 0; i < std::min(s.settings.size(), kSettingsTold); ++i) {
      const SettingSummary& setting = s.settings[i];
      const double p = setting.against_best.p;
      compares = compares || std::isfinite(p);
      text +=
          fmt::format("{:>4}  {:>9} optimistic  chosen {:>3} times  {}  {}\n", i + 1, in_column(told(s, setting.inner)),
                      setting.chosen,
                      i == s.best_setting ? "the best   "
                      : std::isfinite(p)  ? fmt::format("p = {:<7.4f}", p)
                                          : "           ",
                      setting_text(setting) + (setting.failed > 0 ? fmt::format("  ({} failed)", setting.failed) : ""));
    }
    if (s.settings.size() > kSettingsTold)
      text += fmt::format("      ... {} more in summary.json\n", s.settings.size() - kSettingsTold);
    if (compares) text += "(p: corrected resampled t-test against the best, by inner figures, and so optimistic too)\n";
  }
  for (std::size_t v = 0; v < s.selected.size(); ++v) {
    text += fmt::format("\nselected most often of {} in {} training parts:", s.views[v], s.training_parts);
    for (std::size_t c = 0; c < std::min(s.selected[v].size(), kColumnsTold); ++c)
      text += fmt::format("{} {} ({})", c == 0 ? "" : ",", s.selected[v][c].column, s.selected[v][c].times);
    text += "\n";
  }
  return text;
}

}  // namespace equipoise
