// engine/systems/mtl/mtl_figures.cpp - what multi-task networks are judged by, task by task.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/statistics/auc.h"
#include "engine/systems/evaluation.h"
#include "engine/systems/mtl/mtl_system.h"
#include "engine/systems/weighted_loss.h"

namespace equipoise {

namespace {

/// Neighbouring columns of [rows, width], at the given rows.
template <class Number>
std::vector<Number> columns_of(const std::vector<Number>& all, std::size_t width, std::span<const int> rows, int first,
                              int cols) {
  std::vector<Number> values;
  for (const int row : rows) {
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(row) * width) + first;
    values.insert(values.end(), from, from + cols);
  }
  return values;
}

/// Interleaves blocks of columns into rows.
std::vector<double> side_by_side(const std::vector<std::vector<double>>& blocks, std::size_t rows) {
  std::vector<double> all;
  for (std::size_t r = 0; r < rows; ++r)
    for (const auto& block : blocks) {
      const auto cols = static_cast<std::ptrdiff_t>(block.size() / rows), first = static_cast<std::ptrdiff_t>(r) * cols;
      all.insert(all.end(), block.begin() + first, block.begin() + first + cols);
    }
  return all;
}

/// 0, 1, 2, ...: the rows of what is emitted or told of some.
std::vector<int> numbered(std::size_t rows) {
  std::vector<int> numbers(rows);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

void MtlSystem::judge(const Said& said, Evaluation& e) const {
  const std::vector<int> emitted = numbered(said.rows.size());
  std::vector<std::vector<double>> told;
  int first = 0;
  for (const Target& target : model.tasks) {
    const int width = answers_of(target);
    told.push_back(target.likelihood->told(
        target, columns_of(said.outputs[0], static_cast<std::size_t>(model.outputs()), emitted, first, width)));
    first += width;
  }
  judge_answers({said.data, said.rows, side_by_side(told, said.rows.size()), said.thresholds}, e);
}

void MtlSystem::judge_answers(Answered said, Evaluation& e) const {
  int all = 0;
  for (const Target& target : model.tasks) all += target.likelihood->told_numbers(target);
  take_answers(std::move(said.answers), said.rows.size(), all, e);
  const auto target_cols = static_cast<std::size_t>(said.data.target_cols);
  e.labelled = static_cast<int>(std::count_if(said.rows.begin(), said.rows.end(), [&](int row) {
    const float* targets = said.data.targets.data() + static_cast<std::size_t>(row) * target_cols;
    return std::any_of(targets, targets + target_cols, [](float t) { return !std::isnan(t); });
  }));
  const std::vector<int> told_rows = numbered(said.rows.size());
  int first = 0;
  std::size_t decision = 0;
  for (const Target& target : model.tasks) {
    const int width = target.likelihood->told_numbers(target);
    const std::vector<double> told = columns_of(e.answers, static_cast<std::size_t>(all), told_rows, first, width);
    const std::vector<float> truth =
        columns_of(said.data.targets, target_cols, said.rows, target.first_col, target.cols);
    const bool decides = target.likelihood->cells() == Cells::classes;
    const double threshold = decides && decision < said.thresholds.size() ? said.thresholds[decision] : kHalf;
    decision += decides ? 1 : 0;
    for (Figure& figure : target.likelihood->figures({target, truth, threshold}, told))
      e.figures.push_back(std::move(figure));
    first += width;
  }
}

Watch MtlSystem::watch(const Monitored& by) const {
  if (by.monitor == Monitor::none) return {};
  Watch watch = watch_weighted_losses(by);
  if (by.monitor == Monitor::loss) return watch;
  const bool ranks = by.monitor == Monitor::auc;
  if (ranks) {
    watch.watched = Watched::target_aucs;
    watch.output = 0;  // all answers side by side
    watch.cols = model.outputs();
    watch.source = 1;
    watch.source_cols = model.target_cols();
    watch.logits = true;
  }
  watch.averages = true;
  int first = 0;
  for (std::size_t k = 0; k < model.tasks.size(); ++k) {
    const Target& target = model.tasks[k];
    const int width = answers_of(target);
    const bool meant = by.task < 0 || static_cast<std::size_t>(by.task) == k;
    if (ranks)
      watch.tasks[k] = {.watched = meant && classes_of(target) > 0,
                        .first_col = first,
                        .cols = width,
                        .target_col = target.first_col};
    else
      watch.tasks[k] = {.watched = meant,
                        .weight = target.likelihood->deviance_scale(),
                        .least = target.likelihood->least_loss(
                            columns_of(by.data.targets, static_cast<std::size_t>(by.data.target_cols), by.rows,
                                       target.first_col, target.cols))};
    first += width;
  }
  return watch;
}

double MtlSystem::watched(const Evaluation& evaluation, const Monitored& by) const {
  if (by.monitor != Monitor::auc) return watched_losses(evaluation, watch(by));
  double sum = 0;
  int present = 0;
  for (std::size_t k = 0; k < model.tasks.size(); ++k) {
    const double auc = evaluation.figure(model.tasks[k].name + ".auc");  // NaN of numbers, which have none
    if ((by.task >= 0 && static_cast<std::size_t>(by.task) != k) || std::isnan(auc)) continue;
    sum += auc;
    ++present;
  }
  return present == 0 ? kUndefined : sum / present;
}

std::vector<AnswerColumn> MtlSystem::answer_columns(const AnswerNames& names) const {
  std::vector<AnswerColumn> columns;
  for (const FittedTarget& target : names.targets) {
    const std::size_t before = columns.size();
    for (AnswerColumn& column : target.likelihood->answer_columns(target)) {
      column.at += before;
      columns.push_back(std::move(column));
    }
  }
  return columns;
}

std::vector<Decision> MtlSystem::decisions(const AnswerNames& names) const {
  std::vector<Decision> decisions;
  std::size_t first = 0;
  int column = 0;
  for (const FittedTarget& target : names.targets) {
    if (target.likelihood->cells() == Cells::classes)
      decisions.push_back({"decision_" + target.columns.front(), first, target.class_names, column});
    first += target.likelihood->answer_columns(target).size();
    column += static_cast<int>(target.columns.size());
  }
  return decisions;
}

std::vector<std::string> MtlSystem::latent_names() const {
  std::vector<std::string> names;
  for (int i = 1; i <= model.trunk.back(); ++i) names.push_back("trunk" + std::to_string(i));
  return names;
}

/// The last trunk layer's output.
std::vector<double> MtlSystem::latents(const Said& said) const {
  return {said.outputs[1].begin(), said.outputs[1].end()};
}

}  // namespace equipoise
