// host/data/select/forest_opencv.cpp - importance in a random forest of OpenCV's ml module.
//
// score = the column's share of what all splits of all trees take away of the known rows' impurity: Gini's, or of
// numbers the sum of squares about the mean. The shares sum to 1.
//
// Trees are OpenCV's (bootstrapped rows, the root of the number of columns tried at each split, no pruning); the
// importance is counted here. OpenCV's own, by permutation, copies each row once a column, so that its time grows with
// the square of the columns, and it compares a forest with a tree, which adds a constant to every column.
//
// OpenCV trains a forest in one thread, with the generator of that thread, which is seeded here.
#include <opencv2/ml.hpp>

#include <algorithm>

#include "host/data/select/select.h"
#include "kernels/base/philox.h"

namespace equipoise {
namespace {

constexpr int kDeepest = 25;  // OpenCV's own limit
constexpr int kLeafOfClasses = 2, kLeafOfNumbers = 5;

cv::Ptr<cv::ml::RTrees> grow(const SelectJob& job) {
  const int rows = static_cast<int>(job.known.size()), columns = static_cast<int>(job.candidates.size());
  const bool classes = job.outcome.classes > 0;
  cv::Mat samples(rows, columns, CV_32F), responses(rows, 1, classes ? CV_32S : CV_32F);
  for (int r = 0; r < rows; ++r) {
    const std::size_t row = job.known[static_cast<std::size_t>(r)];
    for (int c = 0; c < columns; ++c)
      samples.at<float>(r, c) = job.columns.at(job.candidates[static_cast<std::size_t>(c)])[row];
    if (classes) responses.at<int>(r) = static_cast<int>(job.outcome.values[row]);
    else responses.at<float>(r) = static_cast<float>(job.outcome.values[row]);
  }
  const cv::Ptr<cv::ml::RTrees> forest = cv::ml::RTrees::create();
  forest->setMaxDepth(kDeepest);
  forest->setMinSampleCount(classes ? kLeafOfClasses : kLeafOfNumbers);
  forest->setRegressionAccuracy(0);
  forest->setActiveVarCount(0);  // the root of their number
  forest->setCalculateVarImportance(false);
  forest->setTermCriteria({cv::TermCriteria::COUNT, static_cast<int>(job.setting), 0});
  const PhiloxBlock random = draw({job.seed, 0, 0, static_cast<uint32_t>(Purpose::bootstrap)}, 0);
  cv::theRNG() = cv::RNG(uint64_t{random.v[1]} << 32 | random.v[0]);
  forest->train(cv::ml::TrainData::create(samples, cv::ml::ROW_SAMPLE, responses));
  return forest;
}

/// Rows of the job that reach one node, and what their impurity is.
class Impurity {
 public:
  explicit Impurity(const SelectJob& job) : job_(job), count_(static_cast<std::size_t>(job.outcome.classes)) {}

  double of(std::span<const std::size_t> rows) {
    const auto n = static_cast<double>(rows.size());
    if (rows.empty()) return 0;
    if (count_.empty()) {
      double sum = 0, squares = 0;
      for (const std::size_t row : rows) sum += job_.outcome.values[row];
      for (const std::size_t row : rows) {
        const double rest = job_.outcome.values[row] - sum / n;
        squares += rest * rest;
      }
      return squares;
    }
    std::fill(count_.begin(), count_.end(), 0.0);
    for (const std::size_t row : rows) count_[static_cast<std::size_t>(job_.outcome.values[row])] += 1;
    double squares = 0;
    for (const double k : count_) squares += k * k;
    return n - squares / n;
  }

 private:
  const SelectJob& job_;
  std::vector<double> count_;  // of each class
};

/// Sends rows down from a node and adds what each split takes away to its column's sum.
void walk_down(const SelectJob& job, const cv::ml::RTrees& forest, int at, std::span<std::size_t> rows,
               Impurity& impurity, std::vector<double>& sums) {
  const cv::ml::DTrees::Node& node = forest.getNodes()[static_cast<std::size_t>(at)];
  if (node.split < 0 || rows.size() < 2) return;
  const cv::ml::DTrees::Split& split = forest.getSplits()[static_cast<std::size_t>(node.split)];
  const auto place = static_cast<std::size_t>(split.varIdx);
  const std::span<const float> values = job.columns.at(job.candidates[place]);
  const auto middle = std::stable_partition(
      rows.begin(), rows.end(), [&](std::size_t row) { return (values[row] <= split.c) != split.inversed; });
  const std::span left(rows.begin(), middle), right(middle, rows.end());
  sums[place] += std::max(impurity.of(rows) - impurity.of(left) - impurity.of(right), 0.0);
  walk_down(job, forest, node.left, left, impurity, sums);
  walk_down(job, forest, node.right, right, impurity, sums);
}

}  // namespace

std::vector<double> forest_scores(const SelectJob& job) {
  const cv::Ptr<cv::ml::RTrees> forest = grow(job);
  Impurity impurity(job);
  std::vector<double> sums(job.candidates.size(), 0.0);
  for (const int root : forest->getRoots()) {
    std::vector<std::size_t> rows(job.known.begin(), job.known.end());
    walk_down(job, *forest, root, rows, impurity, sums);
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  if (total > 0)
    for (double& sum : sums) sum /= total;
  return sums;
}

}  // namespace equipoise
