// engine/statistics/auc.cpp - how well scores separate classes: area under the ROC curve, and counts at a threshold.
#include "engine/statistics/auc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "engine/base/error.h"

namespace equipoise {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

struct Scored {
  double score;
  bool positive;
};

void check_lengths(size_t scores, size_t labels, size_t columns) {
  if (labels > std::numeric_limits<size_t>::max() / columns || scores != labels * columns) {
    throw std::invalid_argument("scores and labels of unequal lengths");
  }
}

/// Whether the row takes part.
bool counts(int label, int classes) {
  if (label < -1 || label >= classes) throw std::invalid_argument("a label outside the classes");
  return label >= 0;
}

double checked(double score, size_t row) {
  if (!std::isnan(score)) return score;
  throw Error(ExitCode::numerics, fmt::format("the score of row {} (from 0) is NaN, so the rows cannot be ranked; look "
                                              "for non-finite parameters or inputs",
                                              row));
}

/// The labelled rows of one column, `positive_class` against the rest.
std::vector<Scored> labelled_rows(std::span<const double> score, std::span<const int> label, int classes,
                                  size_t columns, size_t column, int positive_class) {
  std::vector<Scored> rows;
  for (size_t i = 0; i < label.size(); ++i) {
    if (counts(label[i], classes)) {
      rows.push_back({checked(score[i * columns + column], i), label[i] == positive_class});
    }
  }
  return rows;
}

double ranked_auc(std::vector<Scored> rows) {
  std::sort(rows.begin(), rows.end(), [](const Scored& a, const Scored& b) { return a.score < b.score; });
  uint64_t positives = 0;
  uint64_t negatives = 0;  // among rows of a lower score, then of all
  uint64_t half_wins = 0;  // pairs won count two, ties one
  for (size_t begin = 0; begin < rows.size();) {
    uint64_t tied_positives = 0;
    uint64_t tied_negatives = 0;
    size_t end = begin;
    for (; end < rows.size() && rows[end].score == rows[begin].score; ++end) {
      ++(rows[end].positive ? tied_positives : tied_negatives);
    }
    half_wins += tied_positives * (2 * negatives + tied_negatives);
    positives += tied_positives;
    negatives += tied_negatives;
    begin = end;
  }
  if (positives == 0 || negatives == 0) return kNothing;
  return static_cast<double>(half_wins) / static_cast<double>(2 * positives * negatives);
}

double rate(int64_t part, int64_t all) {
  return all == 0 ? kNothing : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

double auc(std::span<const double> score, std::span<const int> label) {
  check_lengths(score.size(), label.size(), 1);
  return ranked_auc(labelled_rows(score, label, 2, 1, 0, 1));
}

double multiclass_auc(std::span<const double> score, std::span<const int> label, int classes) {
  if (classes < 2) throw std::invalid_argument("fewer than two classes");
  const auto columns = static_cast<size_t>(classes);
  check_lengths(score.size(), label.size(), columns);
  if (classes == 2) return ranked_auc(labelled_rows(score, label, 2, 2, 1, 1));
  double sum = 0;
  int present = 0;
  for (int c = 0; c < classes; ++c) {
    const double area = ranked_auc(labelled_rows(score, label, classes, columns, static_cast<size_t>(c), c));
    if (std::isnan(area)) continue;
    sum += area;
    ++present;
  }
  return present == 0 ? kNothing : sum / present;
}

double BinaryCounts::accuracy() const { return rate(tp + tn, tp + fp + tn + fn); }
double BinaryCounts::sensitivity() const { return rate(tp, tp + fn); }
double BinaryCounts::specificity() const { return rate(tn, tn + fp); }

std::vector<double> second_of_two(std::span<const double> scores) {
  std::vector<double> second;
  for (size_t i = 1; i < scores.size(); i += 2) second.push_back(scores[i]);
  return second;
}

double youden_threshold(std::span<const double> score, std::span<const int> label) {
  check_lengths(score.size(), label.size(), 1);
  std::vector<Scored> rows = labelled_rows(score, label, 2, 1, 0, 1);
  std::sort(rows.begin(), rows.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });
  const auto positives = std::count_if(rows.begin(), rows.end(), [](const Scored& row) { return row.positive; });
  const auto negatives = static_cast<ptrdiff_t>(rows.size()) - positives;
  if (positives == 0 || negatives == 0) return kNothing;
  double best = kNothing;
  int64_t tp = 0, fp = 0, most = std::numeric_limits<int64_t>::min();
  for (size_t begin = 0; begin < rows.size();) {
    size_t end = begin;
    for (; end < rows.size() && rows[end].score == rows[begin].score; ++end) ++(rows[end].positive ? tp : fp);
    if (const int64_t index = tp * negatives - fp * positives; index > most) {
      most = index;
      best = rows[begin].score;
    }
    begin = end;
  }
  return best;
}

BinaryCounts count_binary(std::span<const double> score, std::span<const int> label, double threshold) {
  check_lengths(score.size(), label.size(), 1);
  BinaryCounts found;
  for (const Scored& row : labelled_rows(score, label, 2, 1, 0, 1)) {
    const bool called = row.score >= threshold;
    ++(row.positive ? (called ? found.tp : found.fn) : (called ? found.fp : found.tn));
  }
  return found;
}

}  // namespace equipoise
