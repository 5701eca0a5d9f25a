// host/run/outcome.cpp - signs of a training that learned nothing, diverged or left its steps out.
#include "host/run/outcome.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace equipoise {

namespace {

constexpr double kLeastAuc = 0.6;  // of training rows: chance is .5
constexpr double kGrowth = 100;    // of a loss since the first epoch

/// The first tensor that holds a value that is not finite, "" if none does.
std::string nonfinite_tensor(const TensorFile& file) {
  for (const auto& [name, tensor] : file.tensors) {
    if (tensor.type != ElementType::f32) continue;
    const std::vector<float> values = tensor.to_floats();
    if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); })) return name;
  }
  return "";
}

std::string what_to_raise(const TrainingPlan& plan) {
  return plan.monitor == Monitor::none ? "raise optimizer.lr or train.epochs"
                                       : "raise optimizer.lr, train.epochs or train.patience";
}

/// Names of tasks whose loss grew beyond all measure. A loss without a lower bound may begin near zero, so it is
/// measured by all of them.
std::vector<std::string> grown(const Trainer& trainer) {
  const std::vector<double>& first = trainer.losses().first;
  const std::vector<double> last = epoch_metrics(trainer.program(), trainer.control()).losses;
  const std::vector<TaskInfo> tasks = trainer.plan().setup.system->tasks();
  double mean = 0;
  for (const double loss : first) mean += std::fabs(loss) / static_cast<double>(first.size());
  std::vector<std::string> found;
  for (std::size_t k = 0; k < std::min({first.size(), last.size(), tasks.size()}); ++k) {
    const double begin = tasks[k].lower_bound >= 0 ? first[k] : std::max(std::fabs(first[k]), mean);
    if (begin > 0 && std::fabs(last[k]) > kGrowth * begin)
      found.push_back(fmt::format("{} from {:.3g} to {:.3g}", tasks[k].name, first[k], last[k]));
  }
  return found;
}

/// Signs that the model that is kept has not learned.
std::vector<std::string> untrained(const Trainer& trainer, const Evaluation& train) {
  std::vector<std::string> signs;
  const std::vector<double>& total = trainer.losses().total;
  const int best = trainer.best_epoch();
  const std::size_t kept = best > 0 ? static_cast<std::size_t>(best) : total.size();
  if (kept > 1 && total[kept - 1] >= total[0])
    signs.push_back(fmt::format("its training loss ({:.4g}) is no better than that of the first epoch ({:.4g})",
                                total[kept - 1], total[0]));
  else if (total.size() >= 2 * kLearningWindow && epoch_of_fall(total) == 0)
    signs.push_back(fmt::format("in {} epochs the training loss did not fall by more than its noise", total.size()));
  else if (best == 1 && total.size() > 1 && total.back() < total[0])
    signs.push_back(fmt::format("its epoch is the first of {}, though the training loss fell from {:.4g} to {:.4g}",
                                total.size(), total[0], total.back()));
  for (const Figure& f : train.figures)
    if ((f.name == "auc" || f.name.ends_with(".auc")) && f.values[0] < kLeastAuc)
      signs.push_back(fmt::format("its {} on the rows it was trained on is {:.4f}", f.name, f.values[0]));
  return signs;
}

/// Of two classes one that no validation row is given: "sensitivity" or "specificity".
std::string blind_figure(const Evaluation& validation) {
  for (const char* name : {"sensitivity", "specificity"})
    if (validation.figure(name) == 0) return name;
  return "";
}

}  // namespace

std::string nonfinite_parameter(const Trainer& trainer, const TensorFile& model) {
  const std::string kept = nonfinite_tensor(model);
  return kept.empty() ? nonfinite_tensor(trainer.last_parameters()) : kept;
}

bool has_class_figures(const System& system) {
  const std::vector<Monitor> monitors = system.monitors();
  const std::span<const Target> targets = system.targets();
  return std::find(monitors.begin(), monitors.end(), Monitor::auc) != monitors.end() ||
         std::any_of(targets.begin(), targets.end(),
                     [](const Target& t) { return t.likelihood->cells() == Cells::classes; });
}

std::vector<std::string> warnings_of(const Trainer& trainer, const Judged& judged) {
  const TrainingPlan& plan = trainer.plan();
  const Control& c = trainer.control();
  std::vector<std::string> warnings;
  const std::vector<std::string> diverged = grown(trainer);
  if (!diverged.empty())
    warnings.push_back(fmt::format(
        "training diverged: since the first epoch these losses grew: {}; lower optimizer.lr, set optimizer.clip_norm, "
        "or look for features far from the others (data.transform)",
        fmt::join(diverged, ", ")));
  else if (const std::vector<std::string> signs = untrained(trainer, judged.train); !signs.empty())
    warnings.push_back(fmt::format("the model that is kept may be untrained: {}; {}", fmt::join(signs, ", and "),
                                   what_to_raise(plan)));
  if (2 * int64_t{c.skipped} > c.step)
    warnings.push_back(
        fmt::format("{} of {} steps were left out because of a non-finite value: the model has seen the "
                    "rest alone; lower optimizer.lr or set optimizer.clip_norm",
                    c.skipped, c.step));
  if (judged.validation)
    if (const std::string blind = blind_figure(*judged.validation); !blind.empty()) {
      const bool equal = std::adjacent_find(plan.class_weights.begin(), plan.class_weights.end(),
                                            std::not_equal_to<>()) == plan.class_weights.end();
      warnings.push_back(fmt::format(
          "the {} on the validation rows is 0: all of them are told the same class at the run's threshold; {}set "
          "evaluate.threshold = \"youden\"",
          blind,
          equal && plan.setup.system->traits().weighs_classes ? "set train.class_weights = \"balanced\", or " : ""));
    }
  return warnings;
}

}  // namespace equipoise
