// host/config/class_weights.cpp - task by task.
#include "host/config/class_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/base/error.h"
#include "host/text/nearest_name.h"

namespace equipoise {

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ExitCode::usage, fmt::format("train.class_weights{}", why));
}

const ClassWeighing& weighing_of(const ClassWeights& wanted, const std::string& task) {
  static const ClassWeighing none;
  if (wanted.by_task.empty()) return wanted.all;
  const auto named = wanted.by_task.find(task);
  return named == wanted.by_task.end() ? none : named->second;
}

std::vector<float> given(const ClassWeighing& weighing, const TaskClasses& task) {
  if (weighing.values.size() != static_cast<std::size_t>(task.classes))
    refuse(fmt::format("{} has {} numbers but {} {} classes; give one number per class, in the order of the sorted {}",
                       task.task.empty() ? "" : " of " + task.task, weighing.values.size(),
                       task.task.empty() ? "the data have" : "the task has", task.classes,
                       task.task.empty() ? "labels" : "classes"));
  return {weighing.values.begin(), weighing.values.end()};
}

std::vector<float> balanced(const TaskClasses& task, std::span<const int> train) {
  std::vector<int> rows(static_cast<std::size_t>(task.classes), 0);
  int known = 0;
  for (const int row : train)
    if (const int k = task.of_row[static_cast<std::size_t>(row)]; k >= 0) {
      ++rows[static_cast<std::size_t>(k)];
      ++known;
    }
  std::vector<float> weights;
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] == 0)
      refuse(fmt::format(": class {}{} has no labelled training row to balance by; give the weights as numbers", k,
                         task.task.empty() ? "" : " of " + task.task));
    weights.push_back(static_cast<float>(known / (double{1} * task.classes * rows[k])));
  }
  return weights;
}

}  // namespace

std::string fault_of(const ClassWeights& wanted, const std::vector<std::string>& tasks,
                     const std::vector<std::string>& numbers) {
  const bool label = tasks.size() == 1 && tasks[0].empty();
  if (label && !wanted.by_task.empty())
    return fmt::format("names '{}', but there are no tasks: give \"balanced\" or one number per class of the label",
                       wanted.by_task.begin()->first);
  if (wanted != ClassWeights{} && tasks.empty())
    return "weighs classes, and no task has any; remove it, or name a binary or multiclass task";
  for (const auto& [task, weighing] : wanted.by_task) {
    if (std::find(tasks.begin(), tasks.end(), task) != tasks.end()) continue;
    if (std::find(numbers.begin(), numbers.end(), task) != numbers.end())
      return fmt::format("names '{}', a task of numbers, which have no classes to weigh; remove it", task);
    return fmt::format("names '{}', which is no task with classes; {}", task, did_you_mean(task, tasks));
  }
  if (!wanted.all.values.empty() && tasks.size() > 1)
    return fmt::format(
        "has numbers for one task, but {} have classes ({}); give those of each as "
        "{{\"{}\" = [...], ...}}, or \"balanced\"",
        tasks.size(), fmt::join(tasks, ", "), tasks[0]);
  return "";
}

std::vector<float> class_weights(const ClassWeights& wanted, std::span<const TaskClasses> tasks,
                                 std::span<const int> train) {
  std::vector<std::string> names;
  for (const TaskClasses& task : tasks) names.push_back(task.task);
  if (const std::string fault = fault_of(wanted, names); !fault.empty()) refuse(" " + fault);
  std::vector<float> weights;
  for (const TaskClasses& task : tasks) {
    const ClassWeighing& weighing = weighing_of(wanted, task.task);
    const std::vector<float> here = weighing.balanced         ? balanced(task, train)
                                    : weighing.values.empty() ? std::vector<float>(task.classes, 1.0f)
                                                              : given(weighing, task);
    weights.insert(weights.end(), here.begin(), here.end());
  }
  return weights;
}

}  // namespace equipoise
