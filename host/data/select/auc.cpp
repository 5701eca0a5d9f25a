// host/data/select/auc.cpp - how well a column alone tells classes apart, whatever its distribution.
//
// Of two classes: max(A, 1 - A), A the area under the ROC curve of the column, ties counting half. Of more: the mean of
// that over all pairs of classes (after Hand and Till 2001, whose M does not turn an A below one half). From .5 to 1.
#include "engine/statistics/auc.h"

#include <algorithm>

#include "host/data/select/select.h"

namespace equipoise {

std::vector<double> auc_scores(const SelectJob& job) {
  std::vector<std::vector<int>> pairs;  // labels of the known rows: 0, 1, or -1 for the other classes
  for (int one = 0; one < job.outcome.classes; ++one)
    for (int other = one + 1; other < job.outcome.classes; ++other) {
      std::vector<int> label;
      for (const std::size_t row : job.known) {
        const double k = job.outcome.values[row];
        label.push_back(k == one ? 0 : k == other ? 1 : -1);
      }
      const auto has = [&](int k) { return std::find(label.begin(), label.end(), k) != label.end(); };
      if (has(0) && has(1)) pairs.push_back(std::move(label));
    }
  std::vector<double> scores, values(job.known.size());
  for (const std::size_t column : job.candidates) {
    const std::span<const float> all = job.columns.at(column);
    std::transform(job.known.begin(), job.known.end(), values.begin(), [&](std::size_t row) { return all[row]; });
    double sum = 0;
    for (const std::vector<int>& label : pairs) {
      const double area = auc(values, label);
      sum += std::max(area, 1 - area);
    }
    scores.push_back(sum / static_cast<double>(pairs.size()));
  }
  return scores;
}

}  // namespace equipoise
