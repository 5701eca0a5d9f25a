// tests/kernels/ops/rows_test.cpp - which rows a batch takes, their labels and values.
#include "kernels/ops/rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/kernels/harness.h"

namespace equipoise::test {
namespace {

constexpr int kRows = 40;

/// Labels and a row list in which this replica's rows stand between those of others.
struct Tables {
  Tables() {
    for (int r = 0; r < kRows; ++r) {
      labels.push_back(r % 4 == 3 ? -1 : r % 3);
      row_list.push_back((r * 7) % kRows);
    }
  }
  std::vector<int32_t> labels, row_list;
};

/// The batch that a rig chooses at a position of an epoch.
std::vector<int32_t> chosen(const Tables& t, int position, int n, bool shuffle, int epoch, uint32_t replica) {
  Rig rig(10, n);
  rig.sets[0].labels = t.labels.data();
  rig.data.row_list = t.row_list.data();
  rig.settings.first_row = 5;
  rig.settings.rows = 23;
  rig.settings.seed = 99;
  rig.settings.replica = replica;
  rig.control().position = position;
  rig.control().epoch = epoch;
  rig.shuffle = shuffle;
  const Place rows = rig.ints(10), labels = rig.ints(10);
  rig.run(ChooseRows{rows, labels}, {Rig::written_floats(rows, n), Rig::written_floats(labels, n)});
  std::vector<int32_t> result;
  for (int r = 0; r < n; ++r) {
    result.push_back(rig.int_at(rows, r));
    EXPECT_EQ(rig.int_at(labels, r), t.labels[static_cast<std::size_t>(result.back())]);
  }
  return result;
}

std::vector<int32_t> epoch_of(const Tables& t, bool shuffle, int epoch, uint32_t replica) {
  std::vector<int32_t> all;
  for (int position = 0; position < 23; position += 10) {
    const std::vector<int32_t> batch = chosen(t, position, std::min(10, 23 - position), shuffle, epoch, replica);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

TEST(ChooseRows, InOrderWalksThisReplicasPartOfTheRowList) {
  const Tables t;
  const std::vector<int32_t> expected(t.row_list.begin() + 5, t.row_list.begin() + 28);
  EXPECT_EQ(epoch_of(t, false, 0, 0), expected);
  EXPECT_EQ(epoch_of(t, false, 3, 1), expected);
}

TEST(ChooseRows, ShuffledTakesEveryRowOnceAnEpochInAnOrderOfItsOwn) {
  const Tables t;
  std::vector<int32_t> expected(t.row_list.begin() + 5, t.row_list.begin() + 28);
  std::vector<std::vector<int32_t>> orders;
  for (int epoch : {0, 1})
    for (uint32_t replica : {0u, 1u}) orders.push_back(epoch_of(t, true, epoch, replica));
  for (std::size_t i = 0; i < orders.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(orders[i], orders[j]);
  for (std::vector<int32_t> order : orders) {
    std::vector<int32_t> all = expected;
    std::sort(all.begin(), all.end());
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, all);
  }
}

TEST(ChooseRows, ShuffledIsThePermutationOfTheEpoch) {
  const Tables t;
  const std::vector<int32_t> order = epoch_of(t, true, 4, 6);
  const Permutation shuffle = make_permutation(23, 99, 6, 4);
  for (uint32_t r = 0; r < 23; ++r) EXPECT_EQ(order[r], t.row_list[5 + shuffle(r)]) << "position " << r;
}

TEST(LabelWeight, SumsTheClassWeightsOfLabelledRowsOfThisSplit) {
  const float weights[] = {100.0f, 0.25f, 2.0f, 8.0f};
  Rig rig(8, 6);
  rig.data.class_weights = weights;
  rig.settings.first_class_weight = 1;
  const Place labels = rig.ints(8);
  const int label[] = {0, -1, 2, 2, 1, -1};
  for (int r = 0; r < 6; ++r) rig.set_int(labels, r, label[r]);
  rig.run(LabelWeight{labels}, {});
  EXPECT_EQ(rig.control().label_weight, 0.25 + 8 + 8 + 2);
}

TEST(LabelWeight, WithoutALabelIsZero) {
  Rig rig(3);
  const float weights[] = {1.0f};
  rig.data.class_weights = weights;
  rig.control().label_weight = 7;
  const Place labels = rig.ints(3);
  for (int r = 0; r < 3; ++r) rig.set_int(labels, r, -1);
  rig.run(LabelWeight{labels}, {});
  EXPECT_EQ(rig.control().label_weight, 0.0);
}

std::vector<float> numbered(int rows, int cols) {
  std::vector<float> values(static_cast<std::size_t>(rows * cols));
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

TEST(Gather, CopiesTheChosenRowsOfItsSource) {
  for (const Shape& s : kShapes) {
    const std::vector<float> values = numbered(kRows, s.cols);
    Rig rig(s.batch, s.n);
    rig.sets[0].sources[1] = {values.data(), s.cols};
    const Place rows = rig.ints(s.batch);
    const View to = rig.matrix(1, s.cols);
    for (int r = 0; r < s.n; ++r) rig.set_int(rows, r, (r * 13 + 5) % kRows);
    rig.run(Gather{rows, 1, to}, {rig.written(to)});
    for (int r = 0; r < s.n; ++r)
      for (int c = 0; c < s.cols; ++c)
        EXPECT_EQ(rig.row(to, r)[c], values[static_cast<std::size_t>((r * 13 + 5) % kRows * s.cols + c)])
            << name_of(s) << " " << coordinate("to", r, c);
  }
}

}  // namespace
}  // namespace equipoise::test
