// engine/evaluation.cpp - figures of a trained model.
#include "engine/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/auc.h"

namespace equipoise {

namespace {

LowerOptions options_of(const MldrlSetup& setup, int batch, const PlanLimits& limits) {
  LowerOptions o;
  o.batch = batch;
  o.chain = balance_chain(setup);  // so that its state has the training's layout
  o.shuffle = false;
  o.trains = false;
  o.limits = limits;
  return o;
}

/// Softmax of each row's logits, in double.
std::vector<double> probabilities(const std::vector<float>& prediction, int rows, int classes, bool are_probabilities) {
  std::vector<double> p(prediction.begin(), prediction.end());
  if (are_probabilities) return p;
  for (int r = 0; r < rows; ++r) {
    double* row = p.data() + static_cast<std::ptrdiff_t>(r) * classes;
    const double largest = *std::max_element(row, row + classes);
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += row[c] = strict_exp(row[c] - largest);
    for (int c = 0; c < classes; ++c) row[c] /= sum;
  }
  return p;
}

}  // namespace

RunTables tables_of(const Dataset& data, const Split& split, std::span<const float> class_weights) {
  RunTables tables;
  for (std::size_t v = 0; v < data.views.size(); ++v) tables.sources.push_back({data.views[v], data.features[v]});
  tables.labels.assign(data.label.begin(), data.label.end());
  for (const auto* part : {&split.train, &split.validation, &split.test})
    tables.row_list.insert(tables.row_list.end(), part->begin(), part->end());
  tables.class_weights.assign(class_weights.begin(), class_weights.end());
  return tables;
}

Evaluator::Evaluator(const MldrlSetup& setup, const Dataset& data, int batch, Executor& executor)
    : setup_(setup),
      data_(data),
      executor_(executor),
      program_(lower(mldrl_graph(setup.model, LatentNoise::none), options_of(setup, batch, executor.plan_limits()))) {}

double Evaluator::mean_error(const std::vector<float>& output, std::span<const int> rows, std::size_t view) const {
  const auto cols = static_cast<std::size_t>(data_.features[view]);
  double sum = 0;
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (std::size_t c = 0; c < cols; ++c) {
      const double d =
          double{output[r * cols + c]} - double{data_.views[view][static_cast<std::size_t>(rows[r]) * cols + c]};
      sum += d * d;
    }
  return sum / static_cast<double>(rows.size() * cols);
}

Evaluation Evaluator::evaluate(int first, std::span<const int> rows) {
  const int count = static_cast<int>(rows.size());
  std::vector<int> label;
  for (int row : rows) label.push_back(data_.label[static_cast<std::size_t>(row)]);
  Settings settings = setup_.settings;
  settings.first_row = first;
  settings.rows = count;
  Control control = fresh_control(settings, static_cast<int>(program_.task_names.size()));
  Emitted emitted;
  emitted.rows = count;
  executor_.run(program_, {&settings, 1}, {&control, 1}, {(count + program_.batch - 1) / program_.batch, true},
                &emitted);

  Evaluation e{};
  const int classes = setup_.model.classes;
  e.rows = count;
  e.labelled = static_cast<int>(std::count_if(label.begin(), label.end(), [](int l) { return l >= 0; }));
  e.probability = probabilities(emitted.values[0], count, classes, setup_.model.softmax_twice);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto mean = [&](double sum, bool by_label) {
    const double over = by_label ? control.sum_label_weight : control.sum_rows;
    return over > 0 ? sum / over : nan;
  };
  for (std::size_t t = 0; t < program_.term_names.size(); ++t)
    e.terms.push_back(mean(control.sum_terms[t], program_.term_names[t] == "cross_entropy"));
  for (std::size_t k = 0; k < program_.task_names.size(); ++k)
    e.losses.push_back(mean(control.sum_losses[k], program_.task_names[k] == "classification"));
  // A decoder's term is its own reconstruction's error plus the crossed one's; the emitted rows are the former.
  for (std::size_t v = 0; v < 2; ++v) {
    e.reconstruction_error[v] = mean_error(emitted.values[3 + v], rows, v);
    e.crossed_error[v] = e.terms[v] - e.reconstruction_error[v];
  }

  e.auc = e.accuracy = e.sensitivity = e.specificity = nan;
  // A model that overflows says nothing; its figures are undefined rather than an error, as training may go on.
  const bool finite =
      std::all_of(e.probability.begin(), e.probability.end(), [](double p) { return std::isfinite(p); });
  if (e.labelled == 0 || !finite) return e;
  e.auc = multiclass_auc(e.probability, label, classes);
  int64_t right = 0;
  for (int r = 0; r < count; ++r) {
    const double* p = e.probability.data() + static_cast<std::ptrdiff_t>(r) * classes;
    if (label[static_cast<std::size_t>(r)] >= 0 &&
        std::max_element(p, p + classes) - p == label[static_cast<std::size_t>(r)])
      ++right;
  }
  e.accuracy = static_cast<double>(right) / e.labelled;
  if (classes == 2) {
    std::vector<double> positive;
    for (int r = 0; r < count; ++r) positive.push_back(e.probability[static_cast<std::size_t>(2 * r + 1)]);
    const BinaryCounts counts = count_binary(positive, label, 0.5);
    e.sensitivity = counts.sensitivity();
    e.specificity = counts.specificity();
  }
  return e;
}

}  // namespace equipoise
