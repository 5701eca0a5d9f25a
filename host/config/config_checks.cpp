// host/config/config_checks.cpp - checks across keys, balancer by balancer, and what is filled in.
#include "host/config/config_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/balance/methods.h"
#include "engine/base/error.h"
#include "engine/systems/setup.h"
#include "host/config/class_weights.h"
#include "host/config/config_schema.h"
#include "host/data/folds.h"
#include "host/data/generators.h"
#include "host/data/targets.h"
#include "host/text/glob.h"
#include "host/text/nearest_name.h"

namespace equipoise {
namespace {

// A config that asks for more is refused before any memory is taken.
constexpr double kMostGeneratedNumbers = 268435456;

bool at_latent(const BalanceConfig& balance) { return balance.at != "parameters"; }

bool blank(const std::string& text) { return text.find_first_not_of(" \t") == text.npos; }

class Checker {
 public:
  Checker(const Config& config, const GivenKeys& given) : config_(config), given_(given) {}

  std::vector<std::string> run() {
    check_data();
    check_selection();
    check_model();
    check_class_weights();
    for (size_t b = 0; b < config_.balance.size(); ++b) check_balancer(b);
    check_places();
    check_study();
    return std::move(errors_);
  }

 private:
  void refuse(const std::string& dotted, const std::string& why, size_t balancer = 0) {
    const size_t dot = dotted.find('.');
    errors_.push_back(fmt::format("{}: {}{} {}", given_.where(dotted, balancer),
                                  section_name(dotted.substr(0, dot), balancer), dotted.substr(dot), why));
  }

  void check_data() {
    const DataConfig& data = config_.data;
    if (!data.split && data.validation + data.test >= 1) {
      refuse("data.validation",
             fmt::format("{} and data.test {} leave no row to train; make them smaller", data.validation, data.test));
    }
    if (data.id.empty()) refuse("data.id", "is empty; name a column");
    for (const char* of_table : {"data.repeat", "data.fold"})
      if (given_.contains(of_table) && !data.split)
        refuse(of_table, "chooses from the table of data.split, and none is named; name it, or drop the key");
    check_inner_fold();
    const SystemTraits traits = config_.model.system->traits();
    if (data.group && (*data.group == data.id || (traits.labels && *data.group == data.label)))
      refuse("data.group",
             fmt::format("names '{}', which is the id or the label; name a column of groups", *data.group));
    const int views = static_cast<int>(data.views.size());
    if (given_.contains("data.views") && (views < traits.least_views || views > traits.most_views))
      refuse("data.views", fmt::format("names {} tables, but {} takes {} to {}; name as many", views,
                                       config_.model.system->kind(), traits.least_views, traits.most_views));
    const std::vector<std::string> none;
    check_patterns("data.columns", data.columns.value_or(none));
    check_patterns("data.leave_out", data.leave_out.value_or(none));
    check_patterns("data.categorical", data.categorical.value_or(none));
    check_patterns("data.allow", data.allow.value_or(none));
    for (const ViewSource& view : data.views)
      for (const std::vector<std::string>* patterns : {&view.columns, &view.leave_out})
        check_patterns("data.views", *patterns);
    const size_t found = errors_.size();
    for (const std::string& task : data.tasks) check_tasks({&task, 1});
    if (errors_.size() == found) check_tasks(data.tasks);  // for columns of two tasks
    if (!data.generated()) return;
    if (data.source == "gradnorm-towers" && data.features < 2)
      refuse("data.features", "is 1, but gradnorm-towers draws two directions; make it 2 or more");
    if (generated_numbers(data) > kMostGeneratedNumbers)
      refuse("data.rows", fmt::format("{} make {:.3g} numbers, more than the {:.3g} a run may generate; make rows, "
                                      "features, outputs or the list of sigmas smaller",
                                      data.rows, generated_numbers(data), kMostGeneratedNumbers));
  }

  void check_inner_fold() {
    if (!config_.data.inner_fold) return;
    if (!inner_fold_of(*config_.data.inner_fold))
      refuse("data.inner_fold", fmt::format("is '{}', which is no fold of 2 to {}; write the second of five as \"2/5\"",
                                            *config_.data.inner_fold, kMostFolds));
    if (!config_.data.fold)
      refuse("data.inner_fold",
             "divides the rows that data.fold leaves, and none is chosen; choose the fold that tests, or drop the key");
  }

  void check_study() {
    if (config_.study && config_.study->inner_folds == 1)
      refuse("study.inner_folds",
             fmt::format("is 1, and one fold would leave no row to train; make it 0 or 2 to {}", kMostFolds));
  }

  void check_patterns(const char* key, const std::vector<std::string>& patterns) {
    const auto wild = static_cast<size_t>(std::count_if(patterns.begin(), patterns.end(), is_wild));
    if (wild > kMostWildPatterns)
      refuse(key, fmt::format("has {} patterns with * or ?, more than {}; name the columns themselves", wild,
                              kMostWildPatterns));
  }

  void check_tasks(std::span<const std::string> tasks) {
    try {
      for (const TargetSpec& target : parse_targets(tasks, "data.tasks"))
        if (std::find(target.columns.begin(), target.columns.end(), config_.data.id) != target.columns.end())
          throw Error(ExitCode::usage,
                      fmt::format("data.tasks: the column '{}' holds the ids; name another", config_.data.id));
    } catch (const Error& e) {
      errors_.push_back(given_.where("data.tasks") + ": " + e.what());
    }
  }

  void check_selection() {
    try {
      parse_select(config_.select, "select.methods");
    } catch (const Error& e) {
      errors_.push_back(given_.where("select.methods") + ": " + e.what());
    }
  }

  void check_model() {
    for (const auto& [key, why] : config_.model.system->contradictions()) refuse("model." + key, why);
    const bool labels = config_.model.system->traits().labels && !config_.data.label.empty();
    if (!labels && knows_auc(config_) && given_.contains("model.losses") && !given_.of_a_run)
      refuse("model.losses",
             "names a loss that learns the label, and data.label is \"\"; leave it out, and set train.monitor = "
             "\"loss\"");
  }

  /// How many numbers a class wants the data tell.
  void check_class_weights() {
    const SystemTraits traits = config_.model.system->traits();
    if (config_.data.generated() || !traits.weighs_classes || !errors_.empty()) return;
    std::vector<std::string> tasks, numbers;
    if (traits.labels) tasks = {""};
    for (const TargetSpec& task : parse_targets(config_.data.tasks, "data.tasks")) {
      const bool classes = task.likelihood->cells() == Cells::classes;
      // A task of classes has one column, whose name is all that is written.
      (classes ? tasks : numbers).push_back(classes && !task.whole.empty() ? task.whole : task.name());
    }
    if (const std::string fault = fault_of(config_.train.class_weights, tasks, numbers); !fault.empty())
      refuse("train.class_weights", fault);
  }

  void check_balancer(size_t b) {
    const BalanceConfig& balance = config_.balance[b];
    if (at_latent(balance) && !balance.over.empty())
      refuse("balance.over",
             fmt::format("names parameters, but balance.at = \"{}\" measures no parameter's gradient; drop one, or set "
                         "balance.over = \"\"",
                         balance.at),
             b);
    if (!at_latent(balance) && balance.sum_rows)
      refuse("balance.sum_rows", "sums rows of the latent's gradient; set balance.at to a latent, or drop it", b);
    check_over(b);
    check_weights(b);
    for (const char* shared : {"balance.alpha", "balance.lr", "balance.initial_weights"})
      if (b > 0 && given_.contains(shared, b))
        refuse(shared, "is common to all balancers; give it in the first [[balance]] alone", b);
    check_methods(b);
  }

  void check_weights(size_t b) {
    const std::vector<double>& weights = config_.balance[b].initial_weights;
    const size_t tasks = loss_count(config_);
    if (weights.empty()) return;
    if (tasks > 0 && weights.size() != tasks)
      refuse("balance.initial_weights",
             fmt::format("has {} number{}, but there {} {} task{}; give one a task", weights.size(),
                         weights.size() == 1 ? "" : "s", tasks == 1 ? "is" : "are", tasks, tasks == 1 ? "" : "s"),
             b);
    if (std::all_of(weights.begin(), weights.end(), [](double w) { return w == 0; }))
      refuse("balance.initial_weights", "are all 0; make one of them positive", b);
  }

  void check_methods(size_t b) {
    const BalanceConfig& balance = config_.balance[b];
    const std::string name = section_name("balance", b) + ".methods";
    MethodList list;
    try {
      list = parse_methods(balance.methods, name, did_you_mean);
    } catch (const Error& e) {
      errors_.push_back(given_.where("balance.methods", b) + ": " + e.what());
      return;
    }
    if (balance.rescale && list.methods.back().kind == MethodKind::graddrop)
      refuse("balance.rescale",
             "needs a step that is known from the Gram matrix, and graddrop drops single elements; drop one", b);
    const BalanceConfig& first = config_.balance.front();
    check_shared("alpha", list.alpha, first.alpha, alpha_, b);
    check_shared("lr", list.task_lr, first.lr.value_or(0), lr_, b);
  }

  /// A setting of the run that a method names must fit the key of that name, where the resolved config writes it, and
  /// what another balancer's method says.
  void check_shared(const std::string& name, std::optional<double> of_method, double of_key,
                    std::optional<double>& of_earlier, size_t b) {
    if (!of_method) return;
    const std::string dotted = "balance." + name;
    const Range& range = find_config_key(dotted)->rule.range;
    if (!range.contains(*of_method))
      refuse("balance.methods", fmt::format("says {} = {}; it must be at most {}", name, *of_method, range.high), b);
    if (given_.contains(dotted) && of_key != *of_method)
      refuse(dotted,
             fmt::format("is {} but {}.methods says {}; drop one", of_key, section_name("balance", b), *of_method));
    if (of_earlier && *of_earlier != *of_method)
      refuse("balance.methods",
             fmt::format("says {} = {} but an earlier balancer says {}; give both the same", name, *of_method,
                         *of_earlier),
             b);
    of_earlier = of_method;
  }

  void check_over(size_t b) {
    const std::vector<std::string>& names = config_.balance[b].over;
    for (auto name = names.begin(); name != names.end(); ++name) {
      if (blank(*name)) refuse("balance.over", "has an empty name; name a parameter or leave it out", b);
      else if (std::find(names.begin(), name, *name) != name)
        refuse("balance.over", fmt::format("names '{}' twice; keep one", *name), b);
    }
  }

  /// Each gradient is balanced once: the whole latent holds those of the views.
  void check_places() {
    for (size_t b = 1; b < config_.balance.size(); ++b)
      for (size_t earlier = 0; earlier < b; ++earlier) {
        const std::string &one = config_.balance[b].at, &other = config_.balance[earlier].at;
        if (one == other)
          refuse("balance.at",
                 fmt::format("is {}, where {} already balances; give each balancer a place of its own", one,
                             section_name("balance", earlier)),
                 b);
        else if (one.starts_with("latent") && other.starts_with("latent") && (one == "latent" || other == "latent"))
          refuse("balance.at",
                 fmt::format("is {}, but {} balances at {}, and latent is those of all views together; "
                             "keep one of them",
                             one, section_name("balance", earlier), other),
                 b);
      }
  }

  const Config& config_;
  const GivenKeys& given_;
  std::optional<double> alpha_, lr_;  // that a method of an earlier balancer names
  std::vector<std::string> errors_;
};

bool has_gradnorm(const Config& config) {
  return std::any_of(config.balance.begin(), config.balance.end(), [](const BalanceConfig& balance) {
    const MethodList list = parse_methods(balance.methods, "balance.methods");
    return std::any_of(list.methods.begin(), list.methods.end(),
                       [](const Method& m) { return m.kind == MethodKind::gradnorm; });
  });
}

/// The published weights with gradnorm, else ones; one a task.
std::vector<double> start_weights(const Config& config) {
  std::vector<double> weights(loss_count(config), 1.0);
  if (!has_gradnorm(config)) return weights;
  const Setup published = published_setup(config.model.kind, config.model.variant);
  const std::vector<TaskInfo> all = published.system->tasks(), here = config.model.system->tasks();
  for (size_t k = 0; k < here.size() && k < weights.size(); ++k)
    for (size_t p = 0; p < all.size(); ++p)
      if (all[p].name == here[k].name) weights[k] = published.settings.initial_weights[p];
  return weights;
}

/// Settings of the run go where the resolved config writes them, and from the first balancer to the others.
void share_settings(Config& config) {
  BalanceConfig& first = config.balance.front();
  for (const BalanceConfig& balance : config.balance) {
    const MethodList list = parse_methods(balance.methods, "balance.methods");
    first.alpha = list.alpha.value_or(first.alpha);
    if (list.task_lr) first.lr = list.task_lr;
  }
  if (first.initial_weights.empty()) first.initial_weights = start_weights(config);
  for (BalanceConfig& balance : config.balance) {
    balance.alpha = first.alpha;
    balance.lr = first.lr;
    balance.initial_weights = first.initial_weights;
  }
}

}  // namespace

bool knows_auc(const Config& config) {
  const std::vector<Monitor> known = config.model.system->monitors();
  return std::find(known.begin(), known.end(), Monitor::auc) != known.end();
}

void leave_out_classification(Config& config) {
  const ConfigKey* key = find_config_key("model.losses", &config);
  if (!key || !knows_auc(config)) return;
  auto& losses = *std::get<std::vector<std::string>*>(key->at(config));
  const std::vector<std::string> all = losses;
  for (const std::string& loss : all) {
    std::erase(losses, loss);
    if (!knows_auc(config)) return;
    losses = all;
  }
}

size_t loss_count(const Config& config) {
  if (!config.model.system->traits().targets) return config.model.system->tasks().size();
  return config.data.generated() ? generated_tasks(config.data) : config.data.tasks.size();
}

std::vector<std::string> contradictions(const Config& config, const GivenKeys& given) {
  return Checker(config, given).run();
}

void name_places(Config& config) {
  const System& system = *config.model.system;
  const std::string over = published_setup(config.model.kind, config.model.variant).balance.front().over;
  for (BalanceConfig& balance : config.balance)
    if (system.traits().balanced && balance.over.empty() && !at_latent(balance)) balance.over = {over};
}

void fill_in(Config& config) {
  name_places(config);
  share_settings(config);
}

void spell_out(Config& config) {
  bool any_learns = false;
  for (BalanceConfig& balance : config.balance) {
    const MethodList list = parse_methods(balance.methods, "balance.methods");
    balance.methods.clear();
    for (const Method& method : list.methods) {
      balance.methods.push_back(full_method_text(method));
      any_learns = any_learns || learns_weights(method);
    }
  }
  if (any_learns && !config.balance.front().lr)
    for (BalanceConfig& balance : config.balance) balance.lr = config.optimizer.lr;
  if (config.data.outliers == "keep") config.data.outliers = "tell";  // as it was called before
}

}  // namespace equipoise
