// host/config/tables_config.cpp - from what tables look like to values, and why.
#include "host/config/tables_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/base/error.h"
#include "host/config/config.h"
#include "host/config/config_schema.h"
#include "host/config/config_value.h"
#include "host/data/categories.h"
#include "host/data/cohort.h"
#include "host/data/keyed_table.h"
#include "host/data/split.h"
#include "host/data/survey.h"
#include "host/text/first_names.h"
#include "host/text/lower_case.h"
#include "host/text/nearest_name.h"
#include "host/text/printable.h"
#include "host/text/shell_word.h"

namespace equipoise {
namespace {

namespace fs = std::filesystem;

constexpr double kRowsOfRarest = 25;                  // wanted in each part: an AUC of so few is known to .06 or so
constexpr double kRowsOfAPart = 50;                   // the same where there are no classes
constexpr int kRowsToTest = 12, kRowsToValidate = 4;  // of the rarest class, at least
constexpr double kSteps = 4000, kStepsOfGenerator = 8000;
constexpr int kRowsPerColumn = 5, kFewestKept = 10, kMostKept = 81;
constexpr size_t kLongSetting = 60;  // has its reason above it
constexpr double kMostCounts = 20;   // mean of a count; larger ones are as well regressions

/// Chooses value after value; lines are written in the order of the keys.
class TablesConfig {
 public:
  TablesConfig(const std::string& name, const std::vector<fs::path>& tables) : name_(name) {
    for (const System* system : systems())
      for (const Preset& preset : system->presets())
        if (preset.name == name) system_ = system, variant_ = preset.variant;
    if (!system_)
      throw Error(ExitCode::usage,
                  fmt::format("init '{}': not a system; {}", name, did_you_mean(name, preset_names())));
    command_ = fmt::format("equipoise init {} --from", name);
    for (const fs::path& table : tables) {
      looks_.push_back(look_at(fs::absolute(table).lexically_normal()));
      command_ += " " + shell_word(table.filename());
    }
  }

  std::string text() {
    choose_tables();
    CohortSpec spec{config_.data.views, config_.data.outcome, config_.data.id,
                    traits().labels ? config_.data.label : "", parse_targets(config_.data.tasks, "data.tasks")};
    spec.categorical = {kAllCategories};
    cohort_ = read_cohort(spec);
    choose_categories();
    choose_shares();
    choose_columns();
    choose_training();
    return written();
  }

 private:
  SystemTraits traits() const { return system_->traits(); }

  void say(const std::string& dotted, const std::string& reason) { reasons_.emplace_back(dotted, reason); }

  void choose_tables() {
    const std::string id = find_id(looks_);
    std::optional<size_t> outcome;
    std::optional<Found> label;
    std::string outcome_reason;
    if (traits().targets) {
      outcome = find_outcome(looks_, outcome_reason);
    } else if ((label = find_label(looks_, id, traits().most_views))) {
      outcome = label->table;
      outcome_reason = label->table_reason;
    }
    std::vector<ViewSource> views;
    for (size_t t = 0; t < looks_.size(); ++t)
      if (outcome != t) views.emplace_back(looks_[t].file);
    const int count = static_cast<int>(views.size());
    if (count < traits().least_views || count > traits().most_views)
      throw Error(ExitCode::usage,
                  fmt::format("{}: {} of these tables are features, but {} takes {} to {}; name as many, and at most "
                              "one of what is learned",
                              command_, count, system_->kind(), traits().least_views, traits().most_views));
    config_ = default_config(system_->kind(), {variant_, "", count});
    config_.data.views = views;
    config_.data.id = id;
    say("data.views", "absolute, so that this file may lie anywhere");
    if (outcome) {
      config_.data.outcome = looks_[*outcome].file;
      say("data.outcome", outcome_reason);
    }
    say("data.id", "different in every row of every table");
    if (traits().labels) {
      config_.data.label = label ? label->column : "";
      say("data.label", label ? label->reason : "no column looks like one of classes");
    }
    if (traits().targets) choose_tasks(outcome ? looks_[*outcome] : looks_.front(), outcome.has_value());
  }

  /// Of the outcome every column that can be learned; of a table of features those with a usual name.
  void choose_tasks(const TableLook& table, bool outcome) {
    std::vector<std::string> passed_over;
    for (const ColumnLook& column : table.columns) {
      if (column.name == config_.data.id || is_id_name(column.name)) continue;
      const auto usual = usual_labels();
      if (!outcome && std::find(usual.begin(), usual.end(), lower_case(column.name)) == usual.end()) continue;
      const Likelihood* likelihood = likelihood_of(column);
      // a comma separates columns of a task
      if (likelihood && column.name.find(',') == column.name.npos && config_.data.tasks.size() < kMaxTasks)
        config_.data.tasks.push_back(fmt::format("{}:{}", likelihood->name(), column.name));
      else passed_over.push_back(column.name);
    }
    if (config_.data.tasks.empty())
      throw Error(ExitCode::data, fmt::format("{}:1:1: no column can be learned; add a table of outcomes: classes or "
                                              "numbers, one column each",
                                              table.file.string()));
    say("data.tasks",
        "by what the columns hold; delete what is not to be learned" +
            (passed_over.empty() ? std::string() : fmt::format(". Passed over: {}", fmt::join(passed_over, ", "))));
  }

  static const Likelihood* likelihood_of(const ColumnLook& column) {
    if (column.class_like()) {
      for (const Likelihood* l : likelihoods())
        if (l->cells() == Cells::classes && l->columns().holds(1) && l->classes().holds(size_t(column.classes)))
          return l;
    }
    if (!column.numeric || column.known < 3) return nullptr;
    const auto [least, most] = std::minmax_element(column.numbers.begin(), column.numbers.end());
    if (*least == *most) return nullptr;
    double sum = 0;
    for (const double x : column.numbers) sum += x;
    const bool small = sum / column.known < kMostCounts;
    const Likelihood* any = nullptr;
    for (const Likelihood* l : likelihoods()) {
      if (l->cells() != Cells::numbers || !l->columns().holds(1)) continue;
      if (l->standardised()) any = any ? any : l;
      else if (small &&
               std::all_of(column.numbers.begin(), column.numbers.end(), [&](double x) { return l->fault(x).empty(); }))
        return l;
    }
    return any;
  }

  /// What is stratified by: [rows], -1 where unknown; one class where there are none.
  std::vector<int> classes_of_rows() const {
    if (!cohort_.targets.empty()) {
      Strata s = strata(cohort_.targets, cohort_.ids.size());
      if (s.rest >= 0) std::replace(s.of_row.begin(), s.of_row.end(), s.rest, -1);
      return s.of_row;
    }
    if (cohort_.label_names.empty()) return std::vector<int>(cohort_.ids.size(), 0);
    return cohort_.label;
  }

  void choose_categories() {
    std::vector<std::string> names;
    for (const RawView& view : cohort_.views)
      for (const RawCategory& category : view.categories) names.push_back(view.columns[category.column]);
    if (names.empty()) return;
    config_.data.categorical = {std::string(kAllCategories)};
    say("data.categorical", "columns of few words: " + first_names(names));
    std::vector<int> rows(cohort_.ids.size());
    std::iota(rows.begin(), rows.end(), 0);
    std::vector<std::string> untold;
    encode(cohort_, fit_categories(cohort_, rows), untold);
  }

  void choose_shares() {
    const std::vector<int> classes = classes_of_rows();
    std::vector<int> rows;
    for (const int k : classes) {
      if (k < 0) continue;
      if (static_cast<size_t>(k) >= rows.size()) rows.resize(static_cast<size_t>(k) + 1);
      ++rows[static_cast<size_t>(k)];
    }
    std::erase(rows, 0);
    if (rows.empty()) rows = {0};
    const bool told = rows.size() > 1;
    rarest_ = *std::min_element(rows.begin(), rows.end());
    const double share =
        std::clamp(std::round((told ? kRowsOfRarest : kRowsOfAPart) / std::max(rarest_, 1) * 20) / 20, 0.1, 0.25);
    DataConfig& data = config_.data;
    data.validation = rarest_ < kRowsToValidate ? 0 : share;
    data.test = rarest_ < kRowsToTest ? 0 : share;
    const std::string what = told ? "rows of the rarest class" : "rows";
    const auto part = [&](double fraction) { return static_cast<int>(std::floor(rarest_ * fraction + 0.5)); };
    say("data.validation", data.validation > 0
                               ? fmt::format("about {} of the {} {} {}", part(share), rarest_, what,
                                             traits().balanced ? "choose the epoch" : "tell how training goes")
                               : fmt::format("there are {} {}: too few to choose an epoch by", rarest_, what));
    say("data.test", data.test > 0
                         ? fmt::format("about {} of the {} {} judge the result, once", part(share), rarest_, what)
                         : fmt::format("there are {} {}: too few to judge by", rarest_, what));
    train_ = static_cast<int>(stratified_split(classes, data.validation, data.test, data.seed).train.size());
  }

  void choose_columns() {
    size_t widest = 0;
    for (const RawView& view : cohort_.views) widest = std::max(widest, view.columns.size());
    if (widest <= static_cast<size_t>(train_)) return;
    const bool supervised = (!cohort_.label_names.empty() || !cohort_.targets.empty()) && !traits().generates;
    config_.select.methods = {std::string(supervised ? "anova" : "variance")};
    config_.select.keep = std::clamp(train_ / kRowsPerColumn, kFewestKept, kMostKept);
    say("select.methods",
        fmt::format("{} columns and {} training rows: {}", widest, train_,
                    supervised ? "those that tell most of what is learned are kept" : "those that vary most are kept"));
    say("select.keep",
        fmt::format("one for {} training rows, and from {} to {}", kRowsPerColumn, kFewestKept, kMostKept));
    say("select.per", "as many of each table");
  }

  void choose_training() {
    OptimizerConfig& optimizer = config_.optimizer;
    TrainConfig& train = config_.train;
    if (traits().balanced) optimizer.lr = 1e-3;
    say("optimizer.lr",
        traits().balanced ? "for hundreds of rows; published rates suit more steps" : "chosen on small tables");
    train.batch = train_ < 64 ? 16 : train_ <= 1000 ? 32 : train_ <= 4000 ? 64 : 128;
    const int steps = (train_ + train.batch - 1) / train.batch;
    const double wanted = traits().generates ? kStepsOfGenerator : kSteps;
    train.epochs = std::clamp(static_cast<int>(std::ceil(wanted / steps)), 30, 4000);
    const std::vector<Monitor> known = config_.model.system->monitors();
    const bool auc = !cohort_.label_names.empty() && std::find(known.begin(), known.end(), Monitor::auc) != known.end();
    train.monitor = config_.data.validation == 0 || !traits().balanced ? "none" : auc ? "auc" : "loss";
    train.patience = train.monitor == "none" ? 0 : std::max(train.epochs / 10, 10);
    say("train.epochs", fmt::format("{} steps an epoch, {} in all", steps, steps * train.epochs));
    say("train.batch", fmt::format("of {} training rows", train_));
    if (train.patience > 0) say("train.patience", "a tenth of the epochs");
    say("train.monitor", train.monitor == "none"  ? "the last state is the model"
                         : train.monitor == "auc" ? "the validation rows' AUC chooses the epoch"
                                                  : "the validation rows' loss chooses the epoch");
    if (traits().weighs_classes) choose_class_weights();
    say("model.kind", "the system");
    if (!config_.model.variant.empty()) say("model.variant", "as published");
  }

  void choose_class_weights() {
    const auto uneven = [&](const std::string& of, const std::vector<int>& classes) {
      std::map<int, int> rows;
      int known = 0;
      for (const int k : classes)
        if (k >= 0) ++rows[k], ++known;
      int rarest = known;
      for (const auto& [k, n] : rows) rarest = std::min(rarest, n);
      const auto count = static_cast<int>(rows.size());
      if (count < 2 || rarest * count >= 0.7 * known || config_.train.class_weights.all.balanced) return;
      config_.train.class_weights.all.balanced = true;
      say("train.class_weights", fmt::format("{}the rarest of {} classes has {} of {} rows", of, count, rarest, known));
    };
    if (!cohort_.label_names.empty()) uneven("", cohort_.label);
    for (const RawTarget& target : cohort_.targets)
      if (target.likelihood->cells() == Cells::classes)
        uneven(target.name() + ": ", target.likelihood->strata(target.values, target.columns.size()));
  }

  std::string written() const {
    std::string text = fmt::format(
        "# Chosen for these tables by: {}\n# All other keys have their defaults; `equipoise "
        "init {}` tells what they mean.\n",
        printable(command_), name_);
    std::string_view section;
    for (const ConfigKey& key : config_keys()) {
      if (!key.known_to(config_)) continue;
      const auto reason =
          std::find_if(reasons_.begin(), reasons_.end(), [&](const auto& said) { return said.first == key.dotted(); });
      if (reason == reasons_.end()) continue;
      if (key.section != section) text += fmt::format("\n[{}]\n", section = key.section);
      const std::string setting = fmt::format("{} = {}", key.name, *format_value(key, config_));
      const std::string why = printable(reason->second);  // names of columns are in it: no line of its own for any
      text += setting.size() > kLongSetting ? fmt::format("# {}:\n{}\n", why, setting)
                                            : fmt::format("{:<40} # {}\n", setting, why);
    }
    return text;
  }

  std::string name_;
  const System* system_ = nullptr;
  std::string_view variant_;
  std::string command_;
  std::vector<TableLook> looks_;
  Config config_;
  RawCohort cohort_;
  int rarest_ = 0, train_ = 0;
  std::vector<std::pair<std::string, std::string>> reasons_;  // by dotted name
};

}  // namespace

std::string config_for_tables(const std::string& preset, const std::vector<fs::path>& tables) {
  return TablesConfig(preset, tables).text();
}

}  // namespace equipoise
