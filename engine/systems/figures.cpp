// engine/systems/figures.cpp - the figures of each system.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/statistics/auc.h"
#include "engine/train/evaluation.h"
#include "kernels/base/strict_math.h"

namespace equipoise {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<int> labels_of(const Said& said) {
  std::vector<int> label;
  for (int row : said.rows) label.push_back(said.data.label[static_cast<std::size_t>(row)]);
  return label;
}

int count_labels(std::span<const int> label) {
  return static_cast<int>(std::count_if(label.begin(), label.end(), [](int l) { return l >= 0; }));
}

// A model that overflows says nothing; its figures are undefined rather than an error, as training may go on.
bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}

double sigmoid(float logit) { return 1.0 / (1.0 + strict_exp(-double{logit})); }

/// Answers of one task, [rows, outputs], from all answers side by side.
std::vector<float> columns_of(const std::vector<float>& all, std::size_t rows, int first, int cols) {
  std::vector<float> values;
  const std::size_t width = rows == 0 ? 0 : all.size() / rows;
  for (std::size_t r = 0; r < rows; ++r)
    for (int c = 0; c < cols; ++c) values.push_back(all[r * width + static_cast<std::size_t>(first + c)]);
  return values;
}

/// Figures of one task of a multi-task network, named <task>.<figure>, and its answers as users read them.
class TaskFigures {
 public:
  TaskFigures(const Target& target, const Said& said, std::vector<float> answer)
      : target_(target), said_(said), answer_(std::move(answer)) {}

  std::vector<double> judge(std::vector<Figure>& figures) const {
    const auto add = [&](const char* name, double value) { figures.push_back({target_.name + "." + name, {value}}); };
    if (target_.kind == TargetKind::regression) {
      const auto [error, r2] = errors();
      add("mse", error);
      add("r2", r2);
      return {answer_.begin(), answer_.end()};
    }
    const std::vector<double> probability = probabilities();
    std::vector<int> label;
    for (std::size_t r = 0; r < said_.rows.size(); ++r) {
      const float t = target(r, 0);
      label.push_back(std::isnan(t) ? -1 : static_cast<int>(t));
    }
    const bool known = count_labels(label) > 0 && all_finite(probability);
    const int classes = target_.kind == TargetKind::binary ? 2 : target_.classes;
    add("auc", known ? multiclass_auc(probability, label, classes) : kNan);
    add("accuracy", known ? accuracy_of(probability, label, classes) : kNan);
    return probability;
  }

 private:
  float target(std::size_t row, int col) const {
    return said_.data
        .targets[static_cast<std::size_t>(said_.rows[row]) * static_cast<std::size_t>(said_.data.target_cols) +
                 static_cast<std::size_t>(target_.first_col + col)];
  }

  /// Mean squared error, and one minus its share of the targets' variance.
  std::pair<double, double> errors() const {
    double squares = 0, count = 0, spread = 0;
    for (int c = 0; c < target_.cols; ++c) {
      double sum = 0, known = 0;
      for (std::size_t r = 0; r < said_.rows.size(); ++r)
        if (const float t = target(r, c); !std::isnan(t)) sum += t, known += 1;
      for (std::size_t r = 0; r < said_.rows.size(); ++r) {
        const double t = target(r, c);
        if (std::isnan(t)) continue;
        const double off =
            t - double{answer_[r * static_cast<std::size_t>(target_.cols) + static_cast<std::size_t>(c)]};
        squares += off * off;
        spread += (t - sum / known) * (t - sum / known);
      }
      count += known;
    }
    return {count > 0 ? squares / count : kNan, spread > 0 ? 1.0 - squares / spread : kNan};
  }

  /// [rows, classes]
  std::vector<double> probabilities() const {
    if (target_.kind == TargetKind::multiclass) return softmax_rows(answer_, target_.classes);
    std::vector<double> p;
    for (float logit : answer_) {
      p.push_back(1.0 - sigmoid(logit));
      p.push_back(sigmoid(logit));
    }
    return p;
  }

  const Target& target_;
  const Said& said_;
  std::vector<float> answer_;
};

/// Interleaves blocks of columns into rows.
void put_side_by_side(const std::vector<std::vector<double>>& blocks, std::size_t rows, Evaluation& to) {
  for (const auto& block : blocks) to.answer_cols += rows == 0 ? 0 : static_cast<int>(block.size() / rows);
  for (std::size_t r = 0; r < rows; ++r)
    for (const auto& block : blocks) {
      const auto cols = static_cast<std::ptrdiff_t>(block.size() / rows), first = static_cast<std::ptrdiff_t>(r) * cols;
      to.answers.insert(to.answers.end(), block.begin() + first, block.begin() + first + cols);
    }
}

}  // namespace

double mean_squared_error(const Said& said, const std::vector<float>& output, std::size_t view) {
  const auto cols = static_cast<std::size_t>(said.data.features[view]);
  double sum = 0;
  for (std::size_t r = 0; r < said.rows.size(); ++r)
    for (std::size_t c = 0; c < cols; ++c) {
      const double d = double{output[r * cols + c]} -
                       double{said.data.views[view][static_cast<std::size_t>(said.rows[r]) * cols + c]};
      sum += d * d;
    }
  return sum / static_cast<double>(said.rows.size() * cols);
}

double accuracy_of(std::span<const double> probability, std::span<const int> label, int classes) {
  int64_t right = 0, known = 0;
  for (std::size_t r = 0; r < label.size(); ++r) {
    if (label[r] < 0) continue;
    const auto row = probability.subspan(r * static_cast<std::size_t>(classes), static_cast<std::size_t>(classes));
    right += std::max_element(row.begin(), row.end()) - row.begin() == label[r];
    ++known;
  }
  return static_cast<double>(right) / static_cast<double>(known);
}

std::vector<double> softmax_rows(std::span<const float> logits, int classes) {
  std::vector<double> p(logits.begin(), logits.end());
  for (std::size_t first = 0; first < p.size(); first += static_cast<std::size_t>(classes)) {
    double* row = p.data() + first;
    const double largest = *std::max_element(row, row + classes);
    double sum = 0;
    for (int c = 0; c < classes; ++c) sum += row[c] = strict_exp(row[c] - largest);
    for (int c = 0; c < classes; ++c) row[c] /= sum;
  }
  return p;
}

void judge(const MldrlModel& model, const Said& said, Evaluation& e) {
  const std::vector<int> label = labels_of(said);
  const std::vector<float>& prediction = said.outputs[0];
  e.labelled = count_labels(label);
  e.answer_cols = model.classes;
  e.answers = model.softmax_twice ? std::vector<double>(prediction.begin(), prediction.end())
                                  : softmax_rows(prediction, model.classes);
  // A decoder's term is its own reconstruction's error plus the crossed one's; the emitted rows are the former.
  Figure own{"reconstruction_error", {}}, crossed{"crossed_error", {}};
  for (std::size_t v = 0; v < 2; ++v) {
    own.values.push_back(mean_squared_error(said, said.outputs[3 + v], v));
    crossed.values.push_back(e.terms[v] - own.values.back());
  }
  const bool known = e.labelled > 0 && all_finite(e.answers);
  double sensitivity = kNan, specificity = kNan;
  if (known && model.classes == 2) {
    std::vector<double> positive;
    for (std::size_t r = 0; r < label.size(); ++r) positive.push_back(e.answers[2 * r + 1]);
    const BinaryCounts counts = count_binary(positive, label, 0.5);
    sensitivity = counts.sensitivity();
    specificity = counts.specificity();
  }
  e.figures = {own,
               crossed,
               {"auc", {known ? multiclass_auc(e.answers, label, model.classes) : kNan}},
               {"accuracy", {known ? accuracy_of(e.answers, label, model.classes) : kNan}},
               {"sensitivity", {sensitivity}},
               {"specificity", {specificity}}};
}

void judge(const MtlModel& model, const Said& said, Evaluation& e) {
  const std::size_t rows = said.rows.size(), cols = static_cast<std::size_t>(said.data.target_cols);
  for (int row : said.rows) {
    const float* targets = said.data.targets.data() + static_cast<std::size_t>(row) * cols;
    e.labelled += std::any_of(targets, targets + cols, [](float t) { return !std::isnan(t); });
  }
  std::vector<std::vector<double>> answers;
  int first = 0;
  for (const Target& target : model.tasks) {
    answers.push_back(
        TaskFigures(target, said, columns_of(said.outputs[0], rows, first, target.outputs())).judge(e.figures));
    first += target.outputs();
  }
  put_side_by_side(answers, rows, e);
}

void judge(const VaeganModel& model, const Said& said, Evaluation& e) {
  e.labelled = count_labels(labels_of(said));
  e.answer_cols = model.latent;
  e.answers.assign(said.outputs[1].begin(), said.outputs[1].end());
  // How often the discriminator takes original, reconstructed and sampled rows for real.
  Figure real{"discriminator_real", std::vector<double>(3, 0.0)};
  for (std::size_t i = 0; i < said.outputs[2].size(); ++i)
    real.values[i % 3] += sigmoid(said.outputs[2][i]) / static_cast<double>(said.rows.size());
  e.figures = {{"reconstruction_error", {mean_squared_error(said, said.outputs[0], 0)}}, real};
}

}  // namespace equipoise
