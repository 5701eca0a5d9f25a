// engine/systems/mldrl/mldrl_figures.cpp - what MLDRL is judged by, and how its answers are told.
#include <fmt/format.h>

#include "engine/statistics/auc.h"
#include "engine/systems/evaluation.h"
#include "engine/systems/mldrl/mldrl_system.h"
#include "engine/systems/weighted_loss.h"

namespace equipoise {

void MldrlSystem::judge(const Said& said, Evaluation& e) const {
  const bool classifies = model.has(kClassification);
  if (model.has(kReconstruction)) {
    // A decoder's term is its own reconstruction's error plus those of the crossed ones; the emitted rows are the
    // former. Of several crossed ones the mean is told.
    Figure own{"reconstruction_error", {}}, crossed{"crossed_error", {}};
    const auto views = static_cast<std::size_t>(model.views());
    const std::size_t first = (classifies ? 1 : 0) + views;
    for (std::size_t v = 0; v < views; ++v) {
      own.values.push_back(
          mean_squared_error(said.outputs[first + v], said.data.views[v], said.rows, said.data.features[v]));
      if (views > 1) crossed.values.push_back((e.terms[v] - own.values.back()) / static_cast<double>(views - 1));
    }
    e.figures = {own};
    if (views > 1) e.figures.push_back(crossed);
  }
  std::vector<double> answers;
  if (classifies) {
    const std::vector<float>& prediction = said.outputs[0];
    answers = model.softmax_twice ? std::vector<double>(prediction.begin(), prediction.end())
                                  : softmax_rows(prediction, model.classes);
  }
  judge_answers({said.data, said.rows, std::move(answers), said.thresholds}, e);
}

void MldrlSystem::judge_answers(Answered said, Evaluation& e) const {
  const bool classifies = model.has(kClassification);
  take_answers(std::move(said.answers), said.rows.size(), classifies ? model.classes : 0, e);
  std::vector<int> label;
  for (const int row : said.rows) label.push_back(said.data.label[static_cast<std::size_t>(row)]);
  e.labelled = count_labels(label);
  if (!classifies) return;
  const bool known = e.labelled > 0 && all_finite(e.answers);
  double accuracy = kUndefined, sensitivity = kUndefined, specificity = kUndefined;
  if (known && model.classes == 2) {
    const BinaryCounts counts =
        count_binary(second_of_two(e.answers), label, said.thresholds.empty() ? kHalf : said.thresholds.front());
    accuracy = counts.accuracy();
    sensitivity = counts.sensitivity();
    specificity = counts.specificity();
  } else if (known) {
    accuracy = accuracy_of(e.answers, label, model.classes);
  }
  e.figures.push_back({"auc", {known ? multiclass_auc(e.answers, label, model.classes) : kUndefined}});
  e.figures.push_back({"accuracy", {accuracy}});
  e.figures.push_back({"sensitivity", {sensitivity}});
  e.figures.push_back({"specificity", {specificity}});
}

double MldrlSystem::watched(const Evaluation& evaluation, const Monitored& by) const {
  if (by.monitor == Monitor::auc) return evaluation.figure("auc");
  return watched_losses(evaluation, watch(by));
}

std::vector<AnswerColumn> MldrlSystem::answer_columns(const AnswerNames& names) const {
  // A model that was trained without any label has an untrained classifier, whose classes have no names.
  if (!model.has(kClassification) || names.labels.empty()) return {};
  std::vector<AnswerColumn> columns;
  for (std::size_t k = 0; k < static_cast<std::size_t>(model.classes); ++k)
    columns.push_back({"probability_" + names.labels[k], k});
  return columns;
}

std::vector<Decision> MldrlSystem::decisions(const AnswerNames& names) const {
  if (!model.has(kClassification) || names.labels.empty()) return {};
  return {{"decision", 0, names.labels}};
}

std::vector<std::string> MldrlSystem::latent_names() const {
  std::vector<std::string> names;
  for (int i = 1; i <= model.shared; ++i) names.push_back(fmt::format("shared{}", i));
  for (int v = 1; v <= model.views(); ++v)
    for (int i = 1; i <= model.specific; ++i) names.push_back(fmt::format("specific{}_{}", v, i));
  return names;
}

/// What the classifier reads: the mean of the views' shared parts, then each view's specific one.
std::vector<double> MldrlSystem::latents(const Said& said) const {
  const auto views = static_cast<std::size_t>(model.views()), shared = static_cast<std::size_t>(model.shared);
  const auto latent = shared + static_cast<std::size_t>(model.specific);
  const std::size_t first = model.has(kClassification) ? 1 : 0;
  std::vector<double> values;
  for (std::size_t r = 0; r < said.rows.size(); ++r) {
    for (std::size_t i = 0; i < shared; ++i) {
      double sum = 0;
      for (std::size_t v = 0; v < views; ++v) sum += double{said.outputs[first + v][r * latent + i]};
      values.push_back(sum / static_cast<double>(views));
    }
    for (std::size_t v = 0; v < views; ++v)
      for (std::size_t i = shared; i < latent; ++i) values.push_back(double{said.outputs[first + v][r * latent + i]});
  }
  return values;
}

std::pair<std::string, std::string> MldrlSystem::shown_figure() const {
  return model.has(kClassification) ? std::pair<std::string, std::string>{"auc", "auc"}
                                    : std::pair<std::string, std::string>{};
}

}  // namespace equipoise
